-- Webhooks: who wants which events, what is on its way to whom, and what came of each try.

CREATE TABLE webhook_endpoint (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    endpoint_url TEXT COLLATE "C" NOT NULL,
    -- A deleted one stays until a job has deleted its deliveries, a few at a time.
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('enabled', 'disabled', 'deleted')),
    -- Why it was disabled, when nobody has asked for that.
    disabled_reason TEXT COLLATE "C",
    sealed_secret BYTEA NOT NULL,
    -- The secret that takes over at a moment; the one before signs beside it for a while.
    sealed_next_secret BYTEA,
    next_secret_at BIGINT,
    -- Tries since the last that succeeded, and when the first of them was.
    failures BIGINT NOT NULL,
    failing_since BIGINT,
    -- Nothing is sent before.
    resumes_at BIGINT,
    -- The events that are to be sent again, a few at a time: from this position until that one.
    replays_from BIGINT,
    replays_until BIGINT,
    -- It was enabled while much was pending from before: what has a position up to this is deleted, a little at a time, and
    -- until that is done nothing is sent.
    drops_through BIGINT,
    -- The last position up to which deliveries were made while this row was locked for that.
    reached BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    CHECK ((sealed_next_secret IS NULL) = (next_secret_at IS NULL)),
    CHECK ((failures = 0) = (failing_since IS NULL)),
    CHECK ((replays_from IS NULL) = (replays_until IS NULL))
);
CREATE UNIQUE INDEX webhook_endpoint_endpoint_url_unique ON webhook_endpoint (environment_id, endpoint_url) WHERE status <> 'deleted';
CREATE INDEX webhook_endpoint_enabled ON webhook_endpoint (environment_id, id) WHERE status = 'enabled';
CREATE INDEX webhook_endpoint_replays ON webhook_endpoint (environment_id, id) WHERE replays_from IS NOT NULL;
CREATE INDEX webhook_endpoint_drops ON webhook_endpoint (environment_id, id) WHERE drops_through IS NOT NULL;
CREATE INDEX webhook_endpoint_ended ON webhook_endpoint (environment_id, id) WHERE status <> 'enabled';

CREATE TABLE webhook_endpoint_event (
    environment_id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (environment_id, endpoint_id, event),
    FOREIGN KEY (environment_id, endpoint_id) REFERENCES webhook_endpoint (environment_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_endpoint_event_event ON webhook_endpoint_event (environment_id, event, endpoint_id);

-- One event for one endpoint. Of those that are pending and about one subject, exactly one has a moment at which it is due:
-- the others wait until it is settled.
CREATE TABLE webhook_delivery (
    environment_id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    -- How often it was tried in all, and how often it may be tried yet.
    attempts BIGINT NOT NULL,
    remaining BIGINT NOT NULL,
    due_at BIGINT,
    created_at BIGINT NOT NULL,
    -- When it became pending: made, or asked for again.
    pending_since BIGINT NOT NULL,
    settled_at BIGINT,
    PRIMARY KEY (environment_id, endpoint_id, event_id),
    FOREIGN KEY (environment_id, endpoint_id) REFERENCES webhook_endpoint (environment_id, id) ON DELETE CASCADE,
    CHECK ((state = 'pending') = (settled_at IS NULL)),
    CHECK (state = 'pending' OR due_at IS NULL)
);
CREATE INDEX webhook_delivery_due_at ON webhook_delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_delivery_endpoint_due_at ON webhook_delivery (environment_id, endpoint_id, due_at, position) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_delivery_subject ON webhook_delivery (environment_id, endpoint_id, subject, position) WHERE state = 'pending';
CREATE INDEX webhook_delivery_pending_since ON webhook_delivery (environment_id, endpoint_id, pending_since) WHERE state = 'pending';
CREATE INDEX webhook_delivery_position ON webhook_delivery (environment_id, endpoint_id, position);
CREATE INDEX webhook_delivery_state ON webhook_delivery (environment_id, endpoint_id, state, position);
CREATE INDEX webhook_delivery_settled_at ON webhook_delivery (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE webhook_attempt (
    environment_id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    attempted_at BIGINT NOT NULL,
    milliseconds BIGINT NOT NULL,
    endpoint_url TEXT COLLATE "C" NOT NULL,
    -- What was answered, or why nothing was.
    status BIGINT,
    headers TEXT COLLATE "C",
    body TEXT COLLATE "C",
    error TEXT COLLATE "C",
    PRIMARY KEY (environment_id, endpoint_id, event_id, number),
    FOREIGN KEY (environment_id, endpoint_id, event_id) REFERENCES webhook_delivery (environment_id, endpoint_id, event_id) ON DELETE CASCADE,
    CHECK ((status IS NULL) = (error IS NOT NULL))
);

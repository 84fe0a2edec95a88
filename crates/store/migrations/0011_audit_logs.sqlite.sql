-- Audit logs: what companies tell of their organizations, and what administrators of the environment have done.

-- The actions that events may tell of, and what their events look like.
CREATE TABLE audit_log_action (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id)
) STRICT;
CREATE UNIQUE INDEX audit_log_action_name_unique ON audit_log_action (environment_id, name);

CREATE TABLE audit_log_schema (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    action_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    rules TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, action_id) REFERENCES audit_log_action (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX audit_log_schema_action_id_version_unique ON audit_log_schema (environment_id, action_id, version);
CREATE INDEX audit_log_schema_action_id ON audit_log_schema (environment_id, action_id, id);

-- The log. An event is written without a place, and gets one in the chain once it is committed. What is pruned leaves its
-- hash and its link behind until everything before it is gone. "sequence" 0 is a row that this server has not written.
-- There is no reference to the organization: what was recorded stays when it goes.
CREATE TABLE audit_log_event (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('organization', 'administrative', 'pruned')),
    organization_id TEXT,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    content TEXT,
    content_hash BLOB NOT NULL,
    seal BLOB NOT NULL,
    sequence INTEGER,
    hash BLOB,
    PRIMARY KEY (environment_id, id)
) STRICT;
CREATE UNIQUE INDEX audit_log_event_sequence_unique ON audit_log_event (environment_id, sequence) WHERE sequence > 0;
CREATE INDEX audit_log_event_sequence ON audit_log_event (environment_id, sequence);
CREATE INDEX audit_log_event_recorded_at ON audit_log_event (environment_id, recorded_at) WHERE kind = 'administrative';
CREATE INDEX audit_log_event_organization_id_recorded_at ON audit_log_event (environment_id, organization_id, recorded_at)
    WHERE kind = 'organization';
CREATE INDEX audit_log_event_organization_id_occurred_at ON audit_log_event (environment_id, organization_id, occurred_at, id)
    WHERE kind = 'organization';
CREATE INDEX audit_log_event_organization_id_sequence ON audit_log_event (environment_id, organization_id, sequence)
    WHERE kind = 'organization';
CREATE INDEX audit_log_event_administrative ON audit_log_event (environment_id, sequence) WHERE kind = 'administrative';

-- Where the chain of an environment begins and ends; locked by whoever makes it longer or shorter.
CREATE TABLE audit_log_head (
    environment_id TEXT NOT NULL PRIMARY KEY REFERENCES environment (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    pruned_through INTEGER NOT NULL,
    pruned_hash BLOB NOT NULL,
    seal BLOB NOT NULL
) STRICT;

-- How long events of an organization are kept, where somebody has said so. There is no reference to the organization: what
-- was said counts for its events when it is gone, and goes with the last of them.
CREATE TABLE audit_log_retention (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL,
    days INTEGER NOT NULL CHECK (days BETWEEN 30 AND 3650),
    PRIMARY KEY (environment_id, organization_id)
) STRICT;

-- Copies of the log, made in parts by a job: "through" is the place where the log ended when the copy was asked for, the two
-- "after" how far it has come.
CREATE TABLE audit_log_export (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    wanted TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'error', 'expired')),
    through INTEGER NOT NULL,
    after_occurred_at INTEGER NOT NULL,
    after_id TEXT NOT NULL,
    parts INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- When a node takes it up next; NULL when it is done.
    next_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX audit_log_export_organization_id ON audit_log_export (environment_id, organization_id, id);
CREATE INDEX audit_log_export_next_at ON audit_log_export (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX audit_log_export_pending ON audit_log_export (environment_id, next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX audit_log_export_created_at ON audit_log_export (created_at) WHERE state <> 'expired';

CREATE TABLE audit_log_export_part (
    environment_id TEXT NOT NULL,
    export_id TEXT NOT NULL,
    part INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (environment_id, export_id, part),
    FOREIGN KEY (environment_id, export_id) REFERENCES audit_log_export (environment_id, id) ON DELETE CASCADE
) STRICT;

-- Where events of an organization are sent as they come. "sequence" is the last place that was delivered.
CREATE TABLE audit_log_stream (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    url TEXT NOT NULL,
    format TEXT NOT NULL CHECK (format IN ('json', 'ndjson', 'datadog', 'splunk')),
    sealed_headers BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'inactive', 'error', 'invalid')),
    sequence INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- When it is looked at next; NULL when it is switched off.
    next_at INTEGER,
    last_synced_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX audit_log_stream_organization_id_unique ON audit_log_stream (environment_id, organization_id);
CREATE INDEX audit_log_stream_next_at ON audit_log_stream (next_at) WHERE next_at IS NOT NULL;

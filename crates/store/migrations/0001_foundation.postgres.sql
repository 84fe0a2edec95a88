-- Texts compare by their bytes, whatever the locale of the database: identifiers are paged in that order.
-- One row: the key under which everything else is sealed or digested, itself sealed by the master key.
CREATE TABLE data_key (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE environment (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('staging', 'production')),
    client_id TEXT COLLATE "C" NOT NULL,
    issuer TEXT COLLATE "C" NOT NULL,
    signing_algorithm TEXT COLLATE "C" NOT NULL,
    -- What session tokens name as their issuer; NULL for the default.
    session_issuer TEXT COLLATE "C",
    access_token_lifetime BIGINT NOT NULL CHECK (access_token_lifetime BETWEEN 30 AND 86400),
    session_maximum_length BIGINT NOT NULL CHECK (session_maximum_length BETWEEN 300 AND 34560000),
    session_inactivity_timeout BIGINT NOT NULL CHECK (session_inactivity_timeout BETWEEN 300 AND session_maximum_length),
    sign_up BIGINT NOT NULL,
    password BIGINT NOT NULL,
    magic_auth BIGINT NOT NULL,
    client_id_metadata TEXT COLLATE "C" NOT NULL CHECK (client_id_metadata IN ('off', 'any', 'listed', 'ask')),
    client_id_metadata_hosts TEXT COLLATE "C" NOT NULL,
    dynamic_client_registration BIGINT NOT NULL,
    -- What organizations may do on their own pages, and the permissions that they may give.
    portal_credentials TEXT COLLATE "C" NOT NULL CHECK (portal_credentials IN ('see', 'revoke', 'create')),
    portal_permissions TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- Somebody must be able to sign in.
    CHECK (password = 1 OR magic_auth = 1)
);
CREATE UNIQUE INDEX environment_name_unique ON environment (name);
CREATE UNIQUE INDEX environment_client_id_unique ON environment (client_id);
CREATE UNIQUE INDEX environment_issuer_unique ON environment (issuer);

CREATE TABLE environment_api_key (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    last_used_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id)
);
CREATE UNIQUE INDEX environment_api_key_digest_unique ON environment_api_key (digest);
CREATE UNIQUE INDEX environment_api_key_name_unique ON environment_api_key (environment_id, name);

CREATE TABLE signing_key (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    -- 'direct': sessions with the product, and machines; 'delegated': what applications hold about people.
    purpose TEXT COLLATE "C" NOT NULL CHECK (purpose IN ('direct', 'delegated')),
    algorithm TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'active', 'retiring')),
    until BIGINT,
    public_key BYTEA NOT NULL,
    certificate BYTEA NOT NULL,
    sealed_private_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id)
);
-- For each purpose an environment signs with one key at a time, and has one waiting at most.
CREATE UNIQUE INDEX signing_key_purpose_state_unique ON signing_key (environment_id, purpose, state) WHERE state IN ('active', 'pending');

CREATE TABLE organization (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    -- The name in lower case, for the search: neither engine's own lower() knows more than ASCII here.
    search_name TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C",
    metadata TEXT COLLATE "C" NOT NULL,
    stripe_customer_id TEXT COLLATE "C",
    allow_profiles_outside_organization BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id)
);
CREATE UNIQUE INDEX organization_external_id_unique ON organization (environment_id, external_id);
CREATE UNIQUE INDEX organization_stripe_customer_id_unique ON organization (environment_id, stripe_customer_id);

CREATE TABLE organization_domain (
    environment_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'verified', 'failed')),
    verification_strategy TEXT COLLATE "C" NOT NULL CHECK (verification_strategy IN ('dns', 'manual')),
    verification_token TEXT COLLATE "C" NOT NULL,
    -- While the proof is awaited: since when, and when it is next looked for.
    checked_since BIGINT,
    check_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX organization_domain_organization_id_domain_unique ON organization_domain (environment_id, organization_id, domain);
CREATE INDEX organization_domain_organization ON organization_domain (environment_id, organization_id, id);
-- A proven domain belongs to one organization; several may claim one until then.
CREATE UNIQUE INDEX organization_domain_domain_unique ON organization_domain (environment_id, domain) WHERE state = 'verified';
CREATE INDEX organization_domain_check_at ON organization_domain (check_at) WHERE check_at IS NOT NULL;
CREATE INDEX organization_domain_domain ON organization_domain (environment_id, domain, organization_id);

CREATE TABLE permission (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    system BIGINT NOT NULL,
    resource_type_slug TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id)
);
CREATE UNIQUE INDEX permission_slug_unique ON permission (environment_id, slug);

CREATE TABLE connect_application (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    application_type TEXT COLLATE "C" NOT NULL CHECK (application_type IN ('m2m', 'oauth')),
    ownership TEXT COLLATE "C" NOT NULL CHECK (ownership IN ('first_party', 'third_party', 'dynamic')),
    organization_id TEXT COLLATE "C",
    client_type TEXT COLLATE "C" NOT NULL CHECK (client_type IN ('confidential', 'public')),
    redirect_uris TEXT COLLATE "C" NOT NULL,
    cors_origins TEXT COLLATE "C" NOT NULL,
    -- Where the application is told that somebody has signed out.
    backchannel_logout_uri TEXT COLLATE "C",
    -- The application's name, where that is the URL of a document about it.
    metadata_url TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE,
    -- Third parties belong to an organization, nobody else does; machines are third parties that keep a secret.
    CHECK ((ownership = 'third_party') = (organization_id IS NOT NULL)),
    CHECK (metadata_url IS NULL OR (ownership = 'dynamic' AND client_type = 'public')),
    CHECK (application_type = 'oauth' OR (ownership = 'third_party' AND client_type = 'confidential'))
);
CREATE UNIQUE INDEX connect_application_client_id_unique ON connect_application (client_id);
CREATE INDEX connect_application_name ON connect_application (environment_id, name, id);
CREATE INDEX connect_application_organization ON connect_application (environment_id, organization_id, id);

CREATE TABLE connect_application_scope (
    environment_id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (environment_id, application_id, scope),
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE
);
CREATE INDEX connect_application_scope_scope ON connect_application_scope (environment_id, scope);

CREATE TABLE client_secret (
    environment_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    hint TEXT COLLATE "C" NOT NULL,
    -- A word, or the member of the organization who has made it.
    made_by TEXT COLLATE "C" NOT NULL,
    last_used_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE
);
CREATE INDEX client_secret_application ON client_secret (environment_id, application_id, id);

CREATE TABLE api_key (
    environment_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    obfuscated_value TEXT COLLATE "C" NOT NULL,
    made_by TEXT COLLATE "C" NOT NULL,
    last_used_at BIGINT,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX api_key_digest_unique ON api_key (environment_id, digest);
CREATE INDEX api_key_organization ON api_key (environment_id, organization_id, id);

CREATE TABLE api_key_permission (
    environment_id TEXT COLLATE "C" NOT NULL,
    api_key_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (environment_id, api_key_id, slug),
    FOREIGN KEY (environment_id, api_key_id) REFERENCES api_key (environment_id, id) ON DELETE CASCADE
);
CREATE INDEX api_key_permission_slug ON api_key_permission (environment_id, slug);

-- Tokens revoked one by one; a row lives as long as the token would have.
CREATE TABLE revoked_token (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    jti TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, jti)
);
CREATE INDEX revoked_token_expires_at ON revoked_token (expires_at);

CREATE TABLE idempotency_key (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    key_digest BYTEA NOT NULL,
    request_digest BYTEA NOT NULL,
    status BIGINT NOT NULL,
    sealed_reply BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, key_digest)
);
CREATE INDEX idempotency_key_expires_at ON idempotency_key (expires_at);

-- The ordered log. A row is written in the transaction of the change; its position is given later, to rows that are
-- committed, so that a reader never sees a hole that fills afterwards.
CREATE TABLE event (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C",
    -- The object that it is about: webhooks keep the order of those with the same.
    subject TEXT COLLATE "C" NOT NULL,
    data TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    position BIGINT,
    latest_at BIGINT,
    -- SQLite has it in every table: the order in which rows were inserted.
    rowid BIGINT GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    PRIMARY KEY (environment_id, id)
);
CREATE INDEX event_unplaced ON event (position) WHERE position IS NULL;
CREATE INDEX event_position ON event (environment_id, position) WHERE position IS NOT NULL;
CREATE INDEX event_event ON event (environment_id, event, position) WHERE position IS NOT NULL;
-- Most events are about people, of no organization: they are in neither.
CREATE INDEX event_organization_id ON event (organization_id, position)
    WHERE position IS NOT NULL AND organization_id IS NOT NULL;
CREATE INDEX event_organization_id_event ON event (organization_id, event, position)
    WHERE position IS NOT NULL AND organization_id IS NOT NULL;
CREATE INDEX event_latest_at ON event (environment_id, latest_at, position) WHERE position IS NOT NULL;
CREATE INDEX event_created_at ON event (created_at);

-- One row, locked by whoever gives positions to events: so these are given, and become visible, in their order.
-- "latest_at" is the latest moment of an event that has a position.
CREATE TABLE event_counter (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    position BIGINT NOT NULL,
    latest_at BIGINT NOT NULL
);
INSERT INTO event_counter (id, position, latest_at) VALUES (1, 0, 0);

-- What caches must drop. The counter's row stays locked until commit, so versions become visible in their order.
CREATE TABLE change_counter (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL,
    pruned_through BIGINT NOT NULL
);
INSERT INTO change_counter (id, version, pruned_through) VALUES (1, 0, 0);

CREATE TABLE change (
    version BIGINT NOT NULL PRIMARY KEY,
    environment_id TEXT COLLATE "C" NOT NULL,
    topic TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX change_created_at ON change (created_at);

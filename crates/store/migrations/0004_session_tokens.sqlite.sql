-- The environment's own application: where it may send people, from where browsers may call, and what sign-ins to it have
-- led to.

CREATE TABLE redirect_uri (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('sign_in', 'sign_out')),
    uri TEXT NOT NULL,
    is_default INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id)
) STRICT;
CREATE UNIQUE INDEX redirect_uri_purpose_uri_unique ON redirect_uri (environment_id, purpose, uri);
-- There is one default at most.
CREATE UNIQUE INDEX redirect_uri_purpose_unique ON redirect_uri (environment_id, purpose) WHERE is_default = 1;

CREATE TABLE cors_origin (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id)
) STRICT;
CREATE UNIQUE INDEX cors_origin_origin_unique ON cors_origin (environment_id, origin);

-- What one sign-in to the environment's own application has led to: the refresh tokens that follow one another. They
-- stand while the session does.
CREATE TABLE session_family (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    organization_id TEXT,
    -- The number of the refresh token that is good now.
    generation INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL,
    idle_expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, session_id) REFERENCES session (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX session_family_session ON session_family (environment_id, session_id, id);
CREATE INDEX session_family_organization ON session_family (environment_id, organization_id, id);
CREATE INDEX session_family_idle_expires_at ON session_family (idle_expires_at);

CREATE TABLE session_code (
    environment_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    session_id TEXT NOT NULL,
    organization_id TEXT,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT,
    -- What it was redeemed for.
    family_id TEXT,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, digest),
    FOREIGN KEY (environment_id, session_id) REFERENCES session (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX session_code_session ON session_code (environment_id, session_id);
CREATE INDEX session_code_expires_at ON session_code (expires_at);

-- A device that waits for a person to enter its code, to get a session of its own.
CREATE TABLE session_device (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    user_code TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'redeemed')),
    -- In which the person agreed.
    session_id TEXT,
    organization_id TEXT,
    interval_seconds INTEGER NOT NULL,
    polled_at INTEGER,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, digest),
    FOREIGN KEY (environment_id, session_id) REFERENCES session (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX session_device_user_code_unique ON session_device (environment_id, user_code);
CREATE INDEX session_device_session ON session_device (environment_id, session_id);
CREATE INDEX session_device_expires_at ON session_device (expires_at);

-- Second factors: applications that show codes. One of nobody is kept for a purpose of the company's own.
CREATE TABLE authentication_factor (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    user_id TEXT,
    issuer TEXT NOT NULL,
    account TEXT NOT NULL,
    sealed_secret BLOB NOT NULL,
    -- When a first right code showed that the person has it: until then it counts for nothing.
    confirmed_at INTEGER,
    -- The newest step whose code was taken (RFC 6238 §5.2).
    last_step INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX authentication_factor_user ON authentication_factor (environment_id, user_id, id);

-- That a code was asked for.
CREATE TABLE authentication_challenge (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    factor_id TEXT NOT NULL,
    verified_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, factor_id) REFERENCES authentication_factor (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX authentication_challenge_factor ON authentication_challenge (environment_id, factor_id);
CREATE INDEX authentication_challenge_created_at ON authentication_challenge (created_at);

-- Whether everybody needs one. Who has one is asked for it in any case.
ALTER TABLE environment ADD COLUMN mfa_required INTEGER NOT NULL DEFAULT 0;

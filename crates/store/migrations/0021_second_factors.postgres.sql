-- Second factors: applications that show codes. One of nobody is kept for a purpose of the company's own.
CREATE TABLE authentication_factor (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C",
    issuer TEXT COLLATE "C" NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    sealed_secret BYTEA NOT NULL,
    -- When a first right code showed that the person has it: until then it counts for nothing.
    confirmed_at BIGINT,
    -- The newest step whose code was taken (RFC 6238 §5.2).
    last_step BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE
);
CREATE INDEX authentication_factor_user ON authentication_factor (environment_id, user_id, id);

-- That a code was asked for.
CREATE TABLE authentication_challenge (
    environment_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    factor_id TEXT COLLATE "C" NOT NULL,
    verified_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, factor_id) REFERENCES authentication_factor (environment_id, id) ON DELETE CASCADE
);
CREATE INDEX authentication_challenge_factor ON authentication_challenge (environment_id, factor_id);
CREATE INDEX authentication_challenge_created_at ON authentication_challenge (created_at);

-- Whether everybody needs one. Who has one is asked for it in any case.
ALTER TABLE environment ADD COLUMN mfa_required BIGINT NOT NULL DEFAULT 0;

-- Codes sent by mail: to sign in with, to prove an address, to prove the address an account is to have. The API shows them
-- again, so they are sealed and not digested.
CREATE TABLE mailed_code (
    environment_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL CHECK (purpose IN ('magic_auth', 'email_verification', 'email_change')),
    user_id TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    sealed_code BYTEA NOT NULL,
    -- A person has one code for each purpose that the API redeems: the newest. What the hosted pages have sent never is:
    -- it is redeemed in the browser that has asked for it.
    is_newest BIGINT NOT NULL,
    used_at BIGINT,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX mailed_code_user_id_purpose_unique ON mailed_code (environment_id, user_id, purpose) WHERE is_newest = 1;
CREATE INDEX mailed_code_user ON mailed_code (environment_id, user_id, id);
CREATE INDEX mailed_code_expires_at ON mailed_code (expires_at);

-- What an environment adds to the claims of access tokens about people.
CREATE TABLE jwt_template (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    content TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id)
);

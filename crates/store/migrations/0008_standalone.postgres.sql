-- Standalone Connect: people sign in at the company's own login.

CREATE TABLE standalone (
    environment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES environment (id) ON DELETE CASCADE,
    login_uri TEXT COLLATE "C",
    subject TEXT COLLATE "C" NOT NULL CHECK (subject IN ('external_id', 'user_id')),
    updated_at BIGINT NOT NULL
);

-- Where the people of an application sign in, where that is not where its environment says.
CREATE TABLE application_login_uri (
    environment_id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    login_uri TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (environment_id, application_id),
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE
);

-- Somebody who was sent away to sign in elsewhere: begun, then completed by the other side, then used by the browser.
CREATE TABLE external_authentication (
    environment_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    -- Where it was sent.
    login_uri TEXT COLLATE "C" NOT NULL,
    -- Opens in the browser that was sent away, and in no other.
    sealed_flow TEXT COLLATE "C" NOT NULL,
    -- Of what the browser must bring back.
    token_digest BYTEA,
    user_id TEXT COLLATE "C",
    consent_options TEXT COLLATE "C",
    completed_at BIGINT,
    used_at BIGINT,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE,
    -- Used is only what was completed.
    CHECK (used_at IS NULL OR completed_at IS NOT NULL)
);
CREATE UNIQUE INDEX external_authentication_token_digest_unique ON external_authentication (environment_id, token_digest);
CREATE INDEX external_authentication_application ON external_authentication (environment_id, application_id);
CREATE INDEX external_authentication_user ON external_authentication (environment_id, user_id);
-- Anybody can begin one: those go as soon as their time is over, and an environment has a bounded number of them.
CREATE INDEX external_authentication_begun ON external_authentication (expires_at) WHERE completed_at IS NULL;
CREATE INDEX external_authentication_begun_in ON external_authentication (environment_id, expires_at) WHERE completed_at IS NULL;
CREATE INDEX external_authentication_completed ON external_authentication (expires_at) WHERE completed_at IS NOT NULL;

-- Where a person has signed in elsewhere in a session: one login does not speak for another.
CREATE TABLE session_login (
    environment_id TEXT COLLATE "C" NOT NULL,
    session_id TEXT COLLATE "C" NOT NULL,
    login_uri TEXT COLLATE "C" NOT NULL,
    authenticated_at BIGINT NOT NULL,
    -- What they are to choose. NULL until they come from an application that asks: for others nothing is said of it.
    consent_options TEXT COLLATE "C",
    PRIMARY KEY (environment_id, session_id, login_uri),
    FOREIGN KEY (environment_id, session_id) REFERENCES session (environment_id, id) ON DELETE CASCADE
);

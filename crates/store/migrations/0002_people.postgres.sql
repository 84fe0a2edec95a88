-- People: accounts, what they belong to, how they prove themselves, and what they have allowed.

CREATE TABLE user_account (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    -- The address in lower case: there is one account per address, however it is written.
    email_key TEXT COLLATE "C" NOT NULL,
    email_verified BIGINT NOT NULL,
    first_name TEXT COLLATE "C",
    last_name TEXT COLLATE "C",
    name TEXT COLLATE "C",
    profile_picture_url TEXT COLLATE "C",
    external_id TEXT COLLATE "C",
    metadata TEXT COLLATE "C" NOT NULL,
    locale TEXT COLLATE "C",
    last_sign_in_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id)
);
CREATE UNIQUE INDEX user_account_email_key_unique ON user_account (environment_id, email_key);
CREATE UNIQUE INDEX user_account_external_id_unique ON user_account (environment_id, external_id);

CREATE TABLE user_password (
    environment_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    -- In the form its algorithm is written in: PHC, crypt, LDAP.
    hash TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, user_id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE
);

CREATE TABLE role (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id)
);
CREATE UNIQUE INDEX role_slug_unique ON role (environment_id, slug);

CREATE TABLE role_permission (
    environment_id TEXT COLLATE "C" NOT NULL,
    role_id TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (environment_id, role_id, slug),
    FOREIGN KEY (environment_id, role_id) REFERENCES role (environment_id, id) ON DELETE CASCADE
);
CREATE INDEX role_permission_slug ON role_permission (environment_id, slug);

CREATE TABLE organization_membership (
    environment_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('active', 'inactive', 'pending')),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX organization_membership_user_id_organization_id_unique ON organization_membership (environment_id, user_id, organization_id);
CREATE INDEX organization_membership_user ON organization_membership (environment_id, user_id, id);
CREATE INDEX organization_membership_organization ON organization_membership (environment_id, organization_id, id);

CREATE TABLE membership_role (
    environment_id TEXT COLLATE "C" NOT NULL,
    membership_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    role_slug TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (environment_id, membership_id, position),
    FOREIGN KEY (environment_id, membership_id) REFERENCES organization_membership (environment_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX membership_role_membership_id_role_slug_unique ON membership_role (environment_id, membership_id, role_slug);
CREATE INDEX membership_role_slug ON membership_role (environment_id, role_slug);

CREATE TABLE invitation (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'accepted', 'revoked')),
    organization_id TEXT COLLATE "C",
    inviter_user_id TEXT COLLATE "C",
    accepted_user_id TEXT COLLATE "C",
    role_slug TEXT COLLATE "C",
    token_digest BYTEA NOT NULL,
    sealed_token BYTEA NOT NULL,
    accepted_at BIGINT,
    revoked_at BIGINT,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX invitation_token_digest_unique ON invitation (environment_id, token_digest);
CREATE INDEX invitation_organization ON invitation (environment_id, organization_id, id);
CREATE INDEX invitation_email ON invitation (environment_id, email_key, id);

CREATE TABLE password_reset (
    environment_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    token_digest BYTEA NOT NULL,
    sealed_token BYTEA NOT NULL,
    used_at BIGINT,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX password_reset_token_digest_unique ON password_reset (environment_id, token_digest);
CREATE INDEX password_reset_user ON password_reset (environment_id, user_id, id);
CREATE INDEX password_reset_expires_at ON password_reset (expires_at);

-- A person signed in, in one browser or through the API.
CREATE TABLE session (
    environment_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C",
    -- Of the cookie's value; a session made through the API has none.
    token_digest BYTEA,
    authentication_method TEXT COLLATE "C" NOT NULL,
    ip_address TEXT COLLATE "C",
    user_agent TEXT COLLATE "C",
    authenticated_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX session_token_digest_unique ON session (environment_id, token_digest);
CREATE INDEX session_of_user ON session (environment_id, user_id, id);
CREATE INDEX session_expires_at ON session (expires_at);

-- What a person has allowed an application, per organization and resource ('' is none). First-party applications have
-- one too, though nobody is asked: it is what their tokens stand on.
CREATE TABLE consent (
    environment_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C",
    -- The same, with '' for none: NULLs would not be unique.
    organization_key TEXT COLLATE "C" NOT NULL,
    resource TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    -- What was chosen last, by claim.
    choices TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX consent_user_id_application_id_organization_key_resource_unique ON consent (environment_id, user_id, application_id, organization_key, resource);
CREATE INDEX consent_user ON consent (environment_id, user_id, id);
CREATE INDEX consent_application ON consent (environment_id, application_id, id);
CREATE INDEX consent_organization ON consent (environment_id, organization_id, id);

-- What one authorization has led to: a code redeemed, and the refresh tokens that follow one another.
CREATE TABLE token_family (
    environment_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    consent_id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C",
    session_id TEXT COLLATE "C",
    resource TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    -- How the person appears in tokens: by which subject, unless it is their own identifier, and with which claims.
    subject TEXT COLLATE "C",
    choices TEXT COLLATE "C" NOT NULL,
    authenticated_at BIGINT NOT NULL,
    -- The number of the refresh token that is good now; 0 when there is none.
    generation BIGINT NOT NULL,
    rotated_at BIGINT NOT NULL,
    idle_expires_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    created_at BIGINT NOT NULL,
    -- The authorization code that was redeemed for it: no code is redeemed twice.
    code_digest BYTEA,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, consent_id) REFERENCES consent (environment_id, id) ON DELETE CASCADE
);
CREATE INDEX token_family_consent ON token_family (environment_id, consent_id, id);
CREATE UNIQUE INDEX token_family_code_digest_unique ON token_family (environment_id, code_digest);
CREATE INDEX token_family_idle_expires_at ON token_family (idle_expires_at);

-- A device that waits for a person to enter its code (RFC 8628).
CREATE TABLE device_authorization (
    environment_id TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    user_code TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'redeemed')),
    consent_id TEXT COLLATE "C",
    user_id TEXT COLLATE "C",
    organization_id TEXT COLLATE "C",
    session_id TEXT COLLATE "C",
    subject TEXT COLLATE "C",
    choices TEXT COLLATE "C",
    authenticated_at BIGINT,
    interval_seconds BIGINT NOT NULL,
    polled_at BIGINT,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, digest),
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, consent_id) REFERENCES consent (environment_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX device_authorization_user_code_unique ON device_authorization (environment_id, user_code);
CREATE INDEX device_authorization_application ON device_authorization (environment_id, application_id);
CREATE INDEX device_authorization_consent ON device_authorization (environment_id, consent_id);
CREATE INDEX device_authorization_expires_at ON device_authorization (expires_at);

-- Messages on their way. Without a mail server they stay for a day, to be read at a local page.
CREATE TABLE mail (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    sealed_message BYTEA NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id)
);
CREATE INDEX mail_next_at ON mail (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX mail_created_at ON mail (created_at);

-- How often something was tried in a while: passwords per account, codes per challenge.
CREATE TABLE attempt (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    subject BYTEA NOT NULL,
    count BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, subject)
);
CREATE INDEX attempt_expires_at ON attempt (expires_at);

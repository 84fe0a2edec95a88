-- People: accounts, what they belong to, how they prove themselves, and what they have allowed.

CREATE TABLE user_account (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    -- The address in lower case: there is one account per address, however it is written.
    email_key TEXT NOT NULL,
    email_verified INTEGER NOT NULL,
    first_name TEXT,
    last_name TEXT,
    name TEXT,
    profile_picture_url TEXT,
    external_id TEXT,
    metadata TEXT NOT NULL,
    locale TEXT,
    last_sign_in_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id)
) STRICT;
CREATE UNIQUE INDEX user_account_email_key_unique ON user_account (environment_id, email_key);
CREATE UNIQUE INDEX user_account_external_id_unique ON user_account (environment_id, external_id);

CREATE TABLE user_password (
    environment_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- In the form its algorithm is written in: PHC, crypt, LDAP.
    hash TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, user_id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE role (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id)
) STRICT;
CREATE UNIQUE INDEX role_slug_unique ON role (environment_id, slug);

CREATE TABLE role_permission (
    environment_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    slug TEXT NOT NULL,
    PRIMARY KEY (environment_id, role_id, slug),
    FOREIGN KEY (environment_id, role_id) REFERENCES role (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX role_permission_slug ON role_permission (environment_id, slug);

CREATE TABLE organization_membership (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'pending')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX organization_membership_user_id_organization_id_unique ON organization_membership (environment_id, user_id, organization_id);
CREATE INDEX organization_membership_user ON organization_membership (environment_id, user_id, id);
CREATE INDEX organization_membership_organization ON organization_membership (environment_id, organization_id, id);

CREATE TABLE membership_role (
    environment_id TEXT NOT NULL,
    membership_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    role_slug TEXT NOT NULL,
    PRIMARY KEY (environment_id, membership_id, position),
    FOREIGN KEY (environment_id, membership_id) REFERENCES organization_membership (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX membership_role_membership_id_role_slug_unique ON membership_role (environment_id, membership_id, role_slug);
CREATE INDEX membership_role_slug ON membership_role (environment_id, role_slug);

CREATE TABLE invitation (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'revoked')),
    organization_id TEXT,
    inviter_user_id TEXT,
    accepted_user_id TEXT,
    role_slug TEXT,
    token_digest BLOB NOT NULL,
    sealed_token BLOB NOT NULL,
    accepted_at INTEGER,
    revoked_at INTEGER,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX invitation_token_digest_unique ON invitation (environment_id, token_digest);
CREATE INDEX invitation_organization ON invitation (environment_id, organization_id, id);
CREATE INDEX invitation_email ON invitation (environment_id, email_key, id);

CREATE TABLE password_reset (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    email TEXT NOT NULL,
    token_digest BLOB NOT NULL,
    sealed_token BLOB NOT NULL,
    used_at INTEGER,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX password_reset_token_digest_unique ON password_reset (environment_id, token_digest);
CREATE INDEX password_reset_user ON password_reset (environment_id, user_id, id);
CREATE INDEX password_reset_expires_at ON password_reset (expires_at);

-- A person signed in, in one browser or through the API.
CREATE TABLE session (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    organization_id TEXT,
    -- Of the cookie's value; a session made through the API has none.
    token_digest BLOB,
    authentication_method TEXT NOT NULL,
    ip_address TEXT,
    user_agent TEXT,
    authenticated_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX session_token_digest_unique ON session (environment_id, token_digest);
CREATE INDEX session_of_user ON session (environment_id, user_id, id);
CREATE INDEX session_expires_at ON session (expires_at);

-- What a person has allowed an application, per organization and resource ('' is none). First-party applications have
-- one too, though nobody is asked: it is what their tokens stand on.
CREATE TABLE consent (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    organization_id TEXT,
    -- The same, with '' for none: NULLs would not be unique.
    organization_key TEXT NOT NULL,
    resource TEXT NOT NULL,
    scope TEXT NOT NULL,
    -- What was chosen last, by claim.
    choices TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, user_id) REFERENCES user_account (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX consent_user_id_application_id_organization_key_resource_unique ON consent (environment_id, user_id, application_id, organization_key, resource);
CREATE INDEX consent_user ON consent (environment_id, user_id, id);
CREATE INDEX consent_application ON consent (environment_id, application_id, id);
CREATE INDEX consent_organization ON consent (environment_id, organization_id, id);

-- What one authorization has led to: a code redeemed, and the refresh tokens that follow one another.
CREATE TABLE token_family (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    consent_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    organization_id TEXT,
    session_id TEXT,
    resource TEXT NOT NULL,
    scope TEXT NOT NULL,
    -- How the person appears in tokens: by which subject, unless it is their own identifier, and with which claims.
    subject TEXT,
    choices TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL,
    -- The number of the refresh token that is good now; 0 when there is none.
    generation INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL,
    idle_expires_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    created_at INTEGER NOT NULL,
    -- The authorization code that was redeemed for it: no code is redeemed twice.
    code_digest BLOB,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id, consent_id) REFERENCES consent (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX token_family_consent ON token_family (environment_id, consent_id, id);
CREATE UNIQUE INDEX token_family_code_digest_unique ON token_family (environment_id, code_digest);
CREATE INDEX token_family_idle_expires_at ON token_family (idle_expires_at);

-- A device that waits for a person to enter its code (RFC 8628).
CREATE TABLE device_authorization (
    environment_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    user_code TEXT NOT NULL,
    application_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'redeemed')),
    consent_id TEXT,
    user_id TEXT,
    organization_id TEXT,
    session_id TEXT,
    subject TEXT,
    choices TEXT,
    authenticated_at INTEGER,
    interval_seconds INTEGER NOT NULL,
    polled_at INTEGER,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, digest),
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, consent_id) REFERENCES consent (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX device_authorization_user_code_unique ON device_authorization (environment_id, user_code);
CREATE INDEX device_authorization_application ON device_authorization (environment_id, application_id);
CREATE INDEX device_authorization_consent ON device_authorization (environment_id, consent_id);
CREATE INDEX device_authorization_expires_at ON device_authorization (expires_at);

-- Messages on their way. Without a mail server they stay for a day, to be read at a local page.
CREATE TABLE mail (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    sealed_message BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id)
) STRICT;
CREATE INDEX mail_next_at ON mail (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX mail_created_at ON mail (created_at);

-- How often something was tried in a while: passwords per account, codes per challenge.
CREATE TABLE attempt (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    subject BLOB NOT NULL,
    count INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, subject)
) STRICT;
CREATE INDEX attempt_expires_at ON attempt (expires_at);

-- Back-channel logout: which applications a session has led to, and which of them are still to be told that it ended.

CREATE TABLE session_application (
    environment_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- What the application knows the person by.
    subject TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, session_id, application_id),
    FOREIGN KEY (environment_id, session_id) REFERENCES session (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX session_application_user ON session_application (environment_id, user_id);
CREATE INDEX session_application_application ON session_application (environment_id, application_id);

-- Sessions and accounts may be gone when an application is told, so nothing here refers to them.
CREATE TABLE logout_notice (
    environment_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, session_id, application_id),
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX logout_notice_application ON logout_notice (environment_id, application_id);
CREATE INDEX logout_notice_next_at ON logout_notice (next_at, environment_id, session_id, application_id);

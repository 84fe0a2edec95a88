-- Links that open an organization's page. Good once.
CREATE TABLE portal_link (
    environment_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    organization_id TEXT NOT NULL,
    intents TEXT NOT NULL,
    return_url TEXT,
    success_url TEXT,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, digest),
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX portal_link_expires_at ON portal_link (expires_at);
CREATE INDEX portal_link_organization ON portal_link (environment_id, organization_id);

-- What a link has become in the browser that opened it.
CREATE TABLE portal_visit (
    environment_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    organization_id TEXT NOT NULL,
    intents TEXT NOT NULL,
    return_url TEXT,
    success_url TEXT,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, digest),
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX portal_visit_created_at ON portal_visit (created_at);
CREATE INDEX portal_visit_organization ON portal_visit (environment_id, organization_id);

-- Links that open an organization's page. Good once.
CREATE TABLE portal_link (
    environment_id TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    intents TEXT COLLATE "C" NOT NULL,
    return_url TEXT COLLATE "C",
    success_url TEXT COLLATE "C",
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, digest),
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
);
CREATE INDEX portal_link_expires_at ON portal_link (expires_at);
CREATE INDEX portal_link_organization ON portal_link (environment_id, organization_id);

-- What a link has become in the browser that opened it.
CREATE TABLE portal_visit (
    environment_id TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    intents TEXT COLLATE "C" NOT NULL,
    return_url TEXT COLLATE "C",
    success_url TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, digest),
    FOREIGN KEY (environment_id, organization_id) REFERENCES organization (environment_id, id) ON DELETE CASCADE
);
CREATE INDEX portal_visit_created_at ON portal_visit (created_at);
CREATE INDEX portal_visit_organization ON portal_visit (environment_id, organization_id);

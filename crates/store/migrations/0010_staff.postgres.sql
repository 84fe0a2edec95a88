-- Links that let somebody into the dashboard whom nobody has invited: at first start, and by command. Good once.
CREATE TABLE staff_link (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id),
    digest BYTEA NOT NULL,
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('read-only', 'developer', 'admin', 'owner')),
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, digest)
);
CREATE INDEX staff_link_expires_at ON staff_link (expires_at);

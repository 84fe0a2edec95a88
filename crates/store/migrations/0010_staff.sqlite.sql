-- Links that let somebody into the dashboard whom nobody has invited: at first start, and by command. Good once.
CREATE TABLE staff_link (
    environment_id TEXT NOT NULL REFERENCES environment (id),
    digest BLOB NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('read-only', 'developer', 'admin', 'owner')),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, digest)
) STRICT;
CREATE INDEX staff_link_expires_at ON staff_link (expires_at);

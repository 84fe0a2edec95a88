-- The APIs and MCP servers that access tokens may be for (RFC 8707).

CREATE TABLE oauth_resource (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    uri TEXT NOT NULL,
    is_default INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id)
) STRICT;
CREATE UNIQUE INDEX oauth_resource_uri_unique ON oauth_resource (environment_id, uri);

-- Public keys that sign and are published no more. What they signed long ago still tells who somebody was (id_token_hint).
CREATE TABLE past_signing_key (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_key BLOB NOT NULL,
    -- When it stopped to sign.
    retired_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id)
) STRICT;

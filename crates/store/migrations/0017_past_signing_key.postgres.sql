-- Public keys that sign and are published no more. What they signed long ago still tells who somebody was (id_token_hint).
CREATE TABLE past_signing_key (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    algorithm TEXT COLLATE "C" NOT NULL,
    public_key BYTEA NOT NULL,
    -- When it stopped to sign.
    retired_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id)
);

-- Whether ID tokens of a family say when the person proved who they are: those of a refresh as the first one (OpenID Connect Core §12.2).
ALTER TABLE token_family ADD COLUMN shows_auth_time INTEGER NOT NULL DEFAULT 0;

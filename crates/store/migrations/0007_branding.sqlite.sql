-- How an environment looks. Pictures are made anew from what was uploaded and named by their content; one that nothing
-- refers to any more is kept for a while, for pages that were sent before.

CREATE TABLE image (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    source TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    seen_on_light INTEGER NOT NULL,
    seen_on_dark INTEGER NOT NULL,
    png BLOB NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, digest)
) STRICT;
CREATE INDEX image_used_at ON image (used_at);

CREATE TABLE branding (
    environment_id TEXT NOT NULL PRIMARY KEY REFERENCES environment (id) ON DELETE CASCADE,
    name TEXT,
    logo TEXT,
    logo_dark TEXT,
    icon TEXT,
    primary_colour TEXT,
    primary_colour_dark TEXT,
    background TEXT,
    background_dark TEXT,
    corners TEXT,
    font TEXT,
    terms_url TEXT,
    privacy_url TEXT,
    updated_at INTEGER NOT NULL,
    FOREIGN KEY (environment_id, logo) REFERENCES image (environment_id, digest),
    FOREIGN KEY (environment_id, logo_dark) REFERENCES image (environment_id, digest),
    FOREIGN KEY (environment_id, icon) REFERENCES image (environment_id, digest)
) STRICT;

CREATE TABLE application_logo (
    environment_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    light TEXT,
    dark TEXT,
    PRIMARY KEY (environment_id, application_id),
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, light) REFERENCES image (environment_id, digest),
    FOREIGN KEY (environment_id, dark) REFERENCES image (environment_id, digest)
) STRICT;
CREATE INDEX application_logo_light ON application_logo (environment_id, light);
CREATE INDEX application_logo_dark ON application_logo (environment_id, dark);

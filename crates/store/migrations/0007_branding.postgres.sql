-- How an environment looks. Pictures are made anew from what was uploaded and named by their content; one that nothing
-- refers to any more is kept for a while, for pages that were sent before.

CREATE TABLE image (
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    digest TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    seen_on_light BIGINT NOT NULL,
    seen_on_dark BIGINT NOT NULL,
    png BYTEA NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, digest)
);
CREATE INDEX image_used_at ON image (used_at);

CREATE TABLE branding (
    environment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES environment (id) ON DELETE CASCADE,
    name TEXT COLLATE "C",
    logo TEXT COLLATE "C",
    logo_dark TEXT COLLATE "C",
    icon TEXT COLLATE "C",
    primary_colour TEXT COLLATE "C",
    primary_colour_dark TEXT COLLATE "C",
    background TEXT COLLATE "C",
    background_dark TEXT COLLATE "C",
    corners TEXT COLLATE "C",
    font TEXT COLLATE "C",
    terms_url TEXT COLLATE "C",
    privacy_url TEXT COLLATE "C",
    updated_at BIGINT NOT NULL,
    FOREIGN KEY (environment_id, logo) REFERENCES image (environment_id, digest),
    FOREIGN KEY (environment_id, logo_dark) REFERENCES image (environment_id, digest),
    FOREIGN KEY (environment_id, icon) REFERENCES image (environment_id, digest)
);

CREATE TABLE application_logo (
    environment_id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    light TEXT COLLATE "C",
    dark TEXT COLLATE "C",
    PRIMARY KEY (environment_id, application_id),
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE,
    FOREIGN KEY (environment_id, light) REFERENCES image (environment_id, digest),
    FOREIGN KEY (environment_id, dark) REFERENCES image (environment_id, digest)
);
CREATE INDEX application_logo_light ON application_logo (environment_id, light);
CREATE INDEX application_logo_dark ON application_logo (environment_id, dark);

-- Clients that nobody registers by hand: those that register themselves, and those with a metadata document.

CREATE TABLE self_registration (
    environment_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    -- A digest of what was registered, for clients that may be shared by all who register the same.
    sameness BLOB,
    changed_at INTEGER NOT NULL,
    -- Until when the metadata document is good.
    fresh_until INTEGER,
    -- When it is forgotten if nobody has agreed to it by then; NULL once somebody has.
    unused_until INTEGER,
    PRIMARY KEY (environment_id, application_id),
    FOREIGN KEY (environment_id, application_id) REFERENCES connect_application (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX self_registration_sameness_unique ON self_registration (environment_id, sameness) WHERE sameness IS NOT NULL;
CREATE INDEX self_registration_unused_until ON self_registration (unused_until) WHERE unused_until IS NOT NULL;
CREATE INDEX self_registration_unused ON self_registration (environment_id, unused_until) WHERE unused_until IS NOT NULL;

-- Metadata documents that somebody wanted to use where an administrator is asked first, and what was decided.
CREATE TABLE client_document (
    environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    decision TEXT CHECK (decision IN ('allowed', 'refused')),
    created_at INTEGER NOT NULL,
    decided_at INTEGER,
    PRIMARY KEY (environment_id, url),
    CHECK ((decision IS NULL) = (decided_at IS NULL))
) STRICT;
CREATE INDEX client_document_waits ON client_document (created_at) WHERE decision IS NULL;
CREATE INDEX client_document_waiting ON client_document (environment_id, created_at) WHERE decision IS NULL;

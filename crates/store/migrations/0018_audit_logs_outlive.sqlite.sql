-- Copies of audit logs, and streams that still have something to send, stay when their organization goes, as the events do that
-- they are made of. There is no reference to the organization any more.
-- SQLite takes no rule from a table: the tables are made anew, with all that is in them. The parts of copies are brought away
-- before the copies are dropped, which would take them along.

CREATE TABLE audit_log_export_anew (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    wanted TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'error', 'expired')),
    through INTEGER NOT NULL,
    after_occurred_at INTEGER NOT NULL,
    after_id TEXT NOT NULL,
    parts INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- When a node takes it up next; NULL when it is done.
    next_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id) REFERENCES environment (id) ON DELETE CASCADE
) STRICT;
INSERT INTO audit_log_export_anew (environment_id, id, organization_id, wanted, state, through, after_occurred_at,
    after_id, parts, lines, attempts, next_at, created_at, updated_at)
SELECT environment_id, id, organization_id, wanted, state, through, after_occurred_at, after_id, parts, lines,
    attempts, next_at, created_at, updated_at FROM audit_log_export;

CREATE TABLE audit_log_export_part_anew (
    environment_id TEXT NOT NULL,
    export_id TEXT NOT NULL,
    part INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (environment_id, export_id, part),
    FOREIGN KEY (environment_id, export_id) REFERENCES audit_log_export_anew (environment_id, id) ON DELETE CASCADE
) STRICT;
INSERT INTO audit_log_export_part_anew (environment_id, export_id, part, body)
SELECT environment_id, export_id, part, body FROM audit_log_export_part;

DROP TABLE audit_log_export_part;
DROP TABLE audit_log_export;
ALTER TABLE audit_log_export_anew RENAME TO audit_log_export;
ALTER TABLE audit_log_export_part_anew RENAME TO audit_log_export_part;
CREATE INDEX audit_log_export_organization_id ON audit_log_export (environment_id, organization_id, id);
CREATE INDEX audit_log_export_next_at ON audit_log_export (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX audit_log_export_pending ON audit_log_export (environment_id, next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX audit_log_export_created_at ON audit_log_export (created_at) WHERE state <> 'expired';

CREATE TABLE audit_log_stream_anew (
    environment_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    url TEXT NOT NULL,
    format TEXT NOT NULL CHECK (format IN ('json', 'ndjson', 'datadog', 'splunk')),
    sealed_headers BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'inactive', 'error', 'invalid')),
    sequence INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- When it is looked at next; NULL when it is switched off.
    next_at INTEGER,
    last_synced_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- When it ends at the latest; NULL while its organization is there.
    ends_at INTEGER,
    PRIMARY KEY (environment_id, id),
    FOREIGN KEY (environment_id) REFERENCES environment (id) ON DELETE CASCADE
) STRICT;
INSERT INTO audit_log_stream_anew (environment_id, id, organization_id, url, format, sealed_headers, state, sequence,
    attempts, next_at, last_synced_at, created_at, updated_at)
SELECT environment_id, id, organization_id, url, format, sealed_headers, state, sequence, attempts, next_at,
    last_synced_at, created_at, updated_at FROM audit_log_stream;

DROP TABLE audit_log_stream;
ALTER TABLE audit_log_stream_anew RENAME TO audit_log_stream;
CREATE UNIQUE INDEX audit_log_stream_organization_id_unique ON audit_log_stream (environment_id, organization_id);
CREATE INDEX audit_log_stream_next_at ON audit_log_stream (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX audit_log_stream_ends_at ON audit_log_stream (ends_at) WHERE ends_at IS NOT NULL;

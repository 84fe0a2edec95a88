-- Copies of audit logs, and streams that still have something to send, stay when their organization goes, as the events do that
-- they are made of. There is no reference to the organization any more.

ALTER TABLE audit_log_export DROP CONSTRAINT audit_log_export_environment_id_organization_id_fkey;
ALTER TABLE audit_log_export ADD FOREIGN KEY (environment_id) REFERENCES environment (id) ON DELETE CASCADE;
ALTER TABLE audit_log_stream DROP CONSTRAINT audit_log_stream_environment_id_organization_id_fkey;
ALTER TABLE audit_log_stream ADD FOREIGN KEY (environment_id) REFERENCES environment (id) ON DELETE CASCADE;

-- When a stream ends at the latest; NULL while its organization is there.
ALTER TABLE audit_log_stream ADD COLUMN ends_at BIGINT;
CREATE INDEX audit_log_stream_ends_at ON audit_log_stream (ends_at) WHERE ends_at IS NOT NULL;

-- Queues: what is asked of them often is read from one end of an index.

-- What waits for another about the same subject: "settled_at" is null exactly for what is pending.
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (environment_id, endpoint_id, subject, position)
    WHERE settled_at IS NULL AND due_at IS NULL;

-- Which applications have notices, and which of each are due.
DROP INDEX logout_notice_application;
CREATE INDEX logout_notice_application ON logout_notice (environment_id, application_id, next_at, session_id);
CREATE INDEX logout_notice_created_at ON logout_notice (created_at);

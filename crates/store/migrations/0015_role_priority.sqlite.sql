-- The order of an environment's roles: smaller is higher. Of equal ones the older is higher, and `member` is the lowest.
ALTER TABLE role ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;

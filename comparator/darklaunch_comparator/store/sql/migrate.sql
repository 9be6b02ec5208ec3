-- name: limit_lock_wait
SET lock_timeout = '60s'

-- name: lock
-- One migrator at a time. The lock is free again when the connection closes.
SELECT pg_advisory_lock(%(lock)s)

-- name: create_table
CREATE SCHEMA IF NOT EXISTS darklaunch;
CREATE TABLE IF NOT EXISTS darklaunch.migration (
    version    int PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: table_exists
SELECT to_regclass('darklaunch.migration') IS NOT NULL

-- name: applied
SELECT version, name, checksum FROM darklaunch.migration ORDER BY version

-- name: add
INSERT INTO darklaunch.migration (version, name, checksum) VALUES (%(version)s, %(name)s, %(checksum)s)

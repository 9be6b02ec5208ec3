-- Partitions by day, and old rows that no partition can be dropped with.

-- name: limit_lock_wait
-- Whoever waits for an exclusive lock makes everyone behind it wait as well.
SET LOCAL lock_timeout = '1s'

-- name: ensure
SELECT darklaunch.ensure_partition(%(day)s)

-- name: drop
SELECT darklaunch.drop_partition(%(day)s)

-- name: days
SELECT darklaunch.partition_days()

-- name: default_days
SELECT DISTINCT day FROM darklaunch.result_default

-- name: remove_default_rows
DELETE FROM darklaunch.result_default WHERE ctid IN (
    SELECT ctid FROM darklaunch.result_default WHERE recorded_at < %(first)s LIMIT %(most)s)

-- name: remove_buckets
DELETE FROM darklaunch.bucket WHERE ctid IN (
    SELECT ctid FROM darklaunch.bucket WHERE updated_at < %(first)s LIMIT %(most)s)

-- name: remove_provisional
DELETE FROM darklaunch.provisional AS p WHERE p.day < %(first)s AND NOT EXISTS (
    SELECT FROM darklaunch.result_default AS r
    WHERE r.launch = p.launch AND r.day = p.day AND r.exchange_id = p.exchange_id)

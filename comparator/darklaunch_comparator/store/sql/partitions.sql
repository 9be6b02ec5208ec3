-- What is past retention and has no partition to be dropped with.

-- name: forget_stray
DELETE FROM darklaunch.result_default WHERE ctid IN (
    SELECT ctid FROM darklaunch.result_default WHERE recorded_at < %(first)s LIMIT %(most)s)

-- name: forget_blocks
DELETE FROM darklaunch.block WHERE ctid IN (
    SELECT ctid FROM darklaunch.block WHERE updated_at < %(first)s LIMIT %(most)s)

-- name: forget_provisional
DELETE FROM darklaunch.provisional AS p WHERE p.day < %(first)s AND NOT EXISTS (
    SELECT FROM darklaunch.result_default AS r
    WHERE r.launch = p.launch AND r.day = p.day AND r.exchange_id = p.exchange_id)

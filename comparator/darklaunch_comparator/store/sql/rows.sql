-- The rows themselves against what is summed up of them: all of it in one snapshot, because sums and rows are written
-- in one transaction.

-- name: snapshot
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: patience
SELECT set_config('statement_timeout', %(within_ms)s, true)

-- name: kept_since
-- The first day of which all rows are kept, and whether the launch began before it.
SELECT d.day, l.created_at < d.day
FROM (SELECT min(p.day) AS day FROM darklaunch.partition_days() AS p (day)) AS d, darklaunch.launch AS l
WHERE l.name = %(launch)s

-- name: rows
SELECT split_part(r.exchange_id, ':', 1), r.outcome, r.reason, count(*), min(r.day), max(r.day)
FROM darklaunch.result AS r WHERE r.launch = %(launch)s GROUP BY 1, 2, 3

-- name: twice
-- The key keeps an exchange from having two rows of one day; nothing but the recording keeps it from two of two days.
SELECT t.exchange_id, count(*) OVER () FROM (
    SELECT r.exchange_id FROM darklaunch.result AS r WHERE r.launch = %(launch)s
    GROUP BY r.exchange_id HAVING count(*) > 1
) AS t ORDER BY t.exchange_id LIMIT 1

-- name: producers
SELECT producer, recorded FROM darklaunch.producer WHERE launch = %(launch)s AND recorded <> 0

-- name: tally
SELECT outcome, reason, count FROM darklaunch.tally WHERE launch = %(launch)s AND count <> 0

-- name: blocks
SELECT coalesce(sum(matched), 0)::bigint, coalesce(sum(mismatched), 0)::bigint, coalesce(sum(ignored), 0)::bigint,
       coalesce(sum(unverified), 0)::bigint, coalesce(sum(shadow_error), 0)::bigint, coalesce(sum(dropped), 0)::bigint,
       coalesce(sum(dead), 0)::bigint
FROM darklaunch.block WHERE launch = %(launch)s

-- name: first_missing
-- The first of a producer's numbers without a row.
SELECT n FROM generate_series(1, %(most)s::bigint) AS n
WHERE NOT EXISTS (
    SELECT FROM darklaunch.result AS r WHERE r.launch = %(launch)s AND r.exchange_id = %(producer)s || ':' || n)
LIMIT 1

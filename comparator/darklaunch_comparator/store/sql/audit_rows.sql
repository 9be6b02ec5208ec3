-- The rows themselves, and the sums that are kept of them. Read all of it in one snapshot: rows and sums are written in
-- one transaction, so that in a snapshot they agree.

-- name: kept_since
-- The first day whose rows are all kept, and whether the launch is older than that day.
SELECT d.day, l.created_at < d.day
FROM (SELECT min(p.day) AS day FROM darklaunch.partition_days() AS p (day)) AS d, darklaunch.launch AS l
WHERE l.name = %(launch)s

-- name: rows
SELECT split_part(r.exchange_id, ':', 1), r.outcome, r.reason, count(*), min(r.day), max(r.day)
FROM darklaunch.result AS r WHERE r.launch = %(launch)s GROUP BY 1, 2, 3

-- name: twice
-- The primary key excludes two rows of an exchange on one day. Only the recording excludes two rows on different days.
SELECT t.exchange_id, count(*) OVER () FROM (
    SELECT r.exchange_id FROM darklaunch.result AS r WHERE r.launch = %(launch)s
    GROUP BY r.exchange_id HAVING count(*) > 1
) AS t ORDER BY t.exchange_id LIMIT 1

-- name: producers
SELECT producer, recorded FROM darklaunch.producer WHERE launch = %(launch)s AND recorded <> 0

-- name: tally
SELECT outcome, reason, count FROM darklaunch.tally WHERE launch = %(launch)s AND count <> 0

-- name: buckets
SELECT coalesce(sum(matched), 0)::bigint, coalesce(sum(mismatched), 0)::bigint, coalesce(sum(ignored), 0)::bigint,
       coalesce(sum(unverified), 0)::bigint, coalesce(sum(shadow_error), 0)::bigint, coalesce(sum(dropped), 0)::bigint,
       coalesce(sum(dead), 0)::bigint
FROM darklaunch.bucket WHERE launch = %(launch)s

-- name: first_missing
-- A producer's first number without a row.
SELECT n FROM generate_series(1, %(most)s::bigint) AS n
WHERE NOT EXISTS (
    SELECT FROM darklaunch.result AS r WHERE r.launch = %(launch)s AND r.exchange_id = %(producer)s || ':' || n)
LIMIT 1

-- name: producer_counters
SELECT producer, seq, sampled, dropped, recorded, closed FROM darklaunch.producer WHERE launch = %(launch)s
ORDER BY producer

-- name: last_before_gap
-- The capture time of the last exchange before the first number of a producer that has no row.
SELECT captured_at FROM (
    SELECT captured_at, number, lead(number) OVER (ORDER BY number) AS following
    FROM (
        SELECT captured_at, split_part(exchange_id, ':', 2)::bigint AS number FROM darklaunch.result
        WHERE launch = %(launch)s AND exchange_id LIKE %(producer)s || ':%%'
    ) AS numbered
) AS neighbours
WHERE following IS DISTINCT FROM number + 1 ORDER BY number LIMIT 1

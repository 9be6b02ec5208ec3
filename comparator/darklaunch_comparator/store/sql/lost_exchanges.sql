-- name: prefer_index_lookups
-- A few numbers are found faster by key than by reading whole partitions, whatever size the planner expects.
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_material = off

-- name: add_checkpoints
-- Record each producer's sequence number and the time, where the number has grown since the last checkpoint.
INSERT INTO darklaunch.checkpoint (launch, producer, seq, seen_at)
SELECT p.launch, p.producer, p.seq, now() FROM darklaunch.producer AS p
WHERE p.launch = %(launch)s AND p.seq > p.verified
  AND NOT EXISTS (
    SELECT FROM darklaunch.checkpoint AS c
    WHERE c.launch = p.launch AND c.producer = p.producer AND c.seq >= p.seq)
ON CONFLICT DO NOTHING

-- name: due
-- Per producer, the last number whose checkpoint is old enough, at most `most` numbers beyond the verified ones.
SELECT p.producer, p.verified, least(max(c.seq), p.verified + %(most)s)
FROM darklaunch.checkpoint AS c JOIN darklaunch.producer AS p USING (launch, producer)
WHERE c.launch = %(launch)s AND c.seen_at <= now() - make_interval(secs => %(after_s)s)
GROUP BY p.producer, p.verified HAVING max(c.seq) > p.verified
ORDER BY p.producer

-- name: missing
-- The numbers of one producer without a row on the days given. Usually there is none.
SELECT n FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
WHERE NOT EXISTS (
    SELECT FROM darklaunch.result AS r
    WHERE r.launch = %(launch)s AND r.exchange_id = %(producer)s || ':' || n
      AND r.day BETWEEN %(since)s AND %(until)s)

-- name: unrecorded
-- Those of the exchange ids given that have no row on any day.
SELECT i.id FROM unnest(%(ids)s::text[]) AS i (id)
WHERE NOT EXISTS (
    SELECT FROM darklaunch.partition_days() AS d (day)
    JOIN darklaunch.result AS r ON r.day = d.day
    WHERE r.launch = %(launch)s AND r.exchange_id = i.id)
  AND NOT EXISTS (
    SELECT FROM darklaunch.result_default AS r WHERE r.launch = %(launch)s AND r.exchange_id = i.id)

-- name: awaited
SELECT producer, seq FROM darklaunch.awaited WHERE launch = %(launch)s

-- name: add_awaited
INSERT INTO darklaunch.awaited (launch, producer, seq) VALUES (%(launch)s, %(producer)s, %(seq)s) ON CONFLICT DO NOTHING

-- name: remove_awaited
DELETE FROM darklaunch.awaited WHERE launch = %(launch)s AND producer = %(producer)s AND seq = %(seq)s

-- name: set_verified
UPDATE darklaunch.producer SET verified = greatest(verified, %(last)s)
WHERE launch = %(launch)s AND producer = %(producer)s

-- name: remove_checkpoints
DELETE FROM darklaunch.checkpoint WHERE launch = %(launch)s AND producer = %(producer)s AND seq <= %(last)s

-- name: checkpoint
-- Note how far each producer has come, where it has come further.
INSERT INTO darklaunch.checkpoint (launch, producer, seq, seen_at)
SELECT p.launch, p.producer, p.seq, now() FROM darklaunch.producer AS p
WHERE p.launch = %(launch)s AND p.seq > p.verified
  AND NOT EXISTS (
    SELECT FROM darklaunch.checkpoint AS c
    WHERE c.launch = p.launch AND c.producer = p.producer AND c.seq >= p.seq)
ON CONFLICT DO NOTHING

-- name: due
-- Up to which number each producer's exchanges are old enough, and at most so many at once.
SELECT p.producer, p.verified, least(max(c.seq), p.verified + %(most)s)
FROM darklaunch.checkpoint AS c JOIN darklaunch.producer AS p USING (launch, producer)
WHERE c.launch = %(launch)s AND c.seen_at <= now() - make_interval(secs => %(after_s)s)
GROUP BY p.producer, p.verified HAVING max(c.seq) > p.verified
ORDER BY p.producer

-- name: missing
-- Of one producer's due numbers, those without a row on a day near now: the usual case is none.
SELECT n FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
WHERE NOT EXISTS (
    SELECT FROM darklaunch.result AS r
    WHERE r.launch = %(launch)s AND r.exchange_id = %(producer)s || ':' || n
      AND r.day BETWEEN %(since)s AND %(until)s)

-- name: awaited
SELECT producer, seq FROM darklaunch.awaited WHERE launch = %(launch)s

-- name: unrecorded
-- Of some exchange ids, those without a row on any day.
SELECT i.id FROM unnest(%(ids)s::text[]) AS i (id)
WHERE NOT EXISTS (
    SELECT FROM darklaunch.partition_days() AS d (day)
    JOIN darklaunch.result AS r ON r.day = d.day
    WHERE r.launch = %(launch)s AND r.exchange_id = i.id)
  AND NOT EXISTS (
    SELECT FROM darklaunch.result_default AS r WHERE r.launch = %(launch)s AND r.exchange_id = i.id)

-- name: by_index
-- Looking a few numbers up by key beats reading the partitions, however wrong the planner's guess of their size is.
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_material = off

-- name: await
INSERT INTO darklaunch.awaited (launch, producer, seq) VALUES (%(launch)s, %(producer)s, %(seq)s) ON CONFLICT DO NOTHING

-- name: arrived
DELETE FROM darklaunch.awaited WHERE launch = %(launch)s AND producer = %(producer)s AND seq = %(seq)s

-- name: verified
UPDATE darklaunch.producer SET verified = greatest(verified, %(last)s)
WHERE launch = %(launch)s AND producer = %(producer)s

-- name: forget_checkpoints
DELETE FROM darklaunch.checkpoint WHERE launch = %(launch)s AND producer = %(producer)s AND seq <= %(last)s

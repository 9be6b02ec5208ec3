-- name: save
INSERT INTO darklaunch.producer AS p (launch, producer, started_at, seq, sampled, dropped, skipped, closed, seen_at)
VALUES (%(launch)s, %(producer)s, to_timestamp(%(started_s)s::float8), %(seq)s, %(sampled)s, %(dropped)s::jsonb,
    %(skipped)s::jsonb, %(closed)s, coalesce(to_timestamp(%(seen_s)s::float8), now()))
ON CONFLICT (launch, producer) DO UPDATE SET
    started_at = coalesce(p.started_at, excluded.started_at),
    seq = greatest(p.seq, excluded.seq),
    sampled = greatest(p.sampled, excluded.sampled),
    dropped = darklaunch.highest(p.dropped, excluded.dropped),
    skipped = darklaunch.highest(p.skipped, excluded.skipped),
    closed = p.closed OR excluded.closed,
    seen_at = greatest(p.seen_at, excluded.seen_at)

-- name: finished
-- Producers that have been silent for a day and whose every number is accounted for.
SELECT producer FROM darklaunch.producer
WHERE launch = %(launch)s AND verified >= seq AND seen_at < now() - interval '1 day'

-- name: all_closed
SELECT bool_and(closed) FROM darklaunch.producer WHERE launch = %(launch)s AND sampled > 0

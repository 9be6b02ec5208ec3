-- What each capturing process says of itself, copied from Redis, and how many of its exchanges have a row here.

CREATE TABLE darklaunch.producer (
    launch     text COLLATE "C" NOT NULL,
    producer   text COLLATE "C" NOT NULL,
    started_at timestamptz,
    seq        bigint NOT NULL DEFAULT 0,
    sampled    bigint NOT NULL DEFAULT 0,
    dropped    jsonb NOT NULL DEFAULT '{}',
    skipped    jsonb NOT NULL DEFAULT '{}',
    closed     boolean NOT NULL DEFAULT false,
    seen_at    timestamptz,
    recorded   bigint NOT NULL DEFAULT 0,
    verified   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (launch, producer)
) WITH (fillfactor = 50);
COMMENT ON COLUMN darklaunch.producer.seq IS 'exchanges 1 … seq were written to Redis';
COMMENT ON COLUMN darklaunch.producer.recorded IS 'exchanges with a row in result';
COMMENT ON COLUMN darklaunch.producer.verified IS 'exchanges 1 … verified have a row in result or are awaited';

-- Where each producer's sequence stood when: a number is old enough to be missed once its checkpoint is.
CREATE TABLE darklaunch.checkpoint (
    launch   text COLLATE "C" NOT NULL,
    producer text COLLATE "C" NOT NULL,
    seq      bigint NOT NULL,
    seen_at  timestamptz NOT NULL,
    PRIMARY KEY (launch, producer, seq)
);

-- Numbers without a row that were still on a stream when they were due: looked for again each time.
CREATE TABLE darklaunch.awaited (
    launch   text COLLATE "C" NOT NULL,
    producer text COLLATE "C" NOT NULL,
    seq      bigint NOT NULL,
    PRIMARY KEY (launch, producer, seq)
);

-- Merge absolute counters by name: each is the higher of the two, because counters never go down.
CREATE FUNCTION darklaunch.highest(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_object_agg(m.name, m.value), '{}')
    FROM (
        SELECT u.key AS name, max(u.value::bigint) AS value
        FROM (SELECT * FROM jsonb_each_text(a) UNION ALL SELECT * FROM jsonb_each_text(b)) AS u GROUP BY u.key
    ) AS m
$$;

CREATE FUNCTION darklaunch.sum_of(counters jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(sum(value::bigint), 0)::bigint FROM jsonb_each_text(counters)
$$;

-- The outcome ledger of one launch:
--   sampled = matched + mismatched + ignored + unverified + shadow_error + dead + dropped + on_its_way
-- A row here proves that its exchange was sampled, even when the producer died before it could say so.
CREATE FUNCTION darklaunch.ledger(launch text) RETURNS TABLE (
    sampled bigint, matched bigint, mismatched bigint, ignored bigint, unverified bigint, shadow_error bigint,
    dead bigint, dropped bigint, settled bigint, on_its_way bigint, dropped_by_reason jsonb, skipped jsonb
) LANGUAGE sql STABLE AS $$
    WITH producer AS (
        SELECT greatest(p.sampled, greatest(p.seq, p.recorded) + darklaunch.sum_of(p.dropped)) AS sampled,
               p.dropped, p.skipped
        FROM darklaunch.producer AS p WHERE p.launch = ledger.launch
    ), tally AS (
        SELECT t.outcome, t.reason, t.count FROM darklaunch.tally AS t WHERE t.launch = ledger.launch
    ), loss AS (
        SELECT l.reason, sum(l.n)::bigint AS n
        FROM (
            SELECT t.reason, t.count FROM tally AS t WHERE t.outcome = 'dropped'
            UNION ALL
            SELECT d.key, d.value::bigint FROM producer AS p CROSS JOIN LATERAL jsonb_each_text(p.dropped) AS d
        ) AS l (reason, n)
        GROUP BY l.reason HAVING sum(l.n) <> 0
    ), skip AS (
        SELECT s.key AS reason, sum(s.value::bigint)::bigint AS n
        FROM producer AS p CROSS JOIN LATERAL jsonb_each_text(p.skipped) AS s GROUP BY s.key
    ), sums AS (
        SELECT (SELECT coalesce(sum(p.sampled), 0)::bigint FROM producer AS p) AS sampled,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'matched'), 0)::bigint AS matched,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'mismatched'), 0)::bigint AS mismatched,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'ignored'), 0)::bigint AS ignored,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'unverified'), 0)::bigint AS unverified,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'shadow_error'), 0)::bigint AS shadow_error,
               coalesce(sum(t.count) FILTER (WHERE t.outcome = 'dead'), 0)::bigint AS dead,
               (SELECT coalesce(sum(l.n), 0)::bigint FROM loss AS l) AS dropped
        FROM tally AS t
    ), settled AS (
        SELECT s.*, s.matched + s.mismatched + s.ignored + s.unverified + s.shadow_error + s.dead + s.dropped AS settled
        FROM sums AS s
    )
    SELECT s.sampled, s.matched, s.mismatched, s.ignored, s.unverified, s.shadow_error, s.dead, s.dropped, s.settled,
           s.sampled - s.settled,
           coalesce((SELECT jsonb_object_agg(l.reason, l.n) FROM loss AS l), '{}'),
           coalesce((SELECT jsonb_object_agg(k.reason, k.n) FROM skip AS k WHERE k.n <> 0), '{}')
    FROM settled AS s
$$;

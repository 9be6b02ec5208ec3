-- name: prepare
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    day            date NOT NULL,
    exchange_id    text COLLATE "C" NOT NULL,
    captured_at    timestamptz NOT NULL,
    endpoint       text NOT NULL,
    method         text NOT NULL,
    outcome        text NOT NULL,
    reason         text,
    signature      text,
    primary_status smallint,
    shadow_status  smallint,
    primary_ms     float8,
    shadow_ms      float8,
    latency_source text,
    slow           boolean NOT NULL,
    build          text NOT NULL,
    rank           smallint NOT NULL
) ON COMMIT DELETE ROWS

-- name: lock
-- Batches of a launch share its lock; the gap detector takes it alone, so that no result can slip in between its
-- looking for a row and its declaring the exchange lost.
SELECT pg_advisory_xact_lock_shared(25708, hashtext(%(launch)s))

-- name: lock_alone
SELECT pg_advisory_xact_lock(25708, hashtext(%(launch)s))

-- name: copy
COPY incoming (day, exchange_id, captured_at, endpoint, method, outcome, reason, signature, primary_status,
               shadow_status, primary_ms, shadow_ms, latency_source, slow, build, rank)
FROM STDIN (FORMAT BINARY)

-- name: outranked
DELETE FROM darklaunch.provisional AS p USING incoming AS i
WHERE p.launch = %(launch)s AND p.exchange_id = i.exchange_id AND p.rank < i.rank
RETURNING p.day, p.exchange_id

-- name: retract
DELETE FROM darklaunch.result
WHERE launch = %(launch)s AND day = %(day)s AND exchange_id = %(exchange_id)s
RETURNING exchange_id, (extract(epoch FROM captured_at) * 1000)::bigint, endpoint, outcome, reason

-- name: insert
-- A provisional row that is left after the outranked ones went is as final as what comes: that is a duplicate, even
-- when it stands under another day.
INSERT INTO darklaunch.result (launch, day, exchange_id, captured_at, endpoint, method, outcome, reason, signature,
    primary_status, shadow_status, primary_ms, shadow_ms, latency_source, slow, build)
SELECT %(launch)s, i.day, i.exchange_id, i.captured_at, i.endpoint, i.method, i.outcome, i.reason, i.signature,
    i.primary_status, i.shadow_status, i.primary_ms, i.shadow_ms, i.latency_source, i.slow, i.build
FROM incoming AS i
WHERE NOT EXISTS (
    SELECT FROM darklaunch.provisional AS p WHERE p.launch = %(launch)s AND p.exchange_id = i.exchange_id)
ORDER BY i.day, i.exchange_id
ON CONFLICT (launch, day, exchange_id) DO NOTHING
RETURNING exchange_id

-- name: outranked_meanwhile
SELECT EXISTS (
    SELECT FROM darklaunch.provisional AS p JOIN incoming AS i ON p.exchange_id = i.exchange_id
    WHERE p.launch = %(launch)s AND p.rank < i.rank)

-- name: add_provisional
INSERT INTO darklaunch.provisional (launch, exchange_id, day, rank)
VALUES (%(launch)s, %(exchange_id)s, %(day)s, %(rank)s)

-- name: add_block
INSERT INTO darklaunch.block AS b (launch, endpoint, started_at, matched, mismatched, ignored, unverified,
    shadow_error, dropped, dead, slow, primary_keys, primary_counts, shadow_keys, shadow_counts,
    difference_keys, difference_counts)
VALUES (%(launch)s, %(endpoint)s, %(started_at)s, %(matched)s, %(mismatched)s, %(ignored)s, %(unverified)s,
    %(shadow_error)s, %(dropped)s, %(dead)s, %(slow)s, %(primary_keys)s::int[],
    %(primary_counts)s::bigint[], %(shadow_keys)s::int[], %(shadow_counts)s::bigint[], %(difference_keys)s::int[],
    %(difference_counts)s::bigint[])
ON CONFLICT (launch, endpoint, started_at) DO UPDATE SET
    matched = b.matched + excluded.matched,
    mismatched = b.mismatched + excluded.mismatched,
    ignored = b.ignored + excluded.ignored,
    unverified = b.unverified + excluded.unverified,
    shadow_error = b.shadow_error + excluded.shadow_error,
    dropped = b.dropped + excluded.dropped,
    dead = b.dead + excluded.dead,
    slow = b.slow + excluded.slow,
    (primary_keys, primary_counts) = (SELECT m.keys, m.counts FROM darklaunch.add_histograms(
        b.primary_keys, b.primary_counts, excluded.primary_keys, excluded.primary_counts) AS m),
    (shadow_keys, shadow_counts) = (SELECT m.keys, m.counts FROM darklaunch.add_histograms(
        b.shadow_keys, b.shadow_counts, excluded.shadow_keys, excluded.shadow_counts) AS m),
    (difference_keys, difference_counts) = (SELECT m.keys, m.counts FROM darklaunch.add_histograms(
        b.difference_keys, b.difference_counts, excluded.difference_keys, excluded.difference_counts) AS m),
    updated_at = now()

-- name: add_tally
INSERT INTO darklaunch.tally AS t (launch, outcome, reason, count)
VALUES (%(launch)s, %(outcome)s, %(reason)s, %(count)s)
ON CONFLICT (launch, outcome, reason) DO UPDATE SET count = t.count + excluded.count

-- name: add_producer
INSERT INTO darklaunch.producer AS p (launch, producer, recorded)
VALUES (%(launch)s, %(producer)s, %(recorded)s)
ON CONFLICT (launch, producer) DO UPDATE SET recorded = p.recorded + excluded.recorded

-- name: add_signature
INSERT INTO darklaunch.signature AS s (launch, fingerprint, endpoint, title, outcome, parts, count, first_seen, last_seen,
    builds, variants)
VALUES (%(launch)s, %(fingerprint)s, %(endpoint)s, %(title)s, %(outcome)s, %(parts)s::jsonb, %(count)s,
    %(first_seen)s, %(last_seen)s, %(builds)s, darklaunch.add_variants('{}', %(variants)s::jsonb))
ON CONFLICT (launch, fingerprint) DO UPDATE SET
    count = s.count + excluded.count,
    first_seen = least(s.first_seen, excluded.first_seen),
    last_seen = greatest(s.last_seen, excluded.last_seen),
    builds = darklaunch.add_builds(s.builds, excluded.builds),
    variants = darklaunch.add_variants(s.variants, excluded.variants)
RETURNING fingerprint, variants

-- name: add_first_sample
INSERT INTO darklaunch.sample (launch, fingerprint, role, exchange_id, captured_at, meta, request, response,
    shadow_meta, shadow, differences, omitted)
VALUES (%(launch)s, %(fingerprint)s, 'first', %(exchange_id)s, %(captured_at)s, %(meta)b, %(request)b, %(response)b,
    %(shadow_meta)b, %(shadow)b, %(differences)s::jsonb, %(omitted)s)
ON CONFLICT (launch, fingerprint, role) DO NOTHING

-- name: add_latest_sample
INSERT INTO darklaunch.sample AS s (launch, fingerprint, role, exchange_id, captured_at, meta, request, response,
    shadow_meta, shadow, differences, omitted)
VALUES (%(launch)s, %(fingerprint)s, 'latest', %(exchange_id)s, %(captured_at)s, %(meta)b, %(request)b, %(response)b,
    %(shadow_meta)b, %(shadow)b, %(differences)s::jsonb, %(omitted)s)
ON CONFLICT (launch, fingerprint, role) DO UPDATE SET
    exchange_id = excluded.exchange_id, captured_at = excluded.captured_at, meta = excluded.meta,
    request = excluded.request, response = excluded.response, shadow_meta = excluded.shadow_meta,
    shadow = excluded.shadow, differences = excluded.differences, omitted = excluded.omitted, recorded_at = now()
WHERE s.captured_at <= excluded.captured_at

-- name: add_rarest_sample
INSERT INTO darklaunch.sample AS s (launch, fingerprint, role, exchange_id, captured_at, meta, request, response,
    shadow_meta, shadow, differences, omitted)
VALUES (%(launch)s, %(fingerprint)s, 'rarest', %(exchange_id)s, %(captured_at)s, %(meta)b, %(request)b, %(response)b,
    %(shadow_meta)b, %(shadow)b, %(differences)s::jsonb, %(omitted)s)
ON CONFLICT (launch, fingerprint, role) DO UPDATE SET
    exchange_id = excluded.exchange_id, captured_at = excluded.captured_at, meta = excluded.meta,
    request = excluded.request, response = excluded.response, shadow_meta = excluded.shadow_meta,
    shadow = excluded.shadow, differences = excluded.differences, omitted = excluded.omitted, recorded_at = now()

-- name: salt
SELECT salt FROM darklaunch.salt

-- name: add_excuse
INSERT INTO darklaunch.excuse AS e (launch, endpoint, path, reason, count)
VALUES (%(launch)s, %(endpoint)s, %(path)s, %(reason)s, %(count)s)
ON CONFLICT (launch, endpoint, path, reason) DO UPDATE SET count = e.count + excluded.count

-- name: fingerprints
SELECT fingerprint FROM darklaunch.signature WHERE launch = %(launch)s

-- name: excused_places
SELECT endpoint, path, reason FROM darklaunch.excuse WHERE launch = %(launch)s

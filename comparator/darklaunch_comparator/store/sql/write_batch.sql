-- name: prepare
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    rank           smallint NOT NULL,
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
    clock          text,
    baseline_ms    real,
    floor_ms       real,
    compared_share real,
    excused        int[]
) ON COMMIT DELETE ROWS

-- name: lock
-- Batches of a launch share its lock. The search for lost exchanges takes it alone, so that no result can be inserted
-- between looking for a row and declaring the exchange lost.
SELECT pg_advisory_xact_lock_shared(25708, hashtext(%(launch)s))

-- name: lock_alone
SELECT pg_advisory_xact_lock(25708, hashtext(%(launch)s))

-- name: copy
COPY darklaunch.result (launch, day, exchange_id, captured_at, endpoint, method, outcome, reason, signature,
    primary_status, shadow_status, primary_ms, shadow_ms, latency_source, slow, build, clock, baseline_ms, floor_ms,
    compared_share, excused)
FROM STDIN (FORMAT BINARY)

-- name: any_provisional
SELECT EXISTS (
    SELECT FROM darklaunch.provisional WHERE launch = %(launch)s AND exchange_id = ANY(%(ids)s::text[]))

-- name: copy_aside
COPY incoming (rank, day, exchange_id, captured_at, endpoint, method, outcome, reason, signature,
    primary_status, shadow_status, primary_ms, shadow_ms, latency_source, slow, build, clock, baseline_ms, floor_ms,
    compared_share, excused)
FROM STDIN (FORMAT BINARY)

-- name: outranked
DELETE FROM darklaunch.provisional AS p USING incoming AS i
WHERE p.launch = %(launch)s AND p.exchange_id = i.exchange_id AND p.rank < i.rank
RETURNING p.day, p.exchange_id

-- name: delete_replaced
DELETE FROM darklaunch.result
WHERE launch = %(launch)s AND day = %(day)s AND exchange_id = %(exchange_id)s
RETURNING exchange_id, (extract(epoch FROM captured_at) * 1000)::bigint, endpoint, outcome, reason

-- name: insert
-- After the less final rows are deleted, a remaining provisional row is at least as final as the new result, which is
-- therefore a duplicate, even under another day.
INSERT INTO darklaunch.result (launch, day, exchange_id, captured_at, endpoint, method, outcome, reason, signature,
    primary_status, shadow_status, primary_ms, shadow_ms, latency_source, slow, build, clock, baseline_ms, floor_ms,
    compared_share, excused)
SELECT %(launch)s, i.day, i.exchange_id, i.captured_at, i.endpoint, i.method, i.outcome, i.reason, i.signature,
    i.primary_status, i.shadow_status, i.primary_ms, i.shadow_ms, i.latency_source, i.slow, i.build, i.clock,
    i.baseline_ms, i.floor_ms, i.compared_share, i.excused
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
SELECT %(launch)s, g.exchange_id, g.day, g.rank
FROM json_to_recordset(%(gains)s::json) AS g (exchange_id text, day date, rank smallint)

-- name: add_buckets
INSERT INTO darklaunch.bucket AS b (launch, endpoint, started_at, matched, mismatched, ignored, unverified,
    shadow_error, dropped, dead, slow, primary_keys, primary_counts, shadow_keys, shadow_counts,
    difference_keys, difference_counts)
SELECT %(launch)s, g.endpoint, to_timestamp(g.start_ms / 1000), g.matched, g.mismatched, g.ignored, g.unverified,
    g.shadow_error, g.dropped, g.dead, g.slow, g.primary_keys, g.primary_counts, g.shadow_keys, g.shadow_counts,
    g.difference_keys, g.difference_counts
FROM json_to_recordset(%(gains)s::json) AS g (endpoint text, start_ms bigint, matched bigint, mismatched bigint,
    ignored bigint, unverified bigint, shadow_error bigint, dropped bigint, dead bigint, slow bigint,
    primary_keys int[], primary_counts bigint[], shadow_keys int[], shadow_counts bigint[],
    difference_keys int[], difference_counts bigint[])
ORDER BY g.endpoint COLLATE "C", g.start_ms
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

-- name: add_tallies
INSERT INTO darklaunch.tally AS t (launch, outcome, reason, count)
SELECT %(launch)s, g.outcome, g.reason, g.count
FROM json_to_recordset(%(gains)s::json) AS g (outcome text, reason text, count bigint)
ORDER BY g.outcome COLLATE "C", g.reason COLLATE "C"
ON CONFLICT (launch, outcome, reason) DO UPDATE SET count = t.count + excluded.count

-- name: add_producers
INSERT INTO darklaunch.producer AS p (launch, producer, recorded)
SELECT %(launch)s, g.producer, g.recorded
FROM json_to_recordset(%(gains)s::json) AS g (producer text, recorded bigint)
ORDER BY g.producer COLLATE "C"
ON CONFLICT (launch, producer) DO UPDATE SET recorded = p.recorded + excluded.recorded

-- name: add_signatures
INSERT INTO darklaunch.signature AS s (launch, fingerprint, endpoint, title, outcome, parts, count, first_seen, last_seen,
    builds, variants)
SELECT %(launch)s, g.fingerprint, g.endpoint, g.title, g.outcome, g.parts, g.count, to_timestamp(g.first_ms / 1000.0),
    to_timestamp(g.last_ms / 1000.0), g.builds, darklaunch.add_variants('{}', g.variants)
FROM json_to_recordset(%(gains)s::json) AS g (fingerprint text, endpoint text, title text, outcome text, parts jsonb,
    count bigint, first_ms bigint, last_ms bigint, builds text[], variants jsonb)
ORDER BY g.fingerprint COLLATE "C"
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

-- name: add_excuses
INSERT INTO darklaunch.excuse AS e (launch, endpoint, path, reason, count)
SELECT %(launch)s, g.endpoint, g.path, g.reason, g.count
FROM json_to_recordset(%(gains)s::json) AS g (endpoint text, path text, reason text, count bigint)
ORDER BY g.endpoint COLLATE "C", g.path COLLATE "C", g.reason COLLATE "C"
ON CONFLICT (launch, endpoint, path, reason) DO UPDATE SET count = e.count + excluded.count

-- name: fingerprints
SELECT fingerprint FROM darklaunch.signature WHERE launch = %(launch)s

-- name: excused_places
SELECT endpoint, path, reason FROM darklaunch.excuse WHERE launch = %(launch)s

-- name: lock
SELECT trial, basis, extract(epoch FROM since)::float8, extract(epoch FROM judged_until)::float8, ended, builds, amendments,
       noise_build, state
FROM darklaunch.judgement WHERE launch = %(launch)s FOR UPDATE

-- name: begin
INSERT INTO darklaunch.judgement (launch, trial, basis, since, judged_until, amendments, noise_build,
    state)
VALUES (%(launch)s, %(trial)s, %(basis)s, %(since)s, %(judged_until)s, %(amendments)s, %(noise_build)s, %(state)s::jsonb)
ON CONFLICT (launch) DO UPDATE SET
    trial = excluded.trial, basis = excluded.basis, since = excluded.since, judged_until = excluded.judged_until,
    ended = false, amendments = excluded.amendments,
    noise_build = excluded.noise_build, state = excluded.state, builds = '{}', summary = '{}', updated_at = now()

-- name: forget
DELETE FROM darklaunch.evidence WHERE launch = %(launch)s

-- name: forget_builds
DELETE FROM darklaunch.evidence WHERE launch = %(launch)s AND build = ANY(%(builds)s)

-- name: save
UPDATE darklaunch.judgement
SET judged_until = %(judged_until)s, ended = %(ended)s, builds = %(builds)s, state = %(state)s::jsonb,
    amendments = %(amendments)s, summary = %(summary)s::jsonb, updated_at = now()
WHERE launch = %(launch)s

-- name: save_evidence
INSERT INTO darklaunch.evidence (launch, build, endpoint, found, state)
VALUES (%(launch)s, %(build)s, %(endpoint)s, %(found)s, %(state)s::jsonb)
ON CONFLICT (launch, build, endpoint) DO UPDATE SET state = excluded.state

-- name: evidence
SELECT build, endpoint, state::text FROM darklaunch.evidence
WHERE launch = %(launch)s AND build = ANY(%(builds)s) ORDER BY build, found

-- name: exchanges
-- Excused are accepted signatures, and those whose every place is known by now to be noise, or was for an earlier build
-- when the exchange was captured. Stalled is a request at which the primary was as slow, or slower than the shadow by
-- as much as makes a shadow's request slow. Refuted is a match for which a value was excused by its form at a place
-- where that excuse was withdrawn since.
WITH excused AS MATERIALIZED (
    SELECT s.fingerprint, CASE WHEN s.state = 'accepted' OR n.launch IS NOT NULL THEN 'infinity' ELSE s.noise_until END AS until
    FROM darklaunch.signature AS s LEFT JOIN darklaunch.noise_signature AS n USING (launch, fingerprint)
    WHERE s.launch = %(launch)s
)
SELECT (extract(epoch FROM r.captured_at) * 1000)::bigint, r.endpoint, r.build, r.outcome,
       r.signature, coalesce(r.captured_at < x.until, false),
       r.excused IS NOT NULL AND r.outcome IN ('matched', 'ignored') AND EXISTS (
           SELECT FROM unnest(%(endpoints)s::text[], %(places)s::int[]) AS w (endpoint, place)
           WHERE w.endpoint = r.endpoint AND w.place = ANY(r.excused)),
       r.reason, r.slow,
       NOT r.slow AND coalesce(r.primary_ms - CASE WHEN r.reason = 'timeout' THEN 0 ELSE r.shadow_ms END > (
           SELECT (l.spec->>'max_latency_diff_ms')::float8 FROM darklaunch.launch AS l WHERE l.name = %(launch)s), false),
       r.clock, r.primary_ms, r.shadow_ms, r.baseline_ms, r.floor_ms, r.compared_share
FROM darklaunch.result AS r LEFT JOIN excused AS x ON x.fingerprint = r.signature
WHERE r.launch = %(launch)s AND r.captured_at >= %(since)s AND r.captured_at < %(until)s
  AND r.day >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date
  AND r.day <= (%(until)s::timestamptz AT TIME ZONE 'UTC')::date
  AND r.outcome IN ('matched', 'mismatched', 'ignored', 'unverified', 'shadow_error')
ORDER BY r.captured_at, r.exchange_id LIMIT %(most)s

-- name: example
SELECT s.title, f.differences->0->>'path', f.differences->0->>'primary', f.differences->0->>'shadow'
FROM darklaunch.signature AS s
LEFT JOIN darklaunch.sample AS f ON (f.launch, f.fingerprint, f.role) = (s.launch, s.fingerprint, 'first')
WHERE s.launch = %(launch)s AND s.outcome = %(outcome)s AND s.state = 'open'
  AND (%(endpoint)s = '' OR s.endpoint = %(endpoint)s)
ORDER BY s.count DESC, s.fingerprint LIMIT 1

-- name: attempts
-- In the order in which they were recorded: while exchanges are held back, whole minutes of attempts are of one window.
SELECT (extract(epoch FROM r.recorded_at) * 1000)::bigint, r.endpoint, r.build, r.outcome = 'shadow_error', r.reason, r.slow,
       NOT r.slow AND coalesce(r.primary_ms - CASE WHEN r.reason = 'timeout' THEN 0 ELSE r.shadow_ms END > (
           SELECT (l.spec->>'max_latency_diff_ms')::float8 FROM darklaunch.launch AS l WHERE l.name = %(launch)s), false)
FROM darklaunch.result AS r
WHERE r.launch = %(launch)s AND r.captured_at >= %(since)s AND r.captured_at < %(until)s
  AND r.day >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date
  AND r.day <= (%(until)s::timestamptz AT TIME ZONE 'UTC')::date
  AND r.outcome IN ('matched', 'mismatched', 'ignored', 'unverified', 'shadow_error')
ORDER BY r.recorded_at, r.exchange_id LIMIT %(most)s

-- name: attempt_counts
SELECT coalesce(sum(count) FILTER (WHERE outcome <> 'shadow_error' OR reason <> ALL(%(silent)s || %(ours)s::text[])), 0)::bigint,
       coalesce(jsonb_object_agg(reason, count) FILTER (WHERE outcome = 'shadow_error' AND reason = ANY(%(silent)s)), '{}')
FROM darklaunch.tally
WHERE launch = %(launch)s AND outcome IN ('matched', 'mismatched', 'ignored', 'unverified', 'shadow_error')

-- name: late
-- Results recorded for a window after it was closed.
SELECT greatest(0, count(*) - (
    SELECT coalesce(sum((e.state->'scope'->>'n')::bigint), 0) FROM darklaunch.evidence AS e
    WHERE e.launch = %(launch)s AND e.endpoint = ''))
FROM darklaunch.judgement AS j JOIN darklaunch.result AS r
  ON r.launch = j.launch AND r.captured_at >= j.since AND r.captured_at < j.judged_until
 AND r.day >= (j.since AT TIME ZONE 'UTC')::date AND r.day <= (j.judged_until AT TIME ZONE 'UTC')::date
WHERE j.launch = %(launch)s AND r.outcome IN ('matched', 'mismatched', 'ignored', 'unverified', 'shadow_error')
  AND NOT (r.outcome = 'shadow_error' AND r.reason = ANY(%(ours)s))

-- name: builds
SELECT build, (state->'scope'->>'n')::bigint, coalesce(state->'trial'->'condemned', 'null') <> 'null',
       to_timestamp((state->'trial'->>'first_ms')::float8 / 1000), to_timestamp((state->'trial'->>'until_ms')::float8 / 1000)
FROM darklaunch.evidence WHERE launch = %(launch)s AND endpoint = ''
ORDER BY (state->'trial'->>'first_ms')::bigint, build

-- name: verdicts
SELECT launch, state->>'verdict' FROM darklaunch.judgement ORDER BY launch

-- name: outages
SELECT launch, coalesce(summary->>'why', '') FROM darklaunch.judgement
WHERE state->>'verdict' = 'shadow_down' ORDER BY launch

-- name: get
SELECT trial, basis, since, judged_until, ended, state->>'verdict', summary, updated_at
FROM darklaunch.judgement WHERE launch = %(launch)s

-- name: withdrawn
-- Places where values were excused by their form until a witness had shown that one version repeats its own.
SELECT p.endpoint, p.path
FROM (
    SELECT DISTINCT ON (endpoint, path) endpoint, path, state FROM darklaunch.noise_place
    WHERE launch = %(launch)s AND aspect = 'value' AND state IN ('volatile', 'measured', 'stable', 'exceeded')
    ORDER BY endpoint, path, version
) AS p
WHERE p.state IN ('stable', 'exceeded') AND EXISTS (
    SELECT FROM darklaunch.excuse AS e
    WHERE e.launch = %(launch)s AND e.endpoint = p.endpoint AND e.path = p.path
      AND e.reason IN ('clock', 'generated_id'))
ORDER BY p.endpoint, p.path

-- name: latest_acceptance
SELECT coalesce(max(e.id), 0) FROM darklaunch.event AS e
WHERE e.launch = %(launch)s AND e.data ? 'signature' AND e.actor <> %(comparator)s
  AND 'accepted' IN (e.data->'state'->>'from', e.data->'state'->>'to')
  AND EXISTS (SELECT FROM darklaunch.signature AS s
              WHERE s.launch = e.launch AND s.fingerprint = e.data->>'signature' AND s.outcome = 'mismatched')

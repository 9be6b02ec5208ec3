-- name: ledger
SELECT sampled, matched, mismatched, ignored, unverified, shadow_error, dead, dropped, settled, on_its_way,
       dropped_by_reason, skipped
FROM darklaunch.ledger(%(launch)s)

-- name: reasons
SELECT outcome, reason, count FROM darklaunch.tally
WHERE launch = %(launch)s AND reason <> '' AND count <> 0 ORDER BY outcome, count DESC, reason

-- name: latency
SELECT endpoint, side, pairs, p50, p95, p99, slow, slow_share
FROM darklaunch.latency(%(launch)s, %(since)s, %(until)s)

-- name: endpoints
SELECT endpoint, sum(matched)::bigint, sum(mismatched)::bigint, sum(ignored)::bigint, sum(unverified)::bigint,
       sum(shadow_error)::bigint, sum(dropped)::bigint, sum(dead)::bigint, sum(slow)::bigint,
       min(started_at), max(started_at) + interval '10 seconds'
FROM darklaunch.block WHERE launch = %(launch)s GROUP BY endpoint ORDER BY endpoint

-- name: recent_rate
SELECT coalesce(sum(matched + mismatched + ignored), 0)::float8 / 600
FROM darklaunch.block WHERE launch = %(launch)s AND started_at >= now() - interval '10 minutes'

-- name: signatures
SELECT s.fingerprint, s.endpoint, s.title, s.outcome, s.parts, s.count, s.first_seen, s.last_seen, s.state,
       f.exchange_id, coalesce(l.exchange_id, f.exchange_id)
FROM darklaunch.signature AS s
LEFT JOIN darklaunch.sample AS f ON (f.launch, f.fingerprint, f.role) = (s.launch, s.fingerprint, 'first')
LEFT JOIN darklaunch.sample AS l ON (l.launch, l.fingerprint, l.role) = (s.launch, s.fingerprint, 'latest')
WHERE s.launch = %(launch)s
ORDER BY s.count DESC, s.first_seen, s.fingerprint LIMIT %(limit)s

-- name: sample
SELECT launch, fingerprint, exchange_id, captured_at, meta, request, response, shadow_meta, shadow, differences, omitted
FROM darklaunch.sample
WHERE exchange_id = %(exchange_id)s AND (%(launch)s::text IS NULL OR launch = %(launch)s)
ORDER BY captured_at DESC LIMIT 1

-- name: result
SELECT launch, exchange_id, captured_at, endpoint, method, outcome, reason, signature, primary_status, shadow_status,
       primary_ms, shadow_ms, latency_source, slow, recorded_at, build
FROM darklaunch.result
WHERE launch = %(launch)s AND exchange_id = %(exchange_id)s AND day = ANY(%(days)s::date[])
UNION ALL
SELECT launch, exchange_id, captured_at, endpoint, method, outcome, reason, signature, primary_status, shadow_status,
       primary_ms, shadow_ms, latency_source, slow, recorded_at, build
FROM darklaunch.result_default
WHERE launch = %(launch)s AND exchange_id = %(exchange_id)s
LIMIT 1

-- name: excuses
SELECT endpoint, path, reason, count FROM darklaunch.excuse
WHERE launch = %(launch)s ORDER BY count DESC, endpoint, path, reason LIMIT %(limit)s

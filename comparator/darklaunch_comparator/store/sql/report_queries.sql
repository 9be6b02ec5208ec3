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
FROM darklaunch.bucket WHERE launch = %(launch)s AND started_at >= %(since)s AND started_at < %(until)s
GROUP BY endpoint ORDER BY endpoint

-- name: recent_rate
SELECT coalesce(sum(matched + mismatched + ignored), 0)::float8 / %(within_s)s
FROM darklaunch.bucket WHERE launch = %(launch)s AND started_at >= now() - %(within_s)s * interval '1 second'

-- name: recent_counts
SELECT slot, sum(compared)::bigint, sum(mismatched)::bigint FROM (
    SELECT %(slots)s - 1 - floor(extract(epoch FROM now() - started_at) / %(width_s)s)::int AS slot,
           matched + mismatched + ignored AS compared, mismatched
    FROM darklaunch.bucket
    WHERE launch = %(launch)s AND started_at > now() - %(slots)s * %(width_s)s * interval '1 second'
) AS recent
WHERE slot BETWEEN 0 AND %(slots)s - 1 GROUP BY slot ORDER BY slot

-- name: signatures
-- With three differences of the first sample, the ids of its samples, and the last decision where there was one.
SELECT s.fingerprint, s.endpoint, s.title, s.outcome, s.parts, s.count, s.first_seen, s.last_seen, s.state, s.builds,
       coalesce(jsonb_path_query_array(f.differences, '$[0 to 2]'), '[]'),
       coalesce(jsonb_array_length(f.differences), 0) + coalesce(f.omitted, 0),
       f.exchange_id, coalesce(l.exchange_id, f.exchange_id), r.exchange_id,
       coalesce(e.act, ''), coalesce(e.actor, ''), coalesce(e.reason, ''), e.at, s.noise_until
FROM darklaunch.signature AS s
LEFT JOIN darklaunch.sample AS f ON (f.launch, f.fingerprint, f.role) = (s.launch, s.fingerprint, 'first')
LEFT JOIN darklaunch.sample AS l ON (l.launch, l.fingerprint, l.role) = (s.launch, s.fingerprint, 'latest')
LEFT JOIN darklaunch.sample AS r ON (r.launch, r.fingerprint, r.role) = (s.launch, s.fingerprint, 'rarest')
LEFT JOIN LATERAL (
    SELECT act, actor, reason, at FROM darklaunch.event
    WHERE launch = s.launch AND data ? 'signature' AND data->>'signature' = s.fingerprint
    ORDER BY id DESC LIMIT 1
) AS e ON true
WHERE s.launch = %(launch)s
ORDER BY s.count DESC, s.first_seen, s.fingerprint LIMIT %(limit)s

-- name: sample
SELECT launch, fingerprint, exchange_id, captured_at, meta, request, response, shadow_meta, shadow, differences, omitted
FROM darklaunch.sample
WHERE exchange_id = %(exchange_id)s AND (%(launch)s::text IS NULL OR launch = %(launch)s)
ORDER BY captured_at DESC LIMIT 1

-- name: recent_sample_meta
SELECT meta FROM darklaunch.sample ORDER BY recorded_at DESC LIMIT %(limit)s

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
-- An excuse by form is witnessed once responses of the baseline have shown what the primary's version does there.
SELECT endpoint, path, reason, count, reason NOT IN ('clock', 'generated_id') OR EXISTS (
    SELECT FROM darklaunch.noise_place AS n
    WHERE n.launch = e.launch AND n.endpoint = e.endpoint AND n.path = e.path AND n.version = 'primary'
      AND n.state <> 'learning')
FROM darklaunch.excuse AS e
WHERE launch = %(launch)s ORDER BY reason = 'not_compared', count DESC, endpoint, path, reason LIMIT %(limit)s

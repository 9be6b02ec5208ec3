-- name: endpoints
-- The endpoints of a launch by name, one index probe each, however many buckets they have.
WITH RECURSIVE e (endpoint) AS (
    (SELECT endpoint FROM darklaunch.bucket WHERE launch = %(launch)s ORDER BY endpoint LIMIT 1)
    UNION ALL
    SELECT (SELECT b.endpoint FROM darklaunch.bucket AS b
            WHERE b.launch = %(launch)s AND b.endpoint > e.endpoint ORDER BY b.endpoint LIMIT 1)
    FROM e WHERE e.endpoint IS NOT NULL
)
SELECT endpoint FROM e WHERE endpoint IS NOT NULL AND position(lower(%(part)s) IN lower(endpoint)) > 0 LIMIT %(limit)s

-- name: busy_slots
-- How many exchanges of a kind each slot of 10 s has, the latest first.
SELECT started_at, sum(n)::bigint FROM (
    SELECT started_at, CASE %(outcome)s
               WHEN 'matched' THEN matched WHEN 'mismatched' THEN mismatched WHEN 'ignored' THEN ignored
               WHEN 'unverified' THEN unverified WHEN 'shadow_error' THEN shadow_error WHEN 'dead' THEN dead
               WHEN 'dropped' THEN dropped WHEN 'slow' THEN slow
               ELSE matched + mismatched + ignored + unverified + shadow_error + dead + dropped END AS n
    FROM darklaunch.bucket
    WHERE launch = %(launch)s AND (%(endpoint)s::text IS NULL OR endpoint = %(endpoint)s)
      AND started_at >= %(since)s AND started_at < %(until)s
) AS slot
WHERE n > 0 GROUP BY started_at ORDER BY started_at DESC LIMIT %(limit)s

-- name: exchanges
-- The window is narrow enough that the index on capture times leads to few pages.
SELECT launch, exchange_id, captured_at, endpoint, method, outcome, reason, signature, primary_status, shadow_status,
       primary_ms, shadow_ms, latency_source, slow, recorded_at, build
FROM darklaunch.result
WHERE launch = %(launch)s AND captured_at >= %(since)s AND captured_at < %(until)s
  AND (captured_at, exchange_id) < (%(before)s, %(before_id)s)
  AND day BETWEEN (%(since)s AT TIME ZONE 'UTC')::date AND (%(until)s AT TIME ZONE 'UTC')::date
  AND (%(endpoint)s::text IS NULL OR endpoint = %(endpoint)s)
  AND (%(outcome)s = '' OR (%(outcome)s = 'slow' AND slow) OR outcome = %(outcome)s)
  AND (%(signature)s::text IS NULL OR signature = %(signature)s)
ORDER BY captured_at DESC, exchange_id DESC LIMIT %(limit)s

-- name: traced
-- Kept exchanges whose request has a text in its header fields, such as a trace id. There are at most three for each
-- signature of a launch.
SELECT exchange_id, captured_at FROM darklaunch.sample
WHERE launch = %(launch)s AND position(convert_to(%(text)s, 'UTF8') IN meta) > 0
ORDER BY captured_at DESC LIMIT %(limit)s

-- name: signatures
-- How often each signature was recorded in a span of time.
SELECT signature, count(*), min(captured_at), max(captured_at)
FROM darklaunch.result
WHERE launch = %(launch)s AND captured_at >= %(since)s AND captured_at < %(until)s AND signature IS NOT NULL
  AND day BETWEEN (%(since)s AT TIME ZONE 'UTC')::date AND (%(until)s AT TIME ZONE 'UTC')::date
GROUP BY signature

-- name: build_start
SELECT min(captured_at) FROM darklaunch.result WHERE launch = %(launch)s AND build = %(build)s

-- name: course
-- Counts, and both sides' latency, of all endpoints together in each of equal parts of a span.
WITH chosen AS (
    SELECT floor(extract(epoch FROM b.started_at - %(since)s) / %(width_s)s)::int AS part, b.*
    FROM darklaunch.bucket AS b
    WHERE b.launch = %(launch)s AND b.started_at >= %(since)s AND b.started_at < %(until)s
), counts AS (
    SELECT c.part, sum(c.matched + c.mismatched + c.ignored)::bigint AS compared, sum(c.mismatched)::bigint AS mismatched,
           sum(c.shadow_error)::bigint AS errors
    FROM chosen AS c GROUP BY c.part
), summed AS (
    SELECT c.part, s.side, u.key, sum(u.n) AS n
    FROM chosen AS c
    CROSS JOIN LATERAL (VALUES ('primary', c.primary_keys, c.primary_counts),
                               ('shadow', c.shadow_keys, c.shadow_counts)) AS s (side, keys, counts)
    CROSS JOIN LATERAL unnest(s.keys, s.counts) AS u (key, n)
    GROUP BY c.part, s.side, u.key
), ranked AS (
    SELECT m.*, sum(m.n) OVER (PARTITION BY m.part, m.side ORDER BY m.key) AS upto,
           sum(m.n) OVER (PARTITION BY m.part, m.side) AS total
    FROM summed AS m
), quantiles AS (
    SELECT r.part, r.side,
           darklaunch.key_ms(min(r.key) FILTER (WHERE r.upto >= ceil(0.50 * r.total))) AS p50,
           darklaunch.key_ms(min(r.key) FILTER (WHERE r.upto >= ceil(0.95 * r.total))) AS p95,
           darklaunch.key_ms(min(r.key) FILTER (WHERE r.upto >= ceil(0.99 * r.total))) AS p99
    FROM ranked AS r GROUP BY r.part, r.side
)
SELECT c.part, c.compared, c.mismatched, c.errors, p.p50, p.p95, p.p99, s.p50, s.p95, s.p99
FROM counts AS c
LEFT JOIN quantiles AS p ON p.part = c.part AND p.side = 'primary'
LEFT JOIN quantiles AS s ON s.part = c.part AND s.side = 'shadow'
ORDER BY c.part

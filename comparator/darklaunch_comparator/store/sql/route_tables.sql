-- name: save
INSERT INTO darklaunch.route_table AS t (app, fingerprint, framework, routes, omitted, seen_at)
VALUES (%(app)s, %(fingerprint)s, %(framework)s, %(routes)s::jsonb, %(omitted)s, to_timestamp(%(seen_s)s::float8))
ON CONFLICT (app, fingerprint) DO UPDATE SET
    framework = excluded.framework, routes = excluded.routes, omitted = excluded.omitted,
    seen_at = greatest(t.seen_at, excluded.seen_at)

-- name: remove_old
DELETE FROM darklaunch.route_table WHERE seen_at < now() - make_interval(days => %(days)s)

-- name: routes
-- The routes that one app has now, or all apps: those published within ten minutes of its latest table.
SELECT r.value->>0 AS method, r.value->>1 AS template
FROM darklaunch.route_table AS t CROSS JOIN LATERAL jsonb_array_elements(t.routes) AS r
WHERE %(app)s IN ('', t.app)
  AND t.seen_at >= (SELECT max(seen_at) FROM darklaunch.route_table WHERE %(app)s IN ('', app)) - interval '10 minutes'
GROUP BY method, template ORDER BY template, method

-- name: omitted
SELECT coalesce(sum(omitted), 0)::bigint FROM darklaunch.route_table
WHERE %(app)s IN ('', app)
  AND seen_at >= (SELECT max(seen_at) FROM darklaunch.route_table WHERE %(app)s IN ('', app)) - interval '10 minutes'

-- name: add_endpoints
INSERT INTO darklaunch.noise_endpoint AS e (launch, endpoint, version, pairs, unanswered)
SELECT %(launch)s, g.endpoint, g.version, g.pairs, g.unanswered
FROM json_to_recordset(%(gains)s::json) AS g (endpoint text, version text, pairs bigint, unanswered bigint)
ORDER BY g.endpoint COLLATE "C", g.version COLLATE "C"
ON CONFLICT (launch, endpoint, version) DO UPDATE SET
    pairs = e.pairs + excluded.pairs,
    unanswered = e.unanswered + excluded.unanswered,
    changed_at = now()

-- name: add_places
INSERT INTO darklaunch.noise_place AS p (launch, endpoint, version, path, aspect, primary_odd, shadow_odd, again_odd,
    all_differ, regenerated, agreed, rising, falling, far_rising, far_falling)
SELECT %(launch)s, g.endpoint, g.version, g.path, g.aspect, g.primary_odd, g.shadow_odd, g.again_odd, g.all_differ,
    g.regenerated, g.agreed, g.rising, g.falling, g.far_rising, g.far_falling
FROM json_to_recordset(%(gains)s::json) AS g (endpoint text, version text, path text, aspect text, primary_odd bigint,
    shadow_odd bigint, again_odd bigint, all_differ bigint, regenerated bigint, agreed bigint, rising bigint,
    falling bigint, far_rising bigint, far_falling bigint)
ORDER BY g.endpoint COLLATE "C", g.version COLLATE "C", g.path COLLATE "C", g.aspect COLLATE "C"
ON CONFLICT (launch, endpoint, version, path, aspect) DO UPDATE SET
    primary_odd = p.primary_odd + excluded.primary_odd,
    shadow_odd = p.shadow_odd + excluded.shadow_odd,
    again_odd = p.again_odd + excluded.again_odd,
    all_differ = p.all_differ + excluded.all_differ,
    regenerated = p.regenerated + excluded.regenerated,
    agreed = p.agreed + excluded.agreed,
    rising = p.rising + excluded.rising,
    falling = p.falling + excluded.falling,
    far_rising = p.far_rising + excluded.far_rising,
    far_falling = p.far_falling + excluded.far_falling

-- name: places
-- The places at which noise is counted, because their number is limited.
SELECT endpoint, version, path, aspect FROM darklaunch.noise_place WHERE launch = %(launch)s

-- name: undecided
-- Places of endpoints that gained pairs lately. Commits come up to some seconds after `changed_at`, the start of the
-- transaction.
SELECT p.launch, p.endpoint, p.version, p.path, p.aspect, p.state, p.primary_odd, p.shadow_odd, p.again_odd,
       p.all_differ, p.regenerated, p.agreed, p.rising, p.falling, p.far_rising, p.far_falling
FROM darklaunch.noise_place AS p JOIN darklaunch.noise_endpoint AS e USING (launch, endpoint, version)
WHERE %(within_s)s::float8 IS NULL OR e.changed_at >= now() - make_interval(secs => %(within_s)s::float8)
ORDER BY p.launch, p.endpoint, p.version, p.path, p.aspect

-- name: change
-- Of several processes that see the same counts, one makes the change and records it.
WITH changed AS (
    UPDATE darklaunch.noise_place SET state = %(became)s, since = now()
    WHERE (launch, endpoint, version, path, aspect) = (%(launch)s, %(endpoint)s, %(version)s, %(path)s, %(aspect)s)
      AND state = %(was)s
    RETURNING launch, endpoint, version, path, aspect)
INSERT INTO darklaunch.noise_change (launch, endpoint, version, path, aspect, was, became, counts)
SELECT launch, endpoint, version, path, aspect, %(was)s, %(became)s, %(counts)s::jsonb FROM changed

-- name: keep_noise
-- What is known to be noise so far stays so for what was captured before.
UPDATE darklaunch.signature SET noise_until = to_timestamp(%(captured_ms)s / 1000.0)
WHERE launch = %(launch)s
  AND fingerprint IN (SELECT fingerprint FROM darklaunch.noise_signature WHERE launch = %(launch)s)

-- name: forget_places
WITH gone AS (DELETE FROM darklaunch.noise_place WHERE launch = %(launch)s RETURNING *)
INSERT INTO darklaunch.noise_change (launch, endpoint, version, path, aspect, was, became, counts)
SELECT launch, endpoint, version, path, aspect, state, 'learning',
       to_jsonb(gone) - '{launch,endpoint,version,path,aspect,state,since}'::text[]
FROM gone WHERE state <> 'learning'

-- name: forget_endpoints
DELETE FROM darklaunch.noise_endpoint WHERE launch = %(launch)s

-- name: begin_counting
UPDATE darklaunch.judgement SET noise_build = %(build)s, noise_since = to_timestamp(%(now_ms)s / 1000.0)
WHERE launch = %(launch)s

-- name: latest_change
SELECT coalesce(max(id), 0) FROM darklaunch.noise_change

-- name: known
-- The states that comparisons need. A state of the primary's version takes precedence over one of the shadow's.
SELECT DISTINCT ON (launch, endpoint, path, aspect) launch, endpoint, path, aspect, state
FROM darklaunch.noise_place
WHERE state IN ('volatile', 'measured', 'stable', 'exceeded') AND (%(launch)s::text IS NULL OR launch = %(launch)s)
ORDER BY launch, endpoint, path, aspect, version

-- name: paired
SELECT endpoint, path || CASE WHEN aspect IN ('value', path) THEN '' ELSE ' ' || aspect END, version, pos, neg, pairs
FROM darklaunch.noise WHERE launch = %(launch)s AND (pos > 0 OR neg > 0) ORDER BY endpoint, path, aspect, version

-- name: recent_mismatches
SELECT fingerprint FROM darklaunch.signature
WHERE launch = %(launch)s AND outcome = 'mismatched'
  AND last_seen > to_timestamp((%(now_ms)s - %(recent_ms)s)::float8 / 1000)

-- name: mismatched_places
-- The places of mismatches that the judge may still have to read, each with the noise that the primary's version, or
-- else the shadow's, has shown there. An array whose length is noise covers what is below it.
SELECT s.fingerprint, s.endpoint, %(now_ms)s - extract(epoch FROM greatest(s.first_seen, j.noise_since))::float8 * 1000,
       s.last_seen > to_timestamp((%(now_ms)s - %(recent_ms)s)::float8 / 1000),
       darklaunch.noise_aspect(p.part->>'kind'), coalesce(e.version, 'shadow'), coalesce(n.state, 'learning'), coalesce(n.primary_odd, 0),
       coalesce(n.shadow_odd, 0), coalesce(n.again_odd, 0), coalesce(n.all_differ, 0), coalesce(n.regenerated, 0),
       coalesce(n.agreed, 0), coalesce(n.rising, 0), coalesce(n.falling, 0), coalesce(n.far_rising, 0),
       coalesce(n.far_falling, 0)
FROM darklaunch.signature AS s CROSS JOIN jsonb_array_elements(s.parts) AS p (part)
LEFT JOIN darklaunch.judgement AS j ON j.launch = s.launch
LEFT JOIN LATERAL (
    SELECT version FROM darklaunch.noise_endpoint
    WHERE launch = s.launch AND endpoint = s.endpoint AND pairs > 0 ORDER BY version LIMIT 1) AS e ON true
LEFT JOIN LATERAL (
    SELECT * FROM darklaunch.noise_place AS n
    WHERE (n.launch, n.endpoint, n.version) = (s.launch, s.endpoint, e.version)
      AND (n.path, n.aspect) = (p.part->>'path', darklaunch.noise_aspect(p.part->>'kind'))
       OR (n.launch, n.endpoint, n.version) = (s.launch, s.endpoint, e.version)
      AND n.aspect = 'size' AND n.state = 'volatile' AND starts_with(p.part->>'path', n.path || '[*]')
    ORDER BY n.state = 'volatile' DESC LIMIT 1) AS n ON true
WHERE s.launch = %(launch)s AND s.outcome = 'mismatched' AND s.state <> 'accepted'
  AND s.endpoint ~ '^(GET|HEAD|OPTIONS) '
  AND (s.last_seen > to_timestamp((%(now_ms)s - %(recent_ms)s)::float8 / 1000) OR s.fingerprint = ANY(%(also)s::text[]))

-- name: asked_endpoints
SELECT endpoint, max(pairs) FROM darklaunch.noise_endpoint WHERE launch = %(launch)s
GROUP BY endpoint HAVING max(pairs) >= %(least)s ORDER BY endpoint LIMIT 2000

-- name: endpoints
SELECT endpoint, version, pairs, unanswered FROM darklaunch.noise_endpoint
WHERE launch = %(launch)s ORDER BY endpoint, version

-- name: noise
SELECT endpoint, version, path, aspect, state, blind, since, pairs, seen, coalesce(own_rate, 0),
       coalesce(candidate_rate, 0), own, candidate, agreed, pos, neg, far_rising, far_falling
FROM darklaunch.noise WHERE launch = %(launch)s
ORDER BY endpoint, path, aspect, version

-- name: changes
SELECT at, endpoint, version, path, aspect, was, became, counts
FROM darklaunch.noise_change WHERE launch = %(launch)s ORDER BY id DESC LIMIT %(limit)s

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
INSERT INTO darklaunch.noise_place AS p (launch, endpoint, version, path, varied, regenerated, unstable, agreed,
    candidate, pos, neg)
SELECT %(launch)s, g.endpoint, g.version, g.path, g.varied, g.regenerated, g.unstable, g.agreed, g.candidate, g.pos,
    g.neg
FROM json_to_recordset(%(gains)s::json) AS g (endpoint text, version text, path text, varied bigint,
    regenerated bigint, unstable bigint, agreed bigint, candidate bigint, pos bigint, neg bigint)
ORDER BY g.endpoint COLLATE "C", g.version COLLATE "C", g.path COLLATE "C"
ON CONFLICT (launch, endpoint, version, path) DO UPDATE SET
    varied = p.varied + excluded.varied,
    regenerated = p.regenerated + excluded.regenerated,
    unstable = p.unstable + excluded.unstable,
    agreed = p.agreed + excluded.agreed,
    candidate = p.candidate + excluded.candidate,
    pos = p.pos + excluded.pos,
    neg = p.neg + excluded.neg

-- name: places
-- The places at which noise is counted, because their number is limited.
SELECT endpoint, version, path FROM darklaunch.noise_place WHERE launch = %(launch)s

-- name: undecided
-- Places of endpoints that gained pairs lately. Commits come up to some seconds after `changed_at`, the start of the
-- transaction.
SELECT p.launch, p.endpoint, p.version, p.path, p.state, e.pairs, p.varied, p.regenerated, p.agreed, p.pos, p.neg
FROM darklaunch.noise_place AS p JOIN darklaunch.noise_endpoint AS e USING (launch, endpoint, version)
WHERE %(within_s)s::float8 IS NULL OR e.changed_at >= now() - make_interval(secs => %(within_s)s::float8)
ORDER BY p.launch, p.endpoint, p.version, p.path

-- name: change
-- Of several processes that see the same counts, one makes the change and records it.
WITH changed AS (
    UPDATE darklaunch.noise_place SET state = %(became)s, since = now()
    WHERE (launch, endpoint, version, path) = (%(launch)s, %(endpoint)s, %(version)s, %(path)s) AND state = %(was)s
    RETURNING launch, endpoint, version, path)
INSERT INTO darklaunch.noise_change (launch, endpoint, version, path, was, became, pairs, varied, regenerated, agreed,
    pos, neg)
SELECT launch, endpoint, version, path, %(was)s, %(became)s, %(pairs)s, %(varied)s, %(regenerated)s, %(agreed)s,
    %(pos)s, %(neg)s
FROM changed

-- name: latest_change
SELECT coalesce(max(id), 0) FROM darklaunch.noise_change

-- name: known
-- The states that comparisons need. A state of the primary's version takes precedence over one of the shadow's.
SELECT DISTINCT ON (launch, endpoint, path) launch, endpoint, path, state
FROM darklaunch.noise_place
WHERE state IN ('volatile', 'stable', 'exceeded') AND (%(launch)s::text IS NULL OR launch = %(launch)s)
ORDER BY launch, endpoint, path, version

-- name: paired
SELECT endpoint, path, version, pos, neg, pairs FROM darklaunch.noise
WHERE launch = %(launch)s AND (pos > 0 OR neg > 0) ORDER BY endpoint, path, version

-- name: value_mismatches
-- The places of recent mismatches in values only, each with the noise that the primary's version, or else the shadow's,
-- has shown there.
SELECT s.fingerprint, coalesce(n.state, 'learning'), coalesce(e.pairs, 0), coalesce(n.varied, 0),
       coalesce(n.regenerated, 0), coalesce(n.agreed, 0), coalesce(n.pos, 0), coalesce(n.neg, 0)
FROM darklaunch.signature AS s CROSS JOIN jsonb_array_elements(s.parts) AS p (part)
LEFT JOIN LATERAL (
    SELECT version, pairs FROM darklaunch.noise_endpoint
    WHERE launch = s.launch AND endpoint = s.endpoint AND pairs > 0 ORDER BY version LIMIT 1) AS e ON true
LEFT JOIN darklaunch.noise_place AS n
    ON (n.launch, n.endpoint, n.version, n.path) = (s.launch, s.endpoint, e.version, p.part->>'path')
WHERE s.launch = %(launch)s AND s.outcome = 'mismatched' AND s.endpoint ~ '^(GET|HEAD) '
  AND s.first_seen > to_timestamp(
      (%(now_ms)s - CASE WHEN e.pairs > 0 THEN %(doubt_ms)s ELSE %(first_pair_ms)s END)::float8 / 1000)
  AND NOT EXISTS (
      SELECT FROM jsonb_array_elements(s.parts) AS q (part) WHERE q.part->>'kind' NOT IN ('value', 'order', 'text', 'bytes', 'header')
          OR q.part->>'path' = 'header:content-type')

-- name: endpoints
SELECT endpoint, version, pairs, unanswered FROM darklaunch.noise_endpoint
WHERE launch = %(launch)s ORDER BY endpoint, version

-- name: noise
-- A pair can differ at one place both in value and in presence; it counts once at most.
SELECT endpoint, version, path, state, blind, since, pairs, least(own_rate, 1), candidate_rate, excess, varied, regenerated,
       unstable, agreed, candidate, pos, neg
FROM darklaunch.noise WHERE launch = %(launch)s
ORDER BY endpoint, path, version

-- name: changes
SELECT at, endpoint, version, path, was, became, pairs, varied, regenerated, agreed, pos, neg
FROM darklaunch.noise_change WHERE launch = %(launch)s ORDER BY id DESC LIMIT %(limit)s

-- name: get
SELECT name, status, percent, hold, revision, spec::text, lifted_revision, created_at, updated_at
FROM darklaunch.launch WHERE name = %(name)s

-- name: lock
SELECT name, status, percent, hold, revision, spec::text, lifted_revision, created_at, updated_at
FROM darklaunch.launch WHERE name = %(name)s FOR UPDATE

-- name: list
SELECT name, status, percent, hold, revision, spec::text, lifted_revision, created_at, updated_at
FROM darklaunch.launch ORDER BY name

-- name: create
INSERT INTO darklaunch.launch (name, status, percent, spec, revision, lifted_revision)
SELECT %(name)s, %(status)s, %(percent)s, %(spec)s::jsonb, r, r FROM darklaunch.next_revision(%(above)s) AS r
ON CONFLICT (name) DO NOTHING
RETURNING name, status, percent, hold, revision, spec::text, lifted_revision, created_at, updated_at

-- name: update
-- The revision that lifts a hold is recorded: whoever publishes it, here or after a crash, then lifts it on Redis.
UPDATE darklaunch.launch AS l
SET status = %(status)s, percent = %(percent)s, spec = %(spec)s::jsonb, hold = %(hold)s, revision = r,
    lifted_revision = CASE WHEN %(lift)s THEN r ELSE l.lifted_revision END, updated_at = now()
FROM darklaunch.next_revision(%(above)s) AS r
WHERE name = %(name)s
RETURNING name, status, percent, hold, revision, spec::text, lifted_revision, created_at, updated_at

-- name: add_event
INSERT INTO darklaunch.event (launch, at, actor, act, reason, revision, data)
VALUES (%(launch)s, coalesce(%(at)s, now()), %(actor)s, %(act)s, %(reason)s, %(revision)s, %(data)s::jsonb)
RETURNING id

-- name: ending
SELECT id, launch, at, actor, act, reason, revision, data FROM darklaunch.event
WHERE launch = %(launch)s AND act IN ('promoted', 'rolled_back') ORDER BY id DESC LIMIT 1

-- name: events
SELECT id, launch, at, actor, act, reason, revision, data FROM darklaunch.event
WHERE launch = %(launch)s ORDER BY id DESC LIMIT %(limit)s

-- name: all_events
SELECT id, launch, at, actor, act, reason, revision, data FROM darklaunch.event
WHERE (%(launch)s::text IS NULL OR launch = %(launch)s) AND (%(act)s::text IS NULL OR act = %(act)s)
  AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s

-- name: acts
-- The kinds of the latest events: a page that offers them need not know the oldest.
SELECT act FROM (SELECT act FROM darklaunch.event ORDER BY id DESC LIMIT 10000) AS latest GROUP BY act ORDER BY act

-- name: change_marks
-- A text for each launch that changes whenever anything about it was recorded, judged or decided.
SELECT l.name, concat_ws(' ', l.updated_at, j.updated_at,
       (SELECT sum(t.count) FROM darklaunch.tally AS t WHERE t.launch = l.name),
       (SELECT max(e.id) FROM darklaunch.event AS e WHERE e.launch = l.name))
FROM darklaunch.launch AS l LEFT JOIN darklaunch.judgement AS j ON j.launch = l.name

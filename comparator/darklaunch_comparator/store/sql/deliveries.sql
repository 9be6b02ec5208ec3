-- name: queue_webhooks
-- Only events of the last hour: a webhook that is added today gets no notice of last week.
INSERT INTO darklaunch.delivery (launch, event, kind, target)
SELECT e.launch, e.id, 'webhook', w.url
FROM darklaunch.event AS e
JOIN darklaunch.launch AS l ON l.name = e.launch
CROSS JOIN LATERAL jsonb_array_elements_text((l.spec->>'policy')::jsonb->'webhooks') AS w (url)
WHERE e.act IN ('promoted', 'rolled_back') AND e.at > now() - interval '1 hour' AND l.spec->>'policy' LIKE '{%%'
ON CONFLICT (event, kind, target) DO NOTHING

-- name: queue_command
INSERT INTO darklaunch.delivery (launch, event, kind, target)
SELECT e.launch, e.id, 'command', '' FROM darklaunch.event AS e
WHERE e.act IN ('promoted', 'rolled_back') AND e.at > now() - interval '1 hour'
ON CONFLICT (event, kind, target) DO NOTHING

-- name: lock_due
-- The lock lasts until the attempt is finished. Comparators share the work; one that dies releases its lock.
SELECT d.id, d.kind, d.target, d.attempts, d.created_at < now() - interval '1 day',
       e.id, e.launch, e.act, e.at, e.actor, e.reason, e.revision, e.data
FROM darklaunch.delivery AS d JOIN darklaunch.event AS e ON e.id = d.event
WHERE d.state = 'pending' AND d.due_at <= now() AND d.kind = ANY(%(kinds)s)
ORDER BY d.due_at LIMIT 1 FOR UPDATE OF d SKIP LOCKED

-- name: finish_attempt
UPDATE darklaunch.delivery
SET state = %(state)s, attempts = attempts + 1, said = %(said)s, due_at = now() + %(again_s)s * interval '1 second',
    settled_at = CASE WHEN %(state)s = 'pending' THEN NULL ELSE now() END
WHERE id = %(id)s

-- name: list
SELECT event, kind, target, state, attempts, said, settled_at FROM darklaunch.delivery
WHERE launch = %(launch)s ORDER BY id DESC LIMIT %(limit)s

-- name: list_of
SELECT event, kind, target, state, attempts, said, settled_at FROM darklaunch.delivery
WHERE event = ANY(%(events)s) ORDER BY id DESC

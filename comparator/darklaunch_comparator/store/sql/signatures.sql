-- name: lock_decided
-- The accepted and resolved ones among some signatures, locked in the order in which writers add to them.
SELECT fingerprint, state, settled_at, builds, endpoint, title FROM darklaunch.signature
WHERE launch = %(launch)s AND fingerprint = ANY(%(fingerprints)s) AND state <> 'open'
ORDER BY fingerprint FOR UPDATE

-- name: names
SELECT fingerprint, state, endpoint, title FROM darklaunch.signature WHERE launch = %(launch)s ORDER BY fingerprint

-- name: lock
SELECT fingerprint, state, endpoint, title FROM darklaunch.signature
WHERE launch = %(launch)s AND fingerprint = ANY(%(fingerprints)s)
ORDER BY fingerprint FOR UPDATE

-- name: set_state
UPDATE darklaunch.signature
SET state = %(state)s, settled_at = CASE WHEN %(state)s <> 'open' THEN now() END
WHERE launch = %(launch)s AND fingerprint = %(fingerprint)s

-- name: latest_restart
SELECT coalesce(max(e.id), 0) FROM darklaunch.event AS e
WHERE e.launch = %(launch)s AND e.act IN ('rolled_back', 'promoted')

-- name: seen_since
SELECT endpoint, title FROM darklaunch.signature
WHERE launch = %(launch)s AND fingerprint = ANY(%(fingerprints)s) AND last_seen >= %(since)s
ORDER BY count DESC, fingerprint

-- name: add_event
-- Deciding on a signature changes no launch: the event carries the current revision.
INSERT INTO darklaunch.event (launch, actor, act, reason, revision, data)
SELECT %(launch)s, %(actor)s, %(act)s, %(reason)s,
       coalesce((SELECT revision FROM darklaunch.launch WHERE name = %(launch)s), 0), %(data)s::jsonb

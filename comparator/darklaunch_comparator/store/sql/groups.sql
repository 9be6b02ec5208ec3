-- name: group
-- One signature, its decision, and how its endpoint did.
SELECT s.fingerprint, s.endpoint, s.title, s.outcome, s.parts, s.count, s.first_seen, s.last_seen, s.state, s.builds,
       coalesce(e.act, ''), coalesce(e.actor, ''), coalesce(e.reason, ''), e.at,
       b.replays
FROM darklaunch.signature AS s
LEFT JOIN LATERAL (
    SELECT act, actor, reason, at FROM darklaunch.event
    WHERE launch = s.launch AND data ? 'signature' AND data->>'signature' = s.fingerprint
    ORDER BY id DESC LIMIT 1
) AS e ON true
CROSS JOIN LATERAL (
    SELECT coalesce(sum(matched + mismatched + ignored + unverified + shadow_error), 0)::bigint AS replays
    FROM darklaunch.bucket WHERE launch = s.launch AND endpoint = s.endpoint
) AS b
WHERE s.launch = %(launch)s AND s.fingerprint = %(fingerprint)s

-- name: samples
-- The kept exchanges of a signature; one that is kept in two roles comes once, by the first of them.
SELECT DISTINCT ON (exchange_id) exchange_id, role, captured_at
FROM darklaunch.sample WHERE launch = %(launch)s AND fingerprint = %(fingerprint)s
ORDER BY exchange_id, array_position(ARRAY['first', 'latest', 'rarest'], role)

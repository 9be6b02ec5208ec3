-- The server and a session on it, rather than what is recorded there.

-- name: configure_session
SELECT set_config(setting, value, false) FROM unnest(%(settings)s::text[], %(values)s::text[]) AS s (setting, value)

-- name: begin_snapshot
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: limit_statements
SELECT set_config('statement_timeout', %(timeout)s, true)

-- name: ensure_durable_commits
-- A server with synchronous_commit = off forgets its last commits in a crash, but an entry is acknowledged to Redis
-- right after its commit.
SELECT set_config('synchronous_commit', 'local', false) WHERE current_setting('synchronous_commit') = 'off'

-- name: mark_session
SELECT set_config('darklaunch.session', %(mark)s, false)

-- name: session_mark
SELECT current_setting('darklaunch.session', true)

-- name: lead
SELECT pg_try_advisory_lock(%(lock)s)

-- name: clock
SELECT clock_timestamp(), pg_is_in_recovery()

-- name: size
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'darklaunch' AND c.relkind IN ('r', 'm')

-- name: privileges
-- At most three missing rights on tables and two on functions: enough to show what is wrong.
SELECT current_user,
       array_remove(ARRAY(
           SELECT format('%%s on %%s', p.privilege, c.relname)
           FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
           CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS p (privilege)
           WHERE n.nspname = 'darklaunch' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
             AND c.relname NOT IN ('migration', 'event', 'salt') AND NOT has_table_privilege(c.oid, p.privilege)
           ORDER BY c.relname, p.privilege LIMIT 3
       ) || ARRAY(
           SELECT format('EXECUTE on %%s', p.proname)
           FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
           WHERE n.nspname = 'darklaunch' AND NOT has_function_privilege(p.oid, 'EXECUTE')
           ORDER BY p.proname LIMIT 2
       ), NULL),
       has_schema_privilege('darklaunch', 'CREATE')

-- name: database_exists
SELECT EXISTS (SELECT FROM pg_database WHERE datname = %(name)s)

-- name: create_database
CREATE DATABASE {name}

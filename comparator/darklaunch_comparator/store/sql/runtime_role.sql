-- The rights of a role that compares, records and operates, but must not change tables.

-- name: rights
SELECT r.rolsuper, pg_has_role(r.oid, n.nspowner, 'MEMBER')
FROM pg_roles AS r CROSS JOIN pg_namespace AS n WHERE r.rolname = %(role)s AND n.nspname = 'darklaunch'

-- name: grants
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA darklaunch TO {role};
REVOKE CREATE ON SCHEMA darklaunch FROM {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA darklaunch TO {role};
REVOKE INSERT, UPDATE, DELETE ON darklaunch.migration, darklaunch.salt FROM {role};
REVOKE UPDATE, DELETE ON darklaunch.event FROM {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA darklaunch TO {role};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA darklaunch TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA darklaunch GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA darklaunch GRANT USAGE ON SEQUENCES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA darklaunch GRANT EXECUTE ON FUNCTIONS TO {role}

-- name: limits
ALTER ROLE {role} IN DATABASE {database} SET statement_timeout = '30s';
ALTER ROLE {role} IN DATABASE {database} SET lock_timeout = '10s';
ALTER ROLE {role} IN DATABASE {database} SET idle_in_transaction_session_timeout = '60s'

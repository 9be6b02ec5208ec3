"""Everything that is kept in Postgres: the schema, its migrations, and what is written to and read from it."""

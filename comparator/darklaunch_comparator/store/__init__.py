"""The record in Postgres: the schema, its migrations, and every statement that reads or writes it."""

"""Redis and Postgres as commands use them."""

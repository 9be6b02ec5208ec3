"""Numbered plain-SQL migrations, applied in order by `store.migrate`. Never edit an applied file: add a new one."""

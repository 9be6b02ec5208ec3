"""Numbered plain-SQL migrations, applied in order by `store.migrate`. Never edit a released file; add a new one."""

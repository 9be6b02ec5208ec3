"""The shop that `darklaunch demo` launches: an API over SQLite, in three releases.

`v1` serves users. `v2` is the release under test and has three regressions that its authors did not see: a renamed
key (GET /orders/{id}), an index that went missing in a migration (GET /search), and a quantity of 0 that its new
price table does not know (GET /quote). `v3` repairs them. Read the releases side by side: they differ as real ones do.
"""

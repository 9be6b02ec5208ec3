"""Named queries, kept as SQL: each file holds sections that begin with a line `-- name: …`, comments below it.

Parameters are psycopg's, `%(name)s`; a literal percent sign is written `%%`.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final

_SECTION: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_COMMENT: Final = re.compile(r"^--.*\n", re.MULTILINE)


@cache
def load(topic: str) -> dict[str, bytes]:
    """Read the queries of one topic, `launches` for launches.sql, by name. Comments stay behind."""
    _, *parts = _SECTION.split(files(__name__).joinpath(f"{topic}.sql").read_text())
    return {name: _COMMENT.sub("", text).strip().encode() for name, text in zip(parts[::2], parts[1::2], strict=True)}

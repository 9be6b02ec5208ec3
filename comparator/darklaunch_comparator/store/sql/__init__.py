"""Named queries in SQL files. Each query is a section that begins with a line `-- name: …`; comments may follow.

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
    """Return the queries of one file (`launches` for launches.sql) by name, without comments."""
    _, *parts = _SECTION.split(files(__name__).joinpath(f"{topic}.sql").read_text())
    return {name: _COMMENT.sub("", text).strip().encode() for name, text in zip(parts[::2], parts[1::2], strict=True)}

"""What people and witnesses decided about mismatches and excuses after they were recorded.

Rows never change. Their evidence does: the judge takes it again from the rows whenever an amendment came.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from zlib import crc32

import orjson
from psycopg import Connection

from .signatures import COMPARATOR
from .sql import load

_SQL = load("judgements")


@dataclass(frozen=True, slots=True)
class Amendments:
    """What makes a stored row count otherwise than its outcome says.

    decision   the number of the latest event by which a person accepted mismatches or took that back, 0 for none
    withdrawn  the places where values were excused by their form, and a version was seen to repeat its own since:
               (endpoint, digest of the path)
    """

    decision: int = 0
    withdrawn: tuple[tuple[str, int], ...] = ()

    @property
    def fingerprint(self) -> str:
        """Return a short text that changes with them, "" for none."""
        if not self.decision and not self.withdrawn:
            return ""
        return f"{self.decision}-{sha256(orjson.dumps(self.withdrawn)).hexdigest()[:16]}"


NO_AMENDMENTS = Amendments()


def read_amendments(connection: Connection[Any], launch: str) -> Amendments:
    """Read all amendments of a launch's results."""
    row = connection.execute(_SQL["latest_acceptance"], {"launch": launch, "comparator": COMPARATOR}).fetchone()
    assert row is not None
    places = connection.execute(_SQL["withdrawn"], {"launch": launch}).fetchall()
    return Amendments(int(row[0]), tuple((endpoint, digest_path(path)) for endpoint, path in places))


def digest_path(path: str) -> int:
    """Return the number under which a row remembers that values at a path were excused by their form.

    Two of the few such paths of an endpoint share a number with a chance of 1 in 2^32.
    """
    return crc32(path.encode()) - 2**31


def digest_excused(excuses: Iterable[tuple[str, str, int]]) -> list[int] | None:
    """Return the digests of the paths that were excused by the form of their values; None if there are none."""
    return [digest_path(path) for path, reason, _ in excuses if reason in ("clock", "generated_id")] or None

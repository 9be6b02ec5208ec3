"""The sampling key of a sticky launch: which header or cookie decides, or the client's address.

The console checks it with the same parser that the hook reads it with, so a key that `start` accepts is one that the
hook can find.
"""

from dataclasses import dataclass
from typing import Final

from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.wire.http_headers import TOKEN

_NOT_IN_COOKIE_NAMES: Final = frozenset(' ;,="\\')


@dataclass(frozen=True, slots=True)
class StickyKey:
    """Where a request carries the key: `kind` is "header", "cookie" or "client"; `name` that of the header or cookie.

    `str()` returns the form in which a launch stores it.
    """

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


def parse_sticky(text: str) -> StickyKey | None:
    """Parse `header:NAME`, `cookie:NAME` or `client`; "" is None.

    A header's name is compared in lower case. A cookie's name keeps its case and may be any printable text without
    spaces, quotes, backslashes and `; , =`, which end a name in a Cookie header: more than RFC 6265 allows, as much as
    browsers send. Raises BadLaunch for anything else.
    """
    kind, _, name = text.partition(":")
    if not text:
        return None
    if text == "client":
        return StickyKey("client")
    if kind == "header" and TOKEN.fullmatch(name):
        return StickyKey(kind, name.lower())
    if kind == "cookie" and name and name.isprintable() and _NOT_IN_COOKIE_NAMES.isdisjoint(name):
        return StickyKey(kind, name)
    raise BadLaunch(f"{text!r} names no sampling key: write header:NAME, cookie:NAME or client")

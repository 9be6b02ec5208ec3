"""What the names above a value say about it: that it is a time, or that it is made up for one response."""

import re
from collections.abc import Sequence
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NAME_CHARS: Final = 200
"""A longer name is data, and says nothing."""
_GENERIC: Final = frozenset({
    "$", "content", "date", "iso", "millis", "ms", "nanos", "raw", "sec", "seconds", "text", "unix", "value",
})  # fmt: skip
"""Names that leave it to the name above them: `{"expires": {"value": …}}`."""

_TIMES: Final = frozenset(
    """
    at begin clock created ctime date dates day dt end ended epoch exp expire expires expiration expiry generated iat
    issued micros millis modified ms mtime nanos nbf ns now seen since start started stamp t time times timestamp
    timestamps ts unix until updated us utc when
    """.split()  # noqa: SIM905 - a list literal of sixty words reads worse
)
_TIME_ENDINGS: Final = ("time", "stamp")
_NO_TIMES: Final = frozenset(
    """
    account amount balance bytes card cent cents code count counter cursor customer hash id ids index key len length
    minor nr no num number offset order phone position price qty quantity rank rev revision row seq sequence serial
    size sum tel total user version zip
    """.split()  # noqa: SIM905
)
_SECRETS: Final = frozenset({
    "authenticity", "crumb", "csrf", "etag", "hmac", "jti", "jwt", "nonce", "session", "sid", "sig", "signature",
    "token", "trace", "traceparent", "xsrf",
})  # fmt: skip


def says_time(names: Sequence[str]) -> bool:
    """True if the names above a number, the nearest first, say that it is a point in time.

    `created_at` and `expiresAt` do; `order_id`, `amount` and `seq_no` say that it is not, whatever stands above them.
    """
    for name in names:
        words = _split_words(name)
        if not _NO_TIMES.isdisjoint(words):
            return False
        if any(word in _TIMES or word.endswith(_TIME_ENDINGS) for word in words):
            return True
        if not _GENERIC.issuperset(words):
            return False
    return False


def says_secret(names: Sequence[str]) -> bool:
    """True if the names above a text, the nearest first, say that it is made up for one response: a nonce, a token."""
    for name in names:
        words = _split_words(name)
        if not _SECRETS.isdisjoint(words):
            return True
        if not _GENERIC.issuperset(words):
            return False
    return False


def _split_words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)] if len(name) <= _NAME_CHARS else []

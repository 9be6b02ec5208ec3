"""Which requests and responses cannot be compared fairly, each with the name it is counted under.

Beside `unsafe_method` and `path`, which the launch's policy decides:

    loop           a replay: mirroring it would mirror the mirror
    conditional    If-None-Match, Range, … : 304 here and 200 there would be a false difference
    streaming      server-sent events, multipart/x-mixed-replace, gRPC, protocol upgrades: there is no whole answer
    content_type   a response type that the hook is set up to leave alone
    unsupported    what cannot be repeated or seen: OPTIONS *, trailers, files sent by the kernel
    unread_body    the app answered without reading the request's body, so it is not known
    aborted        the client left, or the app failed, before the response was complete
    no_seal_key    the launch seals credentials, and the app has no key to do it with
    no_sticky_key  the launch samples by a key and the request has none
    hook_error     the hook failed; the log `darklaunch` says how
"""

from functools import lru_cache
from typing import Final

from .headers import ByName, text

REPLAY_MARK: Final = "x-darklaunch-exchange"

_CONDITIONAL: Final = frozenset(
    form
    for name in ("if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range")
    for form in (name, name.encode())
)
_TYPE_CHARS: Final = 200
"""How much of a content type is looked at, and remembered."""
_STREAMING: Final = ("text/event-stream", "multipart/x-mixed-replace", "application/grpc")


def request_skip(fields: ByName) -> str | None:
    """Say why a request cannot be compared; None when it can."""
    if not _CONDITIONAL.isdisjoint(fields):
        return "conditional"
    given = fields.get(b"content-type") or fields.get("content-type")
    grpc = given and text(given).lower().startswith("application/grpc")
    return "streaming" if grpc or b"upgrade" in fields or "upgrade" in fields else None


def is_streaming(status: int, content_type: str) -> bool:
    """Tell whether a response has no whole: it goes on until somebody hangs up."""
    return status == 101 or content_type.lower().startswith(_STREAMING)


def response_skip(status: int, content_type: str, left_alone: tuple[str, ...]) -> str | None:
    """Say why a response cannot be compared; None when it can."""
    return _response_skip(status, content_type[:_TYPE_CHARS], left_alone)


@lru_cache(maxsize=256)
def _response_skip(status: int, content_type: str, left_alone: tuple[str, ...]) -> str | None:
    if is_streaming(status, content_type):
        return "streaming"
    if left_alone and content_type.lower().startswith(left_alone):
        return "content_type"
    return None

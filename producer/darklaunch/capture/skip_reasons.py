"""Which requests and responses cannot be compared fairly, each with the reason it is counted under.

Beside `unsafe_method`, `method_override` and `path`, which the launch's policy decides:

    loop           a replay: mirroring it would replay it again and again
    conditional    If-None-Match, Range, … : 304 from one side and 200 from the other would be a false difference
    streaming      server-sent events, multipart/x-mixed-replace, gRPC, protocol upgrades: the response never ends
    content_type   a response type that the hook is set up to leave alone
    unsupported    it cannot be repeated or seen: OPTIONS *, trailers, files sent by the kernel
    unread_body    the app responded without reading the request's body, so the body is not known
    aborted        the client left, or the app failed, before the response was complete
    no_seal_key    the launch seals credentials, and the app has no key to seal them with
    no_sticky_key  the launch samples by a key, and the request has none
    hook_error     the hook failed; the log `darklaunch` says how
"""

from functools import lru_cache
from typing import Final

from .headers import HeadersByName, decode_header

_CONDITIONAL_NAMES: Final = (
    "if-none-match",
    "if-modified-since",
    "if-match",
    "if-unmodified-since",
    "if-range",
    "range",
)
_CONDITIONAL: Final = frozenset(_CONDITIONAL_NAMES) | {name.encode() for name in _CONDITIONAL_NAMES}
_CONTENT_TYPE_CHARS: Final = 200
"""How much of a content type is looked at, and remembered."""
_STREAMING_TYPES: Final = ("text/event-stream", "multipart/x-mixed-replace", "application/grpc")


def find_request_skip(fields: HeadersByName) -> str | None:
    """Return the reason why a request cannot be compared, None when it can."""
    if not _CONDITIONAL.isdisjoint(fields):
        return "conditional"
    content_type = fields.get(b"content-type") or fields.get("content-type")
    is_grpc = content_type and decode_header(content_type).lower().startswith("application/grpc")
    return "streaming" if is_grpc or b"upgrade" in fields or "upgrade" in fields else None


def is_streaming(status: int, content_type: str) -> bool:
    """True if a response never ends by itself: it goes on until somebody closes the connection."""
    return status == 101 or content_type.lower().startswith(_STREAMING_TYPES)


def find_response_skip(status: int, content_type: str, skip_content_types: tuple[str, ...]) -> str | None:
    """Return the reason why a response cannot be compared, None when it can."""
    return _find_response_skip(status, content_type[:_CONTENT_TYPE_CHARS], skip_content_types)


@lru_cache(maxsize=256)
def _find_response_skip(status: int, content_type: str, skip_content_types: tuple[str, ...]) -> str | None:
    if is_streaming(status, content_type):
        return "streaming"
    if skip_content_types and content_type.lower().startswith(skip_content_types):
        return "content_type"
    return None

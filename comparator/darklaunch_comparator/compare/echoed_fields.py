"""Fields of a request that an app repeats in its response, where it is ours that the two sides got different ones.

A replay is another request on another connection: it has the shadow's Host, a trace of its own and our marks, and lacks
what belonged to the primary's connection. Whoever repeats its request repeats that.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from darklaunch_shared.wire.exchange import REDACTED
from darklaunch_shared.wire.http_headers import EXCHANGE_HEADER, LAUNCH_HEADER
from darklaunch_shared.wire.trace_headers import is_trace_header

from .model import ABSENT, Absent, Json

ListRequestFields: TypeAlias = "Callable[[], Mapping[str, str]]"
"""Lists the header fields of the request that a side got, by name in lower case. Called for few exchanges."""

_CONNECTION: Final = frozenset(
    "connection keep-alive te trailer transfer-encoding upgrade http2-settings expect content-length".split()  # noqa: SIM905
)
_OURS: Final = frozenset(("host", "idempotency-key", LAUNCH_HEADER, EXCHANGE_HEADER))
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def is_repeated_field(
    name: str,
    primary: "Json | Absent",
    shadow: "Json | Absent",
    list_primary_fields: ListRequestFields,
    list_shadow_fields: ListRequestFields,
) -> bool:
    """True if two values under a name are what each side's request had there, and it is not the app that differs.

    The name is that of a header field, in any spelling (`Host`, `HTTP_HOST`, `traceparent`).
    """
    field = name.lower().replace("_", "-").removeprefix("http-")
    is_trace = is_trace_header(field)
    known = field in _OURS or field in _CONNECTION or field.startswith("proxy-") or is_trace
    if not known and (shadow is not ABSENT or not isinstance(primary, str | list)):
        return False
    sent_to_primary, sent_to_shadow = list_primary_fields(), list_shadow_fields()
    if is_trace and field != "traceparent" and field not in sent_to_primary:
        return False  # an airline's `baggage`
    if not known:  # a credential that was taken out before it travelled
        return sent_to_primary.get(field) == REDACTED and field not in sent_to_shadow
    return _is_what_was_sent(field, primary, sent_to_primary) and _is_what_was_sent(field, shadow, sent_to_shadow)


def _is_what_was_sent(field: str, value: "Json | Absent", sent: Mapping[str, str]) -> bool:
    if isinstance(value, list) and len(value) == 1:  # Go and PHP list the values of a field
        value = value[0]
    if value is ABSENT or value in (None, ""):
        # A server may write a field of the connection for the client that did not: that is for the next test.
        return field not in sent or field in _CONNECTION
    if not isinstance(value, str | int) or isinstance(value, bool):
        return False
    text = str(value)
    if field == "traceparent" and field not in sent:
        return _TRACEPARENT.fullmatch(text) is not None
    if field in _CONNECTION and field not in sent:
        return False
    return sent.get(field, "").strip() == text

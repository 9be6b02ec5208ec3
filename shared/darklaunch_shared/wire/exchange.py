"""Exchanges, which travel from the hook to the workers: a captured request with the primary's response.

On the stream an exchange is five fields, readable with redis-cli: `v`, `id`, `meta` (JSON) and the raw bodies
`request` and `response`. Header values and the request target are bytes on the wire; here they are `str`
decoded as latin-1, which maps every byte to one character and back, so nothing is lost in JSON.
"""

from functools import lru_cache
from typing import Any, Final, cast

import orjson

from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.process.fast_dataclass import immutable

VERSION: Final = b"1"

META_CAP_BYTES: Final = 1_048_576
"""The longest JSON field that is read. Servers bound their headers far below it."""

REDACTED: Final = "[redacted]"
"""Replaces a credential in a header field that is kept."""

Headers = tuple[tuple[str, str], ...]
"""Header fields in wire order: lower-case names, latin-1 values."""

Fields = dict[bytes, bytes]
"""The fields of one stream entry."""


@immutable
class Request:
    """A captured request.

    `target` is the raw request target (path and query) byte for byte; `origin` is scheme://host[:port] as the
    primary's client saw it.
    """

    method: str
    target: str
    origin: str
    headers: Headers
    body: bytes


@immutable
class Response:
    """A response of the primary, the shadow or the baseline; `body` still has its content coding."""

    status: int
    headers: Headers
    body: bytes
    latency_ms: float


@immutable
class Exchange:
    """A captured request with the primary's response.

    `id` is `<producer>:<seq>`, unique within the launch. `captured_at_ms` is the wall clock at the request's start,
    in milliseconds since the epoch. `endpoint` is method and route template, `GET /orders/{id}`. `sealed` holds the
    credentials that the request shows as `[sealed]`, see `crypto.sealing`; "" when there are none. `redacted` are the
    names of the credentials that were left out of the request.
    """

    id: str
    launch: str
    captured_at_ms: int
    endpoint: str
    request: Request
    primary: Response
    sealed: str = ""
    redacted: tuple[str, ...] = ()


def pack_http_meta(
    method: str,
    target: str,
    origin: str,
    headers: Headers,
    status: int,
    response_headers: Headers,
    latency_ms: float,
    redacted: tuple[str, ...] = (),
) -> bytes:
    """Return the part of an exchange's `meta` that is known once the response has ended, as a JSON object.

    It has everything but launch, capture time and endpoint. Raises TypeError for text that JSON cannot hold.
    """
    http_meta: dict[str, object] = {
        "method": method,
        "target": target,
        "origin": origin,
        "headers": headers,
        "status": status,
        "response_headers": response_headers,
        "latency_ms": latency_ms,
    }
    if redacted:
        http_meta["redacted"] = redacted
    return orjson.dumps(http_meta)


def pack_meta(launch: str, captured_at_ms: int, endpoint: str, http_meta: bytes, sealed: str = "") -> bytes:
    """Return an exchange's `meta`: everything but its id and bodies. `http_meta` is the result of `pack_http_meta`."""
    if sealed:
        http_meta = b'%b,"sealed":%b}' % (http_meta[:-1], orjson.dumps(sealed))
    return b'{"launch":%b,"at":%d,"endpoint":%b,%b' % (
        _quote(launch),
        captured_at_ms,
        _quote(endpoint),
        http_meta[1:],
    )


@lru_cache(maxsize=1_000)
def _quote(name: str) -> bytes:
    return orjson.dumps(name)


def strip_secrets(meta: bytes) -> bytes:
    """Return a valid `meta` without its sealed credentials, and without the signature that covers them."""
    members: dict[str, Any] = orjson.loads(meta)
    return orjson.dumps({name: value for name, value in members.items() if name not in ("sealed", "sig")})


def unpack_exchange(fields: Fields) -> Exchange:
    """Read an exchange from stream fields.

    Raises BadEntry when a field is missing, has the wrong type, or `v` is a version this release does not read.
    """
    meta = read_meta(fields, keys.META)
    try:
        launch, endpoint = meta["launch"], meta["endpoint"]
        method, target, origin = meta["method"], meta["target"], meta["origin"]
        sealed = meta.get("sealed", "")
        redacted = meta.get("redacted", ())
        _check_texts(launch, endpoint, method, target, origin, sealed, *redacted)
        request = Request(method, target, origin, check_headers(meta["headers"]), fields[keys.REQUEST])
        headers = check_headers(meta["response_headers"])
        primary = Response(
            check_status(meta["status"]), headers, fields[keys.RESPONSE], check_latency(meta["latency_ms"])
        )
    except KeyError as missing:
        raise BadEntry(f"the entry has no {missing}") from None
    return Exchange(
        read_exchange_id(fields), launch, read_captured_at_ms(meta), endpoint, request, primary, sealed, tuple(redacted)
    )


def read_exchange_id(fields: Fields) -> str:
    """Read an entry's exchange id. Raises BadEntry when there is none or it is not `<producer>:<seq>`."""
    raw = fields.get(keys.ID, b"")
    producer, colon, seq = raw.partition(b":")
    if not (colon and 0 < len(producer) <= 32 and producer.isalnum() and seq.isdigit() and len(seq) <= 18):
        raise BadEntry("the entry has no exchange id of the form <producer>:<seq>")
    return raw.decode("ascii")


def read_meta(fields: Fields, field: bytes) -> dict[str, Any]:
    """Read one JSON field. Raises BadEntry when it is absent, too long or no JSON object, or the version is unknown."""
    if fields.get(keys.V) != VERSION:
        raise BadEntry(f"the entry has version {fields.get(keys.V, b'none')[:20]!r}, this release reads {VERSION!r}")
    raw = fields.get(field)
    if raw is None:
        raise BadEntry(f"the entry has no field {field.decode()}")
    if len(raw) > META_CAP_BYTES:
        raise BadEntry(f"the entry's {field.decode()} has {len(raw):,} bytes, more than {META_CAP_BYTES:,}")
    try:
        meta: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as broken:
        raise BadEntry(f"the entry's {field.decode()} is not JSON: {broken}") from None
    if not isinstance(meta, dict):
        raise BadEntry(f"the entry's {field.decode()} is not a JSON object")
    return cast("dict[str, Any]", meta)


def read_captured_at_ms(meta: dict[str, Any]) -> int:
    """Read a capture time, in milliseconds since the epoch. Raises BadEntry outside the years 2000 to 2999."""
    at = meta.get("at")
    if type(at) is not int or not 946_684_800_000 <= at < 32_503_680_000_000:
        raise BadEntry("the entry's capture time is not between the years 2000 and 2999")
    return at


def check_headers(value: Any) -> Headers:
    """Return header fields as pairs. Raises BadEntry unless `value` is a list of [name, value] in latin-1 text."""
    try:
        "".join([name + text for name, text in value]).encode("latin-1")
        return tuple(map(tuple, value))
    except (TypeError, ValueError):
        raise BadEntry("the entry's header fields are not [name, value] pairs of latin-1 text") from None


def check_status(value: Any) -> int:
    """Return a valid status code. Raises BadEntry unless it is an integer from 100 to 999."""
    if type(value) is not int or not 100 <= value <= 999:
        raise BadEntry(f"the entry's status is not a status code: {str(value)[:40]}")
    return value


def check_latency(value: Any) -> float:
    """Return a valid latency in milliseconds. Raises BadEntry unless it is a number from 0 to one day."""
    if type(value) not in (float, int) or not 0 <= value <= 86_400_000:
        raise BadEntry(f"the entry's latency is not between 0 ms and one day: {str(value)[:40]}")
    return float(value)


def _check_texts(*values: Any) -> None:
    try:
        "".join(values)
    except TypeError:
        wrong = next(value for value in values if not isinstance(value, str))
        raise BadEntry(f"the entry has {str(wrong)[:40]!r} where text was expected") from None

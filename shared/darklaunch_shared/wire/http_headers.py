"""The HTTP contract: header fields that darklaunch adds to requests and responses, and how to read them.

Workers mark each replay with LAUNCH_HEADER and EXCHANGE_HEADER; the hook in the shadow adds `Server-Timing` to its
response (W3C Server Timing). Webhooks carry EVENT_HEADER and SIGNATURE_HEADER.
"""

import re
from typing import Final
from uuid import UUID, uuid5

OUR_PREFIX: Final = "x-darklaunch-"
"""What the names of all our fields begin with, in lower case."""

LAUNCH_HEADER: Final = "x-darklaunch-launch"
"""On a replay: the launch it belongs to."""

EXCHANGE_HEADER: Final = "x-darklaunch-exchange"
"""On a replay: the exchange it repeats. A hook that sees it captures nothing."""

DRY_RUN_HEADER: Final = "x-darklaunch-dry-run"
"""On the replay of a write, `1`: what has effects outside of the shadow is to be left out."""

PROBE_HEADER: Final = "x-darklaunch-probe"
"""On the console's probe of an origin, which is marked as a replay too: a random nonce."""

PROBE_ANSWER_HEADER: Final = "x-darklaunch-hook"
"""On the response to a probe, if a hook captures there: see `format_probe_answer`."""

EVENT_HEADER: Final = "X-Darklaunch-Event"
"""On a webhook: the act it reports."""

SIGNATURE_HEADER: Final = "X-Darklaunch-Signature"
"""On a webhook: time and HMAC of its body."""

SERVER_TIMING: Final = "Server-Timing"
"""On the shadow's response to a replay: see `format_server_timing`."""

SERVER_TIMING_FIELD: Final = SERVER_TIMING.lower()
"""The same as it stands among captured header fields, whose names are lower case."""

TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 9110 section 5.6.2: method names, field names, cookie names."""

TOKEN_CHARACTERS: Final = bytes(byte for byte in range(128) if TOKEN.fullmatch(chr(byte)))

_KEY_NAMESPACE: Final = UUID("6d1e0d8e-3f0b-5c58-9a56-0f5b8c2f7d11")
_METRIC: Final = re.compile(r"(?:^|,)\s*darklaunch\s*(?:;|,|$)")
_DURATION: Final = re.compile(r'(?:^|,)\s*darklaunch\s*;[^,]*?\bdur\s*=\s*"?(\d{1,8}(?:\.\d{1,9})?)')
_BUILD: Final = re.compile(r'(?:^|,)\s*darklaunch-build\s*;[^,"]*?\bdesc\s*=\s*(?:"([^"\\]{1,100})"|([^\s,;"]{1,100}))')


def make_idempotency_key(launch: str, exchange_id: str) -> str:
    """Return the `Idempotency-Key` that replays of a write get whose client gave none: always the same."""
    return str(uuid5(_KEY_NAMESPACE, f"{launch}/{exchange_id}"))


def format_probe_answer(nonce: str, producer: str) -> str:
    """Return the value of PROBE_ANSWER_HEADER: the probe's nonce, and the producer that captures there."""
    return f"{nonce} {producer}"


def parse_probe_answer(value: str, nonce: str) -> str:
    """Return the producer that answered a probe; "" unless the answer is to this probe's nonce."""
    answered, _, producer = value.partition(" ")
    return producer if answered == nonce and producer.isalnum() else ""


def format_server_timing(duration_ms: float, build: str = "") -> str:
    """Return the value of `Server-Timing`: the time spent inside the app, and the build unless it is ""."""
    duration = f"darklaunch;dur={duration_ms:.3f}"
    return f'{duration}, darklaunch-build;desc="{build}"' if build else duration


def has_server_timing(value: str) -> bool:
    """True if a `Server-Timing` value has the metric that darklaunch's hook adds."""
    return bool(_METRIC.search(value))


def parse_duration_ms(value: str) -> float | None:
    """Return the time that the hook measured, in milliseconds; None where a `Server-Timing` value has none."""
    duration = _DURATION.search(value)
    return float(duration[1]) if duration else None


def parse_build(value: str) -> str:
    """Return the build that the hook names; "" where a `Server-Timing` value names none."""
    build = _BUILD.search(value)
    return (build[1] or build[2]) if build else ""

"""A release of the shop: how slow it is, what of its responses differs from call to call, and what is wrong in it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """All that tells one release from another; the default is a release without fault or noise.

    median_ms   median time of a response; it is lognormal, and the same for the same request
    factor      every response takes so many times as long
    added_ms    and so much longer
    added_at    at paths that begin with this
    tail        the slowest 15 % of responses take so many times as long
    stalls      share of responses that take 2.5 s longer
    wrong       what is wrong: `json`, `page`, `header`, `status`, or `quote` (the rare endpoint)
    wrong_share in which share of the responses that have it
    noise       what differs from call to call, see `shop`
    resets      share of requests whose connection is reset without a response
    flaps_s     connections are reset for so many seconds, then not for as many, and so on
    login       what the shop answers to a request for an account without credentials: `401`, `403`, `302`
    """

    median_ms: float = 40.0
    factor: float = 1.0
    added_ms: float = 0.0
    added_at: str = "/"
    tail: float = 1.0
    stalls: float = 0.0
    wrong: str = ""
    wrong_share: float = 1.0
    noise: tuple[str, ...] = ()
    resets: float = 0.0
    flaps_s: float = 0.0
    login: str = "401"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRelease:
    """A release as one process serves it: the primary with the hook's `redis_url`, a shadow with the hook or without.

    server  `asgi` (uvicorn), or `wsgi` (waitress)
    """

    release: Release = field(default_factory=Release)
    app_name: str = ""
    redis_url: str = ""
    has_hook: bool = False
    server: str = "asgi"

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> ServedRelease:
        """Read what `dump` returned."""
        values: dict[str, Any] = json.loads(text)
        release = values.pop("release")
        return cls(release=Release(**{**release, "noise": tuple(release["noise"])}), **values)

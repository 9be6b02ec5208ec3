"""The settings of a hook: from keyword arguments, else the environment, else defaults. Nothing else reads them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypedDict, cast

from darklaunch_shared.crypto.keyring import NO_KEYS, KeyRing, parse_keys
from darklaunch_shared.errors import BadKey, BadLaunch
from darklaunch_shared.launch.spec import check_build, check_name
from darklaunch_shared.process.server_url import redact_url
from darklaunch_shared.redis.client import connect

from .errors import BadSetting

PREFIX: Final = "DARKLAUNCH_"


class HookOptions(TypedDict, total=False):
    """Keyword arguments of both middlewares. Each may be DARKLAUNCH_<NAME> in the environment instead.

    redis_url            the Redis that exchanges are written to and launches are read from; without it, no capture
    app_name             the name of this app: a launch belongs to one; default: what the framework calls it, such as
                         FastAPI's title, else the program
    body_cap_bytes       largest request body and largest response body that is captured, default 256 KiB each
    buffer_bytes         most memory that captured exchanges take, default 16 MiB
    buffer_entries       most exchanges that wait for Redis, default 5,000
    redact_headers       header names to redact beside the built-in ones
    forward_headers      header names to forward although they would be redacted
    skip_content_types   prefixes of response content types that are not captured, default `audio/`, `video/`
    build                in a shadow: the version it runs, named in its responses to replays
    seal_key             `NAME:KEY` to seal credentials with, for launches that ask for it
    signing_key          `NAME:KEY` to sign with what is written to Redis
    promoted             launches for which `is_promoted` is True in this process, whatever their status
    """

    redis_url: str
    app_name: str
    body_cap_bytes: int
    buffer_bytes: int
    buffer_entries: int
    redact_headers: Iterable[str] | str
    forward_headers: Iterable[str] | str
    skip_content_types: Iterable[str] | str
    build: str
    seal_key: str
    signing_key: str
    promoted: Iterable[str] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """The options of a hook, checked. Header names and content types are lower case."""

    redis_url: str = ""
    app_name: str = ""
    body_cap_bytes: int = 262_144
    buffer_bytes: int = 16 * 1_048_576
    buffer_entries: int = 5_000
    redact_headers: frozenset[str] = frozenset()
    forward_headers: frozenset[str] = frozenset()
    skip_content_types: tuple[str, ...] = ("audio/", "video/")
    build: str = ""
    seal_key: KeyRing = NO_KEYS
    signing_key: KeyRing = NO_KEYS
    promoted: frozenset[str] = frozenset()


def read_settings(options: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> HookSettings:
    """Read and check the settings. An option that is None counts as not given.

    Raises BadSetting, which names the option, its value and what it may be.
    """
    environ = os.environ if environ is None else environ
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if unknown := given.keys() - HookOptions.__annotations__.keys():
        raise BadSetting(
            f"there is no option {min(unknown)!r}; the options are {', '.join(sorted(HookOptions.__annotations__))}"
        )
    for name in HookOptions.__annotations__:
        text = environ.get(PREFIX + name.upper(), "").strip()
        if text:
            given.setdefault(name, text)
    default = HookSettings()
    return HookSettings(
        redis_url=_parse_url("redis_url", given.get("redis_url", default.redis_url)),
        app_name=_parse_text("app_name", given.get("app_name", default.app_name)),
        body_cap_bytes=_parse_size("body_cap_bytes", given.get("body_cap_bytes", default.body_cap_bytes)),
        buffer_bytes=_parse_size("buffer_bytes", given.get("buffer_bytes", default.buffer_bytes)),
        buffer_entries=_parse_size("buffer_entries", given.get("buffer_entries", default.buffer_entries)),
        redact_headers=frozenset(_parse_words("redact_headers", given.get("redact_headers", ()))),
        forward_headers=frozenset(_parse_words("forward_headers", given.get("forward_headers", ()))),
        skip_content_types=_parse_words(
            "skip_content_types", given.get("skip_content_types", default.skip_content_types)
        ),
        build=_check_build("build", given.get("build", default.build)),
        seal_key=_parse_keys("seal_key", given.get("seal_key", "")),
        signing_key=_parse_keys("signing_key", given.get("signing_key", "")),
        promoted=_parse_launch_names("promoted", given.get("promoted", ())),
    )


def _parse_url(name: str, value: object) -> str:
    url = _parse_text(name, value)
    try:
        if url:
            connect(url, client_name="darklaunch-hook").close()
    except ValueError as error:
        raise BadSetting(
            f"{name} {redact_url(url)!r} is not a Redis URL ({error}); write redis://host:port/0, rediss:// or unix://"
        ) from None
    return url


def _parse_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadSetting(f"{name} must be text, got {value!r}")
    return value


def _check_build(name: str, value: object) -> str:
    build = _parse_text(name, value)
    try:
        return check_build(build) if build else ""
    except BadLaunch as error:
        raise BadSetting(f"{name}: {error}") from None


def _parse_keys(name: str, value: object) -> KeyRing:
    if not isinstance(value, str):
        raise BadSetting(f"{name} must be text, NAME:KEY")  # without the value, which is a secret
    try:
        return parse_keys(value)
    except BadKey as error:
        raise BadSetting(f"{name}: {error}") from None


def _parse_launch_names(name: str, value: object) -> frozenset[str]:
    try:
        return frozenset(check_name(launch) for launch in _parse_words(name, value))
    except BadLaunch as error:
        raise BadSetting(f"{name}: {error}") from None


def _parse_size(name: str, value: object) -> int:
    try:
        size = int(value) if isinstance(value, str | int) and not isinstance(value, bool) else 0
    except ValueError:
        size = 0
    if size < 1:
        raise BadSetting(f"{name} must be a whole number from 1 up, got {value!r}")
    return size


def _parse_words(name: str, value: object) -> tuple[str, ...]:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, Iterable):
        raise BadSetting(f"{name} must be a list of names, or names with commas between them, got {value!r}")
    names = list(cast(Iterable[object], words))
    if not all(isinstance(word, str) for word in names):
        raise BadSetting(f"{name} must be a list of names, got {value!r}")
    return tuple(str(word).strip().lower() for word in names if str(word).strip())

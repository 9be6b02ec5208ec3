"""A launch as every process sees it: its specification and its current state."""

import re
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final, cast

import orjson

from darklaunch_shared import keys
from darklaunch_shared.errors import BadLaunch

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_BUILD: Final = re.compile(r"[!#-\[\]-~](?:[ !#-\[\]-~]{0,98}[!#-\[\]-~])?")
MAX_SHARDS: Final = 64
UNDECIDED_APP: Final = "?"
"""The app of a launch that was started before any app was seen: the leader replaces it by the first one."""
RECORDED_APP: Final = "recorded traffic"
"""The app of a launch whose requests come from traffic files: no hook samples it, so live traffic never mixes in."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class LaunchStatus(StrEnum):
    """Whether a launch samples, and if not, why it ended."""

    ACTIVE = "active"
    PAUSED = "paused"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """The options a launch was started with. They travel as JSON in the launch's hash.

    shadow               origin of the version under test, `http://host:port`
    app                  the app that is mirrored, by its `app_name`; "" for every app, UNDECIDED_APP for none yet,
                         RECORDED_APP for traffic files
    allow                writes that may be replayed, each `METHOD /path` with `*` for one segment and `**` for any rest
    only, skip           path patterns of the same form: mirror only these, never those
    sticky               "" for random sampling, or `header:NAME`, `cookie:NAME`, `client`
    compare              False records status and latency without comparing responses
    host                 "shadow" sends the shadow's own Host, "preserve" the one the primary got, else the Host to send
    set_headers          header fields that the shadow gets, see `request_changes`; no credential is in them
    remove_headers       names of header fields that it does not get
    path_prefix          what each path begins with at the shadow, "" for nothing
    tls_ca               the authorities an https shadow and control are trusted by, see `tls`; "" for the system's
    tls_certificate      the certificate that workers show them, and `tls_key` its key; "" for none
    max_latency_diff_ms  a replay slower than the primary by more than this counts as slow
    max_age_s            exchanges older than this are not replayed any more
    max_entries          admission bound: exchanges waiting or in flight per shard
    max_rps              requests per second to the shadow over all workers; 0 sets no bound
    request_cap_bytes    largest request body that is replayed
    response_cap_bytes   largest response of the shadow, as it comes over the wire, and of the primary
    seal                 True has hooks seal credentials for the shadow instead of removing them
    allow_metadata       True lets the shadow resolve to link-local and metadata addresses
    shards               how many stream shards the launch is spread over
    control              origin of the baseline, a second instance of the primary's version; "" for none
    noise_percent        share of safe exchanges replayed once more, to the baseline or else the shadow; 0 for none
    build_header         response header in which the shadow names its build; "" if its hook does, or nothing
    build                the operator's name for the shadow's build, for responses that do not name one
    policy               the limits the launch is judged by, as JSON; "" is the default policy
    rules                which differences are excused, as JSON; "" for none
    """

    shadow: str
    allow: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    sticky: str = ""
    compare: bool = True
    host: str = "shadow"
    max_latency_diff_ms: float = 2000.0
    max_age_s: float = 300.0
    max_entries: int = 20_000
    max_rps: float = 0.0
    request_cap_bytes: int = 1_048_576
    response_cap_bytes: int = 1_048_576
    seal: bool = False
    allow_metadata: bool = False
    shards: int = 1
    control: str = ""
    noise_percent: float = 10.0
    build_header: str = ""
    build: str = ""
    policy: str = ""
    rules: str = ""
    app: str = ""
    set_headers: tuple[str, ...] = ()
    remove_headers: tuple[str, ...] = ()
    path_prefix: str = ""
    tls_ca: str = ""
    tls_certificate: str = ""
    tls_key: str = ""

    def belongs_to(self, app: str) -> bool:
        """True if the launch mirrors the app of this name."""
        return self.app in ("", app)

    @property
    def is_recorded(self) -> bool:
        """True if its requests come from traffic files, not from live traffic."""
        return self.app == RECORDED_APP

    def for_app(self, app: str) -> "LaunchSpec":
        """Return the specification with another app."""
        return replace(self, app=app)

    @property
    def deadline_s(self) -> float:
        """The deadline of a replay as a whole: connecting, retries and body."""
        return (self.max_latency_diff_ms + 5000) / 1000

    @property
    def lease_s(self) -> float:
        """How long a worker may be silent about an exchange before another may claim it."""
        return 2 * self.deadline_s + 5


@dataclass(frozen=True, slots=True)
class LaunchState:
    """A launch at one revision.

    `percent` is 0 to 100; `hold` is the emergency stop, set without Postgres; `discard_reason`, when not empty, is
    why workers drop what waits while the launch is paused.
    """

    name: str
    status: LaunchStatus
    percent: float
    hold: bool
    revision: int
    spec: LaunchSpec
    discard_reason: str = ""

    @property
    def fraction(self) -> float:
        """The share of requests to sample now, from 0 to 1."""
        return self.percent / 100 if self.status is LaunchStatus.ACTIVE and not self.hold else 0.0


def check_name(name: str) -> str:
    """Return a valid launch name. Raises BadLaunch otherwise."""
    if not _NAME.fullmatch(name):
        raise BadLaunch(
            f"{name!r} cannot name a launch: use 1 to 63 lower-case letters, digits and hyphens, starting with "
            "a letter or digit"
        )
    return name


def check_percent(percent: float) -> float:
    """Return a valid percentage. Raises BadLaunch otherwise."""
    if not 0 <= percent <= 100:
        raise BadLaunch(f"the percentage must be between 0 and 100, got {percent:g}")
    return percent


def check_build(build: str) -> str:
    """Return a valid build id. Raises BadLaunch otherwise."""
    if not _BUILD.fullmatch(build):
        raise BadLaunch(
            f"{build[:120]!r} cannot name a build: use 1 to 100 printable ASCII characters without quotes and "
            "backslashes"
        )
    return build


def check_app(app: str) -> str:
    """Return a valid name of an app. Raises BadLaunch otherwise."""
    if not 0 < len(app) <= 100 or not app.isprintable() or app != app.strip() or app in (UNDECIDED_APP, RECORDED_APP):
        raise BadLaunch(
            f"{app[:120]!r} cannot name an app: use 1 to 100 printable characters, not just {UNDECIDED_APP}, and not "
            f"{RECORDED_APP!r}, which stands for traffic files"
        )
    return app


def pack_spec(spec: LaunchSpec) -> bytes:
    """Return a specification as JSON."""
    return orjson.dumps(spec)


def unpack_spec(raw: bytes | str) -> LaunchSpec:
    """Read a specification. Skips unknown fields, so that older workers read newer launches.

    Raises BadLaunch when it is not JSON, or a field is missing or of the wrong type.
    """
    try:
        members: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as broken:
        raise BadLaunch(f"the launch's specification is not JSON: {broken}") from None
    if not isinstance(members, dict):
        raise BadLaunch("the launch's specification is not a JSON object")
    values = cast(dict[str, Any], members)
    return LaunchSpec(
        **{
            field.name: _check_type(field.name, field.type, values[field.name])
            for field in _list_present_fields(values)
        }
    )


def parse_state(name: str, stored: dict[bytes, bytes]) -> LaunchState:
    """Parse a launch's hash. Raises BadLaunch if a field is missing or damaged: then nothing may be sampled."""
    try:
        percent = check_percent(float(stored[keys.STATE_PERCENT]))
        status = LaunchStatus(stored[keys.STATE_STATUS].decode())
        revision = int(stored[keys.STATE_REVISION])
        spec = unpack_spec(stored[keys.STATE_SPEC])
        discard_reason = stored.get(keys.STATE_DISCARD, b"").decode("ascii")[:100]
    except KeyError as missing:
        field = missing.args[0].decode()
        raise BadLaunch(f"launch {name}: {field} is missing from its state on Redis") from None
    except ValueError as broken:
        raise BadLaunch(f"launch {name}: its state on Redis is damaged: {broken}") from None
    hold = is_held(stored.get(keys.STATE_HOLD))
    return LaunchState(name, status, percent, hold, revision, spec, discard_reason)


def is_held(hold: bytes | None) -> bool:
    """True if the value of the hold field stops the launch: anything but "" and "0" does."""
    return hold not in (None, b"", b"0")


def _list_present_fields(values: dict[str, Any]) -> list[Any]:
    if "shadow" not in values:
        raise BadLaunch("the launch's specification names no shadow")
    return [field for field in fields(LaunchSpec) if field.name in values]


def _check_type(name: str, kind: Any, value: Any) -> Any:
    accepted: dict[Any, Any] = {str: str, bool: bool, int: int, float: (int, float)}
    if kind in accepted:
        if isinstance(value, accepted[kind]) and (kind is bool or not isinstance(value, bool)):
            return kind(value)
    elif isinstance(value, list) and all(isinstance(item, str) for item in cast(list[object], value)):
        return tuple(cast(list[str], value))
    raise BadLaunch(f"the launch's specification has {str(cast(object, value))[:40]!r} for {name}")

"""The servers a new launch calls, shadow and control: found, allowed, and neither the primary nor each other."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from darklaunch_shared import keys
from darklaunch_shared.launch.origin import Origin, parse_origin
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient

from darklaunch_console.errors import ConsoleError

from .shadow_probe import ProbeResult, explain_forbidden, find_captured_at, probe_launch_origin, resolve_host

FIRST_HEARTBEAT_S: Final = 2.0
_MEANT = {"shadow": "the version under test", "control": "a second instance of the primary's version"}


@dataclass(frozen=True, slots=True)
class CalledOrigin:
    """Where one of them is: `role` is `shadow` or `control`, `addresses` are () when the name does not resolve."""

    role: str
    url: str
    origin: Origin
    addresses: tuple[str, ...]
    spec: LaunchSpec

    def refuse_primary(self, captured: Iterable[str]) -> None:
        """Raise ConsoleError when requests are captured here: `captured` are the origins of recent exchanges."""
        if primary := find_captured_at(self.origin, self.addresses, captured):
            raise ConsoleError(
                f"the {self.role} {self.url} is the primary itself: requests are captured at {primary}. "
                f"Name the address of {_MEANT[self.role]}"
            )

    def refuse_capturing(self, probe: ProbeResult, redis: RedisClient) -> None:
        """Raise ConsoleError when the hook that answered the probe captures into this Redis.

        Its first heartbeat may be on the way: the probe may have been the first request that it saw.
        """
        if not probe.producer:
            return
        until_s = time.monotonic() + FIRST_HEARTBEAT_S
        while not redis.execute_command("HEXISTS", keys.HOOKS, probe.producer):
            if time.monotonic() > until_s:
                return  # it captures into another Redis
            time.sleep(0.05)
        raise ConsoleError(
            f"the {self.role} {self.url} is the primary itself: its hook captures into this Redis. Name the address of "
            f"{_MEANT[self.role]}; if it is that, start it without DARKLAUNCH_REDIS_URL"
        )

    def probe(self) -> ProbeResult:
        """Request `GET /` from the server and return what came of it."""
        if not self.addresses:
            return ProbeResult(0, 0.0, False, "has a name that does not resolve")
        return probe_launch_origin(self.origin, self.addresses[0], self.spec)


def resolve_called_origins(spec: LaunchSpec) -> list[CalledOrigin]:
    """Resolve the shadow, and the control where there is one.

    Raises BadOrigin, and ConsoleError when one must not be called or both are the same.
    """
    shadow = _place("shadow", spec.shadow, spec)
    if not spec.control:
        return [shadow]
    control = _place("control", spec.control, spec)
    if find_captured_at(control.origin, control.addresses, [spec.shadow]):
        raise ConsoleError(
            f"the control {spec.control} is the shadow itself. Name the address of {_MEANT['control']}, or leave "
            "--control out: then the shadow is asked a second time"
        )
    return [shadow, control]


def _place(role: str, url: str, spec: LaunchSpec) -> CalledOrigin:
    origin = parse_origin(url, role)
    addresses = resolve_host(origin.host, origin.port)
    if (why := explain_forbidden(addresses)) and not spec.allow_metadata:
        raise ConsoleError(f"the {role} {url} must not be called: {why}. If it is meant, add --allow-private-metadata")
    return CalledOrigin(role, url, origin, addresses, spec)

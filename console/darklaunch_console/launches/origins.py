"""The servers a new launch calls, shadow and control: found, allowed, and neither the primary nor each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from darklaunch_shared.launch.origin import Origin, parse_origin
from darklaunch_shared.launch.spec import LaunchSpec

from darklaunch_console.errors import ConsoleError

from .shadow_probe import ProbeResult, explain_forbidden, find_captured_at, probe_origin, resolve_host

_MEANT = {"shadow": "the version under test", "control": "a second instance of the primary's version"}


@dataclass(frozen=True, slots=True)
class CalledOrigin:
    """Where one of them is: `role` is `shadow` or `control`, `addresses` are () when the name does not resolve."""

    role: str
    url: str
    origin: Origin
    addresses: tuple[str, ...]

    def refuse_primary(self, captured: Iterable[str]) -> None:
        """Raise ConsoleError when requests are captured here: `captured` are the origins of recent exchanges."""
        if primary := find_captured_at(self.origin, self.addresses, captured):
            raise ConsoleError(
                f"the {self.role} {self.url} is the primary itself: requests are captured at {primary}. "
                f"Name the address of {_MEANT[self.role]}"
            )

    def probe(self) -> ProbeResult:
        """Request `GET /` from the server and return what came of it."""
        if not self.addresses:
            return ProbeResult(0, 0.0, False, "has a name that does not resolve")
        return probe_origin(self.origin, self.addresses[0])


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
    return CalledOrigin(role, url, origin, addresses)

"""What the shards of one launch share in one process."""

from collections.abc import Callable
from dataclasses import dataclass

from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.launch.path_policy import Policy
from darklaunch_shared.launch.spec import LaunchSpec

from .entry_keys import Secrets
from .http import ShadowClient
from .http.deadlines import Deadlines
from .launch_mode import Orders
from .limits import Protection
from .shadow_build import Builds
from .slots import Slots


@dataclass(frozen=True, slots=True)
class Shadow:
    """Where a launch's replays go, and which of them may."""

    origin: Origin
    client: ShadowClient
    policy: Policy


@dataclass(frozen=True, slots=True)
class ControlOrigin:
    """A second instance of the primary's version. What protects it is its own: nothing of the shadow's is shared."""

    origin: Origin
    client: ShadowClient
    protection: Protection
    slots: Slots


@dataclass(frozen=True, slots=True)
class Desk:
    """One launch as this process works on it.

    `shadow` is None when the specification cannot be used: then nothing is replayed. `control` is None when there is
    none, or it cannot be used. `orders` says what to do now.
    """

    launch: str
    spec: LaunchSpec
    shadow: Shadow | None
    control: ControlOrigin | None
    builds: Builds
    protection: Protection
    slots: Slots
    orders: Callable[[], Orders]
    concurrency: int
    lease_s: float
    secrets: Secrets
    deadlines: Deadlines

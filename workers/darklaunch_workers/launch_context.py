"""What the shards of one launch share in one process."""

from collections.abc import Callable
from dataclasses import dataclass

from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.launch.path_policy import PathPolicy
from darklaunch_shared.launch.spec import LaunchSpec

from .entry_keys import EntryKeys
from .http import ShadowClient
from .http.deadlines import DeadlineTimer
from .launch_mode import ReplayOrders
from .limits import ShadowProtection
from .shadow_build import ShadowBuild
from .slots import ReplaySlots


@dataclass(frozen=True, slots=True)
class ShadowTarget:
    """Where a launch's replays go, and which of them may."""

    origin: Origin
    client: ShadowClient
    policy: PathPolicy


@dataclass(frozen=True, slots=True)
class BaselineTarget:
    """A second instance of the primary's version. What protects it is its own: nothing of the shadow's is shared."""

    origin: Origin
    client: ShadowClient
    protection: ShadowProtection
    slots: ReplaySlots


@dataclass(frozen=True, slots=True)
class LaunchContext:
    """One launch as this process works on it.

    `shadow` is None when the specification cannot be used: then nothing is replayed. `control` is None when there is
    none, or it cannot be used. `orders` says what to do now.
    """

    launch: str
    spec: LaunchSpec
    shadow: ShadowTarget | None
    control: BaselineTarget | None
    builds: ShadowBuild
    protection: ShadowProtection
    slots: ReplaySlots
    orders: Callable[[], ReplayOrders]
    concurrency: int
    lease_s: float
    secrets: EntryKeys
    deadlines: DeadlineTimer

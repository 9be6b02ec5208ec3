"""What the shard consumers of one launch share in one process."""

from collections.abc import Callable
from dataclasses import dataclass

from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.launch.path_policy import PathPolicy
from darklaunch_shared.launch.spec import LaunchSpec

from darklaunch_workers.admission.entry_keys import EntryKeys
from darklaunch_workers.admission.orders import ReplayOrders
from darklaunch_workers.http import ShadowClient
from darklaunch_workers.http.deadlines import DeadlineTimer
from darklaunch_workers.protection.limits import ShadowProtection
from darklaunch_workers.protection.slots import ReplaySlots

from .endpoint_noise import EndpointNoise
from .outcome import ShadowBuild
from .request_changes import RequestChanger


@dataclass(frozen=True, slots=True)
class ShadowTarget:
    """Where a launch's replays go, and which of them may."""

    origin: Origin
    client: ShadowClient
    policy: PathPolicy
    changer: RequestChanger


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineTarget:
    """A second instance of the primary's version. It has limits of its own and shares none with the shadow."""

    origin: Origin
    client: ShadowClient
    changer: RequestChanger
    protection: ShadowProtection
    slots: ReplaySlots


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchContext:
    """One launch, by one specification, as this process works on it.

    shadow       None when the specification cannot be used: then nothing is replayed
    baseline     None when the launch has none, or it cannot be used
    orders       what the launch state orders at this moment
    concurrency  the most replays that may be under way at once
    endpoint_noise  which endpoints' noise is known; responses that differ are asked for again at all others
    lease_s      how long another worker waits before it takes over an exchange that this one claimed
    """

    launch: str
    spec: LaunchSpec
    shadow: ShadowTarget | None
    baseline: BaselineTarget | None
    build: ShadowBuild
    protection: ShadowProtection
    slots: ReplaySlots
    orders: Callable[[], ReplayOrders]
    concurrency: int
    lease_s: float
    entry_keys: EntryKeys
    deadlines: DeadlineTimer
    endpoint_noise: EndpointNoise

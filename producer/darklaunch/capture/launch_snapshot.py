"""What a request thread knows of the launches: one immutable value, replaced whole by the background thread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.path_policy import PathPolicy, compile_path_policy
from darklaunch_shared.launch.spec import LaunchState

from .sampling import StickyKey, parse_sticky


@dataclass(frozen=True, slots=True)
class SamplingLaunch:
    """A launch that samples now: its share of requests (0 to 1) and which requests it may mirror.

    `patterned` says that not every safe request is mirrored. `barred`, when not "", is what every request is skipped
    for. `seals` says that credentials are to travel sealed.
    """

    name: str
    fraction: float
    sticky: StickyKey | None
    policy: PathPolicy
    patterned: bool
    barred: str = ""
    seals: bool = False


@dataclass(frozen=True, slots=True)
class LaunchSnapshot:
    """The launches as last read; `states` holds those that do not sample, too.

    A request whose random number is not below `ceiling` concerns no launch. A sticky launch is decided by the
    request's key instead, so it raises the ceiling to 1.
    """

    ceiling: float = 0.0
    mirrors: tuple[SamplingLaunch, ...] = ()
    states: Mapping[str, LaunchState] = field(default_factory=dict[str, LaunchState])


UNSTARTED: Final = LaunchSnapshot(
    ceiling=2.0
)  # above every random number: the first request starts the background thread
OFF: Final = LaunchSnapshot()


def snapshot_of(states: Mapping[str, LaunchState], *, can_seal: bool = False) -> tuple[LaunchSnapshot, dict[str, str]]:
    """Build the snapshot, and say why for each launch that cannot be sampled as it stands.

    `can_seal` says that the hook has a key: without one, nothing of a launch that seals is sampled.
    """
    mirrors: list[SamplingLaunch] = []
    broken: dict[str, str] = {}
    for name, state in sorted(states.items()):
        if state.fraction <= 0:
            continue
        try:
            spec = state.spec
            barred = "no_seal_key" if spec.seal and not can_seal else ""
            if barred:
                broken[name] = "it seals credentials, and this process has no usable DARKLAUNCH_SEAL_KEY"
            patterned = bool(spec.allow or spec.only or spec.skip or barred)
            sticky = parse_sticky(spec.sticky)
            mirrors.append(
                SamplingLaunch(name, state.fraction, sticky, compile_path_policy(spec), patterned, barred, spec.seal)
            )
        except BadLaunch as why:
            broken[name] = str(why)
    ceiling = max((1.0 if mirror.sticky else mirror.fraction for mirror in mirrors), default=0.0)
    return LaunchSnapshot(ceiling, tuple(mirrors), states), broken

"""What request threads know of the launches: one immutable value, which the delivery thread replaces whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.path_policy import PathPolicy, compile_path_policy
from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.launch.sticky import StickyKey, parse_sticky


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingLaunch:
    """A launch that samples now: its share of requests (0 to 1) and which requests it may mirror.

    `restricted` is True unless it mirrors every request with a safe method. `skip_reason`, unless "", is the reason
    for which every request is skipped. `seals` is True when credentials must be sealed for the shadow.
    """

    name: str
    fraction: float
    sticky: StickyKey | None
    policy: PathPolicy
    restricted: bool
    skip_reason: str = ""
    seals: bool = False


@dataclass(frozen=True, slots=True)
class LaunchSnapshot:
    """The launches as last read. `states` holds all of them, `sampling_launches` those that sample now.

    No launch wants a request whose random number is at or above `ceiling`. A sticky launch raises the ceiling to 1,
    because the request's key decides instead of its random number.
    """

    ceiling: float = 0.0
    sampling_launches: tuple[SamplingLaunch, ...] = ()
    states: Mapping[str, LaunchState] = field(default_factory=dict[str, LaunchState])


# A ceiling above every random number: so the first request gets as far as starting the background thread.
NOT_STARTED: Final = LaunchSnapshot(ceiling=2.0)
OFF: Final = LaunchSnapshot()


def build_snapshot(
    states: Mapping[str, LaunchState], *, can_seal: bool = False, app: str | None = None
) -> tuple[LaunchSnapshot, dict[str, str]]:
    """Return the snapshot, and for each launch that cannot be sampled the reason, as text.

    `can_seal` is whether the hook has a key to seal credentials with. Without it, a launch that seals skips all. `app`
    is the app that the hook is in: launches that belong to another do not sample; None counts as every app.
    """
    sampling_launches: list[SamplingLaunch] = []
    problems: dict[str, str] = {}
    for name, state in sorted(states.items()):
        if state.fraction <= 0 or not (app is None or state.spec.belongs_to(app)):
            continue
        spec = state.spec
        try:
            sticky, policy = parse_sticky(spec.sticky), compile_path_policy(spec)
        except BadLaunch as error:
            problems[name] = str(error)
            continue
        skip_reason = "no_seal_key" if spec.seal and not can_seal else ""
        if skip_reason:
            problems[name] = "it seals credentials, and this process has no usable DARKLAUNCH_SEAL_KEY"
        sampling_launches.append(
            SamplingLaunch(
                name=name,
                fraction=state.fraction,
                sticky=sticky,
                policy=policy,
                restricted=bool(spec.allow or spec.only or spec.skip or skip_reason),
                skip_reason=skip_reason,
                seals=spec.seal,
            )
        )
    ceiling = max((1.0 if launch.sticky else launch.fraction for launch in sampling_launches), default=0.0)
    return LaunchSnapshot(ceiling, tuple(sampling_launches), states), problems


def select_launch(snapshot: LaunchSnapshot, name: str) -> LaunchSnapshot:
    """Return a snapshot with one of its launches alone, which samples every request it may."""
    launches = tuple(replace(launch, fraction=1.0) for launch in snapshot.sampling_launches if launch.name == name)
    return LaunchSnapshot(1.0 if launches else 0.0, launches, snapshot.states)

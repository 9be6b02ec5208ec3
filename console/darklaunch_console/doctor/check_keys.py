"""Do the processes have the keys that the launches and each other need? Pure: they say the names of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from darklaunch_shared.launch.spec import LaunchState, LaunchStatus
from darklaunch_shared.redis.presence import ProcessRecord

from darklaunch_console.output.text import escape_unprintable, format_plural

from .check_result import CheckResult, fail, ok, warn


def check_keys(
    states: Iterable[LaunchState], hooks: Sequence[ProcessRecord], workers: Sequence[ProcessRecord]
) -> list[CheckResult]:
    """Judge the keys for sealing, where an active launch seals, and those for signing, where anybody signs."""
    sealing = sorted(state.name for state in states if state.spec.seal and state.status is LaunchStatus.ACTIVE)
    return [*(_sealing(sealing, hooks, workers) if sealing else ()), *_signing(hooks, workers)]


def _sealing(
    launches: list[str], hooks: Sequence[ProcessRecord], workers: Sequence[ProcessRecord]
) -> list[CheckResult]:
    names = escape_unprintable(", ".join(launches))
    known = _common(workers, "seal_keys")
    bare = sum(not hook.about.get("seal_key") for hook in hooks)
    found: list[CheckResult] = []
    if bare:
        what = f"{format_plural(bare, 'app process', 'app processes')} without a usable DARKLAUNCH_SEAL_KEY: nothing of"
        found.append(fail(f"{what} {names} is sampled there (no_seal_key)", "Set it, and install darklaunch[seal]."))
    unknown = sorted({str(hook.about["seal_key"]) for hook in hooks if hook.about.get("seal_key")} - known)
    if workers and unknown:
        what = f"Apps seal credentials with keys that not every worker has: {escape_unprintable(', '.join(unknown))}"
        found.append(fail(what, f"Add them to the workers' DARKLAUNCH_SEAL_KEY; {names} loses exchanges (unsealable)."))
    return found or [ok(f"Credentials are sealed for {names}")]


def _signing(hooks: Sequence[ProcessRecord], workers: Sequence[ProcessRecord]) -> list[CheckResult]:
    asking = [worker for worker in workers if worker.about.get("signing_keys")]
    signing = {str(hook.about.get("signing_key", "")) for hook in hooks}
    if not asking and not any(signing):
        return []
    do = "Give apps and workers the same DARKLAUNCH_SIGNING_KEY."
    if asking and (unknown := sorted(signing - _common(asking, "signing_keys"))):
        named = ", ".join(name or "none" for name in unknown)
        return [
            fail(f"Apps sign with keys that workers do not take: {escape_unprintable(named)}; such entries die", do)
        ]
    if len(asking) < len(workers):
        what = (
            f"{format_plural(len(workers) - len(asking), 'worker')} without DARKLAUNCH_SIGNING_KEY: "
            f"unsigned entries pass"
        )
        return [warn(what, do)]
    return [ok("Entries are signed, and workers take no others")]


def _common(workers: Sequence[ProcessRecord], field: str) -> set[str]:
    """Name the keys that every worker has."""
    rings = [set(map(str, cast(Iterable[Any], worker.about.get(field) or ()))) for worker in workers]
    return {name for name in rings[0] if all(name in ring for ring in rings)} if rings else set()

"""Whether apps and workers have the keys that launches and signatures need, by the names they report. Pure."""

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
    """Check the keys for sealing, if an active launch seals, and those for signing, if any process signs."""
    sealing = sorted(state.name for state in states if state.spec.seal and state.status is LaunchStatus.ACTIVE)
    return [*(_check_sealing(sealing, hooks, workers) if sealing else ()), *_check_signing(hooks, workers)]


def _check_sealing(
    launches: list[str], hooks: Sequence[ProcessRecord], workers: Sequence[ProcessRecord]
) -> list[CheckResult]:
    names = escape_unprintable(", ".join(launches))
    known = _find_common_keys(workers, "seal_keys")
    without_key = sum(not hook.about.get("seal_key") for hook in hooks)
    results: list[CheckResult] = []
    if without_key:
        processes = format_plural(without_key, "app process", "app processes")
        what = f"{processes} without a usable DARKLAUNCH_SEAL_KEY: {names} samples nothing there (no_seal_key)"
        results.append(fail(what, "Set DARKLAUNCH_SEAL_KEY there, and install darklaunch[seal]."))
    unknown = sorted({str(hook.about["seal_key"]) for hook in hooks if hook.about.get("seal_key")} - known)
    if workers and unknown:
        what = f"Apps seal credentials with keys that not every worker has: {escape_unprintable(', '.join(unknown))}"
        results.append(
            fail(what, f"Add them to the workers' DARKLAUNCH_SEAL_KEY; {names} loses exchanges (unsealable).")
        )
    return results or [ok(f"Credentials are sealed for {names}")]


def _check_signing(hooks: Sequence[ProcessRecord], workers: Sequence[ProcessRecord]) -> list[CheckResult]:
    verifying = [worker for worker in workers if worker.about.get("signing_keys")]
    signing = {str(hook.about.get("signing_key", "")) for hook in hooks}
    if not verifying and not any(signing):
        return []
    do = "Set the same DARKLAUNCH_SIGNING_KEY for apps and workers."
    if verifying and (unknown := sorted(signing - _find_common_keys(verifying, "signing_keys"))):
        names = escape_unprintable(", ".join(name or "none" for name in unknown))
        return [
            fail(f"Apps sign with keys that workers do not accept ({names}): their entries become dead letters", do)
        ]
    if len(verifying) < len(workers):
        what = (
            f"{format_plural(len(workers) - len(verifying), 'worker')} without DARKLAUNCH_SIGNING_KEY: "
            f"they accept unsigned entries"
        )
        return [warn(what, do)]
    return [ok("Entries are signed, and workers accept no others")]


def _find_common_keys(workers: Sequence[ProcessRecord], field: str) -> set[str]:
    """Return the names of the keys that every worker has."""
    rings = [set(map(str, cast(Iterable[Any], worker.about.get(field) or ()))) for worker in workers]
    return {name for name in rings[0] if all(name in ring for ring in rings)} if rings else set()

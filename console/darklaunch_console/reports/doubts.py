"""Mismatches that may still turn out to be noise: the judge waits for them, so no report calls them problems.

One that was the same each time it was asked for again is reported before the judge has enough of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from darklaunch_comparator.store.judgements import Judgement
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_comparator.store.noise import read_doubtful_signatures
from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.stores.postgres import Connection

NO_FINGERPRINTS: frozenset[str] = frozenset()


def read_doubted_fingerprints(
    connection: Connection,
    record: LaunchRecord,
    judgement: Judgement | None,
    *,
    now: datetime,
    also: Iterable[str] = (),
) -> frozenset[str]:
    """Return which mismatches seen lately, or in `also`, may still turn out to be noise.

    None does once the launch has ended or the judge has decided: nobody waits for them any more.
    """
    state = record.state
    learns_noise = (
        state.status in (LaunchStatus.ACTIVE, LaunchStatus.PAUSED)
        and state.spec.compare
        and state.spec.noise_percent > 0
    )
    if not learns_noise or judgement is None or judgement.summary.get("condemned_ms"):
        return NO_FINGERPRINTS
    doubtful = read_doubtful_signatures(connection, state.name, round(now.timestamp() * 1000), also)
    return doubtful.fingerprints - doubtful.repeated

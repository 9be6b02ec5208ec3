"""How much a signature deserves a look: one figure, computed from what is known of it. Pure.

    importance = severity × √share × freshness

`severity` doubles from one class of kinds to the next, so that a graver class outweighs four times the share. Of a
signature with several parts the gravest counts, after each part's severity has been lessened by its noise: by the
share of replays of one and the same version in which that place differs too. `share` is the signature's part of its
endpoint's replays. `freshness` halves with every day between its last appearance and the launch's latest exchange.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import exp2, sqrt
from typing import Final

from darklaunch_shared.wire.replay import ShadowErrorClass

GRAVEST: Final = 32.0
CLASSES: Final = (
    ("status", *ShadowErrorClass),
    ("missing", "type", "encoding"),
    ("value", "header", "slow"),
    ("text", "bytes", "size"),
    ("extra", "duplicate_key"),
    ("order",),
)
"""Kinds of differences, and classes of shadow errors, from the gravest to the least."""
HALVED_AFTER_S: Final = 86_400.0
LEAST_WEIGHT: Final = 0.05
"""What is left of a part that always differs by itself: it is still listed, at the end."""

SEVERITY: Final[dict[str, float]] = {
    str(kind): GRAVEST * exp2(-place) for place, kinds in enumerate(CLASSES) for kind in kinds
}

NoiseRates = Mapping[tuple[str, str], float]
"""(endpoint, index-free path) → share of replays of one version, 0 to 1, in which that place differs."""


def compute_importance(
    endpoint: str,
    parts: Iterable[Mapping[str, object]],
    *,
    share: float,
    last_seen: datetime,
    until: datetime,
    noise: NoiseRates,
) -> float:
    """Return a signature's importance, 0 to 32.

    `parts` are its `{"path": …, "kind": …}`; `until` is when the launch's latest exchange was captured.
    """
    gravest = max((_compute_severity(endpoint, part, noise) for part in parts), default=SEVERITY["value"])
    age_s = max(0.0, (until - last_seen).total_seconds())
    return gravest * sqrt(min(1.0, max(0.0, share))) * exp2(-age_s / HALVED_AFTER_S)


def _compute_severity(endpoint: str, part: Mapping[str, object], noise: NoiseRates) -> float:
    stability = 1.0 - noise.get((endpoint, str(part.get("path"))), 0.0)
    return SEVERITY.get(str(part.get("kind")), SEVERITY["value"]) * max(LEAST_WEIGHT, stability)

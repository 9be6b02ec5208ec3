"""Endpoints whose responses are compared by shape for the most part, and the places that make them so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_comparator.judging.endpoint_evidence import JudgingGap
from darklaunch_comparator.store.report_queries import ExcuseCount

from darklaunch_console.output.numbers import format_share
from darklaunch_console.output.screen import make_printable

NAMED: Final = 3
"""Places of an endpoint that are named."""
_BY_SHAPE: Final = {"noise": "noise", "magnitude": "noise", "generated_id": "new each time"}
"""The excuses after which only the shape of a value is compared, in words."""


@dataclass(frozen=True, slots=True)
class BlindPlace:
    """A place whose values are compared by shape only: `share` is its part, 0 to 1, of all such at the endpoint."""

    path: str
    reason: str
    share: float


@dataclass(frozen=True, slots=True)
class BlindEndpoint:
    """An endpoint that is not judged, because too little of its responses is compared by value.

    what    the judge's words for it
    places  what is compared by shape only, most first; none if its responses could not be compared at all
    """

    endpoint: str
    what: str
    places: tuple[BlindPlace, ...]


def list_blind_endpoints(summary: Mapping[str, Any], excuses: Iterable[ExcuseCount]) -> tuple[BlindEndpoint, ...]:
    """Return the endpoints that the judge cannot see well enough, the busiest first; `summary` is the judgement's."""
    by_endpoint: dict[str, list[ExcuseCount]] = {}
    for excuse in excuses:
        if excuse.reason in _BY_SHAPE and not excuse.path.startswith("header:"):
            by_endpoint.setdefault(excuse.endpoint, []).append(excuse)
    return tuple(
        BlindEndpoint(str(each["endpoint"]), str(each["what"]), _rank_places(by_endpoint.get(each["endpoint"], [])))
        for each in summary.get("uncovered", ())
        if each.get("gap") == JudgingGap.UNSEEN.value
    )


def describe_blind_endpoint(blind: BlindEndpoint) -> str:
    """Return what is not seen of an endpoint, by place, and what to do about it."""
    what = make_printable(blind.what, 160)
    if not blind.places:
        return f"{what}: they could not be compared"
    named = ", ".join(
        f"{make_printable(place.path, 60)} ({_BY_SHAPE[place.reason]}) {format_share(place.share)}"
        for place in blind.places[:NAMED]
    )
    more = f" and {len(blind.places) - NAMED:,} more places" if len(blind.places) > NAMED else ""
    return f"{what}. Compared by shape only: {named}{more}"


def _rank_places(excuses: list[ExcuseCount]) -> tuple[BlindPlace, ...]:
    total = sum(excuse.count for excuse in excuses)
    ranked = sorted(excuses, key=lambda excuse: (-excuse.count, excuse.path))
    return tuple(BlindPlace(excuse.path, excuse.reason, excuse.count / total) for excuse in ranked)

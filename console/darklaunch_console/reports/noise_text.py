"""What is known of a launch's noise, in words and as a table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from darklaunch_comparator.compare import NoiseAspect
from darklaunch_comparator.noise.learning import NoiseState
from darklaunch_comparator.store.noise import NoiseChange, NoisePlace
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.replay import ReplayedVersion

from darklaunch_console.output.numbers import format_count, format_percent, format_share
from darklaunch_console.output.screen import make_printable, wrap_text
from darklaunch_console.output.table import render_table
from darklaunch_console.output.text import format_plural
from darklaunch_console.output.times import format_minute

from .noise_baseline import NoiseBaseline

CHANGES_LISTED: Final = 10
BLIND_MEANING: Final = "*: differs nearly always within one version, so that a wrong value there would not show."
_PATH_CHARS: Final = 30
COMPARED_BY: Final = {
    NoiseState.VOLATILE: "by type",
    NoiseState.MEASURED: "by type, far",
    NoiseState.GENERATED: "by shape",
    NoiseState.STABLE: "by value",
    NoiseState.EXCEEDED: "reported",
    NoiseState.LEARNING: "learning",
}
"""How values are compared at a place, by what is known of its noise."""
_ORDER: Final = (
    NoiseState.MEASURED,
    NoiseState.VOLATILE,
    NoiseState.GENERATED,
    NoiseState.EXCEEDED,
    NoiseState.LEARNING,
    NoiseState.STABLE,
)


def describe_noise(name: str, spec: LaunchSpec, baseline: NoiseBaseline) -> str:
    """Return how many places are noise, and from how many second replays that is known."""
    if not baseline.pairs:
        off = "" if learns_noise(spec) else " It is turned off (--noise 0 or --no-compare)."
        return f"{name}: nothing is known of noise: no second replay has been compared yet.{off}"
    places = len(baseline.volatile) + len(baseline.generated)
    learned = f"learned from {format_plural(baseline.pairs, _name_replay(spec))}"
    if not places:
        return f"{name}: no place is known to be noise; {learned}."
    return f"{name}: {format_plural(places, 'place differs', 'places differ')} by noise; {learned}."


def describe_second_replays(spec: LaunchSpec, baseline: NoiseBaseline) -> str:
    """Return which requests are replayed a second time and where: `10 % of the reads go to the control http://…`."""
    target = f"the control {make_printable(spec.control, 100)}" if spec.control else "the shadow a second time"
    text = f"{format_percent(spec.noise_percent)} of the reads go to {target}"
    if baseline.unanswered:
        text += f"; {format_count(baseline.unanswered)} got no response"
    return f"{text}."


def learns_noise(spec: LaunchSpec) -> bool:
    """True if the launch replays requests a second time to learn what is noise."""
    return spec.compare and spec.noise_percent > 0


def render_places(places: Sequence[NoisePlace], spec: LaunchSpec) -> list[str]:
    """Return places under their endpoints, with how often one version and how often the shadow differs."""
    by_endpoint: dict[str, list[NoisePlace]] = {}
    for place in sorted(places, key=_rank):
        by_endpoint.setdefault(place.endpoint, []).append(place)
    rows: list[list[str]] = []
    for endpoint, found in by_endpoint.items():
        rows.append([f"{make_printable(endpoint, 44)}, {format_plural(found[0].pairs, 'pair')}", "", "", "", ""])
        rows += [
            [
                f"  {make_printable(place.name, _PATH_CHARS)}",
                format_share(place.own_rate, 1),
                format_share(place.candidate_rate, 1),
                f"{_describe_state(place.state, place.aspect)}{' *' if place.blind else ''}",
                _format_since(place.since),
            ]
            for place in found
        ]
    own = "control" if spec.control else "repeated"
    lines = render_table(["differs", own, "shadow", "compared", "since"], rows, left=(0, 3, 4))
    return [*lines, *(["", *wrap_text(BLIND_MEANING)] if any(place.blind for place in places) else [])]


def render_changes(changes: Sequence[NoiseChange]) -> list[str]:
    """Return what was learned, the latest first."""
    lines = [part for change in changes[:CHANGES_LISTED] for part in wrap_text(_describe_change(change), "  ", "    ")]
    if len(changes) > CHANGES_LISTED:
        lines.append("  and more before: the table darklaunch.noise_change has them all")
    return lines


def noise_to_json(
    name: str, spec: LaunchSpec, baseline: NoiseBaseline, changes: Sequence[NoiseChange]
) -> dict[str, object]:
    """Return all that is known of a launch's noise as JSON values."""
    return {
        "launch": name,
        "headline": describe_noise(name, spec, baseline),
        "asked_twice": ReplayedVersion.PRIMARY if spec.control else ReplayedVersion.SHADOW,
        "control": spec.control or None,
        "noise_percent": spec.noise_percent,
        "pairs": baseline.pairs,
        "unanswered": baseline.unanswered,
        "volatile": len(baseline.volatile),
        "generated": len(baseline.generated),
        "blind": len(baseline.blind),
        "endpoints": [asdict(endpoint) for endpoint in baseline.endpoints],
        "places": [{**asdict(place), "name": place.name} for place in sorted(baseline.places, key=_rank)],
        "changes": [asdict(change) for change in changes[:CHANGES_LISTED]],
    }


def _name_replay(spec: LaunchSpec) -> str:
    return "control replay" if spec.control else "second replay"


def _format_since(at: datetime) -> str:
    """Return a time in five characters: `14:02` today, else `11-26`."""
    text = format_minute(at)
    return text if len(text) == len("14:02") else text[5:10]


def _rank(place: NoisePlace) -> tuple[str, int, float, str]:
    return place.endpoint, _ORDER.index(NoiseState(place.state)), -place.own_rate, place.path


def _describe_state(state: str, aspect: str) -> str:
    """Return how a place is compared: another size or presence that is noise is not compared at all."""
    if state == NoiseState.VOLATILE and aspect != NoiseAspect.VALUE:
        return "excused"
    return COMPARED_BY[NoiseState(state)]


def _describe_change(change: NoiseChange) -> str:
    place = f"{make_printable(change.endpoint, 40)} {make_printable(change.name, 40)}"
    how = _describe_state(change.became, change.aspect)
    return f"{format_minute(change.at)}  {place}: {how}, {_explain_change(change)}"


def _explain_change(change: NoiseChange) -> str:
    counts, version = change.counts, ReplayedVersion(change.version)
    pairs = format_plural(counts.seen(version), "pair")
    match NoiseState(change.became):
        case NoiseState.STABLE:
            return f"the same in {format_count(counts.agreed)} of {pairs}"
        case NoiseState.MEASURED:
            return (
                f"over ten times the primary's in {format_count(counts.far_rising)} of {pairs}, "
                f"under a tenth in {format_count(counts.far_falling)}"
            )
        case NoiseState.EXCEEDED:
            primary, shadow = format_count(counts.primary_odd), format_count(counts.shadow_odd)
            if version is ReplayedVersion.PRIMARY:
                return f"of {pairs}, the control agreed with the primary in {shadow}, with the shadow in {primary}"
            return (
                f"of {pairs}, the shadow's second response agreed with its first in {primary}, "
                f"with the primary's in {shadow}"
            )
        case _:
            return f"differed in {format_count(counts.varied(version) + counts.regenerated)} of {pairs}"

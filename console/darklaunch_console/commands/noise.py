"""`noise`: which places differ within one version, how often, and what that means for comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

import click
from darklaunch_comparator.noise.learning import NoiseState
from darklaunch_comparator.store.noise import NoiseChange, NoisePlace, read_noise_changes
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.replay import ReplayedVersion

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.output.numbers import format_count, format_percent, format_share
from darklaunch_console.output.screen import (
    GOOD,
    QUIET,
    STRONG,
    json_option,
    make_printable,
    print_json,
    print_line,
    print_lines,
    wrap_text,
)
from darklaunch_console.output.table import render_table
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.evidence import read_launch_record
from darklaunch_console.reports.noise_baseline import NoiseBaseline, read_baseline
from darklaunch_console.reports.sentences import format_minute
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

CHANGES_SHOWN: Final = 10
_PATH_CHARS: Final = 30
_HOW: Final = {
    NoiseState.VOLATILE: "by type",
    NoiseState.GENERATED: "by shape",
    NoiseState.STABLE: "by value",
    NoiseState.EXCEEDED: "reported",
    NoiseState.LEARNING: "learning",
}
_ORDER: Final = (NoiseState.VOLATILE, NoiseState.GENERATED, NoiseState.EXCEEDED, NoiseState.LEARNING, NoiseState.STABLE)


@click.command(short_help="List what differs within one version, and is excused for it.")
@click.argument("name", callback=check_launch_name)
@click.option("--all", "every", is_flag=True, help="Also identifiers that stay the same.")
@json_option
@click.pass_obj
def noise(settings: ConsoleSettings, name: str, every: bool, in_json: bool) -> None:
    """List the places where one version differs from itself, and what that means for comparisons.

    A share of the reads is replayed once more, to the control or else to the shadow; docs/COMPARING.md says what is
    learned of it and when. States: `by type` and `by shape` are excused so, `blind` differ nearly always, `reported`
    differ far more in the shadow than within one version.
    """
    with open_postgres(settings) as connection:
        spec = read_launch_record(connection, name).state.spec
        baseline = read_baseline(connection, name)
        changes = read_noise_changes(connection, name, CHANGES_SHOWN + 1)
    if in_json:
        print_json(_as_json(name, spec, baseline, changes))
        return
    for line in wrap_text(headline(name, spec, baseline)):
        print_line(line, style=GOOD if baseline.pairs else STRONG)
    if baseline.pairs or _is_on(spec):
        print_lines(wrap_text(_asked(spec, baseline), "  "))
    listed = [place for place in baseline.places if every or place.state != NoiseState.STABLE]
    if listed:
        print_line()
        print_lines(_listing(listed, spec))
    if hidden := len(baseline.places) - len(listed):
        print_line()
        print_line(
            f"{format_plural(hidden, 'identifier')} that one version repeats: compared by value. --all lists them.",
            style=QUIET,
        )
    if changes:
        print_line()
        print_line("Learned, latest first")
        for change in changes[:CHANGES_SHOWN]:
            print_lines(wrap_text(_change(change), "  ", "    "))
        if len(changes) > CHANGES_SHOWN:
            print_line("  and more before: darklaunch.noise_change has them all", style=QUIET)


def headline(name: str, spec: LaunchSpec, baseline: NoiseBaseline) -> str:
    """Say how many places are noise, and from how many second answers that is known."""
    if not baseline.pairs:
        off = "" if _is_on(spec) else " It is turned off (--noise 0 or --no-compare)."
        return f"{name}: nothing is known of noise: no second answer has been compared yet.{off}"
    known = [*baseline.volatile, *baseline.generated]
    learned = f"learned from {format_plural(baseline.pairs, _replay(spec))}"
    if not known:
        return f"{name}: no place is known to be noise; {learned}."
    blind = f", {format_count(len(baseline.blind))} of them blind" if baseline.blind else ""
    return f"{name}: {format_plural(len(known), 'place is', 'places are')} noise{blind}; {learned}."


def _is_on(spec: LaunchSpec) -> bool:
    return spec.compare and spec.noise_percent > 0


def _replay(spec: LaunchSpec) -> str:
    return "control replay" if spec.control else "second replay"


def _asked(spec: LaunchSpec, baseline: NoiseBaseline) -> str:
    whom = f"the control {make_printable(spec.control, 100)}" if spec.control else "the shadow, a second time"
    told = f"{format_percent(spec.noise_percent)} of the reads go to {whom}"
    if baseline.unanswered:
        told += f"; {format_count(baseline.unanswered)} got no answer"
    return f"{told}."


def _listing(places: Sequence[NoisePlace], spec: LaunchSpec) -> list[str]:
    """Lay places out under their endpoints, with how often one version and how often the shadow differs."""
    own = "control" if spec.control else "again"
    by_endpoint: dict[str, list[NoisePlace]] = {}
    for place in sorted(places, key=_rank):
        by_endpoint.setdefault(place.endpoint, []).append(place)
    lines: list[list[str]] = []
    for endpoint, found in by_endpoint.items():
        lines.append([f"{make_printable(endpoint, 44)}, {format_plural(found[0].pairs, 'pair')}", "", "", "", ""])
        lines += [
            [
                f"  {make_printable(place.path, _PATH_CHARS)}",
                format_share(place.own_rate, 1),
                format_share(place.candidate_rate, 1),
                _state(place),
                _since(place.since),
            ]
            for place in found
        ]
    return render_table(["", own, "shadow", "compared", "since"], lines, left=(0, 3, 4))


def _since(at: datetime) -> str:
    """Write a time in five characters: today 14:02, else 11-26."""
    shown = format_minute(at)
    return shown if len(shown) == 5 else shown[5:10]


def _rank(place: NoisePlace) -> tuple[str, int, float, str]:
    return place.endpoint, _ORDER.index(NoiseState(place.state)), -place.own_rate, place.path


def _state(place: NoisePlace) -> str:
    how = _HOW[NoiseState(place.state)]
    return f"{how}, blind" if place.blind else how


def _change(change: NoiseChange) -> str:
    place = f"{make_printable(change.endpoint, 40)} {make_printable(change.path, 40)}"
    return f"{format_minute(change.at)}  {place}: {_HOW[NoiseState(change.became)]}, {_why(change)}"


def _why(change: NoiseChange) -> str:
    pairs = format_plural(change.pairs, "pair")
    match NoiseState(change.became):
        case NoiseState.STABLE:
            return f"the same in {format_count(change.agreed)} of {pairs}"
        case NoiseState.EXCEEDED:
            return (
                f"in {format_count(change.pos)} of {pairs} only the shadow differed, in "
                f"{format_count(change.neg)} only it did not"
            )
        case _:
            return f"differed in {format_count(change.varied + change.regenerated)} of {pairs}"


def _as_json(name: str, spec: LaunchSpec, baseline: NoiseBaseline, changes: Sequence[NoiseChange]) -> dict[str, object]:
    return {
        "launch": name,
        "headline": headline(name, spec, baseline),
        "asked_twice": ReplayedVersion.PRIMARY if spec.control else ReplayedVersion.SHADOW,
        "control": spec.control or None,
        "noise_percent": spec.noise_percent,
        "pairs": baseline.pairs,
        "unanswered": baseline.unanswered,
        "volatile": len(baseline.volatile),
        "generated": len(baseline.generated),
        "blind": len(baseline.blind),
        "endpoints": [asdict(endpoint) for endpoint in baseline.endpoints],
        "places": [asdict(place) for place in sorted(baseline.places, key=_rank)],
        "changes": [asdict(change) for change in changes[:CHANGES_SHOWN]],
    }

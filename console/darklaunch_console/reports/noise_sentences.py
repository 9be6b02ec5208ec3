"""The sentences of reports about what is excused, what is noise, and what may be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from darklaunch_comparator.compare import ExcuseReason, NoiseAspect
from darklaunch_comparator.noise.learning import NoiseState
from darklaunch_comparator.store.noise import NoisePlace
from darklaunch_comparator.store.report_queries import ExcuseCount

from darklaunch_console.output.numbers import format_count, format_share
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.text import format_plural
from darklaunch_console.output.times import format_minute

from .evidence import ReportEvidence
from .problems import ReportProblem


def list_excused(evidence: ReportEvidence) -> list[str]:
    """Return what differed and was excused, place by place, the most frequent first."""
    return [
        f"{place} {format_count(count)}"
        for place, count in _count_places(
            excuse for excuse in evidence.excuses if excuse.witnessed and excuse.reason != ExcuseReason.NOT_COMPARED
        )
    ]


def describe_uncompared(evidence: ReportEvidence, shown: int = 5) -> str:
    """Return the header fields that differed and are not compared, and the rule that compares one; "" for none."""
    counts: dict[str, int] = {}
    for excuse in evidence.excuses:
        if excuse.reason == ExcuseReason.NOT_COMPARED:
            name = make_printable(excuse.path.removeprefix("header:"), 60)
            counts[name] = counts.get(name, 0) + excuse.count
    if not counts:
        return ""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    named = ", ".join(f"{name} {format_plural(count, 'time')}" for name, count in ranked[:shown])
    more = f" and {format_count(len(ranked) - shown)} more" if len(ranked) > shown else ""
    launch = evidence.record.state.name
    return (
        f"Headers that differed and are not compared: {named}{more}. To compare one: "
        f'darklaunch rules add {launch} headers --compare {ranked[0][0]} --reason "it is read".'
    )


def list_noise(evidence: ReportEvidence) -> list[str]:
    """Return the places known to be noise, with the rates at which one version differs from itself."""
    baseline = evidence.baseline
    values = [place for place in baseline.volatile if place.aspect == NoiseAspect.VALUE]
    lines = [
        f"{how}: {rates}"
        for how, places in (
            ("compared by type only", [place for place in values if place.state != NoiseState.MEASURED]),
            ("compared by type, and often ten times or a tenth of the primary's", baseline.far),
            ("compared by shape only", baseline.generated),
            ("there or not, or of another size", [place for place in baseline.volatile if place not in values]),
        )
        if (rates := _list_rates(places))
    ]
    if baseline.blind:
        lines.append(f"differ nearly always, so that a wrong value would not show: {_list_blind(baseline.blind)}")
    return lines


def describe_far_numbers(places: Sequence[NoisePlace]) -> str:
    """Return where numbers that are noise are often over ten times the primary's, most often first; "" for nowhere."""
    if not places:
        return ""
    first = places[0]
    name = f"{make_printable(first.endpoint, 60)} {make_printable(first.name, 60)}"
    more = f" and {format_plural(len(places) - 1, 'more place')}" if len(places) > 1 else ""
    return (
        f"Worth a look: {name} is over ten times the primary's in {format_count(first.far_rising)} of "
        f"{format_plural(first.seen, 'response')} asked for twice, under a tenth in {format_count(first.far_falling)}"
        f"{more}. Not held against the shadow, because the number differs by itself."
    )


def describe_before_noise(problem: ReportProblem) -> str:
    """Return that a mismatch was recorded before its places were known to be noise; "" when it was not."""
    if problem.noise_since is None:
        return ""
    if problem.only_noise:
        return f"before it was known to be noise, at {format_minute(problem.noise_since)}"
    named = ", ".join(make_printable(path, 60) for path in problem.noise)
    return f"before {named} was known to be noise, at {format_minute(problem.noise_since)}"


def count_second_replays(evidence: ReportEvidence) -> str:
    """Return how many second replays were compared: `148 control replays`."""
    spec = evidence.record.state.spec
    return format_plural(evidence.baseline.pairs, "control replay" if spec.control else "second replay")


def describe_unwitnessed(evidence: ReportEvidence) -> str:
    """Return what was excused by its form alone, without a baseline to say whether it ought to differ; "" if nothing.

    The most frequent places come first.
    """
    named = [
        f"{place} {format_plural(count, 'time')}"
        for place, count in _count_places(excuse for excuse in evidence.excuses if not excuse.witnessed)
    ]
    if not named:
        return ""
    more = f" and {format_count(len(named) - 3)} more" if len(named) > 3 else ""
    advice = "" if evidence.record.state.spec.control else "; a baseline would: --control URL"
    return (
        "Differed and was excused by its form alone, as a time or an id; no second response of the primary's version "
        f"has shown that it ought to differ: {', '.join(named[:3])}{more}{advice}."
    )


def count_doubts(evidence: ReportEvidence) -> str:
    """Return how many kinds of mismatch may be noise: `2 kinds of mismatch may be noise and are not judged yet`."""
    number = len(evidence.in_doubt)
    if not number:
        return ""
    return (
        f"{format_plural(number, 'kind')} of mismatch may be noise and {'is' if number == 1 else 'are'} not judged yet"
    )


def _list_rates(places: Sequence[NoisePlace], shown: int = 6) -> str:
    """Return paths with their rates over all endpoints, the noisiest first: `$.a (100 %), $.b (31 %)`."""
    differed: dict[str, int] = {}
    pairs: dict[str, int] = {}
    for place in places:
        differed[place.name] = differed.get(place.name, 0) + place.own
        pairs[place.name] = pairs.get(place.name, 0) + place.seen
    rates = sorted(((differed[path] / pairs[path], path) for path in pairs), key=lambda pair: (-pair[0], pair[1]))
    named = [f"{make_printable(path, 60)} ({format_share(rate, 1)})" for rate, path in rates[:shown]]
    return ", ".join(named) + (f" and {len(rates) - shown} more" if len(rates) > shown else "")


def _list_blind(places: Sequence[NoisePlace], shown: int = 4) -> str:
    """Return paths with the endpoints they are at: `$.a (GET /x), $.b (4 endpoints)`."""
    endpoints: dict[str, list[str]] = {}
    for place in places:
        endpoints.setdefault(place.path, []).append(place.endpoint)
    named = [
        f"{make_printable(path, 60)} ({make_printable(names[0], 60) if len(names) == 1 else f'{len(names)} endpoints'})"
        for path, names in sorted(endpoints.items())
    ]
    return ", ".join(named[:shown]) + (f" and {len(named) - shown} more" if len(named) > shown else "")


def _count_places(excuses: Iterable[ExcuseCount]) -> list[tuple[str, int]]:
    """Sum excuses up by place and reason over all endpoints, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for excuse in excuses:
        place = (excuse.path, excuse.reason)
        counts[place] = counts.get(place, 0) + excuse.count
    return [
        (f"{make_printable(path, 60)} ({reason.replace('_', ' ')})", count)
        for (path, reason), count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ]

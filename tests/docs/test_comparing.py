"""docs/COMPARING.md against the comparator: every example on the page is compared, every list is complete."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime
from statistics import median

import pytest
from darklaunch_comparator.compare import (
    ComparedResponse,
    Comparison,
    ComparisonOutcome,
    DifferenceKind,
    ExcuseReason,
    collector,
    compare,
    element_places,
    headers,
    identifier_shape,
    json_parse,
    render_title,
    timestamps,
)
from darklaunch_comparator.compare.patterns import VALUE_BYTES
from darklaunch_comparator.content import INFLATED_CAP_BYTES, BodyFamily, markup, parse_media_type
from darklaunch_comparator.leader import leader
from darklaunch_comparator.noise import learning
from darklaunch_comparator.noise.learning import NoiseState, PlaceCounts, classify_place
from darklaunch_comparator.pipeline import noise_cache
from darklaunch_comparator.places import BadPath, parse_rule_path
from darklaunch_comparator.rules import MOST_RULES, check_rules
from darklaunch_comparator.rules.model import RULE_KINDS
from darklaunch_comparator.store import noise
from darklaunch_comparator.store.signatures import STATES
from darklaunch_comparator.store.writer_cache import NOISE_PLACES, SAMPLE_EVERY_S
from darklaunch_console.launches.signatures import SHORTEST
from darklaunch_console.reports import importance
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.consumer import MAX_DELIVERIES
from darklaunch_shared.wire.exchange import Headers, Response
from darklaunch_shared.wire.replay import ReplayedVersion, ShadowErrorClass

from tests.support.noise_places import learn, present, varying
from tests.support.rules import ruled

from .page import blocks, page, section, table

TEXT = page("docs/COMPARING.md")
ANSWERED_AT_MS = int(datetime(2026, 5, 1, 12, tzinfo=UTC).timestamp() * 1000)
JSON: Headers = (("content-type", "application/json"),)
FAMILIES = {
    "JSON": BodyFamily.JSON,
    "one JSON document a line, as an array": BodyFamily.LINES,
    "fields": BodyFamily.FORM,
    "JSON when both look like it": BodyFamily.UNSTATED,
    "part by part": BodyFamily.MULTIPART,
    "a tree of HTML": BodyFamily.HTML,
    "a tree of XML": BodyFamily.XML,
    "a table: an array of its rows, each an object of its cells (`$[*].price`); by lines if its first line names no "
    "columns": BodyFamily.CSV,
    "text, line by line": BodyFamily.TEXT,
    "length and digest": BodyFamily.BINARY,
}


def compared(primary: Response, shadow: Response, ignore: str = "", rule: str = "") -> Comparison:
    theirs = ComparedResponse(primary, "http://shop.example", ANSWERED_AT_MS)
    ours = ComparedResponse(shadow, "http://10.0.3.7:8000", ANSWERED_AT_MS + 3000)
    rules = tomllib.loads(rule) if rule else {"ignore": [{"path": ignore}]} if ignore else {}
    return compare("GET", theirs, ours, ruled(**rules))


def answer(cell: str) -> Response:
    """Read a cell of a table: a status, a header, or else a JSON body."""
    if re.fullmatch(r"\d{3}", cell):
        return Response(int(cell), JSON, b"{}", 1.0)
    if found := re.fullmatch(r"([a-z-]+): (.*)", cell):
        return Response(200, (*JSON, (found[1], found[2])), b"{}", 1.0)
    return Response(200, JSON, cell.encode() or b"{}", 1.0)


@pytest.mark.parametrize(("primary", "shadow", "reported"), table(TEXT, "primary"))
def test_every_difference_is_reported_as_documented(primary: str, shadow: str, reported: str) -> None:
    assert (render_title(compared(answer(primary), answer(shadow))) or "nothing") == reported


@pytest.mark.parametrize(
    ("content_type", "primary", "shadow", "reported"),
    [("text/html", *row) for row in table(TEXT, "HTML of the primary")]
    + [("text/plain", *row) for row in table(TEXT, "text of the primary")],
)
def test_every_difference_in_text_is_reported_as_documented(
    content_type: str, primary: str, shadow: str, reported: str
) -> None:
    headers = (("content-type", content_type),)
    one, other = (Response(200, headers, text.encode(), 1.0) for text in (primary, shadow))
    comparison = compared(one, other)
    assert (render_title(comparison) or "nothing") == reported
    if comparison.differences:
        (place,) = {difference.group_path for difference in comparison.differences}
        assert compared(one, other, place).outcome is ComparisonOutcome.IGNORED


@pytest.mark.parametrize(("primary", "shadow", "expected"), table(TEXT, "value"))
def test_every_volatile_value_is_excused_as_documented(primary: str, shadow: str, expected: str) -> None:
    comparison = compared(answer(f'{{"x": {primary}}}'), answer(f'{{"x": {shadow}}}'))
    if expected in set(ExcuseReason):
        assert comparison.outcome is ComparisonOutcome.MATCHED
        assert [(excuse.path, excuse.reason) for excuse in comparison.excuses] == [("$.x", expected)]
    else:
        assert render_title(comparison) == expected


@pytest.mark.parametrize(("ignore", "primary", "shadow", "outcome"), table(TEXT, "ignore"))
def test_every_ignore_path_does_as_documented(ignore: str, primary: str, shadow: str, outcome: str) -> None:
    assert compared(answer(primary), answer(shadow)).outcome is ComparisonOutcome.MISMATCHED
    assert compared(answer(primary), answer(shadow), ignore).outcome == outcome


@pytest.mark.parametrize(("rule", "primary", "shadow", "outcome"), table(TEXT, "rule"))
def test_every_rule_does_as_documented(rule: str, primary: str, shadow: str, outcome: str) -> None:
    assert compared(answer(primary), answer(shadow), rule=rule).outcome == outcome
    without = compared(answer(primary), answer(shadow)).outcome
    kind = rule.partition(" ")[0]
    if kind == "strict_numbers" or "compare = " in rule:
        assert without is ComparisonOutcome.MATCHED
    else:
        assert without is ComparisonOutcome.MISMATCHED


def test_every_kind_of_rule_is_described() -> None:
    said = section(TEXT, "## Rules")
    assert [name for name in RULE_KINDS if f"**{name}**" not in said] == []
    for text in blocks(TEXT, "toml"):
        assert check_rules(tomllib.loads(text), with_reason=True)[1] == []
    assert f"up to {MOST_RULES:,} rules" in said
    assert f"no value past {VALUE_BYTES:,} bytes" in said


@pytest.mark.parametrize("path", ["$.items[?@.x > 1]", "$.items[0:2]", "$.items[-1]", "items.price"])
def test_what_is_said_to_be_refused_is_refused(path: str) -> None:
    assert f"`{path}`" in section(TEXT, "### Ignore paths")
    with pytest.raises(BadPath, match=r"Use|write"):
        parse_rule_path(path)


def test_the_paths_that_are_reported_can_be_ignored_as_they_stand() -> None:
    for primary, shadow, reported in table(TEXT, "primary"):
        for path in re.findall(r"\$[^ ,]*", reported):
            assert path not in render_title(compared(answer(primary), answer(shadow), path)).replace(",", " ").split()


@pytest.mark.parametrize(("types", "way"), table(TEXT, "type"))
def test_every_type_is_compared_as_documented(types: str, way: str) -> None:
    for kind in types.replace("`", "").split(", "):
        assert parse_media_type(kind).family is FAMILIES[way]


def test_every_kind_reason_outcome_and_error_class_is_listed() -> None:
    assert [kind for kind, _ in table(TEXT, "kind")] == list(DifferenceKind)
    assert {reason for reason, _ in table(TEXT, "reason")} == set(ExcuseReason)
    assert {outcome for outcome, _ in table(TEXT, "outcome")} == {*ComparisonOutcome, "shadow_error", "dropped", "dead"}
    assert {name for name, _ in table(TEXT, "class")} == set(ShadowErrorClass)


def test_every_compared_header_is_listed() -> None:
    listed = set(re.findall(r"`([a-z-]+)`", section(TEXT, "## Headers").partition("\n\n-")[0]))
    assert listed == set(headers._READERS)


def test_the_documented_bounds_are_the_bounds() -> None:
    spec = LaunchSpec("http://shadow")
    for said in (
        f"± {timestamps.DELTA_MS / 1000:g} s",
        f"{timestamps.NEAR_MS / 60_000:g} minutes",
        f"more than {identifier_shape.MAP_KEYS} of them",
        f"hex of {identifier_shape.SHORTEST_CHARS} or more",
        f"{json_parse.DEPTH_CAP} deep, or more than {json_parse.NODES_CAP:,} nodes",
        f"inflate past {INFLATED_CAP_BYTES >> 20} MiB",
        f"nested more than {markup.DEPTH_CAP} deep, of more than {markup.ELEMENTS_CAP:,} elements",
        f"lists of more than {element_places.LISTED_ITEMS} items or {element_places.LISTED_ELEMENTS} other elements",
        f"`--max-latency-diff` + {spec.deadline_s - spec.max_latency_diff_ms / 1000:g} s",
        f"over {spec.response_cap_bytes >> 20} MiB",
        f"At most {collector.KEPT_DIFFERENCES} differences of one exchange are kept, "
        f"at most {collector.KEPT_PER_GROUP} of a kind",
    ):
        assert said in " ".join(TEXT.split())
    assert MAX_DELIVERIES == 5
    assert "five consumers" in TEXT


def test_the_severities_are_the_severities() -> None:
    listed = {kind: float(weight) for kinds, weight in table(TEXT, "kinds") for kind in re.findall(r"\w+", kinds)}
    assert {kind: listed.get(kind, listed["response"]) for kind in importance.SEVERITY} == importance.SEVERITY
    assert f"by {importance.LEAST_WEIGHT:g} at least" in TEXT
    assert importance.HALVED_AFTER_S == 86_400


def test_the_states_and_bounds_of_signatures_are_listed() -> None:
    assert tuple(state for state, _, _ in table(TEXT, "state")) == STATES
    assert f"replaced every {SAMPLE_EVERY_S:g} s at most" in TEXT
    assert f"The first {SHORTEST} digits" in TEXT


def test_what_can_be_known_of_noise_and_after_how_many_pairs_is_as_documented() -> None:
    assert [name for name, _, _ in table(TEXT, "known as")] == list(NoiseState)
    text = " ".join(section(TEXT, "## Noise").split())
    with_control, without = (count_pairs(version, NoiseState.VOLATILE, "all_differ") for version in ReplayedVersion)
    exceeded = count_pairs(ReplayedVersion.PRIMARY, NoiseState.EXCEEDED, "shadow_odd")
    exceeded_without = count_pairs(ReplayedVersion.SHADOW, NoiseState.EXCEEDED, "primary_odd", "falling")
    for said in (
        f"{LaunchSpec('http://shadow').noise_percent:g} % by default",
        f"an endpoint, {noise.MOST_PAIRS} at most",
        f"in more than {100 * learning.BASELINE_RATE:g} % of the pairs that hold it: after {with_control} pairs",
        f"all three answers differ: after {without} pairs",
        f"It takes {exceeded} pairs in which the shadow differed with a control, {exceeded_without} without",
        f"at least {learning.STABLE_PAIRS} pairs, and in {learning.STABLE_PAIRS_PER_CHANGE} for each pair",
        f"for {noise.HOLD_MS / 60_000:g} minutes after it was first seen at most, or {noise.HOLD_VARIED_MS / 60_000:g}",
        f"differed in {learning.PLAIN_PAIRS} pairs ({learning.LATE_PLAIN_PAIRS} after 10 minutes)",
        f"learns every {leader.NOISE_EVERY_S:g} s, all others follow within {noise_cache.READ_EVERY_S:g} s",
        f"At most {NOISE_PLACES:,} places",
    ):
        assert said in text, said


def count_pairs(version: ReplayedVersion, state: NoiseState, *names: str) -> int:
    """Return after how many pairs that all show the same a place is in that state."""
    found = (n for n in range(1, 99) if classify_place(version, PlaceCounts(**dict.fromkeys(names, n))) is state)
    return next(found)


@pytest.mark.parametrize("row", table(TEXT, "in each answer"))
def test_noise_is_learned_as_quickly_as_documented(row: list[str]) -> None:
    what, *said = row
    draw = (present if "field" in what else varying)(int(what.split()[-2]) / 100)
    for version, (asked, exchanges) in ((ReplayedVersion.SHADOW, said[:2]), (ReplayedVersion.PRIMARY, said[2:])):
        places = [learn(draw, version, seed) for seed in range(11)]
        assert median(place.asked for place in places) == pytest.approx(int(asked), rel=0.4, abs=2)
        assert median(place.exchanges for place in places) == pytest.approx(int(exchanges), rel=0.4, abs=4)


def test_the_examples_are_what_they_look_like() -> None:
    """The JSON in the tables is JSON, but for the one example of what is not."""
    cells = [cell for primary, shadow, _ in table(TEXT, "primary") for cell in (primary, shadow)]
    broken = []
    for cell in cells:
        try:
            json.loads(cell)
        except ValueError:
            broken.append(cell)
    assert broken == ['{"a": 1']

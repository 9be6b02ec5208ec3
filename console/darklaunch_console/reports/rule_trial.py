"""Try rules on a stored exchange or two bodies: compare without the rules and with them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, cast

from darklaunch_comparator.compare import NO_NOISE, ComparedResponse, Comparison, compare, render_title
from darklaunch_comparator.pipeline.assess import compare_exchange, compile_launch_rules
from darklaunch_comparator.rules import RuleSet, dump_rules
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.noise import read_known_noise
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.replay import ShadowResponse

from darklaunch_console.errors import BadUsage, ConsoleError
from darklaunch_console.output.screen import BAD, GOOD, StyledLine, make_printable, wrap_text
from darklaunch_console.stores.postgres import Connection

LISTED: Final = 20


def parse_rule_option(text: str) -> dict[str, object]:
    """Parse `ignore $.total pattern=[0-9]+ endpoint='GET /x'` as a rule's values. Raises BadUsage."""
    try:
        kind, *parts = shlex.split(text)
    except ValueError:
        raise BadUsage(f"--add {text!r} is not a rule: write KIND PATH, as in 'ignore $.total'") from None
    values: dict[str, object] = {"kind": kind}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or key.startswith(("$", "header:", "query:")):
            values["path"] = part
        elif key in ("endpoint", "except", "compare", "never"):
            key = "endpoints" if key == "endpoint" else key
            values[key] = (*cast(tuple[object, ...], values.get(key, ())), value)
        else:
            values[key] = float(value) if key in ("absolute", "relative") and _is_number(value) else value
    return values


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("e-", "", 1).isdigit()


def find_latest_mismatch(connection: Connection, name: str) -> str:
    """Return the id of the latest exchange of the most frequent mismatch. Raises ConsoleError when there is none."""
    for signature in report_queries.read_signatures(connection, name):
        if signature.outcome == "mismatched" and (identity := signature.latest_sample or signature.first_sample):
            return identity
    raise ConsoleError(f"{name} has no mismatch to test on yet. Give two bodies: --primary FILE --shadow FILE")


def compare_sample(
    connection: Connection, sample: report_queries.StoredSample, spec: LaunchSpec, rules: RuleSet
) -> Comparison:
    """Compare a stored exchange again, under these rules. Raises ConsoleError when it cannot be compared."""
    shadow = sample.replay.shadow
    if not isinstance(shadow, ShadowResponse):
        raise ConsoleError(f"the shadow did not respond to {sample.exchange_id}: there is nothing to compare")
    noise = read_known_noise(connection, sample.launch).get(sample.launch, {})
    compiled = compile_launch_rules(replace(spec, compare=True, rules=dump_rules(rules)))
    exchange = sample.replay.exchange
    _, detail, comparison = compare_exchange(exchange, shadow, compiled, noise.get(exchange.endpoint, NO_NOISE))
    if comparison is None:
        raise ConsoleError(f"{sample.exchange_id} cannot be compared: {make_printable(detail or '', 200)}")
    return comparison


def compare_files(primary: Path, shadow: Path, content_type: str, endpoint: str, rules: RuleSet) -> Comparison:
    """Compare two bodies in files as responses of an endpoint."""
    headers = (("content-type", content_type),)
    left, right = (
        ComparedResponse(Response(200, headers, path.read_bytes(), 0.0), "", 0) for path in (primary, shadow)
    )
    book = compile_launch_rules(LaunchSpec("http://shadow", rules=dump_rules(rules))).book
    return compare("GET", left, right, book.rules_for(endpoint))


def render_trial(what: str, before: Comparison, after: Comparison) -> list[StyledLine]:
    """Return the outcomes without the rules and with them, then what they excuse and what still differs."""
    differs = f": {render_title(after)}" if after.differences else ""
    headline = f"{what}: {before.outcome} without rules, {after.outcome} with them{differs}."
    lines = [(line, BAD if after.differences else GOOD) for line in wrap_text(headline, "", "  ")]
    for effect in _list_effects(before, after):
        lines += [(line, "") for line in wrap_text(effect, "  ", "  ")]
    return lines


def _list_effects(before: Comparison, after: Comparison) -> Iterable[str]:
    known = {(excuse.path, excuse.reason) for excuse in before.excuses}
    new = [excuse for excuse in after.excuses if (excuse.path, excuse.reason) not in known]
    for excuse in new[:LISTED]:
        times = f", {excuse.count:,} times" if excuse.count > 1 else ""
        yield f"excused  {make_printable(excuse.path, 200)} ({excuse.reason.replace('_', ' ')}{times})"
    if not new:
        yield "The rules excuse nothing here."
    for difference in after.differences[:LISTED]:
        sides = " → ".join("nothing" if side is None else side for side in (difference.primary, difference.shadow))
        yield f"differs  {make_printable(difference.path, 200)} {difference.kind}: {make_printable(sides, 300)}"
    rest = max(0, len(new) - LISTED) + max(0, len(after.differences) - LISTED) + after.omitted
    if rest:
        yield f"and {rest:,} more: --json prints them"
    if after.detail:
        yield make_printable(after.detail, 300)


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON values."""
    return {**asdict(comparison), "outcome": comparison.outcome.value}

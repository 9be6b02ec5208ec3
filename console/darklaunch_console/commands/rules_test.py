"""`rules test`: what rules would excuse, of a stored exchange or of two bodies in files."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO, cast

import click
from darklaunch_comparator.compare import NO_NOISE, ComparedResponse, Comparison, compare, render_title
from darklaunch_comparator.pipeline.assess import compare_exchange, compile_launch_rules
from darklaunch_comparator.rules import RuleSet, dump_rules, load_rules
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.noise import read_known_noise
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.replay import ShadowResponse

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage, ConsoleError
from darklaunch_console.launches.rules import add_rules, parse_rules
from darklaunch_console.output.screen import BAD, GOOD, json_option, make_printable, print_json, print_line, wrap_text
from darklaunch_console.reports.evidence import read_launch_record
from darklaunch_console.reports.sample import find_sample
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import Connection, open_postgres

SHOWN = 20


@click.command("test", short_help="Show what rules would excuse.")
@click.argument("name", callback=check_launch_name)
@click.argument("exchange", required=False, metavar="[ID]")
@click.option(
    "-f", "--file", "document", type=click.File(), metavar="FILE", help="These rules, instead of the launch's."
)
@click.option(
    "--add", "more", multiple=True, metavar="RULE", help="This rule, too: 'ignore $.total', 'unordered $.x by=id'."
)
@click.option(
    "--primary", "theirs", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE", help="A body."
)
@click.option(
    "--shadow", "ours", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE", help="Another."
)
@click.option("--type", "content_type", default="application/json", show_default=True, help="Of both files.")
@click.option("--endpoint", default="", metavar="ENDPOINT", help="Whose rules hold for the files: 'GET /orders/{id}'.")
@json_option
@click.pass_obj
def test(
    settings: ConsoleSettings,
    name: str,
    exchange: str | None,
    document: TextIO | None,
    more: tuple[str, ...],
    theirs: Path | None,
    ours: Path | None,
    content_type: str,
    endpoint: str,
    in_json: bool,
) -> None:
    """Show what rules would excuse, and change nothing. Tested on the exchange ID, else on the latest of the most
    frequent kind of mismatch, or on two bodies in files. Exit code 1 when something would still differ.

    \b
      darklaunch rules test checkout-v2 --add 'ignore $.total_cents'
      darklaunch rules test checkout-v2 7f3a90bc:118 -f rules.toml
      darklaunch rules test checkout-v2 --primary old.json --shadow new.json
    """
    if (theirs is None) != (ours is None):
        raise BadUsage("--primary and --shadow go together: two bodies to compare")
    if theirs and exchange:
        raise BadUsage("an exchange and two files are two things to test on: choose one")
    with open_postgres(settings) as connection:
        spec = read_launch_record(connection, name).state.spec
        held = load_rules(spec.rules)
        rules = parse_rules(document.read(), document.name, held) if document else held
        rules = add_rules(rules, *[_written(text) for text in more])
        if theirs and ours:
            what = f"{theirs.name} and {ours.name}"
            before = _files(theirs, ours, content_type, endpoint, RuleSet())
            after = _files(theirs, ours, content_type, endpoint, rules)
        else:
            sample = find_sample(connection, exchange or _latest(connection, name), name)
            what = (
                f"{sample.replay.exchange.request.method} {make_printable(sample.replay.exchange.request.target, 100)}"
            )
            before, after = (_again(connection, sample, spec, held) for held in (RuleSet(), rules))
    if in_json:
        print_json({"tested": what, "without_rules": _told(before), "with_rules": _told(after)})
    else:
        _say(what, before, after)
    raise click.exceptions.Exit(1 if after.differences else 0)


def _written(text: str) -> dict[str, object]:
    """Read `ignore $.total pattern=[0-9]+ endpoint='GET /x'` as a rule's values. Raises BadUsage."""
    try:
        kind, *parts = shlex.split(text)
    except ValueError:
        raise BadUsage(f"--add {text!r} names no rule: write KIND PATH, as in 'ignore $.total'") from None
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


def _latest(connection: Connection, name: str) -> str:
    for signature in report_queries.read_signatures(connection, name):
        if signature.outcome == "mismatched" and (found := signature.latest_sample or signature.first_sample):
            return found
    raise ConsoleError(f"{name} has no mismatch to test on yet. Give two bodies: --primary FILE --shadow FILE")


def _again(connection: Connection, sample: report_queries.StoredSample, spec: LaunchSpec, rules: RuleSet) -> Comparison:
    shadow = sample.replay.shadow
    if not isinstance(shadow, ShadowResponse):
        raise ConsoleError(f"the shadow gave no answer to {sample.exchange_id}: there is nothing to compare")
    noise = read_known_noise(connection, sample.launch).get(sample.launch, {})
    held = compile_launch_rules(replace(spec, compare=True, rules=dump_rules(rules)))
    exchange = sample.replay.exchange
    _, detail, comparison = compare_exchange(exchange, shadow, held, noise.get(exchange.endpoint, NO_NOISE))
    if comparison is None:
        raise ConsoleError(f"{sample.exchange_id} cannot be compared: {make_printable(detail or '', 200)}")
    return comparison


def _files(theirs: Path, ours: Path, content_type: str, endpoint: str, rules: RuleSet) -> Comparison:
    headers = (("content-type", content_type),)
    left, right = (ComparedResponse(Response(200, headers, path.read_bytes(), 0.0), "", 0) for path in (theirs, ours))
    book = compile_launch_rules(LaunchSpec("http://shadow", rules=dump_rules(rules))).book
    return compare("GET", left, right, book.rules_for(endpoint))


def _say(what: str, before: Comparison, after: Comparison) -> None:
    style = BAD if after.differences else GOOD
    said = f": {render_title(after)}" if after.differences else ""
    print_line(f"{what}: {before.outcome} without rules, {after.outcome} with them{said}.", style=style)
    for line in _lines(before, after):
        for part in wrap_text(line, "  ", "  "):
            print_line(part)


def _lines(before: Comparison, after: Comparison) -> Iterable[str]:
    known = {(excuse.path, excuse.reason) for excuse in before.excuses}
    new = [excuse for excuse in after.excuses if (excuse.path, excuse.reason) not in known]
    for excuse in new[:SHOWN]:
        times = f", {excuse.count:,} times" if excuse.count > 1 else ""
        yield f"excused  {make_printable(excuse.path, 200)} ({excuse.reason.replace('_', ' ')}{times})"
    if not new:
        yield "The rules excuse nothing here."
    for difference in after.differences[:SHOWN]:
        sides = " → ".join("nothing" if side is None else side for side in (difference.primary, difference.shadow))
        yield f"differs  {make_printable(difference.path, 200)} {difference.kind}: {make_printable(sides, 300)}"
    rest = max(0, len(new) - SHOWN) + max(0, len(after.differences) - SHOWN) + after.omitted
    if rest:
        yield f"and {rest:,} more: --json prints them"
    if after.detail:
        yield make_printable(after.detail, 300)


def _told(comparison: Comparison) -> dict[str, Any]:
    return {**asdict(comparison), "outcome": comparison.outcome.value}

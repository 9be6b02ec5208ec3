"""`rejudge`: what other rules would make of what was found, before they are applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TextIO

import click
from darklaunch_comparator.pipeline.assess import compile_launch_rules
from darklaunch_comparator.pipeline.rejudge import RecordedSample, RejudgedSignature, sum_estimates
from darklaunch_comparator.pipeline.rejudge import rejudge_samples as judge_again
from darklaunch_comparator.rules import dump_rules, load_rules
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.noise import read_known_noise

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage
from darklaunch_console.launches.change import find_launch
from darklaunch_console.launches.rules import diff_rules, parse_rules, record_rules
from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import GOOD, WARN, json_option, make_printable, print_json, print_line, wrap_text
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.evidence import read_launch_record
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import Connection, open_postgres, open_redis

UNSEEN = "Samples are kept of mismatches only: what these rules would find in answers that matched is not seen here."


@click.command(short_help="See what other rules would make of what was found.")
@click.argument("name", callback=check_launch_name)
@click.option("-f", "--file", "document", type=click.File(), metavar="FILE", help="These rules, not the launch's own.")
@click.option("--apply", "applied", is_flag=True, help="Then make them the launch's rules.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event of --apply.")
@json_option
@click.pass_obj
def rejudge(
    settings: ConsoleSettings, name: str, document: TextIO | None, applied: bool, reason: str, in_json: bool
) -> None:
    """Compare the stored samples again, under the rules of a file or the launch's own as they are now, and show what
    would change: for each kind of mismatch, and in all. What was recorded is never rewritten.

    \b
      darklaunch rejudge checkout-v2 -f rules.toml
      darklaunch rejudge checkout-v2 -f rules.toml --apply --reason reviewed
    """
    if applied and not document:
        raise BadUsage("--apply needs rules to apply: -f FILE")
    if applied and not reason.strip():
        raise BadUsage("--apply needs a --reason: it is kept with the event")
    with open_postgres(settings) as connection:
        spec = read_launch_record(connection, name).state.spec
        old = load_rules(spec.rules)
        new = parse_rules(document.read(), document.name, old) if document else old
        noise = read_known_noise(connection, name).get(name, {})
        kinds = judge_again(
            _kept(connection, name), compile_launch_rules(replace(spec, compare=True, rules=dump_rules(new))), noise
        )
    added, removed = diff_rules(old, new)
    told = _as_json(name, kinds, len(added), len(removed))
    if not in_json:
        _say(name, kinds)
    if applied and (added or removed):
        with open_redis(settings) as redis, open_postgres(settings) as connection:
            before = find_launch(redis, connection, name)
            if load_rules(before.state.spec.rules) != old:
                raise BadUsage(f"the rules of {name} were changed meanwhile: look again")
            data: dict[str, object] = {"rejudged": told["would_be"]}
            told["revision"] = record_rules(redis, connection, before, new, reason, data).state.revision
    if in_json:
        print_json({**told, "applied": applied and bool(added or removed)})
    elif applied:
        _say_applied(name, len(added), len(removed))
    elif document:
        print_line(
            f"Nothing is applied yet. Next: darklaunch rejudge {name} -f {make_printable(document.name)} --apply"
        )


def _kept(connection: Connection, name: str) -> Iterator[RecordedSample]:
    for signature in report_queries.read_signatures(connection, name):
        if signature.outcome != "mismatched":
            continue
        samples = dict.fromkeys([signature.first_sample, signature.latest_sample, signature.rarest_sample])
        for identity in samples:
            if identity and (sample := report_queries.read_sample(connection, identity, name)):
                yield RecordedSample(
                    signature.fingerprint, signature.endpoint, signature.title, signature.count, identity, sample.replay
                )


def _say(name: str, kinds: list[RejudgedSignature]) -> None:
    recorded, samples = sum(kind.count for kind in kinds), sum(len(kind.verdicts) for kind in kinds)
    if not kinds:
        print_line(f"{name}: no mismatch was recorded, so there is nothing to judge again.")
        return
    sums = sum_estimates(kinds)
    left = round(sums.pop("mismatched", 0))
    parts = [
        f"about {format_count(number)} {outcome}" for outcome, number in sorted(sums.items(), key=lambda pair: -pair[1])
    ]
    became = f"{', '.join(parts)}, {format_count(left)} still mismatched" if parts else "all still mismatched"
    print_line(
        f"{name}: of {format_count(recorded)} recorded mismatches {became}.", style=GOOD if left < recorded else WARN
    )
    print_line(
        f"  An estimate from {format_plural(samples, 'sample')} of {format_plural(len(kinds), 'kind')} of mismatch."
    )
    for line in wrap_text(UNSEEN, "  "):
        print_line(line)
    print_line()
    for kind in kinds:
        shares = sorted(kind.estimate.items(), key=lambda pair: -pair[1])
        becomes = ", ".join(f"{outcome} {format_count(number)}" for outcome, number in shares)
        heading = f"{kind.fingerprint}  {make_printable(kind.endpoint, 80)} {make_printable(kind.title, 120)}"
        for line in wrap_text(heading, "", "  "):
            print_line(line)
        print_line(f"  mismatched {format_count(kind.count)} → {becomes}", style=GOOD if kind.changed else "")
        for verdict in kind.verdicts:
            if verdict.outcome == "mismatched" and verdict.left != kind.title:
                for line in wrap_text(
                    f"{verdict.exchange_id} still differs in {make_printable(verdict.left, 200)}", "  ", "  "
                ):
                    print_line(line)


def _say_applied(name: str, added: int, removed: int) -> None:
    if added or removed:
        print_line(f"Applied: {added} added, {removed} removed. What was recorded stays as it is.", style=GOOD)
        print_line("The evidence of the verdict begins anew under them.")
    else:
        print_line(f"{name} has these rules already.")


def _as_json(name: str, kinds: list[RejudgedSignature], added: int, removed: int) -> dict[str, Any]:
    return {
        "launch": name,
        "estimate": True,
        "recorded": sum(kind.count for kind in kinds),
        "samples": sum(len(kind.verdicts) for kind in kinds),
        "would_be": {outcome: round(number, 1) for outcome, number in sorted(sum_estimates(kinds).items())},
        "rules_added": added,
        "rules_removed": removed,
        "kinds": [
            {
                "signature": kind.fingerprint,
                "endpoint": kind.endpoint,
                "title": kind.title,
                "count": kind.count,
                "would_be": {outcome: round(number, 1) for outcome, number in sorted(kind.estimate.items())},
                "samples": [
                    {
                        "exchange": each.exchange_id,
                        "outcome": each.outcome,
                        "differs": each.left,
                        "excused": each.excuses,
                    }
                    for each in kind.verdicts
                ],
            }
            for kind in kinds
        ],
    }

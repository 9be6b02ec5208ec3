"""`demo`: the whole pipeline at work on a shop, from capture to promotion, with nothing to set up."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path

import click
from darklaunch_comparator.judging.policy_file import dump_policy
from darklaunch_comparator.store import report_queries
from rich.console import Console
from rich.live import Live
from rich.text import Text

from darklaunch_console.demo import second_act
from darklaunch_console.demo.expected import PLANTED, find_mistakes
from darklaunch_console.demo.first_act import FirstActResult, find_regressions, roll_back
from darklaunch_console.demo.load import LoadProgress, LoadSummary
from darklaunch_console.demo.second_act import POLICY, SecondActResult
from darklaunch_console.demo.stage import DemoNarrator, open_stage
from darklaunch_console.embedded import EmbeddedError, embedded_servers
from darklaunch_console.errors import ConsoleError
from darklaunch_console.output.numbers import format_count, format_seconds
from darklaunch_console.output.screen import BAD, GOOD, STRONG, json_option, print_json, print_line
from darklaunch_console.reports import sentences
from darklaunch_console.reports.layout import report_to_json

from .report import show

NEXT = (
    ("darklaunch up", "servers, workers and a comparator, until Ctrl-C"),
    ("app.add_middleware(darklaunch.CaptureMiddleware)", "in your app, and in its next release"),
    ("darklaunch start NAME --shadow http://HOST:PORT", "mirror 10 % of its reads to the next release"),
    ("darklaunch watch NAME", "see it being judged, live"),
    ("darklaunch report NAME", "what this report says, of your app"),
)


@click.command()
@json_option
def demo(in_json: bool) -> None:
    """Play the whole story on real parts: a shop and its next releases over SQLite, real load, real servers.

    First act: three regressions are planted in v2, and noise that is none; the report must name exactly the three, and
    the verdict be to roll back. Second act: v3 has them repaired, and the judge must ramp it up and promote it.
    Nothing is left behind. Exit code 0 when both came out as told.
    """
    began_s = time.monotonic()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="darklaunch-demo-") as directory,
            embedded_servers(keep=False) as servers,
            contextlib.ExitStack() as stack,
        ):
            with _narrator(quiet=in_json) as tell:
                tell.say("Valkey and Postgres run, for this demo only.")
                stage = stack.enter_context(open_stage(servers, Path(directory), tell))
                found = find_regressions(stage, tell)
            wrong = find_mistakes(found.evidence, found.answer, found.users)
            if not in_json:
                _tell_first(found, wrong)
            with _narrator(quiet=in_json) as tell:
                roll_back(stage)
                tell.say("v2 is rolled back, as advised.")
                ramped = second_act.promote(stage, tell)
            wrong_too = second_act.find_mistakes(ramped)
            if not in_json:
                _tell_second(ramped, wrong_too)
    except EmbeddedError as error:
        raise ConsoleError(str(error)) from error
    took_s = time.monotonic() - began_s
    if in_json:
        print_json(_as_json(found, ramped, [*wrong, *wrong_too], took_s))
    else:
        _tell_next(took_s)
    raise click.exceptions.Exit(1 if wrong or wrong_too else 0)


@contextlib.contextmanager
def _narrator(*, quiet: bool) -> Generator[DemoNarrator]:
    console = Console(stderr=quiet, highlight=False)
    if not console.is_terminal:
        yield DemoNarrator(lambda line: click.echo(line, err=quiet), lambda _progress, _ledger: None)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield DemoNarrator(
            lambda line: console.print(line, soft_wrap=True),
            lambda progress, ledger: live.update(_progress(progress, ledger)),
        )


def _progress(progress: LoadProgress, ledger: report_queries.LaunchLedger) -> Text:
    compared = ledger.matched + ledger.mismatched + ledger.ignored
    return Text(
        f"  visitors {progress.sent:,}, median {progress.p50_ms:.1f} ms, {progress.errors} errors   "
        f"mirrored {ledger.sampled:,}   compared {compared:,}   differ {ledger.mismatched:,}"
    )


def _tell_first(found: FirstActResult, wrong: list[str]) -> None:
    _tell_users(found.users, "v2")
    print_line()
    show(found.evidence)
    print_line(
        "  To roll back, one condemned endpoint is enough; to promote, all that carry much traffic must be judged."
    )
    print_line()
    if wrong:
        _tell_wrong(wrong)
    else:
        print_line("As planted, and nothing else:", style=GOOD)
        for planted in PLANTED:
            print_line(f"  {planted.what} ({planted.endpoint})")
    print_line()


def _tell_second(ramped: SecondActResult, wrong: list[str]) -> None:
    evidence = ramped.evidence
    for number, line in enumerate(evidence.verdict):
        print_line(f"  {line}" if number else line, style="" if number else GOOD if not wrong else BAD)
    print_line(f"  {sentences.render_ledger(evidence)}")
    if reasons := sentences.list_drop_reasons(evidence):
        print_line(f"  dropped: {reasons}")
    _tell_users(ramped.users, "v3")
    if wrong:
        _tell_wrong(wrong)
    print_line()


def _tell_users(users: LoadSummary, release: str) -> None:
    print_line(
        f"{format_count(users.sent)} visitors were answered by v1, {users.errors} with an error; half of them within "
        f"{users.latencies.p50_ms:.1f} ms. None of them waited for {release}."
    )


def _tell_wrong(wrong: list[str]) -> None:
    print_line("The story did not come out as told:", style=BAD)
    for line in wrong:
        print_line(f"  {line}")


def _tell_next(took_s: float) -> None:
    print_line(f"That took {format_seconds(took_s)}. Next, with your own app:", style=STRONG)
    for typed, done in NEXT:
        print_line(f"  {typed:<52}{done}")


def _as_json(found: FirstActResult, ramped: SecondActResult, wrong: list[str], took_s: float) -> dict[str, object]:
    return {
        "as_told": not wrong,
        "mistakes": wrong,
        "took_s": round(took_s, 1),
        "planted": [{"endpoint": planted.endpoint, "what": planted.what} for planted in PLANTED],
        "v2": {**report_to_json(found.evidence), "answer": found.answer.value, "users": _users(found.users)},
        "v3": {
            **report_to_json(ramped.evidence),
            "policy": dump_policy(POLICY),
            "shares": list(ramped.shares),
            "ended_by": ramped.ended_by,
            "users": _users(ramped.users),
        },
    }


def _users(users: LoadSummary) -> dict[str, object]:
    return {"sent": users.sent, "errors": users.errors, "latency_ms": asdict(users.latencies)}

"""`demo`: the whole pipeline at work on a shop, from capture to report, with nothing to set up."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path

import click
from darklaunch_comparator.store import read
from rich.console import Console
from rich.live import Live
from rich.text import Text

from darklaunch_console.embedded import EmbeddedError, embedded_servers
from darklaunch_console.errors import ConsoleError
from darklaunch_console.output.numbers import count, seconds
from darklaunch_console.output.screen import BAD, GOOD, STRONG, json_option, say, say_json
from darklaunch_console.reading.layout import as_json
from darklaunch_console.reading.report import show

from .load import Progress
from .play import Narrator, Played, play
from .story import PLANTED, mistakes

NEXT = (
    ("darklaunch up", "servers, workers and a comparator, until Ctrl-C"),
    ("app.add_middleware(darklaunch.CaptureMiddleware)", "in your app, and in its next release"),
    ("darklaunch start NAME --shadow http://HOST:PORT", "mirror 10 % of its reads to the next release"),
    ("darklaunch report NAME", "what this report says, of your app"),
)


@click.command(short_help="Show it all at work on a shop, in under a minute.")
@json_option
def demo(in_json: bool) -> None:
    """Play the whole story on real parts: a shop and its next release over SQLite, real load, real servers.

    Three regressions are planted in the next release, and noise that is none. The report must name exactly the three.
    Nothing is left behind. Exit code 0 when the story came out as told.
    """
    try:
        with (
            tempfile.TemporaryDirectory(prefix="darklaunch-demo-") as directory,
            _narrator(quiet=in_json) as tell,
            embedded_servers(keep=False) as servers,
        ):
            tell.say("Valkey and Postgres run, for this demo only.")
            played = play(servers, Path(directory), tell)
    except EmbeddedError as error:
        raise ConsoleError(str(error)) from error
    wrong = mistakes(played.evidence, played.users)
    if in_json:
        say_json(_as_json(played, wrong))
    else:
        _tell(played, wrong)
    raise click.exceptions.Exit(1 if wrong else 0)


@contextlib.contextmanager
def _narrator(*, quiet: bool) -> Generator[Narrator]:
    console = Console(stderr=quiet, highlight=False)
    if not console.is_terminal:
        yield Narrator(lambda line: click.echo(line, err=quiet), lambda _progress, _ledger: None)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield Narrator(
            lambda line: console.print(line, soft_wrap=True),
            lambda progress, ledger: live.update(_progress(progress, ledger)),
        )


def _progress(progress: Progress, ledger: read.Ledger) -> Text:
    compared = ledger.matched + ledger.mismatched + ledger.ignored
    return Text(
        f"  visitors {progress.sent:>5,} of {progress.planned:,}, median {progress.p50_ms:.1f} ms, "
        f"{progress.errors} errors   mirrored {ledger.sampled:>5,}   compared {compared:>5,}   "
        f"differ {ledger.mismatched:>4,}"
    )


def _tell(played: Played, wrong: list[str]) -> None:
    users = played.users
    say(
        f"{count(users.sent)} visitors were answered by v1, {users.errors} with an error; half of them within "
        f"{users.latencies.p50_ms:.1f} ms. None of them waited for v2."
    )
    say()
    show(played.evidence)
    say()
    if wrong:
        say("The story did not come out as told:", style=BAD)
        for line in wrong:
            say(f"  {line}")
    else:
        say(f"As planted, and nothing else ({seconds(played.took_s)}):", style=GOOD)
        for planted in PLANTED:
            say(f"  {planted.what} ({planted.endpoint})")
    say()
    say("Next, with your own app:", style=STRONG)
    for typed, done in NEXT:
        say(f"  {typed:<52}{done}")


def _as_json(played: Played, wrong: list[str]) -> dict[str, object]:
    users = played.users
    return {
        **as_json(played.evidence),
        "as_told": not wrong,
        "mistakes": wrong,
        "planted": [{"endpoint": planted.endpoint, "what": planted.what} for planted in PLANTED],
        "users": {
            "sent": users.sent,
            "errors": users.errors,
            "latency_ms": asdict(users.latencies),
        },
        "took_s": round(played.took_s, 1),
    }

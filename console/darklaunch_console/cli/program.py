"""The command line: which commands there are, how they are grouped, and how a failure looks.

Commands are imported when they are called, so that `darklaunch worker` needs no Postgres driver and `--help` no HTTP
client. To add a command, add a line to COMMANDS; its module has a click command of that name.
"""

from __future__ import annotations

import difflib
import os
import sys
import traceback
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

import click
from darklaunch_shared.errors import ContractError

from darklaunch_console.errors import EXIT_INTERRUPTED, EXIT_PIPE_CLOSED, BadUsage, ConsoleError
from darklaunch_console.output.text import join_lines
from darklaunch_console.settings import read_settings

from .extras import explain_missing_extra


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command: its name, the module of `commands` that holds it, its section and its line in the help."""

    name: str
    module: str
    section: str
    summary: str


COMMANDS: Final = (
    CommandEntry("demo", "demo", "Run", "Show it all at work on a shop, in two acts."),
    CommandEntry("up", "up", "Run", "Run everything: servers where none are given, workers, comparator."),
    CommandEntry("worker", "worker", "Run", "Replay captured requests against the shadows."),
    CommandEntry("comparator", "comparator", "Run", "Compare answers and record the results."),
    CommandEntry("migrate", "migrate", "Run", "Create or update the tables in Postgres."),
    CommandEntry("start", "start", "Act", "Start a launch: mirror a share of the requests to a shadow."),
    CommandEntry("ramp", "change", "Act", "Change the share of requests that is mirrored."),
    CommandEntry("policy", "policy", "Act", "Show or change what a launch is judged by."),
    CommandEntry("rules", "rules", "Act", "Show or change which differences are excused."),
    CommandEntry("rejudge", "rejudge", "Act", "See what other rules would make of what was found."),
    CommandEntry("build", "build", "Act", "Name the version the shadow runs."),
    CommandEntry("pause", "change", "Act", "Stop mirroring for a while; what waits is kept."),
    CommandEntry("resume", "change", "Act", "Mirror again: lift a pause, a hold or a rollback."),
    CommandEntry("promote", "change", "Act", "End a launch: the shadow has proved itself."),
    CommandEntry("rollback", "rollback", "Act", "Stop a launch at once, even without Postgres."),
    CommandEntry("accept", "decide", "Act", "Call a kind of mismatch meant to be so."),
    CommandEntry("resolve", "decide", "Act", "Call a kind of mismatch repaired."),
    CommandEntry("reopen", "decide", "Act", "Take back that it was accepted or resolved."),
    CommandEntry("drain", "drain", "Act", "Wait until everything on its way has settled."),
    CommandEntry("list", "list", "Look", "List the launches."),
    CommandEntry("show", "show", "Look", "Show what was decided about a launch, and its history."),
    CommandEntry("report", "report", "Look", "Say what is known: problems, ledger, latency."),
    CommandEntry("watch", "watch", "Look", "Watch a launch live, until it is promoted or rolled back."),
    CommandEntry("verdict", "verdict", "Look", "Say promote, roll back or undecided, as exit code 0, 1 or 2."),
    CommandEntry("history", "history", "Look", "Show every decision about a launch, with what it rested on."),
    CommandEntry("mismatches", "mismatches", "Look", "List what differed, grouped, most important first."),
    CommandEntry("noise", "noise", "Look", "List what differs within one version, and is excused for it."),
    CommandEntry("inspect", "inspect", "Look", "Show one exchange: request, both answers, and where they differ."),
    CommandEntry("curl", "curl", "Look", "Print the curl commands that reproduce one exchange."),
    CommandEntry("doctor", "doctor", "Maintain", "Check servers, processes and launches, and say what to do."),
    CommandEntry("backlog", "backlog", "Maintain", "Show what waits, how old it is, and how fast it goes."),
    CommandEntry("dead", "dead", "Maintain", "Look at dead letters, put them back, or delete them."),
    CommandEntry("audit", "audit", "Maintain", "Check that every sampled exchange has an outcome."),
    CommandEntry("bench", "bench", "Maintain", "Measure what the hook costs your own app, on this machine."),
)

SECTIONS: Final = {
    "Run": "Run it",
    "Act": "Act on a launch",
    "Look": "Look at the evidence",
    "Maintain": "Look after the pipeline",
}


class Program(click.Group):
    """The group of all commands. Errors become one line on stderr and a documented exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give the names in the order of the help."""
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import a command. Raises ConsoleError when a dependency of it is not installed."""
        entry = next((entry for entry in COMMANDS if entry.name == cmd_name), None)
        if entry is None:
            return None
        try:
            module = import_module(f"darklaunch_console.commands.{entry.module}")
        except ModuleNotFoundError as missing:
            if (missing.name or "").startswith("darklaunch"):
                raise
            raise ConsoleError(explain_missing_extra(cmd_name, missing.name)) from missing
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed, or suggest the one that was meant."""
        command = self.get_command(ctx, args[0])
        if command is None and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            raise click.UsageError(f'there is no command "{args[0]}".{meant}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the commands by section, without importing one."""
        for section, title in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(entry.name, entry.summary) for entry in COMMANDS if entry.section == section])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. A reader that closed the pipe, such as `head`, ends it quietly."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _let_go_of_stdout()
            raise click.exceptions.Exit(EXIT_PIPE_CLOSED) from None

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run, then exit with the command's code."""
        code: Any
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except click.Abort:
            click.echo("Interrupted.", err=True)
            code = EXIT_INTERRUPTED
        except (click.ClickException, ConsoleError, ContractError) as error:
            if os.environ.get("DARKLAUNCH_DEBUG"):
                traceback.print_exc()
            code = print_error(error)
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _let_go_of_stdout()
            code = EXIT_PIPE_CLOSED
        sys.exit(code if isinstance(code, int) else 0)


def _let_go_of_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter fails to flush it at its end


def print_error(error: click.ClickException | ConsoleError | ContractError) -> int:
    """Write an error as one line on stderr and give its exit code."""
    message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    hint = ""
    if isinstance(error, click.UsageError) and error.ctx:
        if isinstance(error, click.NoSuchOption) and error.option_name in ("--redis", "--database"):
            hint = f" Write it before the command: {error.ctx.find_root().info_name} {error.option_name} URL …"
        else:
            hint = f" See {error.ctx.command_path} --help."
    click.echo(f"Error: {join_lines(message)}{hint}", err=True)
    if isinstance(error, ContractError):
        return BadUsage.exit_code
    return error.exit_code


@click.group(
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 done or yes, 1 failed or no, 2 wrong usage, 3 a server cannot be reached, 130 interrupted. "
    "Those of `verdict` and `watch` are their answer.",
)
@click.version_option(version("darklaunch"), prog_name="darklaunch")
@click.option("--redis", metavar="URL", help="Redis to use. Default: DARKLAUNCH_REDIS_URL, else REDIS_URL.")
@click.option("--database", metavar="URL", help="Postgres to use. Default: DARKLAUNCH_DATABASE_URL, else DATABASE_URL.")
@click.pass_context
def program(ctx: click.Context, redis: str | None, database: str | None) -> None:
    """Run new code beside the old on real traffic: capture, replay, compare, decide.

    Where no URL is given, a running `darklaunch up` of yours is found by itself.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":  # no-color.org
        ctx.color = False
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        return
    ctx.obj = read_settings(os.environ, redis, database)

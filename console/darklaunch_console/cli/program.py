"""The command line: how a command is found, and how its errors are printed.

A command is imported only when it is called, so that `darklaunch worker` needs no Postgres driver and `--help` no HTTP
client. To add one, add a line to COMMANDS and a module of that name to `commands`, with a click command of that name.
"""

from __future__ import annotations

import difflib
import os
import sys
import traceback
from importlib import import_module
from importlib.metadata import version
from typing import Any

import click
from darklaunch_shared.errors import ContractError

from darklaunch_console.errors import EXIT_INTERRUPTED, EXIT_PIPE_CLOSED, BadUsage, ConsoleError
from darklaunch_console.output.text import join_lines
from darklaunch_console.settings import read_settings

from .command_table import COMMANDS, SECTIONS
from .extras import explain_missing_extra


class Program(click.Group):
    """The group of all commands. Errors become one line on stderr and a documented exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands' names in the order of the help."""
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import a command. Raises ConsoleError when one of its dependencies is not installed."""
        entry = next((entry for entry in COMMANDS if entry.name == cmd_name), None)
        if entry is None:
            return None
        try:
            module = import_module(f"darklaunch_console.commands.{entry.module}")
        except ModuleNotFoundError as missing:
            if (missing.name or "").startswith("darklaunch"):
                raise
            raise ConsoleError(explain_missing_extra(cmd_name, missing.name)) from missing
        command = getattr(module, entry.module)
        assert isinstance(command, click.Command)
        command.short_help = entry.summary
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command by its name. Raises click.UsageError with the nearest name for an unknown one."""
        command = self.get_command(ctx, args[0])
        if command is None and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            raise click.UsageError(f'there is no command "{args[0]}".{meant}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the commands by section, without importing them."""
        for section, title in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(entry.name, entry.summary) for entry in COMMANDS if entry.section == section])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; end quietly when the reader of its output has closed the pipe, as `head` does."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _discard_stdout()
            raise click.exceptions.Exit(EXIT_PIPE_CLOSED) from None

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command, print an error if there is one, and exit with its code."""
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
            _discard_stdout()
            code = EXIT_PIPE_CLOSED
        sys.exit(code if isinstance(code, int) else 0)


def _discard_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter fails to flush it at its end


def print_error(error: click.ClickException | ConsoleError | ContractError) -> int:
    """Print an error as one line on stderr and return its exit code."""
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
    "`verdict` and `watch` have their own.",
)
@click.version_option(version("darklaunch"), prog_name="darklaunch")
@click.option("--redis", metavar="URL", help="Redis to use. Default: DARKLAUNCH_REDIS_URL, else REDIS_URL.")
@click.option("--database", metavar="URL", help="Postgres to use. Default: DARKLAUNCH_DATABASE_URL, else DATABASE_URL.")
@click.pass_context
def program(ctx: click.Context, redis: str | None, database: str | None) -> None:
    """Run a new version beside the old one on real traffic: capture, replay, compare, decide.

    Without URLs, commands use the servers of a running `darklaunch up`.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":  # no-color.org
        ctx.color = False
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        return
    ctx.obj = read_settings(os.environ, redis, database)

"""Commands whose exit codes 0, 1 and 2 are the verdict: `verdict` and `watch`."""

from __future__ import annotations

from typing import Any

import click
from darklaunch_shared.errors import ContractError

from darklaunch_console.errors import ConsoleError, NoVerdict, ServerUnreachable


class VerdictCommand(click.Command):
    """A command whose exit codes 0, 1 and 2 are answers, so that an error of its own gets exit code 4."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> click.Context:
        """Read the arguments. A usage error gets exit code 4."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as wrong:
            raise NoVerdict(f"{wrong.format_message().rstrip('.')}. See darklaunch {info_name} --help") from wrong

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. What would exit with 1 or 2 exits with 4; a server that cannot be reached stays 3."""
        try:
            return super().invoke(ctx)
        except ServerUnreachable:
            raise
        except (ConsoleError, ContractError) as failed:
            raise NoVerdict(str(failed)) from failed

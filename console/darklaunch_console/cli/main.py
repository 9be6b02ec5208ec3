"""Entry point of the command `darklaunch`, which works without the console's dependencies to say which are missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .extras import explain_missing_extra


def main() -> None:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:  # a terminal that cannot show a character gets its escape instead of a traceback
            reconfigure(errors="backslashreplace")
    try:
        from .program import program
    except ModuleNotFoundError as missing:
        if os.environ.get("DARKLAUNCH_DEBUG") or (missing.name or "").startswith("darklaunch"):
            raise
        sys.stderr.write(f"Error: {explain_missing_extra(_find_command(sys.argv[1:]), missing.name)}\n")
        sys.exit(1)
    program.main(prog_name="darklaunch")


def _find_command(arguments: Sequence[str]) -> str:
    return next((word for word in arguments if not word.startswith("-")), "")

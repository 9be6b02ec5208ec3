"""Errors of the embedded servers: the branch `EmbeddedError` of `darklaunch_console.errors`."""

from __future__ import annotations

from darklaunch_console.errors import ConsoleError


class EmbeddedError(ConsoleError):
    """The embedded servers cannot be used; the message says why and what to do."""


class NotInstalled(EmbeddedError):
    """The binaries of an embedded server are not installed."""


class HomeInUse(EmbeddedError):
    """Another run holds the data directory."""


class DidNotStart(EmbeddedError):
    """A server ended, or did not answer, before it was ready."""

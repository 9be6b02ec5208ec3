"""Errors of sending a replay.

ReplayError
├── UnsendableRequest    the request cannot be sent byte for byte; nothing was sent
├── ShadowFailure        the shadow gave no response
├── NoFastClient         the fast implementation is asked for by name, and its wheel is not installed
└── ConnectionFailure    what went wrong on one connection; inside `http` only, where it becomes a ShadowFailure
"""

import ssl

from darklaunch_shared.launch.tls_errors import explain_tls_error
from darklaunch_shared.wire.replay import ShadowErrorClass


class ReplayError(Exception):
    """A replay could not be carried out."""


class UnsendableRequest(ReplayError):
    """The request cannot reach the shadow byte for byte. Nothing was sent: the exchange is dropped as `bad_input`."""


class NoFastClient(ReplayError):
    """The fast HTTP client needs the httptools wheel."""


class ShadowFailure(ReplayError):
    """The shadow gave no response.

    `detail` is one line for people. `sent` is False as long as no byte of the request can have reached the shadow's
    application. `waited_ms` is the wall-clock time from the call to the failure.
    """

    def __init__(self, error: ShadowErrorClass, detail: str, *, sent: bool, waited_ms: float) -> None:
        super().__init__(f"{error}: {detail}")
        self.error = error
        self.detail = detail
        self.sent = sent
        self.waited_ms = waited_ms


class ConnectionFailure(ReplayError):
    """What went wrong on one connection, classified."""

    def __init__(self, error: ShadowErrorClass, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail


def make_broken_failure(error: Exception) -> ConnectionFailure:
    """Return the failure of a connection that broke. Under TLS 1.3 a client certificate is refused only then."""
    if isinstance(error, ssl.SSLError):
        return ConnectionFailure(ShadowErrorClass.TLS, f"no TLS with the shadow: {explain_tls_error(error, '')}")
    return ConnectionFailure(ShadowErrorClass.RESET, f"the connection broke: {error}")


def make_cap_failure(part: str, cap: int) -> ConnectionFailure:
    """Return the failure of a response of which one part ("body", …) is over its cap."""
    return ConnectionFailure(ShadowErrorClass.TOO_LARGE, f"the response's {part} is over the cap of {cap:,}")

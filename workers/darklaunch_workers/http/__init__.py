"""Sending replays to a shadow: one small interface, two implementations."""

from .client import ClientKind, make_client
from .errors import NoFastClient, ReplayError, ShadowFailure, UnsendableRequest
from .interface import ResponseCaps, ShadowClient, ShadowReply, ShadowRequest
from .request import replay_headers, replay_request

__all__ = [
    "ClientKind",
    "NoFastClient",
    "ReplayError",
    "ResponseCaps",
    "ShadowClient",
    "ShadowFailure",
    "ShadowReply",
    "ShadowRequest",
    "UnsendableRequest",
    "make_client",
    "replay_headers",
    "replay_request",
]

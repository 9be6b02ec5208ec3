"""Send replays to a shadow: one small seam, two implementations."""

from .client import Kind, make_client
from .errors import BadRequest, HttpSeamError, NoFastClient, ShadowFailure
from .interface import Caps, Reply, ShadowClient, ShadowRequest
from .request import replay_headers, replay_request

__all__ = [
    "BadRequest",
    "Caps",
    "HttpSeamError",
    "Kind",
    "NoFastClient",
    "Reply",
    "ShadowClient",
    "ShadowFailure",
    "ShadowRequest",
    "make_client",
    "replay_headers",
    "replay_request",
]

"""Serializing a finished recording, in the request's own thread: the text that travels, without credentials.

All its objects are in the processor's caches then. Left to the delivery thread it costs several times as much: the
caches have moved on, and the many small objects that wait meanwhile make the garbage collector work.
"""

from darklaunch_shared.wire.exchange import pack_http_meta

from darklaunch.errors import UnsendableExchange
from darklaunch.settings import HookSettings

from .headers import RawHeaders, find_host
from .redaction import HeaderRedaction, select_redacted_names
from .request_target import INVALID_IN_TARGET, build_origin


class RecordingSerializer:
    """Serializes recordings as the settings say. It remembers the header names it has met."""

    def __init__(self, settings: HookSettings) -> None:
        self.body_cap_bytes = settings.body_cap_bytes
        self.skip_content_types = settings.skip_content_types
        self._redaction = HeaderRedaction(select_redacted_names(settings.redact_headers, settings.forward_headers))

    def serialize(
        self,
        method: str,
        target: str,
        origin: tuple[str, str, int | str | None],
        headers: RawHeaders,
        status: int,
        response_headers: RawHeaders,
        latency_s: float,
    ) -> bytes:
        """Return the text that `pack_http_meta` makes of it. `origin` is the scheme, and the server's name and port.

        Raises UnsendableExchange when it holds what HTTP cannot carry, TypeError for text that JSON cannot hold.
        """
        if INVALID_IN_TARGET.search(target):
            raise UnsendableExchange("the request target contains a space or a control character")
        request_headers = self._redaction.redact_request(headers)
        return pack_http_meta(
            method,
            target,
            build_origin(*origin, find_host(headers)),
            request_headers,
            status,
            self._redaction.redact_response(response_headers),
            int(latency_s * 1e6) / 1000,
            () if len(request_headers) == len(headers) else self._redaction.list_redacted(headers),
        )

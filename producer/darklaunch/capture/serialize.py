"""Writing a finished recording down, in the request's own thread: the text that travels, without credentials.

Everything is at hand then. Left to the background thread it costs several times as much: what it needs has gone from
the processor's caches by then, and all the small objects that must wait for it are in the collector's way.
"""

from darklaunch_shared.wire.exchange import pack_http_meta

from darklaunch.settings import HookSettings

from .headers import NotHttp, RawHeaders, host_of
from .redaction import HeaderRedaction, credential_names
from .request_target import UNCLEAN, origin_of


class RecordingSerializer:
    """Writes recordings down as the settings say. It remembers the header names it has met."""

    def __init__(self, settings: HookSettings) -> None:
        self.body_cap_bytes, self.skip_content_types = settings.body_cap_bytes, settings.skip_content_types
        self._redaction = HeaderRedaction(credential_names(settings.redact_headers, settings.forward_headers))

    def write(
        self,
        method: str,
        target: str,
        origin: tuple[str, str, int | str | None],
        headers: RawHeaders,
        status: int,
        answer_headers: RawHeaders,
        latency_s: float,
    ) -> bytes:
        """Give what `pack_text` makes of it. `origin` is the scheme, and name and port of the server.

        Raises Unfit when it holds what cannot travel, TypeError for text that JSON cannot hold.
        """
        if UNCLEAN.search(target):
            raise NotHttp("the request target contains a space or a control character")
        return pack_http_meta(
            method,
            target,
            origin_of(*origin, host_of(headers)),
            self._redaction.request(headers),
            status,
            self._redaction.response(answer_headers),
            int(latency_s * 1e6) / 1000,
        )

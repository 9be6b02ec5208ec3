"""The answer to the console's probe of a shadow or baseline: who captures here, if anyone does.

An origin whose hook captures into the Redis that a launch is started on is the primary itself, or would be mirrored as
one. `start` asks before the first exchange could show it: its probe is marked as a replay and carries a random nonce,
and the hook names its producer in one header of the response. Nothing of this is looked at for other requests.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final

from darklaunch_shared.wire.http_headers import PROBE_ANSWER_HEADER, PROBE_HEADER, format_probe_answer

from .capture.recorder import CaptureRecorder

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

ASGI_FIELD: Final = PROBE_HEADER.encode()
WSGI_FIELD: Final = "HTTP_" + PROBE_HEADER.upper().replace("-", "_")
_NONCE: Final = re.compile(r"[0-9a-f]{16,64}")


def answer_asgi_probe(send: Send, fields: Mapping[bytes, bytes], recorder: CaptureRecorder) -> Send:
    """Return a `send` that adds the answer to the response of a probe."""
    answer = _build_answer(fields[ASGI_FIELD].decode("latin-1"), recorder)

    async def send_with_answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            field = (PROBE_ANSWER_HEADER.encode(), answer.encode())
            message = {**message, "headers": [*message.get("headers", ()), field]}
        await send(message)

    return send_with_answer if answer else send


def answer_wsgi_probe(
    start_response: Callable[..., Any], environ: Mapping[str, Any], recorder: CaptureRecorder
) -> Callable[..., Any]:
    """Return a `start_response` that adds the answer to the response of a probe."""
    answer = _build_answer(str(environ[WSGI_FIELD]), recorder)

    def start_with_answer(status: str, headers: Iterable[tuple[str, str]], *exc_info: Any) -> Any:
        return start_response(status, [*headers, (PROBE_ANSWER_HEADER, answer)], *exc_info)

    return start_with_answer if answer else start_response


def build_probe_field(nonce: bytes, recorder: CaptureRecorder) -> tuple[str, str] | None:
    """Return the header field that answers a probe with this nonce; None where there is nothing to answer."""
    answer = _build_answer(nonce.decode("latin-1"), recorder) if nonce else ""
    return (PROBE_ANSWER_HEADER, answer) if answer else None


def _build_answer(nonce: str, recorder: CaptureRecorder) -> str:
    """Return the answer; "" when nothing is captured here, or no console sent the nonce."""
    producer = recorder.producer
    return format_probe_answer(nonce, producer) if producer and _NONCE.fullmatch(nonce) else ""

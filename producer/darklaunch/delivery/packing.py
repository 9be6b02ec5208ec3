"""Turning recordings into entries for Redis, in the delivery thread: name the endpoint, seal, sign."""

from __future__ import annotations

from typing import Final

import orjson
from darklaunch_shared.crypto.sealing import Sealer
from darklaunch_shared.crypto.signing import sign
from darklaunch_shared.wire.exchange import Request, pack_meta

from darklaunch.capture.buffer import RecordingBuffer
from darklaunch.capture.recording import FinishedRecording
from darklaunch.capture.redaction import HeaderRedaction, select_redacted_names
from darklaunch.capture.request_target import strip_query
from darklaunch.errors import UnsendableExchange
from darklaunch.routes.learned_templates import LearnedTemplates
from darklaunch.routes.more_templates import UNMATCHED
from darklaunch.settings import HookSettings

from .launch_queue import PackedExchange

_TEMPLATE_CHARS: Final = 200


class PreparedRecording:
    """A recording with its endpoint, ready to be packed for each of the launches that sampled it.

    Its bytes of the buffer are freed when the last of them is done with it.
    """

    __slots__ = ("_buffer", "_endpoint", "_packer", "_pending_launches", "_recording", "captured_at_ms")

    def __init__(
        self, packer: RecordingPacker, recording: FinishedRecording, endpoint: str, buffer: RecordingBuffer
    ) -> None:
        self.captured_at_ms = recording.captured_at_ms
        self._packer = packer
        self._recording = recording
        self._endpoint = endpoint
        self._buffer = buffer
        self._pending_launches = len(recording.launches)
        buffer.waiting += 1

    def pack(self, launch: str, exchange_id: str, *, seal: bool) -> PackedExchange:
        """Pack it for one launch, under the id that admission is going to give it.

        Raises UnsendableExchange when a credential cannot travel as HTTP, or cannot be sealed.
        """
        recording = self._recording
        text, sealed_box = recording.text, ""
        if seal:
            text, sealed_box = self._packer.seal_credentials(recording, launch, exchange_id)
        meta = pack_meta(launch, self.captured_at_ms, self._endpoint, text, sealed_box)
        if keys := self._packer.signing_keys:
            meta = sign(meta, exchange_id, recording.request, recording.response, keys)
        return PackedExchange(meta, recording.request, recording.response)

    def release(self) -> None:
        """Note that one launch is done with it."""
        self._pending_launches -= 1
        if self._pending_launches == 0:
            self._buffer.waiting -= 1
            self._buffer.release_bytes(self._recording.reserved_bytes)


class RecordingPacker:
    """Prepares one process's recordings. It learns the app's framework and its route templates on the way."""

    def __init__(self, settings: HookSettings, sealer: Sealer | None = None) -> None:
        """Exchanges of launches that seal credentials can be packed only with a `sealer`."""
        self.framework = ""
        self.signing_keys = settings.signing_key
        self._sealer = sealer
        self._redaction = HeaderRedaction(select_redacted_names(settings.redact_headers, settings.forward_headers))
        self._templates = LearnedTemplates()

    def prepare(self, recording: FinishedRecording, buffer: RecordingBuffer) -> PreparedRecording:
        """Prepare a recording that was taken out of the buffer."""
        return PreparedRecording(self, recording, self._name_endpoint(recording), buffer)

    def seal_credentials(self, recording: FinishedRecording, launch: str, exchange_id: str) -> tuple[bytes, str]:
        """Return a recording's text, and its credentials sealed ("" when it has none). Raises UnsendableExchange."""
        if recording.unredacted_headers is None:
            raise UnsendableExchange("the launch did not seal credentials yet when it was captured")
        headers, secrets = self._redaction.extract_secrets(recording.unredacted_headers)
        if not secrets:
            return recording.text, ""
        if self._sealer is None:
            raise UnsendableExchange("there is no key to seal its credentials with")
        members = orjson.loads(recording.text) | {"headers": headers}
        members.pop("redacted", None)
        request = Request(members["method"], members["target"], members["origin"], headers, recording.request)
        return orjson.dumps(members), self._sealer.seal(secrets, request, launch, exchange_id)

    def _name_endpoint(self, recording: FinishedRecording) -> str:
        template, route = None, recording.route
        if route is not None:
            self.framework = route.framework
            try:
                template = route.read_template(recording.status)
            except Exception:  # it runs the framework's own code: a converter, a lazy URLconf
                template = None
        if template is None:
            template = self._templates.learn_path(strip_query(recording.target))
        elif template != UNMATCHED:
            template = self._templates.admit_template(template[:_TEMPLATE_CHARS])
        return f"{recording.method} {template}"

"""Turn recordings into what travels, in the background thread: name the endpoint, seal, sign."""

from __future__ import annotations

import orjson
from darklaunch_shared.crypto.sealing import Sealer
from darklaunch_shared.crypto.signing import sign
from darklaunch_shared.wire.exchange import Request, pack_meta

from darklaunch.capture.buffer import RecordingBuffer
from darklaunch.capture.headers import NotHttp
from darklaunch.capture.recording import FinishedRecording
from darklaunch.capture.redaction import HeaderRedaction, credential_names
from darklaunch.capture.request_target import path_of
from darklaunch.routes.endpoint import UNMATCHED
from darklaunch.routes.learned import LearnedTemplates
from darklaunch.settings import HookSettings

from .launch_queue import PackedExchange


class PackedRecording:
    """A recording made ready, shared by the launches that sampled it.

    Its memory goes back to the outbox when the last of them is done with it.
    """

    __slots__ = ("_endpoint", "_outbox", "_owners", "_packer", "_recorded", "captured_at_ms")

    def __init__(
        self, packer: RecordingPacker, recorded: FinishedRecording, endpoint: str, outbox: RecordingBuffer
    ) -> None:
        self.captured_at_ms = recorded.captured_at_ms
        self._packer, self._recorded, self._endpoint, self._outbox = packer, recorded, endpoint, outbox
        self._owners = len(recorded.launches)
        outbox.waiting += 1

    def parcel(self, launch: str, identity: str, *, seal: bool) -> PackedExchange:
        """Pack for one launch, with the id that admission is going to give it.

        Raises Unfit when there is a credential that HTTP cannot carry, or that cannot be sealed.
        """
        recorded = self._recorded
        text, sealed = self._packer.sealed(recorded, launch, identity) if seal else (recorded.text, "")
        meta = pack_meta(launch, self.captured_at_ms, self._endpoint, text, sealed)
        if ring := self._packer.signing:
            meta = sign(meta, identity, recorded.request, recorded.response, ring)
        return PackedExchange(meta, recorded.request, recorded.response)

    def settle(self) -> None:
        """Note that one launch is done with it."""
        self._owners -= 1
        if self._owners == 0:
            self._outbox.waiting -= 1
            self._outbox.release(self._recorded.held_bytes)


class RecordingPacker:
    """Makes samples of one process's recordings. It learns route templates on the way."""

    def __init__(self, settings: HookSettings, sealer: Sealer | None = None) -> None:
        """Launches that seal need a `sealer`."""
        self.framework = ""
        self.signing = settings.signing_key
        self._sealer = sealer
        self._redaction = HeaderRedaction(credential_names(settings.redact_headers, settings.forward_headers))
        self._templates = LearnedTemplates()

    def sample(self, recorded: FinishedRecording, outbox: RecordingBuffer) -> PackedRecording:
        """Make a recording ready that was taken out of the outbox."""
        return PackedRecording(self, recorded, self._endpoint(recorded), outbox)

    def sealed(self, recorded: FinishedRecording, launch: str, identity: str) -> tuple[bytes, str]:
        """Give a recording's text with its credentials in a sealed box beside it, "" when it has none. Raises Unfit."""
        if recorded.given is None:
            raise NotHttp("the launch did not seal credentials yet when it was captured")
        headers, secrets = self._redaction.sealing(recorded.given)
        if not secrets:
            return recorded.text, ""
        if self._sealer is None:
            raise NotHttp("there is no key to seal its credentials with")
        members = orjson.loads(recorded.text) | {"headers": headers}
        marked = Request(members["method"], members["target"], members["origin"], headers, recorded.request)
        return orjson.dumps(members), self._sealer.seal(secrets, marked, launch, identity)

    def _endpoint(self, recorded: FinishedRecording) -> str:
        template, route = None, recorded.route
        if route is not None:
            self.framework = route.framework
            try:
                template = route.template(recorded.status)
            except Exception:  # it asks the framework's own code: a converter, a lazy URLconf
                template = None
        if template is None:
            template = self._templates.learn(path_of(recorded.target))
        elif template != UNMATCHED:
            template = self._templates.admit(template[:200])
        return f"{recorded.method} {template}"

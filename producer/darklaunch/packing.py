"""Turn recordings into exchanges, in the background thread: decode, redact, name the endpoint, pack."""

from dataclasses import replace

from darklaunch_shared.exchange import Answer, Exchange, Request, pack_meta
from darklaunch_shared.seal import Sealer
from darklaunch_shared.signing import sign

from .address import is_clean, origin_of, path_of
from .fields import RawHeaders, Unfit, host_of
from .lane import Parcel
from .outbox import Outbox
from .recording import Recording
from .redaction import Redaction, credential_names
from .routes import UNMATCHED
from .settings import Settings
from .templates import Templates


class Sample:
    """A recording made ready: what its exchange says, shared by the launches that sampled it.

    Its memory goes back to the outbox when the last of them is done with it.
    """

    __slots__ = (
        "_endpoint", "_given", "_held_bytes", "_outbox", "_owners", "_packer", "_primary", "_request", "captured_at_ms",
    )  # fmt: skip

    def __init__(
        self, packer: "Packer", recording: Recording, endpoint: str, request: Request, primary: Answer
    ) -> None:
        self.captured_at_ms = recording.captured_at_ms
        self._packer, self._given = packer, recording.head.headers
        self._endpoint, self._request, self._primary = endpoint, request, primary
        self._outbox: Outbox = recording.outbox
        self._owners, self._held_bytes = len(recording.launches), recording.held_bytes
        self._outbox.waiting += 1

    def exchange(self, launch: str, identity: str = "") -> Exchange:
        """Give the exchange for one launch."""
        return Exchange(identity, launch, self.captured_at_ms, self._endpoint, self._request, self._primary)

    def parcel(self, launch: str, identity: str, *, seal: bool) -> Parcel:
        """Pack for one launch, with the id that admission is going to give it.

        Raises TypeError for text that JSON cannot hold, Unfit for a credential that HTTP cannot carry.
        """
        request, sealed = self._request, ""
        if seal:
            request, sealed = self._packer.sealed(request, self._given, launch, identity)
        meta = pack_meta(launch, self.captured_at_ms, self._endpoint, request, self._primary, sealed)
        if ring := self._packer.signing:
            meta = sign(meta, identity, request.body, self._primary.body, ring)
        return Parcel(meta, request.body, self._primary.body)

    def settle(self) -> None:
        """Note that one launch is done with it."""
        self._owners -= 1
        if self._owners == 0:
            self._outbox.waiting -= 1
            self._outbox.release(self._held_bytes)


class Packer:
    """Makes samples of one process's recordings. It learns route templates on the way."""

    def __init__(self, settings: Settings, sealer: Sealer | None = None) -> None:
        """Launches that seal need a `sealer`."""
        self.framework = ""
        self.signing = settings.signing_key
        self._sealer = sealer
        self._redaction = Redaction(credential_names(settings.redact_headers, settings.forward_headers))
        self._templates = Templates()

    def sample(self, recording: Recording) -> Sample:
        """Make a recording ready. Raises Unfit when it holds what cannot travel."""
        head = recording.head
        if not is_clean(head.target):
            raise Unfit("the request target contains a space or a control character")
        request = Request(
            method=head.method,
            target=head.target,
            origin=origin_of(head.scheme, head.server, host_of(head.headers)),
            headers=self._redaction.request(head.headers),
            body=b"".join(recording.heard),
        )
        primary = Answer(
            status=recording.status,
            headers=self._redaction.response(recording.answer_headers),
            body=b"".join(recording.said),
            latency_ms=round(recording.latency_ms, 3),
        )
        return Sample(self, recording, self._endpoint(recording), request, primary)

    def sealed(self, request: Request, given: RawHeaders, launch: str, identity: str) -> tuple[Request, str]:
        """Give a request with its credentials in a sealed box beside it, "" when it has none. Raises Unfit."""
        headers, secrets = self._redaction.sealing(given)
        if not secrets:
            return request, ""
        if self._sealer is None:
            raise Unfit("there is no key to seal its credentials with")
        marked = replace(request, headers=headers)
        return marked, self._sealer.seal(secrets, marked, launch, identity)

    def _endpoint(self, recording: Recording) -> str:
        template, route = None, recording.route
        if route is not None:
            self.framework = route.framework
            try:
                template = route.template(recording.status)
            except Exception:  # it asks the framework's own code: a converter, a lazy URLconf
                template = None
        if template is None:
            template = self._templates.learn(path_of(recording.head.target))
        elif template != UNMATCHED:
            template = self._templates.admit(template[:200])
        return f"{recording.head.method} {template}"

"""Turn recordings into exchanges, in the background thread: decode, redact, name the endpoint, pack."""

import re
from typing import Final

from darklaunch_shared import keys
from darklaunch_shared.exchange import Answer, Exchange, Headers, Request, pack_exchange

from .address import is_clean, origin_of, path_of
from .lane import Parcel
from .outbox import Outbox
from .recording import RawHeaders, Recording
from .redaction import credential_names, redact_request, redact_response
from .routes import UNMATCHED
from .settings import Settings
from .templates import Templates

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")


class Unfit(Exception):
    """The recording cannot travel: what the app or its client said is not HTTP."""


class Sample:
    """A recording made ready: what its exchange says, shared by the launches that sampled it.

    Its memory goes back to the outbox when the last of them is done with it.
    """

    __slots__ = ("_endpoint", "_held_bytes", "_outbox", "_owners", "_primary", "_request", "captured_at_ms")

    def __init__(self, recording: Recording, endpoint: str, request: Request, primary: Answer) -> None:
        self.captured_at_ms = recording.captured_at_ms
        self._endpoint, self._request, self._primary = endpoint, request, primary
        self._outbox: Outbox = recording.outbox
        self._owners, self._held_bytes = len(recording.launches), recording.held_bytes
        self._outbox.waiting += 1

    def exchange(self, launch: str, identity: str = "") -> Exchange:
        """Give the exchange for one launch."""
        return Exchange(identity, launch, self.captured_at_ms, self._endpoint, self._request, self._primary)

    def parcel(self, launch: str) -> Parcel:
        """Pack for one launch; admission adds the number. Raises TypeError for text that JSON cannot hold."""
        fields = pack_exchange(self.exchange(launch))
        return Parcel(fields[keys.META], fields[keys.REQUEST], fields[keys.RESPONSE])

    def settle(self) -> None:
        """Note that one launch is done with it."""
        self._owners -= 1
        if self._owners == 0:
            self._outbox.waiting -= 1
            self._outbox.release(self._held_bytes)


class Packer:
    """Makes samples of one process's recordings. It learns route templates on the way."""

    def __init__(self, settings: Settings) -> None:
        self.framework = ""
        self._credentials = credential_names(settings.redact_headers, settings.forward_headers)
        self._templates = Templates()

    def sample(self, recording: Recording) -> Sample:
        """Make a recording ready. Raises Unfit when it holds what cannot travel."""
        head = recording.head
        if not is_clean(head.target):
            raise Unfit("the request target contains a space or a control character")
        request = Request(
            method=head.method,
            target=head.target,
            origin=origin_of(head.scheme, head.server, head.headers),
            headers=redact_request(head.headers, self._credentials),
            body=b"".join(recording.heard),
        )
        primary = Answer(
            status=recording.status,
            headers=redact_response(_text(recording.answer_headers), self._credentials),
            body=b"".join(recording.said),
            latency_ms=round(recording.latency_ms, 3),
        )
        return Sample(recording, self._endpoint(recording), request, primary)

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


def _text(headers: RawHeaders) -> Headers:
    pairs = tuple((_latin(name).lower(), _latin(value).strip(" \t")) for name, value in headers)
    if not all(_NAME.fullmatch(name) for name, _ in pairs):
        raise Unfit("a response header's name is not a token")
    return pairs


def _latin(text: bytes | str) -> str:
    if isinstance(text, str):
        try:
            text.encode("latin-1")
        except UnicodeEncodeError:
            raise Unfit("a response header holds characters that HTTP cannot carry") from None
        return text
    return bytes(text).decode("latin-1")

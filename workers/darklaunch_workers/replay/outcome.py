"""What a request to one of the versions came to, as it is passed on: credentials masked, latency and build read."""

import time
from dataclasses import replace
from typing import Final, Protocol

from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import LaunchSpec, check_build
from darklaunch_shared.wire.credential_headers import mask_response_headers
from darklaunch_shared.wire.exchange import Headers, Response
from darklaunch_shared.wire.http_headers import SERVER_TIMING_FIELD, parse_build, parse_duration_ms
from darklaunch_shared.wire.replay import LatencySource, ShadowError, ShadowErrorClass, ShadowResponse

from darklaunch_workers.http import ShadowFailure, ShadowReply
from darklaunch_workers.http.deadlines import DeadlineTimer

GRACE_S: Final = 1.0
"""How much longer than its deadline a replay may take before it is cut off whatever the client does."""


class ShadowBuild:
    """The build of one shadow as this process knows it.

    `latest` is the build that responded last. A request without a response is counted for it.
    """

    def __init__(self, spec: LaunchSpec) -> None:
        self.latest = spec.build
        self._configured = spec.build
        self._header = spec.build_header.lower()

    def read(self, headers: Headers) -> str:
        """Return the build that sent these header fields, else the one the operator named; remember it."""
        self.latest = read_build(headers, self._header) or self._configured
        return self.latest


class RequestSender(Protocol):
    """Sends one request, once or until there is a result to report. `attempts` counts what went out so far."""

    attempts: int

    async def run(self) -> ShadowReply | ShadowFailure:
        """Send the request. Raises UnsendableRequest."""
        ...


async def await_outcome(
    sender: RequestSender, deadlines: DeadlineTimer, deadline_s: float, build: ShadowBuild | None
) -> ShadowResponse | ShadowError:
    """Send a request and return what it came to, at the latest GRACE_S after its deadline. Raises UnsendableRequest.

    `build` is None for a request to the baseline.
    """
    at_ms = time.time_ns() // 1_000_000
    started_s = time.monotonic()
    try:
        with deadlines.within(deadline_s + GRACE_S):
            result = await sender.run()
    except TimeoutError:
        waited_ms = (time.monotonic() - started_s) * 1000
        return describe_timeout(deadline_s, attempts=sender.attempts, waited_ms=waited_ms, at_ms=at_ms, build=build)
    waited_ms = (time.monotonic() - started_s) * 1000
    return describe_outcome(result, attempts=sender.attempts, waited_ms=waited_ms, at_ms=at_ms, build=build)


def describe_outcome(
    result: ShadowReply | ShadowFailure, *, attempts: int, waited_ms: float, at_ms: int, build: ShadowBuild | None
) -> ShadowResponse | ShadowError:
    """Return a response with its credentials masked, or why there is none.

    `build` is None for a request to the baseline. `at_ms` is when the request was sent, since the epoch.
    """
    if isinstance(result, ShadowReply):
        response = result.response
        headers = mask_response_headers(response.headers)
        masked = response if headers is response.headers else replace(response, headers=headers)
        masked, source = read_app_latency(masked)
        client_ms = round(response.latency_ms, 3) if source is LatencySource.SERVER_TIMING else None
        latest = build.read(masked.headers) if build else ""
        return ShadowResponse(masked, source, attempts, at_ms, latest, client_ms, result.floor_ms)
    detail = result.detail.encode("utf-8", "replace").decode()
    return ShadowError(result.error, detail, attempts, waited_ms, at_ms, build.latest if build else "")


def describe_timeout(
    deadline_s: float, *, attempts: int, waited_ms: float, at_ms: int, build: ShadowBuild | None
) -> ShadowError:
    """Return the error of a request that was cut off."""
    detail = f"no outcome within {deadline_s:g} s"
    latest = build.latest if build else ""
    return ShadowError(ShadowErrorClass.TIMEOUT, detail, max(1, attempts), waited_ms, at_ms, latest)


def read_app_latency(response: Response) -> tuple[Response, LatencySource]:
    """Return the response with the latency that the shadow's hook measured inside the app (W3C Server Timing).

    Without one, or with one longer than the whole response took, the latency stays as it is.
    """
    for name, value in response.headers:
        if name == SERVER_TIMING_FIELD:
            inside_ms = parse_duration_ms(value)
            if inside_ms is not None and inside_ms <= response.latency_ms:
                return replace(response, latency_ms=inside_ms), LatencySource.SERVER_TIMING
    return response, LatencySource.CLIENT


def read_build(headers: Headers, header: str = "") -> str:
    """Read the build from the field `header` (lower case), or from what the shadow's hook adds to Server-Timing.

    Returns "" when there is none, or it cannot name a build.
    """
    for name, value in headers:
        text = ""
        if header and name == header:
            text = value.strip()
        elif not header and name == SERVER_TIMING_FIELD:
            text = parse_build(value)
        if text:
            try:
                return check_build(text)
            except BadLaunch:
                continue
    return ""

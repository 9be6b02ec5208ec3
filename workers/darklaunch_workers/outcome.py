"""What became of a request to one of the versions, in the words that travel onward."""

from dataclasses import replace
from typing import Final

from darklaunch_shared.wire.credential_headers import mask_response_headers
from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.http_headers import SERVER_TIMING_FIELD, parse_duration_ms
from darklaunch_shared.wire.replay import LatencySource, ShadowError, ShadowErrorClass, ShadowResponse

from .http import ShadowFailure, ShadowReply
from .shadow_build import ShadowBuild

GRACE_S: Final = 1.0
"""How much longer than its deadline a replay may take before it is cut off whatever the client does."""


def described(
    outcome: ShadowReply | ShadowFailure, *, attempts: int, waited_ms: float, at_ms: int, builds: ShadowBuild | None
) -> ShadowResponse | ShadowError:
    """Describe an answer, its credentials masked, or why there is none.

    `builds` is None where it is not the shadow that was asked.
    """
    if isinstance(outcome, ShadowReply):
        answer, headers = outcome.answer, mask_response_headers(outcome.answer.headers)
        answer, source = measured(answer if headers is answer.headers else replace(answer, headers=headers))
        return ShadowResponse(answer, source, attempts, at_ms, builds.read(answer.headers) if builds else "")
    detail = outcome.detail.encode("utf-8", "replace").decode()
    return ShadowError(outcome.error, detail, attempts, waited_ms, at_ms, builds.latest if builds else "")


def too_late(
    deadline_s: float, *, attempts: int, waited_ms: float, at_ms: int, builds: ShadowBuild | None
) -> ShadowError:
    """Describe a request that was cut off."""
    detail = f"no outcome within {deadline_s:g} s"
    build = builds.latest if builds else ""
    return ShadowError(ShadowErrorClass.TIMEOUT, detail, max(1, attempts), waited_ms, at_ms, build)


def measured(answer: Response) -> tuple[Response, LatencySource]:
    """Take the latency that the shadow measured inside the app, where its hook did (W3C Server Timing).

    A time longer than the whole answer took is not believed.
    """
    for name, value in answer.headers:
        if name == SERVER_TIMING_FIELD:
            inside_ms = parse_duration_ms(value)
            if inside_ms is not None and inside_ms <= answer.latency_ms:
                return replace(answer, latency_ms=inside_ms), LatencySource.SERVER_TIMING
    return answer, LatencySource.CLIENT

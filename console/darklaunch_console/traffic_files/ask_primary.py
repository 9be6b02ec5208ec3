"""Asking the primary for the responses that a traffic file lacks, with the client that workers ask shadows with.

The same client and the same marks on both sides: the primary's hook, if it has one, times the request, and captures
nothing of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import anyio
from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.launch.spec import SAFE_METHODS
from darklaunch_shared.wire.exchange import Request, Response
from darklaunch_workers.http.client import make_client
from darklaunch_workers.http.errors import ShadowFailure, UnsendableRequest
from darklaunch_workers.http.interface import ResponseCaps
from darklaunch_workers.http.request import replay_request
from darklaunch_workers.replay.outcome import read_app_latency

from .recorded import RecordedRequest

MARK = "import"
"""Stands for the launch in the marks of these requests: no launch can have sent them."""


class PrimaryClient:
    """Asks one primary, `slots` requests at a time. `failures` counts those that got no response, by what happened."""

    def __init__(self, primary: Origin, *, slots: int, deadline_s: float, body_cap_bytes: int) -> None:
        self.primary = primary
        self.failures: dict[str, int] = {}
        self._deadline_s = deadline_s
        self._client = make_client(primary, slots=slots, caps=ResponseCaps(body_cap_bytes=body_cap_bytes))
        self._limiter = anyio.CapacityLimiter(slots)

    async def ask_all(self, requests: Sequence[RecordedRequest]) -> list[Response | None]:
        """Return the primary's response to each request; None for a write, and where there was no response."""
        responses: list[Response | None] = [None] * len(requests)

        async def ask(at: int) -> None:
            async with self._limiter:
                responses[at] = await self._ask(requests[at])

        async with anyio.create_task_group() as tasks:
            for at, request in enumerate(requests):
                if request.method in SAFE_METHODS:
                    tasks.start_soon(ask, at)
        return responses

    async def aclose(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def _ask(self, recorded: RecordedRequest) -> Response | None:
        request = Request(recorded.method, recorded.target, str(self.primary), recorded.headers, b"")
        try:
            message = replay_request(
                request, launch=MARK, exchange_id=f"{MARK}:1", shadow=self.primary, entropy=secrets.token_bytes(24)
            )
            reply = await self._client.send(message, deadline_s=self._deadline_s)
        except (ShadowFailure, UnsendableRequest) as failure:
            problem = str(failure)
            self.failures[problem] = self.failures.get(problem, 0) + 1
            return None
        return read_app_latency(reply.response)[0]

"""A primary with the real hook in this process: asked for orders, it answers, and the hook mirrors what was asked."""

from __future__ import annotations

import json
import secrets
import threading
import time
from typing import Any
from wsgiref.util import setup_testing_defaults

from darklaunch import WSGICaptureMiddleware

LIMIT_S = 30.0


def _ignore_body(_body: bytes) -> None:
    """Stand in for the `write` that start_response returns."""


def primary(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    number = int(environ["PATH_INFO"].rpartition("/")[2])
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"id": number, "ok": True}).encode()]


class Hook:
    """The hook over a Redis. `asked` counts requests; `wrong` answers that were not the primary's own."""

    def __init__(self, redis_url: str, **options: Any) -> None:
        # Apps with the same options share a hook: the name makes this one new.
        self.app = WSGICaptureMiddleware(primary, redis_url=redis_url, app_name=secrets.token_hex(4), **options)
        self.recorder = self.app._recorder
        self.asked = self.wrong = 0
        self.slowest_s = 0.0
        self._delivery: Any = None
        self._at_rest = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def loading(self) -> bool:
        return self._thread is not None

    @property
    def sampling(self) -> bool:
        return bool(self.recorder.snapshot.sampling_launches)

    @property
    def sampled(self) -> int:
        """How many requests the hook counts as sampled, for all launches."""
        self._delivery = self.recorder._delivery or self._delivery
        return sum(queue.sampled for queue in self._delivery._queues.values()) if self._delivery else 0

    def sampled_for(self, launch: str) -> int:
        """Return how many requests the hook counts as sampled for one launch."""
        self._delivery = self.recorder._delivery or self._delivery
        queue = self._delivery._queues.get(launch) if self._delivery else None
        return queue.sampled if queue else 0

    def begin(self) -> None:
        """Start it and find the launches."""
        self.recorder.start()
        give_up = time.monotonic() + LIMIT_S
        while not self.sampling and time.monotonic() < give_up:
            time.sleep(0.01)
        assert self.sampling, "the hook does not sample"

    def ask(self, times: int) -> None:
        for _ in range(times):
            self.asked += 1
            environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": f"/orders/{self.asked}"}
            setup_testing_defaults(environ)
            started_s = time.perf_counter()
            answer = b"".join(self.app(environ, lambda *_: _ignore_body))
            self.slowest_s = max(self.slowest_s, time.perf_counter() - started_s)
            self.wrong += answer != json.dumps({"id": self.asked, "ok": True}).encode()

    def load(self, per_s: float) -> None:
        """Ask again and again, on a thread, until `rest`."""

        def run() -> None:
            while not self._at_rest.wait(1 / per_s):
                self.ask(1)

        self._at_rest.clear()
        self._thread = threading.Thread(target=run, name="load", daemon=True)
        self._thread.start()

    def rest(self) -> None:
        """Ask no more."""
        self._at_rest.set()
        if self._thread is not None:
            self._thread.join(LIMIT_S)
            self._thread = None

    def stop(self) -> None:
        """End as the process that carries it does."""
        self.rest()
        _ = self.sampled
        self.recorder.stop(for_good=True)

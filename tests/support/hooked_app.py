"""An app in the test's own process, with the hook over a given Redis."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import Any

from darklaunch import CaptureMiddleware
from darklaunch.delivery.thread import DeliveryThread
from darklaunch_console.embedded import Valkey
from darklaunch_shared import keys

from tests.support.asgi import answering, body, get, start
from tests.support.hook import Launch, LossyProxy, assert_balanced, eventually

RESPONSE = [start(200, (b"content-type", b"text/plain")), body(b"ok")]


class HookedApp:
    """An app in this process with the hook over a given Redis, and its launch."""

    def __init__(self, valkey: Valkey, *, through: LossyProxy | None = None, **options: Any) -> None:
        url = valkey.url.replace(str(valkey.port), str(through.port)) if through else valkey.url
        self.launch = Launch(valkey.url, "faults")
        # Apps with the same options share a hook: the name makes this one new.
        self.hook = CaptureMiddleware(answering(*RESPONSE), redis_url=url, app_name=secrets.token_hex(4), **options)
        self.recorder = self.hook._recorder
        self.asked = 0

    def ask(self, times: int = 1) -> None:
        for _ in range(times):
            assert get(self.hook, f"/orders/{self.asked}") == RESPONSE
            self.asked += 1

    def begin(self, **spec: Any) -> None:
        """Start the launch, and the hook's thread; return once the hook samples."""
        self.launch.publish(**spec)
        get(self.hook)
        assert eventually(lambda: self.recorder.snapshot.sampling_launches)

    @property
    def delivery(self) -> DeliveryThread:
        """The hook's own thread, for when Redis cannot be asked."""
        assert isinstance(self.recorder._delivery, DeliveryThread)
        return self.recorder._delivery

    def sampling(self) -> bool:
        return bool(self.recorder.snapshot.sampling_launches)

    def end(self) -> Counter[str]:
        """Stop the hook, check its counters, and return what was dropped, by reason."""
        self.recorder.stop(for_good=True)
        assert_balanced(self.launch)
        assert all(counters.closed for counters in self.launch.counters())
        return Counter({name: n for each in self.launch.counters() for name, n in each.dropped.items()})

    def dropped(self, reason: str) -> int:
        """Return how many exchanges the hook has dropped for a reason, as it knows itself."""
        queue = self.delivery._queues.get("faults")
        return queue.dropped[reason] if queue else 0

    def in_trouble(self) -> bool:
        return bool(self.delivery._backoff.failures or self.delivery._write_backoff.failures)

    def stream_reaches(self, count: int) -> bool:
        """Wait until this many exchanges are on the stream; False when they are not within a minute."""
        return bool(eventually(lambda: self.on_stream == count))

    @property
    def on_stream(self) -> int:
        return int(self.launch.redis.execute_command("XLEN", keys.captures("faults")))

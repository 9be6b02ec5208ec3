"""An app in the test's own process, with the hook over a given Redis."""

from __future__ import annotations

import secrets
from collections import Counter

from darklaunch import CaptureMiddleware
from darklaunch_shared import keys

from tests.support.asgi import answering, body, get, start
from tests.support.hook import Launch, LossyProxy, assert_balanced, eventually

ANSWER = [start(200, (b"content-type", b"text/plain")), body(b"ok")]


class HookedApp:
    """An app in this process with the hook over a given Redis, and its launch."""

    def __init__(self, valkey, *, through: LossyProxy | None = None, **options) -> None:
        url = valkey.url.replace(str(valkey.port), str(through.port)) if through else valkey.url
        self.launch = Launch(valkey.url, "faults")
        # Apps with the same options share a hook: the name makes this one new.
        self.hook = CaptureMiddleware(answering(*ANSWER), redis_url=url, app_name=secrets.token_hex(4), **options)
        self.recorder = self.hook._recorder
        self.asked = 0

    def ask(self, times: int = 1) -> None:
        for _ in range(times):
            assert get(self.hook, f"/orders/{self.asked}") == ANSWER
            self.asked += 1

    def begin(self, **spec) -> None:
        self.launch.publish(**spec)
        get(self.hook)  # starts the thread
        assert eventually(lambda: self.recorder.snapshot.sampling_launches)

    def sampling(self) -> bool:
        return bool(self.recorder.snapshot.sampling_launches)

    def end(self) -> Counter[str]:
        """Close the books, check them, and return what was dropped, by reason."""
        self.recorder.stop(for_good=True)
        assert_balanced(self.launch)
        assert all(counters.closed for counters in self.launch.counters())
        return Counter({name: n for each in self.launch.counters() for name, n in each.dropped.items()})

    def dropped(self, reason: str) -> int:
        """Look into the hook itself, for when Redis cannot be asked."""
        queue = self.recorder._delivery._queues.get("faults")
        return queue.dropped[reason] if queue else 0

    def in_trouble(self) -> bool:
        delivery = self.recorder._delivery
        return bool(delivery._backoff.failures or delivery._write_backoff.failures)

    @property
    def on_stream(self) -> int:
        return int(self.launch.redis.execute_command("XLEN", keys.captures("faults")))

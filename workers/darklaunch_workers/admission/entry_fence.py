"""Each signed exchange is replayed for one entry alone.

A signature proves that an app wrote an exchange, not that it is on the stream for the first time: whoever can write to
the stream can copy what was signed. So workers with a signing key note on Redis which entry an exchange came in, and
refuse it in any other. An exchange whose note has expired is too old to be replayed.
"""

import time
from typing import Final

from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.script_calls import ScriptCall
from darklaunch_shared.redis.script_queue import ScriptQueue
from darklaunch_shared.wire.exchange import Exchange

KEPT_LONGER_S: Final = 120.0
"""How much longer than an exchange may be replayed its note is kept: clocks differ."""


class EntryFence:
    """The fence of one launch shard, for entries of its stream of captures."""

    def __init__(self, queue: ScriptQueue, spec: LaunchSpec, shard: int) -> None:
        self._queue = queue
        self._spec = spec
        self._shard = shard

    async def admits(self, exchange: Exchange, entry_id: str) -> bool:
        """True if an exchange belongs to this entry. Raises RedisError.

        The note is in the producer's own shard, also for an entry that was copied to another.
        """
        own_shard = keys.shard_of(exchange.id.partition(":")[0], self._spec.shards)
        at_ms = exchange.captured_at_ms
        left_s = (at_ms + keys.USED_BUCKET_MS) / 1000 + self._spec.max_age_s + KEPT_LONGER_S - time.time()
        args = (exchange.id, f"{self._shard}/{entry_id}", max(1, int(left_s * 1000)))
        call = ScriptCall("use_once", (keys.used(exchange.launch, own_shard, at_ms),), args)
        return bool(await self._queue.call(call))

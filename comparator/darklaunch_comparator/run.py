"""Run a comparator: a lane for each launch shard, writers, a leader in waiting, signs of life, and an orderly stop."""

import logging
from functools import partial
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup
from darklaunch_shared import keys
from darklaunch_shared.launch.states import POLL_S
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.process.shutdown import StopEvent, run_service
from darklaunch_shared.redis.client import AsyncRedisClient, connect_async
from darklaunch_shared.redis.consumer import GroupConsumer, comparator_streams
from darklaunch_shared.redis.presence import ProcessPresence, make_identity, own_version
from darklaunch_shared.redis.script_calls import ScriptCaller
from darklaunch_shared.redis.script_queue import ScriptQueue

from .leader.leader import Leader
from .pipeline.launch_rules import LaunchRulesPoller
from .pipeline.noise_cache import NoiseCache
from .pipeline.shard_consumer import CompareConsumer
from .pipeline.writer_pool import WriterPool
from .settings import ComparatorSettings

MAX_CONNECTIONS: Final = 4096
GRACE_S: Final = 10.0
"""How long lanes may take to record what they hold, when told to stop."""
SIGN_OFF_S: Final = 2.0

log = logging.getLogger("darklaunch.comparator")


def run_comparator(settings: ComparatorSettings) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code. A second signal ends the process at once."""
    return run_service(
        partial(serve, settings), parent=settings.parent, log=log, last_work="recording what is under way"
    )


async def serve(settings: ComparatorSettings, stop: StopEvent) -> None:
    """Compare and record until `stop` is set and what is under way is recorded or handed back."""
    identity = make_identity()
    redis = connect_async(settings.redis_url, client_name="darklaunch-comparator", max_connections=MAX_CONNECTIONS)
    crew = ComparatorRunner(settings, redis, identity)
    leader = Leader(settings)
    presence = ProcessPresence(redis, keys.COMPARATORS, identity, lambda: _describe(crew, leader), log)
    leader.start()
    crew.noise.start()
    try:
        async with anyio.create_task_group() as upkeep:
            upkeep.start_soon(crew.control.run)
            upkeep.start_soon(crew.queue.run)
            upkeep.start_soon(presence.run)
            await crew.work(stop)
            upkeep.cancel_scope.cancel()
    finally:
        leader.stop()
        crew.noise.stop()
        crew.writers.close()
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(SIGN_OFF_S):
                await presence.sign_off()
            await anyio.to_thread.run_sync(leader.join, SIGN_OFF_S)
            await redis.aclose()


class ComparatorRunner:
    """The lanes of one comparator and what they share."""

    def __init__(self, settings: ComparatorSettings, redis: AsyncRedisClient, identity: str) -> None:
        self.control = LaunchRulesPoller(redis)
        self.scripts = ScriptCaller(redis)
        self.queue = ScriptQueue(self.scripts)
        self.writers = WriterPool(settings, "darklaunch-comparator")
        self.noise = NoiseCache(settings.database_url)
        self._settings, self._redis, self._identity = settings, redis, identity
        self._lanes: dict[tuple[str, int], CompareConsumer] = {}

    @property
    def recorded(self) -> int:
        """How many entries were settled."""
        return sum(lane.recorded for lane in self._lanes.values())

    async def work(self, stop: StopEvent) -> None:
        """Keep a lane at work for each launch shard that appears, and let all of them end when told to stop."""
        async with anyio.create_task_group() as lanes:
            while not stop.is_set():
                for launch, shard in self.control.lanes() - self._lanes.keys():
                    self._start(lanes, launch, shard, stop)
                with anyio.move_on_after(POLL_S):
                    await stop.wait()
            self.writers.stop()
            crash_point("comparator.stopping")
            lanes.cancel_scope.deadline = anyio.current_time() + GRACE_S

    def _start(self, lanes: TaskGroup, launch: str, shard: int, stop: StopEvent) -> None:
        consumer = GroupConsumer(
            self._redis,
            self.queue,
            comparator_streams(launch, shard),
            name=self._identity,
            lease_s=self._settings.lease_s,
        )
        lane = CompareConsumer(
            consumer,
            self.writers,
            lambda: self.control.rules(launch),
            lambda: self.noise.of(launch),
            self._settings,
        )
        self._lanes[launch, shard] = lane
        lanes.start_soon(lane.run, stop)


def _describe(crew: ComparatorRunner, leader: Leader) -> dict[str, Any]:
    """Describe this process for its heartbeat."""
    return {"kind": "comparator", "version": own_version(), "leader": leader.leading, "recorded": crew.recorded}

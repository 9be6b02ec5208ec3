"""Run a comparator: a consumer for each launch shard, writers, the leader's thread, heartbeats, and an orderly stop."""

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
"""How long consumers may take to record what they have read, once the process is told to stop."""
SIGN_OFF_S: Final = 2.0

log = logging.getLogger("darklaunch.comparator")


def run_comparator(settings: ComparatorSettings) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code. A second signal ends the process at once."""
    return run_service(
        partial(serve, settings), parent=settings.parent, log=log, last_work="recording what is under way"
    )


async def serve(settings: ComparatorSettings, stop: StopEvent) -> None:
    """Compare and record until `stop` is set and everything in progress is recorded or handed back."""
    identity = make_identity()
    redis = connect_async(settings.redis_url, client_name="darklaunch-comparator", max_connections=MAX_CONNECTIONS)
    runner = ComparatorRunner(settings, redis, identity)
    leader = Leader(settings)
    presence = ProcessPresence(redis, keys.COMPARATORS, identity, lambda: _describe(runner, leader, settings), log)
    leader.start()
    runner.noise.start()
    try:
        async with anyio.create_task_group() as upkeep:
            upkeep.start_soon(runner.control.run)
            upkeep.start_soon(runner.queue.run)
            upkeep.start_soon(presence.run)
            await runner.work(stop)
            upkeep.cancel_scope.cancel()
    finally:
        leader.stop()
        runner.noise.stop()
        runner.writers.close()
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(SIGN_OFF_S):
                await presence.sign_off()
            await anyio.to_thread.run_sync(leader.join, SIGN_OFF_S)
            await redis.aclose()


class ComparatorRunner:
    """The consumers of one comparator, one for each launch shard, and what they share."""

    def __init__(self, settings: ComparatorSettings, redis: AsyncRedisClient, identity: str) -> None:
        self.control = LaunchRulesPoller(redis)
        self.scripts = ScriptCaller(redis)
        self.queue = ScriptQueue(self.scripts)
        self.writers = WriterPool(settings, "darklaunch-comparator")
        self.noise = NoiseCache(settings.database_url)
        self._settings = settings
        self._redis = redis
        self._identity = identity
        self._consumers: dict[tuple[str, int], CompareConsumer] = {}

    @property
    def recorded(self) -> int:
        """The number of entries recorded."""
        return sum(consumer.recorded for consumer in self._consumers.values())

    async def work(self, stop: StopEvent) -> None:
        """Run a consumer for each launch shard that appears; once told to stop, let all of them finish their work."""
        async with anyio.create_task_group() as consumers:
            while not stop.is_set():
                for launch, shard in self.control.launch_shards() - self._consumers.keys():
                    self._start_consumer(consumers, launch, shard, stop)
                with anyio.move_on_after(POLL_S):
                    await stop.wait()
            self.writers.stop()
            crash_point("comparator.stopping")
            consumers.cancel_scope.deadline = anyio.current_time() + GRACE_S

    def _start_consumer(self, consumers: TaskGroup, launch: str, shard: int, stop: StopEvent) -> None:
        group_consumer = GroupConsumer(
            self._redis,
            self.queue,
            comparator_streams(launch, shard),
            name=self._identity,
            lease_s=self._settings.lease_s,
        )
        consumer = CompareConsumer(
            group_consumer,
            self.writers,
            lambda: self.control.rules(launch),
            lambda: self.noise.of(launch),
            self._settings,
        )
        self._consumers[launch, shard] = consumer
        consumers.start_soon(consumer.run, stop)


def _describe(runner: ComparatorRunner, leader: Leader, settings: ComparatorSettings) -> dict[str, Any]:
    """Describe this process for its heartbeat."""
    return {
        "kind": "comparator",
        "name": settings.name,
        "version": own_version(),
        "leader": leader.leading,
        "recorded": runner.recorded,
        "signs_webhooks": bool(settings.webhook_secret),
    }

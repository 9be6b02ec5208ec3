"""Run a comparator: a lane for each launch shard, writers, a leader in waiting, signs of life, and an orderly stop."""

import logging
import os
import secrets
import socket
from importlib.util import find_spec
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup
from darklaunch_shared import keys
from darklaunch_shared.launch.control_view import POLL_S
from darklaunch_shared.process.crash_points import reached
from darklaunch_shared.process.shutdown import watch_for_end
from darklaunch_shared.redis.client import AsyncRedisClient, connect_async
from darklaunch_shared.redis.consumer import GroupConsumer, comparator_lane
from darklaunch_shared.redis.presence import HEARTBEAT_S, heartbeat, own_version
from darklaunch_shared.redis.script_queue import ScriptCaller, ScriptQueue
from redis.exceptions import RedisError

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
    return anyio.run(_serve_until_signal, settings, backend_options={"use_uvloop": find_spec("uvloop") is not None})


async def serve(settings: ComparatorSettings, stop: anyio.Event) -> None:
    """Compare and record until `stop` is set and what is under way is recorded or handed back."""
    identity = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    redis = connect_async(settings.redis_url, client_name="darklaunch-comparator", max_connections=MAX_CONNECTIONS)
    crew = ComparatorRunner(settings, redis, identity)
    leader = Leader(settings)
    leader.start()
    crew.noise.start()
    try:
        async with anyio.create_task_group() as upkeep:
            upkeep.start_soon(crew.control.watch)
            upkeep.start_soon(crew.queue.run)
            upkeep.start_soon(_beat, crew, leader, identity)
            await crew.work(stop)
            upkeep.cancel_scope.cancel()
    finally:
        leader.stop()
        crew.noise.stop()
        crew.writers.close()
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(SIGN_OFF_S):
                await _sign_off(redis, identity)
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

    async def work(self, stop: anyio.Event) -> None:
        """Keep a lane at work for each launch shard that appears, and let all of them end when told to stop."""
        async with anyio.create_task_group() as lanes:
            while not stop.is_set():
                for launch, shard in self.control.lanes() - self._lanes.keys():
                    self._start(lanes, launch, shard, stop)
                with anyio.move_on_after(POLL_S):
                    await stop.wait()
            self.writers.stop()
            reached("comparator.7")
            lanes.cancel_scope.deadline = anyio.current_time() + GRACE_S

    def _start(self, lanes: TaskGroup, launch: str, shard: int, stop: anyio.Event) -> None:
        consumer = GroupConsumer(
            self._redis,
            self.queue,
            comparator_lane(launch, shard),
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


async def _beat(crew: ComparatorRunner, leader: Leader, identity: str) -> None:
    """Say that this process is alive, for ever."""
    while True:
        about: dict[str, Any] = {
            "kind": "comparator",
            "version": own_version(),
            "leader": leader.leading,
            "recorded": crew.recorded,
        }
        try:
            await crew.scripts.call(heartbeat(keys.COMPARATORS, identity, about))
        except (RedisError, OSError) as error:
            log.debug("no heartbeat: %s", error)
        await anyio.sleep(HEARTBEAT_S)


async def _sign_off(redis: AsyncRedisClient, identity: str) -> None:
    try:
        await redis.execute_command("HDEL", keys.COMPARATORS, identity)
    except (RedisError, OSError) as error:
        log.debug("not signed off: %s", error)


async def _serve_until_signal(settings: ComparatorSettings) -> int:
    stop = anyio.Event()
    async with anyio.create_task_group() as watch:
        watch.start_soon(watch_for_end, stop, settings.parent, log, "recording what is under way")
        await serve(settings, stop)
        watch.cancel_scope.cancel()
    return 0

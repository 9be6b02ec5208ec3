"""The launches as Redis knows them, looked at twice a second, and how each one's answers are compared."""

import logging
import time
from datetime import UTC, datetime

import anyio
from darklaunch_shared.launch.control_view import POLL_S, LaunchStates
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import AsyncRedisClient
from redis.exceptions import RedisError

from darklaunch_comparator.control.known_launches import is_launch_name, list_shards

from .assess import LaunchRules, compile_launch_rules

log = logging.getLogger("darklaunch.comparator")


class LaunchRulesPoller:
    """What is known of the launches. A specification that is gone or unreadable counts as it was last read."""

    def __init__(self, redis: AsyncRedisClient) -> None:
        self._redis = redis
        self._view = LaunchStates()
        self._shards: dict[str, int] = {}
        self._rules: dict[str, tuple[LaunchSpec, LaunchRules]] = {}

    def lanes(self) -> set[tuple[str, int]]:
        """Give every (launch, shard) ever seen, whatever the launch's status: results are recorded always."""
        return {(launch, shard) for launch, shards in self._shards.items() for shard in range(shards)}

    def rules(self, launch: str) -> LaunchRules:
        """Give a launch's rules; those of an empty specification when it was never read."""
        if launch not in self._rules:
            spec = LaunchSpec(shadow="")
            self._rules[launch] = spec, compile_launch_rules(spec)
        spec, rules = self._rules[launch]
        if rules.book.stale_at is not None and rules.book.stale_at <= datetime.now(UTC):  # a rule has expired
            rules = compile_launch_rules(spec)
            self._rules[launch] = spec, rules
        return rules

    async def watch(self) -> None:
        """Look again and again."""
        away = False
        while True:
            try:
                await self._look()
                if away:
                    log.warning("Redis answers again")
                away = False
            except (RedisError, OSError) as error:
                self._view.restart()
                if not away:
                    log.warning("Redis does not answer (%s); trying again until it does", error)
                away = True
            except Exception:
                self._view.restart()
                log.exception("the launches could not be read")
            await anyio.sleep(POLL_S)

    async def _look(self) -> None:
        more = True
        while more:
            pipeline = self._redis.pipeline(transaction=False)
            for command in self._view.commands():
                pipeline.execute_command(*command)
            more = self._view.feed(await pipeline.execute(raise_on_error=False), time.monotonic())
        for launch in self._view.broken():
            if is_launch_name(launch):
                self._shards.setdefault(launch, 1)  # its results still come
        for launch, state in self._view.states(time.monotonic()).items():
            shards = len(list_shards(state.spec))
            self._shards[launch] = max(self._shards.get(launch, 1), shards)
            if launch not in self._rules or self._rules[launch][0] != state.spec:
                self._rules[launch] = state.spec, compile_launch_rules(state.spec)

"""The launches as Redis knows them, looked at twice a second, and how each one's answers are compared."""

import logging
from datetime import UTC, datetime

from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import AsyncRedisClient
from darklaunch_shared.redis.control_poller import LaunchPoller

from darklaunch_comparator.control.known_launches import is_launch_name, list_shards

from .assess import LaunchRules, compile_launch_rules

log = logging.getLogger("darklaunch.comparator")


class LaunchRulesPoller:
    """What is known of the launches. A specification that is gone or unreadable counts as it was last read."""

    def __init__(self, redis: AsyncRedisClient) -> None:
        self._poller = LaunchPoller(redis, log, on_poll=self._update)
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

    async def run(self) -> None:
        """Poll until cancelled."""
        await self._poller.run()

    def _update(self) -> None:
        for launch in self._poller.names:
            if is_launch_name(launch):
                self._shards.setdefault(launch, 1)  # a launch whose state is damaged still has results to record
        for launch, state in self._poller.states().items():
            shards = len(list_shards(state.spec))
            self._shards[launch] = max(self._shards.get(launch, 1), shards)
            if launch not in self._rules or self._rules[launch][0] != state.spec:
                self._rules[launch] = state.spec, compile_launch_rules(state.spec)

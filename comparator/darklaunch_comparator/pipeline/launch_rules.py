"""The launches on Redis, polled twice a second, and the rules that compare the responses of each."""

import logging
from datetime import UTC, datetime

from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import AsyncRedisClient
from darklaunch_shared.redis.control_poller import LaunchPoller

from darklaunch_comparator.control.known_launches import is_launch_name, list_shards

from .assess import LaunchRules, compile_launch_rules

log = logging.getLogger("darklaunch.comparator")


class LaunchRulesPoller:
    """The shards and rules of every launch. A specification that is missing or unreadable keeps its last state."""

    def __init__(self, redis: AsyncRedisClient) -> None:
        self._poller = LaunchPoller(redis, log, on_poll=self._update)
        self._shards: dict[str, int] = {}
        self._rules: dict[str, tuple[LaunchSpec, LaunchRules]] = {}

    def launch_shards(self) -> set[tuple[str, int]]:
        """Return every (launch, shard) ever seen, whatever the launch's status: results are always recorded."""
        return {(launch, shard) for launch, shards in self._shards.items() for shard in range(shards)}

    def rules(self, launch: str) -> LaunchRules:
        """Return the rules of a launch; those of an empty specification if it was never read."""
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

"""Everything this process does for one launch, from its first specification to its last."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import anyio
from darklaunch_shared.errors import BadLaunch, BadOrigin
from darklaunch_shared.launch.origin import Origin, parse_origin
from darklaunch_shared.launch.path_policy import compile_path_policy
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import AsyncRedisClient
from darklaunch_shared.redis.consumer import GroupConsumer, worker_streams
from darklaunch_shared.redis.control_poller import LaunchPoller
from darklaunch_shared.redis.presence import ProcessPresence
from darklaunch_shared.redis.script_calls import ScriptCaller
from darklaunch_shared.redis.script_queue import ScriptQueue

from .entry_keys import secrets_of
from .http import ResponseCaps, ShadowClient, make_client
from .http.deadlines import DeadlineTimer
from .launch_context import BaselineTarget, LaunchContext, ShadowTarget
from .launch_mode import WAIT, ReplayMode, ReplayOrders, orders_of
from .limits import ShadowProtection
from .settings import WorkerSettings
from .shadow_build import ShadowBuild
from .shard_consumer import ReplayConsumer
from .slots import ReplaySlots

LOOK_S: Final = 0.25
AGAIN_S: Final = 1.0
MOST_SHARDS: Final = 256
LONGEST_S: Final = 86_400.0

log = logging.getLogger("darklaunch.worker")


class LaunchRunner:
    """Works on one launch. Its limits, its connections and its calls to Redis are its own: no launch slows another."""

    def __init__(
        self,
        launch: str,
        redis: AsyncRedisClient,
        control: LaunchPoller,
        presence: ProcessPresence,
        settings: WorkerSettings,
        name: str,
    ) -> None:
        """`name` is this process's name in the consumer groups."""
        self._launch, self._name = launch, name
        self._redis, self._control, self._presence, self._settings = redis, control, presence, settings
        self._secrets = secrets_of(settings)
        self._over = anyio.Event()
        self._desk: LaunchContext | None = None
        self._lanes: list[ReplayConsumer] = []
        self._replayed_before = 0

    def stop(self) -> None:
        """Have `run` return when what is under way has ended."""
        self._over.set()

    @property
    def replayed(self) -> int:
        """How many replays this crew has passed on."""
        return self._replayed_before + sum(lane.replayed for lane in self._lanes)

    def about(self) -> dict[str, Any]:
        """Describe the crew for the heartbeat."""
        if self._desk is None:
            return {"in_flight": 0, "limit": 0, "breaker": "closed"}
        protection = self._desk.protection
        breaker = "closed" if protection.breaker.closed else "open"
        return {"in_flight": self._desk.slots.busy, "limit": protection.limit.limit, "breaker": breaker}

    async def run(self) -> None:
        """Work by one specification after another until stopped."""
        while not self._over.is_set():
            state = self._control.state(self._launch)
            if state is None:
                await _wait(self._over, LOOK_S)
                continue
            try:
                await self._work_by(state.spec)
            except Exception:  # the crew starts again; the process and the other launches go on
                log.exception("launch %s: its crew failed and starts again", self._launch)
                await _wait(self._over, AGAIN_S)

    async def _work_by(self, spec: LaunchSpec) -> None:
        until = anyio.Event()
        queue = ScriptQueue(ScriptCaller(self._redis))
        desk = self._desk = self._furnish(spec, until)
        self._lanes = [
            ReplayConsumer(
                GroupConsumer(
                    self._redis, queue, worker_streams(self._launch, shard), name=self._name, lease_s=desk.lease_s
                ),
                self._redis,
                desk,
            )
            for shard in range(min(max(spec.shards, 1), MOST_SHARDS))
        ]
        try:
            async with anyio.create_task_group() as upkeep:
                upkeep.start_soon(queue.run)
                upkeep.start_soon(self._look_after, desk, until)
                async with anyio.create_task_group() as lanes:
                    for lane in self._lanes:
                        lanes.start_soon(lane.run, until)
                upkeep.cancel_scope.cancel()
        finally:
            self._replayed_before, self._lanes, self._desk = self.replayed, [], None
            with anyio.CancelScope(shield=True):  # each is closed, also when the crew is cancelled
                for called in (desk.shadow, desk.control):
                    if called is not None:
                        await called.client.aclose()

    def _furnish(self, spec: LaunchSpec, until: anyio.Event) -> LaunchContext:
        protection = self._protection(spec)
        shadow: ShadowTarget | None = None
        try:
            shadow = self._shadow(spec)
        except (BadLaunch, BadOrigin) as unusable:
            log.error("launch %s waits, nothing is replayed: %s", self._launch, unusable)
        return LaunchContext(
            launch=self._launch,
            spec=spec,
            shadow=shadow,
            control=self._control_origin(spec),
            builds=ShadowBuild(spec),
            protection=protection,
            slots=ReplaySlots(lambda: protection.limit.limit),
            orders=self._orders(usable=shadow is not None, until=until),
            concurrency=self._settings.concurrency,
            lease_s=self._settings.lease_s or spec.lease_s,
            secrets=self._secrets,
            deadlines=DeadlineTimer(),
        )

    def _shadow(self, spec: LaunchSpec) -> ShadowTarget:
        if not 0 < spec.deadline_s <= LONGEST_S:
            raise BadLaunch(f"a latency difference of {spec.max_latency_diff_ms:g} ms leaves no usable deadline")
        if not 1 <= spec.shards <= MOST_SHARDS:
            raise BadLaunch(f"{spec.shards} shards: there can be 1 to {MOST_SHARDS}")
        policy = compile_path_policy(spec)
        origin = parse_origin(spec.shadow)
        return ShadowTarget(origin, self._client(origin, spec), policy)

    def _control_origin(self, spec: LaunchSpec) -> BaselineTarget | None:
        """Furnish what the control needs. One that cannot be used costs the launch its baseline, nothing else."""
        if not (spec.control and spec.compare and spec.noise_percent > 0):
            return None
        try:
            origin = parse_origin(spec.control, "control")
        except BadOrigin as unusable:
            log.error("launch %s goes without a noise baseline: %s", self._launch, unusable)
            return None
        protection = self._protection(spec)
        return BaselineTarget(
            origin, self._client(origin, spec), protection, ReplaySlots(lambda: protection.limit.limit)
        )

    def _protection(self, spec: LaunchSpec) -> ShadowProtection:
        now_s = time.monotonic()
        protection = ShadowProtection(concurrency=self._settings.concurrency, max_rps=spec.max_rps, now_s=now_s)
        protection.share(self._presence.alive, now_s)
        return protection

    def _client(self, origin: Origin, spec: LaunchSpec) -> ShadowClient:
        return make_client(
            origin,
            slots=self._settings.concurrency,
            caps=ResponseCaps(body_cap_bytes=spec.response_cap_bytes),
            kind=self._settings.client,
            allow_metadata=spec.allow_metadata,
        )

    def _orders(self, *, usable: bool, until: anyio.Event) -> Callable[[], ReplayOrders]:
        def orders() -> ReplayOrders:
            given = orders_of(self._control.state(self._launch))
            return WAIT if until.is_set() or (given.mode is ReplayMode.REPLAY and not usable) else given

        return orders

    async def _look_after(self, desk: LaunchContext, until: anyio.Event) -> None:
        """End the work when the crew is stopped or the specification is another; pass on what the process learns."""
        while not self._over.is_set():
            state = self._control.state(self._launch)
            if state is not None and replace(state.spec, policy=desk.spec.policy) != desk.spec:
                break
            for protection in (desk.protection, *([desk.control.protection] if desk.control else [])):
                protection.share(self._presence.alive, time.monotonic())
            await _wait(self._over, LOOK_S)
        until.set()
        desk.slots.changed()


async def _wait(event: anyio.Event, timeout_s: float) -> None:
    with anyio.move_on_after(timeout_s):
        await event.wait()

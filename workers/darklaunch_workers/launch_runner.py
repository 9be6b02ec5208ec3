"""Everything this process does for one launch, from its first specification to its last."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import anyio
from darklaunch_shared import keys
from darklaunch_shared.errors import BadLaunch, BadOrigin
from darklaunch_shared.launch.origin import Origin, parse_origin
from darklaunch_shared.launch.path_policy import compile_path_policy
from darklaunch_shared.launch.request_changes import compile_request_changes
from darklaunch_shared.launch.spec import MAX_SHARDS, LaunchSpec
from darklaunch_shared.launch.tls import TlsContexts, compile_tls_files
from darklaunch_shared.redis.client import AsyncRedisClient
from darklaunch_shared.redis.consumer import GroupConsumer, worker_streams
from darklaunch_shared.redis.control_poller import LaunchPoller
from darklaunch_shared.redis.presence import ProcessPresence
from darklaunch_shared.redis.script_calls import ScriptCaller
from darklaunch_shared.redis.script_queue import ScriptQueue
from redis.exceptions import RedisError

from .admission.entry_fence import EntryFence
from .admission.entry_keys import load_entry_keys
from .admission.orders import WAIT, ReplayMode, ReplayOrders, read_orders
from .http import ResponseCaps, ShadowClient, make_client
from .http.deadlines import DeadlineTimer
from .protection.limits import ShadowProtection
from .replay.endpoint_noise import EndpointNoise
from .replay.launch_context import BaselineTarget, LaunchContext, ShadowTarget
from .replay.outcome import ShadowBuild
from .replay.request_changes import RequestChanger
from .settings import WorkerSettings
from .shard_consumer import ReplayConsumer

CHECK_EVERY_S: Final = 0.25
NOISE_EVERY_S: Final = 1.0
RESTART_AFTER_S: Final = 1.0
UNUSABLE_AGAIN_S: Final = 5.0
"""How long until a launch is tried again whose certificate files, say, are missing on this machine."""
LONGEST_DEADLINE_S: Final = 86_400.0
REPORTED_ENDPOINTS: Final = 20

log = logging.getLogger("darklaunch.worker")


class LaunchRunner:
    """Works on one launch, with limits, connections and calls to Redis of its own: no launch slows another."""

    def __init__(
        self,
        launch: str,
        *,
        redis: AsyncRedisClient,
        poller: LaunchPoller,
        presence: ProcessPresence,
        settings: WorkerSettings,
        identity: str,
    ) -> None:
        """`identity` is this process's name in the consumer groups."""
        self._launch = launch
        self._redis = redis
        self._poller = poller
        self._presence = presence
        self._settings = settings
        self._identity = identity
        self._entry_keys = load_entry_keys(settings)
        self._stop = anyio.Event()
        self._context: LaunchContext | None = None
        self._consumers: list[ReplayConsumer] = []
        self._replayed_before = 0
        self._trouble = ""

    def stop(self) -> None:
        """Ask `run` to return when what is under way has ended."""
        self._stop.set()

    @property
    def replayed(self) -> int:
        """How many replays were passed on, by all specifications."""
        return self._replayed_before + sum(consumer.replayed for consumer in self._consumers)

    def describe(self) -> dict[str, Any]:
        """Return the launch's part of the heartbeat: replays under way, their limit, the breaker's state.

        `trouble` is why nothing is replayed by this process, "" if nothing is wrong. `failing_endpoints` names
        endpoints that are asked once a second only, some if there are many.
        `replaced_connections` counts the kept ones that the shadow had closed before a request was written.
        """
        context = self._context
        if context is None:
            return {
                "in_flight": 0, "limit": 0, "breaker": "closed", "failing_endpoints": [], "replaced_connections": 0,
                "trouble": self._trouble,
            }  # fmt: skip
        return {
            "in_flight": context.slots.busy,
            "limit": context.protection.limit.limit,
            "breaker": "closed" if context.protection.breaker.closed else "open",
            "failing_endpoints": context.protection.endpoints.list_open()[:REPORTED_ENDPOINTS],
            "replaced_connections": context.shadow.client.replaced_connections if context.shadow else 0,
            "trouble": self._trouble,
        }

    async def run(self) -> None:
        """Work by one specification after another until stopped."""
        while not self._stop.is_set():
            state = self._poller.state(self._launch)
            if state is None:
                await _wait(self._stop, CHECK_EVERY_S)
                continue
            try:
                await self._work_by(state.spec)
            except Exception:  # this launch starts again; the process and the other launches go on
                log.exception("launch %s: replaying failed and starts again", self._launch)
                await _wait(self._stop, RESTART_AFTER_S)

    async def _work_by(self, spec: LaunchSpec) -> None:
        """Run a consumer for each shard until the launch is stopped or has another specification."""
        until = anyio.Event()
        queue = ScriptQueue(ScriptCaller(self._redis))
        context = self._context = self._make_context(spec, until)
        self._consumers = [
            self._make_consumer(shard, queue, context) for shard in range(min(max(spec.shards, 1), MAX_SHARDS))
        ]
        try:
            async with anyio.create_task_group() as upkeep:
                upkeep.start_soon(queue.run)
                upkeep.start_soon(self._watch_for_change, context, until)
                if spec.compare and spec.noise_percent > 0:
                    upkeep.start_soon(self._follow_known_noise, context)
                async with anyio.create_task_group() as work:
                    for consumer in self._consumers:
                        work.start_soon(consumer.run, until)
                upkeep.cancel_scope.cancel()
        finally:
            self._replayed_before = self.replayed
            self._consumers = []
            self._context = None
            with anyio.CancelScope(shield=True):  # the clients are closed also when this task is cancelled
                for target in (context.shadow, context.baseline):
                    if target is not None:
                        await target.client.aclose()

    def _make_consumer(self, shard: int, queue: ScriptQueue, context: LaunchContext) -> ReplayConsumer:
        streams = worker_streams(self._launch, shard)
        consumer = GroupConsumer(self._redis, queue, streams, name=self._identity, lease_s=context.lease_s)
        fence = EntryFence(queue, context.spec, shard) if context.entry_keys.signing else None
        return ReplayConsumer(consumer, self._redis, context, fence)

    def _make_context(self, spec: LaunchSpec, until: anyio.Event) -> LaunchContext:
        protection = self._make_protection(spec)
        shadow, trouble = None, ""
        try:
            shadow = self._make_shadow(spec)
        except (BadLaunch, BadOrigin) as error:
            trouble = str(error)
            if trouble != self._trouble:
                log.error("launch %s waits, nothing is replayed: %s", self._launch, error)
        self._trouble = trouble
        return LaunchContext(
            launch=self._launch,
            spec=spec,
            shadow=shadow,
            baseline=self._make_baseline(spec),
            build=ShadowBuild(spec),
            protection=protection,
            slots=protection.make_slots(),
            orders=self._make_orders(usable=shadow is not None, until=until),
            concurrency=self._settings.concurrency,
            lease_s=self._settings.lease_s or spec.lease_s,
            entry_keys=self._entry_keys,
            deadlines=DeadlineTimer(),
            endpoint_noise=EndpointNoise(),
        )

    def _make_shadow(self, spec: LaunchSpec) -> ShadowTarget:
        """Raises BadLaunch and BadOrigin when the specification cannot be used."""
        if not 0 < spec.deadline_s <= LONGEST_DEADLINE_S:
            raise BadLaunch(f"a latency difference of {spec.max_latency_diff_ms:g} ms leaves no usable deadline")
        if not 1 <= spec.shards <= MAX_SHARDS:
            raise BadLaunch(f"{spec.shards} shards: there can be 1 to {MAX_SHARDS}")
        compile_tls_files(spec)
        policy = compile_path_policy(spec)
        changer = RequestChanger(self._launch, compile_request_changes(spec))
        origin = parse_origin(spec.shadow)
        return ShadowTarget(origin, self._make_client(origin, spec), policy, changer)

    def _make_baseline(self, spec: LaunchSpec) -> BaselineTarget | None:
        """Return the launch's baseline. One that cannot be used costs the launch its noise replays, nothing else."""
        if not (spec.control and spec.compare and spec.noise_percent > 0):
            return None
        try:
            origin = parse_origin(spec.control, "control")
            changer = RequestChanger(self._launch, compile_request_changes(spec))
            client = self._make_client(origin, spec)
        except (BadLaunch, BadOrigin) as error:
            log.error("launch %s is replayed without its baseline: %s", self._launch, error)
            return None
        protection = self._make_protection(spec)
        return BaselineTarget(
            origin=origin,
            client=client,
            changer=changer,
            protection=protection,
            slots=protection.make_slots(),
        )

    def _make_protection(self, spec: LaunchSpec) -> ShadowProtection:
        now_s = time.monotonic()
        protection = ShadowProtection(concurrency=self._settings.concurrency, max_rps=spec.max_rps, now_s=now_s)
        protection.share_among(self._presence.alive, now_s)
        return protection

    def _make_client(self, origin: Origin, spec: LaunchSpec) -> ShadowClient:
        """Raises BadLaunch when a certificate file cannot be used on this machine."""
        return make_client(
            origin,
            slots=self._settings.concurrency,
            caps=ResponseCaps(body_cap_bytes=spec.response_cap_bytes),
            kind=self._settings.client,
            allow_metadata=spec.allow_metadata,
            tls=TlsContexts(compile_tls_files(spec), log).get if origin.scheme == "https" else None,
        )

    def _make_orders(self, *, usable: bool, until: anyio.Event) -> Callable[[], ReplayOrders]:
        def orders() -> ReplayOrders:
            stated = read_orders(self._poller.state(self._launch))
            return WAIT if until.is_set() or (stated.mode is ReplayMode.REPLAY and not usable) else stated

        return orders

    async def _watch_for_change(self, context: LaunchContext, until: anyio.Event) -> None:
        """Set `until` when the launch is stopped or has another specification; keep its share of the limits current.

        One that cannot be replayed by this process ends after a while too, and is tried again.
        """
        tried_s = time.monotonic()
        while not self._stop.is_set():
            if context.shadow is None and time.monotonic() - tried_s > UNUSABLE_AGAIN_S:
                break
            state = self._poller.state(self._launch)
            if state is not None and replace(state.spec, policy=context.spec.policy) != context.spec:
                break
            now_s = time.monotonic()
            context.protection.share_among(self._presence.alive, now_s)
            if context.baseline is not None:
                context.baseline.protection.share_among(self._presence.alive, now_s)
            await _wait(self._stop, CHECK_EVERY_S)
        until.set()
        context.slots.wake_waiting()

    async def _follow_known_noise(self, context: LaunchContext) -> None:
        """Read which endpoints' noise is known, again and again. While Redis is away, what was read last counts."""
        while True:
            try:
                packed = await self._redis.execute_command("GET", keys.known_noise(self._launch))
                context.endpoint_noise.read_known(packed)
            except (RedisError, OSError, ValueError, TypeError) as error:
                log.debug("launch %s: the known noise could not be read: %s", self._launch, error)
            await anyio.sleep(NOISE_EVERY_S)


async def _wait(event: anyio.Event, timeout_s: float) -> None:
    with anyio.move_on_after(timeout_s):
        await event.wait()

"""Is this Redis fit to carry exchanges? Pure but for one INFO."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Final

from darklaunch_shared.redis.client import RedisClient
from redis.exceptions import ResponseError

from darklaunch_console.output.numbers import format_bytes, format_ms, format_seconds
from darklaunch_console.stores.processes import read_clock_ms

from .check_result import CheckResult, fail, ok, warn

OLDEST: Final = (6, 2)
SKEW_WARN_S: Final = 2.0
SKEW_FAIL_S: Final = 60.0
NEARLY_FULL: Final = 0.9


def check_redis(redis: RedisClient, where: str) -> list[CheckResult]:
    """Check the version, eviction, memory, persistence and role of a Redis, and its clock. Raises RedisError."""
    began = time.perf_counter()
    redis.execute_command("PING")
    took_ms = (time.perf_counter() - began) * 1000
    info = parse_info(redis.execute_command("INFO"))
    skew_s = read_clock_ms(redis) / 1000 - time.time()
    return [*judge_info(info, where, took_ms), judge_clock("Redis", skew_s), *_access(redis)]


def _access(redis: RedisClient) -> list[CheckResult]:
    """Judge who may come in, as far as this user may ask."""
    try:
        me = redis.execute_command("ACL", "WHOAMI").decode("utf-8", "replace")
        told = redis.execute_command("ACL", "GETUSER", "default")
    except ResponseError:  # not everyone may ask: a good sign
        return [ok("Redis tells this user nothing of others")]
    fields: dict[bytes, Any] = dict(zip(told[::2], told[1::2], strict=True)) if told else {}
    flags = {flag.decode() for flag in fields.get(b"flags", ())}
    if {"on", "nopass"} <= flags:
        what = "Redis lets in whoever can reach it, without a password"
        return [warn(what, "Set one (requirepass), or better a user for each part: docs/SECURITY.md.")]
    return [ok(f"Redis asks for a password (this is the user {me})")]


def parse_info(reply: object) -> dict[str, str]:
    """Read an INFO reply, which the client may have parsed."""
    if isinstance(reply, dict):
        return {str(name): str(value) for name, value in reply.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    lines = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: value for name, _, value in lines}


def judge_info(info: Mapping[str, str], where: str, took_ms: float) -> list[CheckResult]:
    """Judge what INFO says."""
    found: list[CheckResult] = []
    valkey, version = info.get("valkey_version", ""), info.get("redis_version", "0")
    name = f"Valkey {valkey}" if valkey else f"Redis {version}"
    if _version(version) < OLDEST:
        found.append(fail(f"{where} is {name}", "Use Redis 6.2 or newer, or Valkey 8 or newer."))
    else:
        found.append(ok(f"{where} answers in {format_ms(took_ms)} ({name})"))
    if info.get("role", "master") != "master":
        found.append(fail(f"{where} is a read-only replica", "Set REDIS_URL to the primary."))
    found += [_eviction(info), *_memory(info), _persistence(info)]
    return found


def _eviction(info: Mapping[str, str]) -> CheckResult:
    policy = info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return ok("Redis evicts nothing (maxmemory-policy noeviction)")
    return fail(
        f"Redis evicts whole streams when it is full (maxmemory-policy {policy})",
        "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf.",
    )


def _memory(info: Mapping[str, str]) -> list[CheckResult]:
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not most:
        return [ok(f"Redis uses {format_bytes(used)} of memory; no maxmemory is set")]
    told = f"Redis uses {format_bytes(used)} of {format_bytes(most)}"
    if used > NEARLY_FULL * most:
        return [warn(told, "When it is full, hooks drop exchanges (oom). Raise maxmemory or lower the share.")]
    return [ok(told)]


def _persistence(info: Mapping[str, str]) -> CheckResult:
    if info.get("loading", "0") == "1":
        return fail("Redis is loading its data", "Wait until it has.")
    if "err" in (info.get("aof_last_write_status"), info.get("rdb_last_bgsave_status")):
        return fail("Redis could not save and may refuse writes (MISCONF)", "See its log; free its disk.")
    if info.get("aof_enabled", "0") == "1":
        return ok("Redis keeps what waits over a restart (append-only file)")
    return warn(
        "Redis loses what waits when it restarts (no append-only file); it would be counted as lost_in_redis",
        "redis-cli CONFIG SET appendonly yes, and the same in redis.conf.",
    )


def judge_clock(whose: str, skew_s: float, whom: str = "this machine's") -> CheckResult:
    """Judge how far a clock is ahead of another. Ages of exchanges are differences of clocks."""
    if abs(skew_s) < SKEW_WARN_S:
        return ok(f"{whose}'s clock agrees with {whom}")
    ahead = "ahead of" if skew_s > 0 else "behind"
    told = f"{whose}'s clock is {format_seconds(abs(skew_s))} {ahead} {whom}"
    do = "Synchronise the clocks (NTP): too old exchanges are dropped as stale."
    return fail(told, do) if abs(skew_s) > SKEW_FAIL_S else warn(told, do)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])

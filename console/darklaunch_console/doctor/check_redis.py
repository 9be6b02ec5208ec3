"""Whether this Redis can carry exchanges: version, eviction, memory, persistence, access, clock."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Final

from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields
from redis.exceptions import ResponseError

from darklaunch_console.output.numbers import format_bytes, format_ms, format_seconds
from darklaunch_console.stores.processes import read_clock_ms

from .check_result import CheckResult, fail, ok, warn

OLDEST_VERSION: Final = (6, 2)
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
    return [*judge_info(info, where, took_ms), judge_clock("Redis", skew_s), _check_access(redis)]


def _check_access(redis: RedisClient) -> CheckResult:
    """Check whether a password is required, as far as this user may ask."""
    try:
        me = redis.execute_command("ACL", "WHOAMI").decode("utf-8", "replace")
        default_user = redis.execute_command("ACL", "GETUSER", "default")
    except ResponseError:  # not everyone may ask: a good sign
        return ok("Redis does not let this user read the rights of others")
    fields: dict[bytes, Any] = pair_fields(default_user or ())
    flags = {flag.decode() for flag in fields.get(b"flags", ())}
    if {"on", "nopass"} <= flags:
        what = "Redis requires no password: whoever can reach it can read and write everything"
        return warn(what, "Set one (requirepass), or better a user for each part: docs/SECURITY.md.")
    return ok(f"Redis requires a password (this is the user {me})")


def parse_info(reply: object) -> dict[str, str]:
    """Return an INFO reply as a dict; the client may have parsed it already."""
    if isinstance(reply, dict):
        return {str(name): str(value) for name, value in reply.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    lines = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: value for name, _, value in lines}


def judge_info(info: Mapping[str, str], where: str, took_ms: float) -> list[CheckResult]:
    """Check version, role, eviction, memory and persistence, as INFO reports them."""
    results: list[CheckResult] = []
    valkey, version = info.get("valkey_version", ""), info.get("redis_version", "0")
    name = f"Valkey {valkey}" if valkey else f"Redis {version}"
    if _parse_version(version) < OLDEST_VERSION:
        results.append(fail(f"{where} is {name}", "Use Redis 6.2 or newer, or Valkey 8 or newer."))
    else:
        results.append(ok(f"{where} responds in {format_ms(took_ms)} ({name})"))
    if info.get("role", "master") != "master":
        results.append(fail(f"{where} is a read-only replica", "Set REDIS_URL to the primary."))
    results += [_check_eviction(info), _check_memory(info), _check_persistence(info)]
    return results


def _check_eviction(info: Mapping[str, str]) -> CheckResult:
    policy = info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return ok("Redis evicts nothing (maxmemory-policy noeviction)")
    return fail(
        f"Redis evicts whole streams when it is full (maxmemory-policy {policy})",
        "darklaunch redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf.",
    )


def _check_memory(info: Mapping[str, str]) -> CheckResult:
    used_bytes = int(info.get("used_memory", 0))
    limit_bytes = int(info.get("maxmemory", 0))
    if not limit_bytes:
        return ok(f"Redis uses {format_bytes(used_bytes)} of memory; no maxmemory is set")
    what = f"Redis uses {format_bytes(used_bytes)} of {format_bytes(limit_bytes)}"
    if used_bytes > NEARLY_FULL * limit_bytes:
        return warn(what, "When it is full, hooks drop exchanges (oom). Raise maxmemory or lower the share.")
    return ok(what)


def _check_persistence(info: Mapping[str, str]) -> CheckResult:
    if info.get("loading", "0") == "1":
        return fail("Redis is loading its data", "Wait until it has finished.")
    if "err" in (info.get("aof_last_write_status"), info.get("rdb_last_bgsave_status")):
        return fail("Redis could not save and may refuse writes (MISCONF)", "Read its log; free space on its disk.")
    if info.get("aof_enabled", "0") == "1":
        return ok("Redis keeps waiting exchanges over a restart (append-only file)")
    return warn(
        "Redis loses waiting exchanges when it restarts (no append-only file); they count as lost_in_redis",
        "darklaunch redis-cli CONFIG SET appendonly yes, and the same in redis.conf.",
    )


def judge_clock(owner: str, skew_s: float, reference: str = "this machine's") -> CheckResult:
    """Judge how far the clock of `owner` is ahead of another: ages of exchanges are differences of clocks."""
    if abs(skew_s) < SKEW_WARN_S:
        return ok(f"{owner}'s clock agrees with {reference}")
    ahead = "ahead of" if skew_s > 0 else "behind"
    what = f"{owner}'s clock is {format_seconds(abs(skew_s))} {ahead} {reference}"
    do = "Synchronise the clocks (NTP): exchanges that look too old are dropped as stale."
    return fail(what, do) if abs(skew_s) > SKEW_FAIL_S else warn(what, do)


def _parse_version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])

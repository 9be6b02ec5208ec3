"""Redis errors: which of them pass by themselves, and what to tell a person about the others."""

import errno
import os
from dataclasses import dataclass
from typing import Final

from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from darklaunch_shared.process.server_url import redact_url

_TRANSIENT: Final = (
    "LOADING", "READONLY", "MISCONF", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "NOREPLICAS", "OOM", "OUTOFMEMORY",
    "MAXCLIENTS", "max number of clients", "BUSY", "UNBLOCKED", "NOSCRIPT", "NOPERM", "NOPERMISSION", "NOAUTH",
)  # fmt: skip
_URL: Final = "redis://:PASSWORD@HOST:PORT/0"
_USERS: Final = "docs/SECURITY.md has a user for each part"
_SOCKET_ERRORS: Final = {
    errno.ECONNREFUSED: "refused the connection",
    errno.ENOENT: "is not there",
    errno.EHOSTUNREACH: "cannot be reached",
    errno.ENETUNREACH: "cannot be reached",
}


def is_transient(error: BaseException) -> bool:
    """True if an error passes by itself: the server is away, loading, failing over, full, or its rights are changed."""
    if not isinstance(error, ResponseError):
        return isinstance(error, RedisError | OSError)
    return any(word in str(error) or word in type(error).__name__.upper() for word in _TRANSIENT)


@dataclass(frozen=True, slots=True)
class RedisDiagnosis:
    """What is wrong with a Redis, in words.

    happened     continues "Redis at HOST:PORT …": `refused the connection`
    remedy       what to do about it, a sentence without its full stop; "" where nobody can know
    refused      True if Redis is there and does not accept this user: waiting does not help
    unreachable  True if no connection could be opened or it was lost
    """

    happened: str
    remedy: str = ""
    refused: bool = False
    unreachable: bool = False


def diagnose_redis_error(error: RedisError | OSError) -> RedisDiagnosis:
    """Return what an error means for a person. Contains no URL and no password."""
    text = str(error)
    if isinstance(error, RedisTimeoutError):
        return RedisDiagnosis("did not answer in time", "Check that it runs and is not stopped or overloaded")
    if "invalid username-password" in text or "WRONGPASS" in text:
        return RedisDiagnosis("refused the user or password", f"Correct it: {_URL}", refused=True)
    if isinstance(error, AuthenticationError) or "NOAUTH" in text or "Authentication required" in text:
        return RedisDiagnosis("wants a password", f"Put it into the URL: {_URL}", refused=True)
    if isinstance(error, BusyLoadingError):
        return RedisDiagnosis("is loading its data", "Try again in a moment")
    if isinstance(error, RedisConnectionError | OSError) and not isinstance(error, ResponseError):
        return RedisDiagnosis(_describe_socket_error(text), "Start it, or correct the URL", unreachable=True)
    if "WRONGTYPE" in text:
        remedy = "Rename the key: redis-cli --scan --pattern '*dl:*' lists ours, redis-cli TYPE KEY its type"
        return RedisDiagnosis(f"stores something else under a key of darklaunch: {text}", remedy)
    if isinstance(error, NoPermissionError):
        return RedisDiagnosis(f"does not let this user do that: {text}", "docs/SECURITY.md has a user for each part")
    return RedisDiagnosis(f"answered: {text}")


def explain_redis_error(error: RedisError | OSError, url: str) -> str:
    """Return one line for a log: what is wrong with the Redis at `url` and what to do. Leaves out its password."""
    diagnosis = diagnose_redis_error(error)
    remedy = f" {diagnosis.remedy}." if diagnosis.remedy else ""
    return f"Redis at {redact_url(url)} {diagnosis.happened}.{remedy}"


def _describe_socket_error(text: str) -> str:
    for number, words in _SOCKET_ERRORS.items():
        if f"Error {number} " in text or os.strerror(number) in text:
            return words
    if "Name or service not known" in text or "Temporary failure in name resolution" in text or "Error -" in text:
        return "has a name that does not resolve"
    return f"cannot be reached: {text.rstrip('.')}" if text else "closed the connection"

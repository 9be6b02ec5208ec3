"""Redis errors: which of them pass by themselves, and what to tell a person about the others."""

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

_TRANSIENT: Final = (
    "LOADING", "READONLY", "MISCONF", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "NOREPLICAS", "OOM", "OUTOFMEMORY",
    "MAXCLIENTS", "max number of clients", "BUSY", "UNBLOCKED", "NOSCRIPT", "NOPERM", "NOPERMISSION", "NOAUTH",
)  # fmt: skip


def is_transient(error: BaseException) -> bool:
    """True if an error passes by itself: the server is away, loading, failing over, full, or its rights are changed."""
    if not isinstance(error, ResponseError):
        return isinstance(error, RedisError | OSError)
    return any(word in str(error) or word in type(error).__name__.upper() for word in _TRANSIENT)


def explain_redis_error(error: RedisError | OSError, url: str) -> str:
    """Return one line: what is wrong with the Redis at `url` and what to do. Leaves out its password."""
    where = f"Redis at {redact_url(url)}"
    if isinstance(error, RedisTimeoutError):
        return f"{where} did not answer in time. Check that it runs and is not stopped or overloaded."
    text = str(error)
    if "invalid username-password" in text.lower() or "WRONGPASS" in text:
        return f"{where} refused the user name or password. Correct it in the URL."
    if "Authentication required" in text or "NOAUTH" in text:
        return f"{where} wants a password. Put it into the URL: redis://:PASSWORD@host:port."
    if isinstance(error, RedisConnectionError | OSError):
        return f"{where} cannot be reached: {text}."
    return f"{where} answered: {text}."


def redact_url(url: str) -> str:
    """Return a URL without its password and its query, which may contain one too."""
    parts = urlsplit(url)
    _, at, host = parts.netloc.rpartition("@")
    netloc = f"{parts.username or ''}:***@{host}" if at else host
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))

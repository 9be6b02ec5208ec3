"""Redis errors in words: what happened, what to do, and never the password."""

import pytest
from darklaunch_shared.redis.errors import diagnose_redis_error, explain_redis_error, is_transient
from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

URL = "redis://worker:secret@redis.example:6379/0"
REFUSED = RedisConnectionError("Error 111 connecting to redis.example:6379. Connection refused.")


@pytest.mark.parametrize(
    ("error", "happened", "remedy"),
    [
        (RedisTimeoutError("Timeout reading from socket"), "did not answer in time", "Check that it runs"),
        (REFUSED, "refused the connection", "Start it"),
        (RedisConnectionError("Error 2 connecting. No such file or directory."), "is not there", "Start it"),
        (RedisConnectionError("Error -2 connecting. Name or service not known."), "has a name that does", "Start it"),
        (RedisConnectionError(""), "closed the connection", "Start it"),
        (AuthenticationError("invalid username-password pair"), "refused the user or password", "Correct it"),
        (AuthenticationError("Authentication required."), "wants a password", "Put it into the URL"),
        (NoPermissionError("no permissions to run 'xadd'"), "does not let this user", "docs/SECURITY.md"),
        (BusyLoadingError("loading the dataset in memory"), "is loading its data", "Try again in a moment"),
        (ResponseError("WRONGTYPE Operation against a key"), "stores something else", "Rename the key"),
        (ResponseError("ERR on fire"), "answered: ERR on fire", ""),
    ],
)
def test_an_error_says_what_happened_and_what_to_do(error: RedisError, happened: str, remedy: str) -> None:
    diagnosis = diagnose_redis_error(error)
    assert diagnosis.happened.startswith(happened)
    assert diagnosis.remedy.startswith(remedy)


def test_only_a_server_that_is_there_refuses() -> None:
    assert diagnose_redis_error(AuthenticationError("WRONGPASS")).refused
    assert not diagnose_redis_error(REFUSED).refused
    assert diagnose_redis_error(REFUSED).unreachable


def test_a_line_for_the_log_names_the_server_without_its_password() -> None:
    assert explain_redis_error(REFUSED, URL) == (
        "Redis at redis://***@redis.example:6379/0 refused the connection. Start it, or correct the URL."
    )


@pytest.mark.parametrize(
    ("error", "passes"), [(REFUSED, True), (ResponseError("LOADING"), True), (ResponseError("ERR x"), False)]
)
def test_what_passes_by_itself_is_transient(error: RedisError, passes: bool) -> None:
    assert is_transient(error) is passes

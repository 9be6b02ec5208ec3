"""The polled states of all launches: when they are read again, and when they count as off."""

from darklaunch_shared.launch.spec import LaunchSpec, pack_spec
from darklaunch_shared.launch.states import LaunchStates

SPEC = LaunchSpec("http://10.0.3.7:8000")


def stored(**changes: bytes) -> dict[bytes, bytes]:
    fields = {"status": b"active", "percent": b"10", "revision": b"7", "spec": pack_spec(SPEC), **changes}
    return {name.encode(): value for name, value in fields.items()}


def _text(command: tuple[str | bytes, ...]) -> str:
    return " ".join(part.decode() if isinstance(part, bytes) else part for part in command)


def polled(view: LaunchStates, redis: dict[str, object], now_s: float) -> int:
    """Answer a view's commands from a dict of replies; return how many rounds it took."""
    rounds = 1
    while view.feed([redis.get(_text(command)) for command in view.commands()], now_s):
        rounds += 1
    return rounds


def test_launches_are_read_again_only_when_something_changed() -> None:
    view = LaunchStates()
    redis: dict[str, object] = {
        "GET dl:revision": b"1",
        "SMEMBERS dl:launches": [b"checkout", b"broken"],
        "HGETALL dl:launch:checkout": [part for pair in stored().items() for part in pair],
        "HGETALL dl:launch:broken": {b"status": b"?"},
    }
    assert polled(view, redis, 0) == 3
    assert view.states(0)["checkout"].fraction == 0.1
    assert list(view.broken()) == ["broken"]
    assert polled(view, redis, 1) == 1
    redis["HGET dl:launch:checkout hold"] = b"1"
    redis["HGETALL dl:launch:checkout"] = stored(hold=b"1")
    assert polled(view, redis, 2) == 3
    assert view.states(2)["checkout"].fraction == 0


def test_states_that_could_not_be_read_for_30_s_are_off() -> None:
    view = LaunchStates()
    polled(view, {"GET dl:revision": b"1", "SMEMBERS dl:launches": [b"a"], "HGETALL dl:launch:a": stored()}, 0)
    assert view.states(30)
    assert not view.states(30.1)

"""What the doctor says of keys: those of the apps, those of the workers, and whether they fit."""

import pytest
from darklaunch_console.doctor.check_keys import check_keys
from darklaunch_console.doctor.check_result import CheckLevel
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.redis.presence import ProcessRecord


def hook(seal: str = "", sign: str = "") -> ProcessRecord:
    return ProcessRecord("h", 1, {"seal_key": seal, "signing_key": sign})


def worker(seal: str = "", sign: str = "") -> ProcessRecord:
    return ProcessRecord("w", 1, {"seal_keys": seal.split(), "signing_keys": sign.split()})


@pytest.mark.parametrize(
    ("seals", "hooks", "workers", "level", "said"),
    [
        (True, [hook("k1")], [worker("k1"), worker("k2 k1")], CheckLevel.OK, "Credentials are sealed for shop"),
        (
            True,
            [hook("k1"), hook()],
            [worker("k1")],
            CheckLevel.FAIL,
            "1 app process without a usable DARKLAUNCH_SEAL_KEY",
        ),
        (True, [hook("k2")], [worker("k2 k1"), worker("k1")], CheckLevel.FAIL, "keys that not every worker has: k2"),
        (
            False,
            [hook(sign="s1")],
            [worker(sign="s2 s1")],
            CheckLevel.OK,
            "Entries are signed, and workers accept no others",
        ),
        (
            False,
            [hook(sign="s1"), hook()],
            [worker(sign="s1")],
            CheckLevel.FAIL,
            "workers do not accept (none): their entries become dead letters",
        ),
        (
            False,
            [hook(sign="s1")],
            [worker(sign="s1"), worker()],
            CheckLevel.WARN,
            "1 worker without DARKLAUNCH_SIGNING_KEY",
        ),
    ],
)
def test_keys_are_judged(
    seals: bool, hooks: list[ProcessRecord], workers: list[ProcessRecord], level: CheckLevel, said: str
) -> None:
    state = LaunchState("shop", LaunchStatus.ACTIVE, 10, False, 1, LaunchSpec("http://a", seal=seals))
    (found,) = check_keys([state], hooks, workers)
    assert (found.level, said in found.what) == (level, True), found.what
    assert found.do or level is CheckLevel.OK


def test_nobody_who_needs_no_key_is_asked_for_one() -> None:
    state = LaunchState("shop", LaunchStatus.ACTIVE, 10, False, 1, LaunchSpec("http://a"))
    assert check_keys([state], [hook()], [worker(), ProcessRecord("older", 1, {})]) == []

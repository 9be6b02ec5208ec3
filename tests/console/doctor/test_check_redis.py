"""What Redis says of itself and of its clock, judged."""

import pytest
from darklaunch_console.doctor.check_redis import judge_clock, judge_info
from darklaunch_console.doctor.check_result import CheckLevel

FIT = {"redis_version": "7.0.15", "role": "master", "maxmemory_policy": "noeviction", "used_memory": "1000"}
FIT |= {"maxmemory": "0", "aof_enabled": "1", "aof_last_write_status": "ok", "rdb_last_bgsave_status": "ok"}


def levels(found):
    return {finding.level for finding in found}


@pytest.mark.parametrize(
    ("changed", "level", "said"),
    [
        ({"redis_version": "6.0.9"}, CheckLevel.FAIL, "Redis 6.0.9"),
        ({"role": "slave"}, CheckLevel.FAIL, "read-only replica"),
        ({"maxmemory_policy": "volatile-lru"}, CheckLevel.FAIL, "volatile-lru"),
        ({"maxmemory": "1050"}, CheckLevel.WARN, "1 kB of 1.1 kB"),
        ({"aof_enabled": "0"}, CheckLevel.WARN, "no append-only file"),
        ({"aof_last_write_status": "err"}, CheckLevel.FAIL, "could not save"),
        ({"loading": "1"}, CheckLevel.FAIL, "loading"),
    ],
)
def test_what_info_says_is_judged(changed, level, said):
    assert levels(judge_info(FIT, "Redis at h", 1.0)) == {CheckLevel.OK}
    (bad,) = [
        finding for finding in judge_info({**FIT, **changed}, "Redis at h", 1.0) if finding.level is not CheckLevel.OK
    ]
    assert bad.level is level
    assert said in bad.what
    assert bad.do


@pytest.mark.parametrize(
    ("skew_s", "level"), [(0.1, CheckLevel.OK), (-5, CheckLevel.WARN), (5, CheckLevel.WARN), (-300, CheckLevel.FAIL)]
)
def test_clocks_that_disagree_are_told(skew_s, level):
    found = judge_clock("Redis", skew_s)
    assert found.level is level
    if skew_s == -5:
        assert found.what == "Redis's clock is 5 s behind this machine's"

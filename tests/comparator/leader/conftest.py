"""A launch under a judge whose clock the test turns."""

from typing import Any

import pytest
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_shared.redis.client import RedisClient
from psycopg import Connection

from tests.support.judge_harness import QUICK_POLICY, JudgeHarness, MakeHarness


@pytest.fixture
def make_harness(connection: Connection[Any], redis: RedisClient, launch_name: str) -> MakeHarness:
    def make(policy: JudgePolicy = QUICK_POLICY, *, percent: float = 100.0) -> JudgeHarness:
        return JudgeHarness(connection, redis, launch_name, policy, percent=percent)

    return make

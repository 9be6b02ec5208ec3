"""What a report says of endpoints whose responses are compared by shape for the most part."""

from dataclasses import replace
from typing import Any

import orjson
from click.testing import CliRunner
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.leader.judge import Judge
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, create_launch, get_launch
from darklaunch_comparator.store.write_batch import write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_console.cli.program import program
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import Fields

from tests.support.exchanges import NOW_MS, RULES, SPEC, exchange, replayed

TOKENS = ("9f86d081884c7d659a2feaa0c55ad015", "a3bf4f1b2b0b822cd15d6c15b0f00a08")
IDS = ("0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7")


def replay_blind(launch: str) -> list[Fields]:
    """Replay an endpoint whose responses hold three generated values of four, and one that is compared whole."""
    blind = {"token": TOKENS[0], "ids": [IDS[0], IDS[0][::-1]], "n": 1}
    other = {"token": TOKENS[1], "ids": [IDS[1], IDS[1][::-1]], "n": 1}
    entries: list[Fields] = []
    for seq in range(1, 61):
        at_ms = NOW_MS - 60_000
        if seq % 2:
            entries.append(
                replayed(exchange(launch, seq, endpoint="GET /session", body=blind, at_ms=at_ms), body=other)
            )
        else:
            entries.append(replayed(exchange(launch, seq, at_ms=at_ms)))
    return entries


def test_a_report_names_the_places_that_make_an_endpoint_blind(
    postgres_dsn: str, redis: RedisClient, launch_name: str
) -> None:
    policy = dump_policy_json(replace(JudgePolicy(), mode=JudgeMode.ADVISE))
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        create_launch(connection, launch_name, replace(SPEC, policy=policy), LaunchAct("ann", "started"), percent=10)
        connection.execute("UPDATE darklaunch.launch SET created_at = created_at - interval '1 hour'")
        results = [assess_entry(launch_name, entry, RULES) for entry in replay_blind(launch_name)]
        write_batch(connection, launch_name, results, WriterCache())
        Judge(14).judge_launch(connection, redis, get_launch(connection, launch_name))

    def run(*options: str) -> Any:
        return CliRunner().invoke(program, ["--database", postgres_dsn, "report", launch_name, *options])

    text = " ".join(run("--all").output.split())
    assert "Not judged GET /session (50 % of the traffic) is compared by value in 25 % of what" in text
    assert "Compared by shape only: $.ids[*] (new each time) 66.67 %, $.token (new each time) 33.33 %." in text
    assert f"darklaunch rules add {launch_name} ignore PATH --reason TEXT" in text
    assert max(map(len, run("--all").output.splitlines())) <= 80
    (blind,) = orjson.loads(run("--json").output)["not_judged"]
    assert [place["path"] for place in blind["places"]] == ["$.ids[*]", "$.token"]
    assert "- GET /session" in run("--markdown").output

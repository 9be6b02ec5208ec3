"""Noise from second answers to Postgres and back into comparisons: counted once, and learned in the open."""

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Any

import orjson
import psycopg
import pytest
from darklaunch_comparator.compare import KnownNoise, NoiseAspect
from darklaunch_comparator.leader import leader
from darklaunch_comparator.leader.noise_learner import NoiseLearner
from darklaunch_comparator.pipeline import noise_cache
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.noise import (
    NoiseEndpoint,
    NoisePlace,
    read_known_noise,
    read_noise_changes,
    read_noise_endpoints,
    read_noise_places,
)
from darklaunch_comparator.store.write_batch import prepare_connection, write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_console.embedded import Valkey
from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import ReplayedVersion
from psycopg import Connection

from tests.support.comparators import comparing, outcomes, put, settings_for, start, until
from tests.support.exchanges import asked_twice, assert_sums_equal_rows, exchange, finding, not_answered_again

ENDPOINT = "GET /orders/{id}"
OWNER, OTHER = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.fixture(scope="module")
def store(postgres_dsn: str) -> Iterator[Connection[Any]]:
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        prepare_connection(connection)
        yield connection


def places(connection: Connection[Any], launch: str) -> dict[str, NoisePlace]:
    return {place.path: place for place in read_noise_places(connection, launch)}


def noisy(
    launch: str, seq: int, *, total: int = 1, owner: str = OWNER, version: ReplayedVersion = ReplayedVersion.PRIMARY
) -> Fields:
    """Return an exchange whose `n` is another one in every answer; `total` and `owner` are the shadow's."""
    primary, shadow, again = ({"n": 3 * seq + nth, "total": 1, "owner": OWNER} for nth in range(3))
    shadow |= {"total": total, "owner": owner}
    if version is ReplayedVersion.SHADOW:
        again |= {"total": total, "owner": owner}
    return asked_twice(exchange(launch, seq, body=primary), body=shadow, again=again, version=version)


def record(connection: Connection[Any], launch: str, *entries: Fields) -> None:
    write_batch(connection, launch, [finding(fields, launch) for fields in entries], WriterCache())


def learn(connection: Connection[Any]) -> None:
    NoiseLearner().learn_places(connection)


def test_second_answers_are_counted_once_whatever_comes_again(store: Connection[Any], launch_name: str) -> None:
    entries = [noisy(launch_name, seq, total=1 + seq % 2) for seq in range(1, 11)]
    entries.append(not_answered_again(exchange(launch_name, 11)))
    findings = [finding(fields, launch_name) for fields in entries]
    write_batch(store, launch_name, findings[:7], WriterCache())
    write_batch(store, launch_name, findings[::-1], WriterCache())
    write_batch(store, launch_name, findings, WriterCache())
    assert read_noise_endpoints(store, launch_name) == [NoiseEndpoint(ENDPOINT, "primary", 10, 1)]
    found = places(store, launch_name)
    assert set(found) == {"$.n", "$.total", "$.owner"}
    assert (found["$.n"].own, found["$.n"].candidate, found["$.n"].pos, found["$.n"].neg) == (10, 10, 0, 0)
    assert (found["$.total"].own, found["$.total"].candidate, found["$.total"].pos) == (0, 5, 5)
    assert (found["$.owner"].agreed, found["$.owner"].own_rate) == (10, 0)
    assert (found["$.n"].own_rate, found["$.n"].candidate_rate) == (1, 1)
    assert (found["$.total"].own_rate, found["$.total"].candidate_rate) == (0, 1), "of the pairs known to hold it"
    assert_sums_equal_rows(store, launch_name)


def test_value_and_presence_at_one_place_are_counted_apart(store: Connection[Any], launch_name: str) -> None:
    primary, again = {"l": [{"id": 1, "v": 1}, {"id": 2, "v": 2}]}, {"l": [{"id": 1, "v": 9}, {"id": 2}]}
    record(store, launch_name, asked_twice(exchange(launch_name, 1, body=primary), again=again))
    found = read_noise_places(store, launch_name)
    assert [(place.name, place.own, place.candidate) for place in found] == [
        ("$.l[*].v presence", 1, 0),
        ("$.l[*].v", 1, 0),
    ]


def test_the_places_counted_are_bounded(store: Connection[Any], launch_name: str) -> None:
    wide = {f"k{number}": number for number in range(30)}
    twice = {f"k{number}": -1 - number for number in range(30)}
    entries = [asked_twice(exchange(launch_name, seq, body=wide), again=twice) for seq in (1, 2)]
    memory = WriterCache(noise_places=10)
    for fields in entries:
        write_batch(store, launch_name, [finding(fields, launch_name)], memory)
    assert len(places(store, launch_name)) == 10
    assert {place.own for place in read_noise_places(store, launch_name)} == {2}


def test_what_is_learned_is_told_with_its_counts_and_stays_told(store: Connection[Any], launch_name: str) -> None:
    record(store, launch_name, *(noisy(launch_name, seq) for seq in range(1, 21)))
    before = report_queries.read_launch_ledger(store, launch_name)
    learn(store)
    learn(store)
    changes = {change.path: change for change in read_noise_changes(store, launch_name)}
    assert {path: (change.was, change.became) for path, change in changes.items()} == {
        "$.n": ("learning", "volatile"),
        "$.owner": ("learning", "stable"),
    }
    assert (changes["$.n"].counts.all_differ, changes["$.owner"].counts.agreed) == (20, 20)
    assert places(store, launch_name)["$.n"].blind
    assert read_known_noise(store, launch_name) == {
        launch_name: {ENDPOINT: KnownNoise(frozenset([("$.n", NoiseAspect.VALUE)]), identical=frozenset(["$.owner"]))}
    }
    assert report_queries.read_launch_ledger(store, launch_name) == before
    assert before.mismatched == 20, "what was recorded stays as it is"
    for forbidden in ("DELETE FROM darklaunch.noise_change", "UPDATE darklaunch.noise_change SET became = 'stable'"):
        with pytest.raises(psycopg.errors.RestrictViolation, match="what was learned is history"):
            store.execute(forbidden)


def test_a_shadow_that_differs_beyond_the_noise_is_excused_no_more(store: Connection[Any], launch_name: str) -> None:
    record(store, launch_name, *(noisy_at(launch_name, seq) for seq in range(1, 41)))
    learn(store)
    assert places(store, launch_name)["$.v"].state == "volatile"
    record(store, launch_name, *(noisy_at(launch_name, seq, broken=True) for seq in range(41, 141)))
    learn(store)
    assert places(store, launch_name)["$.v"].state == "exceeded"
    record(store, launch_name, *(noisy_at(launch_name, seq) for seq in range(141, 400)))
    learn(store)
    assert [change.became for change in read_noise_changes(store, launch_name)] == ["exceeded", "volatile"]
    assert read_known_noise(store, launch_name)[launch_name][ENDPOINT].volatile == frozenset()


def noisy_at(launch: str, seq: int, *, broken: bool = False) -> Fields:
    """Return an exchange in which one response after the other has another `v`; every shadow's when broken."""
    primary, shadow, again = ({"v": seq if seq % 3 == nth else 0.5} for nth in range(3))
    return asked_twice(exchange(launch, seq, body=primary), body={"v": -seq} if broken else shadow, again=again)


def test_the_workers_are_told_which_endpoints_are_known(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    learner = NoiseLearner()

    def known_after(*entries: Fields) -> list[str]:
        record(connection, launch_name, *entries)
        learner.learn_noise(connection, redis)
        return orjson.loads(redis.execute_command("GET", keys.known_noise(launch_name)))

    def feed(*seqs: int, total: int = 1) -> list[Fields]:
        return [noisy(launch_name, seq, total=total, version=ReplayedVersion.SHADOW) for seq in seqs]

    assert known_after(*feed(*range(1, 4))) == [], "too few pairs"
    assert known_after(*feed(*range(4, 13))) == [ENDPOINT]
    assert known_after(*feed(13, total=2)) == [], "something new to ask about"
    assert known_after(*feed(*range(14, 28), total=2)) == [ENDPOINT]
    assert 0 < redis.execute_command("TTL", keys.known_noise(launch_name)) <= 600


@pytest.mark.anyio
async def test_a_running_comparator_learns_and_goes_on_reporting_what_is_no_noise(
    valkey: Valkey,
    redis: RedisClient,
    connection: Connection[Any],
    own_postgres_dsn: str,
    launch_name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leader, "NOISE_EVERY_S", 0.2)
    monkeypatch.setattr(noise_cache, "READ_EVERY_S", 0.2)
    start(connection, redis, launch_name, control="http://control:1")
    settings = settings_for(valkey.url, own_postgres_dsn)
    async with comparing(settings), comparing(settings):
        put(redis, launch_name, [noisy(launch_name, seq) for seq in range(1, 31)])
        await until(lambda: len(outcomes(connection, launch_name)) == 30)
        await until(
            lambda: {each.became for each in read_noise_changes(connection, launch_name)} == {"volatile", "stable"}
        )
        seqs = iter(range(31, 10_000))
        await until(lambda: known_to_all(redis, connection, launch_name, seqs))
        await asyncio.sleep(1)  # whoever compared none of them knows by now as well
        good, priced, owned = (next(seqs) for _ in range(3))
        put(redis, launch_name, [noisy(launch_name, good), noisy(launch_name, priced, total=2)])
        put(redis, launch_name, [noisy(launch_name, owned, owner=OTHER)])
        await until(lambda: len(outcomes(connection, launch_name)) == owned)
    found = outcomes(connection, launch_name)
    assert [found[f"abcd1234:{seq}"] for seq in (1, good, priced, owned)] == [
        "mismatched", "matched", "mismatched", "mismatched",
    ]  # fmt: skip
    titles = {each.title for each in report_queries.read_signatures(connection, launch_name)}
    assert titles == {"$.n value", "$.total value", "$.owner value"}
    excused = {(each.path, each.reason) for each in report_queries.read_excuses(connection, launch_name)}
    assert excused == {("$.n", "noise")}
    assert_sums_equal_rows(connection, launch_name)


def known_to_all(redis: RedisClient, connection: Connection[Any], launch: str, seqs: Iterator[int]) -> bool:
    """Send exchanges that only noise tells apart, and say whether all of them matched, whoever compared them."""
    sent = [next(seqs) for _ in range(8)]
    chance = random.Random(sent[0])
    put(redis, launch, [noisy(launch, seq) for seq in chance.sample(sent, 8)])
    while not {f"abcd1234:{seq}" for seq in sent} <= (found := outcomes(connection, launch)).keys():
        time.sleep(0.02)
    return all(found[f"abcd1234:{seq}"] == "matched" for seq in sent)

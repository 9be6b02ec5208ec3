"""Every entry of the corpus goes through the real parts and ends in the outcome it names."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import psycopg
import pytest
from darklaunch_comparator.store.launches import LaunchAct, create_launch
from darklaunch_console.embedded import embedded_valkey
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient, connect
from darklaunch_shared.redis.publish import publish_launch as publish_record
from darklaunch_shared.wire.dead_letter import unpack_dead_letter
from darklaunch_shared.wire.exchange import Exchange, Request, Response, unpack_exchange
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.replay import LatencySource, ShadowResponse, pack_replay

from tests.support.cli import Cli, closed_port
from tests.support.comparators import comparing, settings_for
from tests.support.pack_exchange import pack_exchange
from tests.support.workers import running_worker, with_deadline

from .app import ask, served
from .corpus import Case, read_corpus
from .hostile import GOOD, Shadow, hostile_shadow

CORPUS = read_corpus()
CASES = {case.mark: case for cases in CORPUS.values() for case in cases}
CROWD = 4  # five failures in a row would open a launch's breaker
DEADLINE_S = 3.0
WAIT_S = 60.0


@dataclass
class Seen:
    """What became of everything."""

    outcomes: dict[str, str] = field(default_factory=dict)
    shadow: Shadow = field(default_factory=Shadow)
    audits: dict[str, dict[str, Any]] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)


def test_the_corpus_is_large_and_names_no_entry_twice() -> None:
    assert len(CASES) >= 150
    assert len({(case.kind, case.name) for case in CASES.values()}) == len(CASES)


@pytest.mark.parametrize("mark", CASES, ids=lambda mark: f"{CASES[mark].kind}: {CASES[mark].name}")
def test_it_ends_in_its_named_outcome(seen: Seen, mark: str) -> None:
    assert seen.outcomes.get(mark, "nothing") == CASES[mark].outcome


@pytest.mark.parametrize("mark", [case.mark for case in (*CORPUS["request"], *CORPUS["write"])])
def test_what_reached_the_shadow_was_what_the_client_sent(seen: Seen, mark: str) -> None:
    case, head = CASES[mark], seen.shadow.heads.get(mark)
    if case.outcome != "matched":
        assert head is None
        return
    assert head is not None
    target = case.read_bytes("arrives") or case.read_bytes("target") or head.split(b" ")[1]
    assert head.split(b" ")[1] == target
    assert head.count(b"\r\nhost: ") == 1
    assert b"\r\nhost: 127.0.0.1:%d\r\n" % seen.shadow.port in head
    if never := case.given.get("never"):
        assert never.encode() not in head.lower()
    if case.kind == "write":
        assert seen.shadow.bodies[mark] == (b"ab" if case.given.get("chunked") else case.read_bytes("body"))


def test_no_other_origin_is_ever_on_a_request_line(seen: Seen) -> None:
    for head in seen.shadow.heads.values():
        assert head.split(b" ")[1].startswith(b"/")
        assert b"\r\nhost: evil" not in head.lower()


def test_the_books_balance_and_every_report_can_be_read(seen: Seen) -> None:
    for launch, audit in seen.audits.items():
        assert audit["ok"], (launch, audit)
    for launch, report in seen.reports.items():
        verdict, _, told = report.partition("\n\n")
        assert verdict.startswith("KEEP WATCHING: ") and told.startswith(f"{launch}: "), report[:200]
        assert all(character.isprintable() or character == "\n" for character in report)


# ---- the stage: everything once, side by side ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seen(postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with embedded_valkey() as valkey:
        redis = connect(valkey.url, client_name="test")
        cli = Cli(valkey.url, postgres_dsn, str(tmp_path_factory.mktemp("cli")))
        house = House(valkey.url, redis, postgres_dsn, cli)
        asyncio.run(asyncio.wait_for(house.play(), 110))
        redis.close()
        yield house.seen


@dataclass(frozen=True)
class Group:
    """Cases that one launch mirrors, by the beginning of their path; "" takes any."""

    launch: str
    prefix: str
    cases: list[Case]
    spec: LaunchSpec


@dataclass
class House:
    """One Redis, one Postgres, a worker, a comparator, an app with the hook, a shadow; and what is asked of them."""

    url: str
    redis: RedisClient
    dsn: str
    cli: Cli
    seen: Seen = field(default_factory=Seen)
    launches: list[str] = field(default_factory=list)
    ids: dict[tuple[str, str], str] = field(default_factory=dict)

    async def play(self) -> None:
        async with hostile_shadow(CASES) as shadow:
            self.seen.shadow = shadow
            await asyncio.to_thread(self.capture, f"http://127.0.0.1:{shadow.port}")
            async with running_worker(self.url), comparing(settings_for(self.url, self.dsn)):
                await asyncio.to_thread(self.settle)
        await asyncio.to_thread(self.look)

    def capture(self, shadow: str) -> None:
        """Send every request to the app, one launch after the other; then write what strangers write."""
        requests, writes, *others = self.groups(shadow)
        with served(self.url, CASES) as (port, hook):
            hook._recorder.start()
            for groups in ([requests], [writes], others):  # any path, and any method, counts for all there are
                for group in groups:
                    self.start(group.launch, group.spec, percent=100)
                self.until(lambda groups=groups: len(hook._recorder.snapshot.sampling_launches) == len(groups))
                for group in groups:
                    for case in group.cases:
                        self.send(group, port, case)
                for group in groups:
                    self.await_ends(group)
                    self.cli.ok("ramp", group.launch, "0")
                self.until(lambda: not hook._recorder.snapshot.sampling_launches)
        for launch in self.launches:
            for _, fields in self.redis.execute_command("XRANGE", keys.captures(launch), "-", "+"):
                exchange = unpack_exchange(pair_fields(fields))
                self.ids[launch, exchange.id] = dict(exchange.request.headers)["x-case"]
        self.write_as_strangers(shadow)

    def groups(self, shadow: str) -> list[Group]:
        spec = with_deadline(LaunchSpec(shadow, noise_percent=0), DEADLINE_S)
        found = [
            Group("requests", "", CORPUS["request"], spec),
            Group("writes", "/w", CORPUS["write"], replace(spec, allow=("POST /w/**",), only=("/w/**",))),
            Group("answers", "/a", CORPUS["answer"], replace(spec, only=("/a/**",))),
        ]
        plain = [case for case in CORPUS["shadow"] if not ("scheme" in case.given or case.given.get("act") == "absent")]
        for case in CORPUS["shadow"]:
            if case.given.get("act") == "absent":
                absent = replace(spec, shadow=f"http://127.0.0.1:{closed_port()}", only=("/absent/**",))
                found.append(Group("absent", "/absent", [case], absent))
            elif "scheme" in case.given:
                tls = replace(spec, shadow=shadow.replace("http:", "https:"), only=("/tls/**",))
                found.append(Group("tls", "/tls", [case], tls))
        for number in range(0, len(plain), CROWD):
            own = replace(spec, only=(f"/s{number}/**",))
            found.append(Group(f"shadows-{number}", f"/s{number}", plain[number : number + CROWD], own))
        return found

    def start(self, launch: str, spec: LaunchSpec, *, percent: float) -> None:
        with psycopg.connect(self.dsn) as connection:
            record = create_launch(connection, launch, spec, LaunchAct("test", "started"), percent=percent)
            connection.commit()
        publish_record(self.redis, record.state, lift_hold=True)
        self.launches.append(launch)

    def send(self, group: Group, port: int, case: Case) -> None:
        status = ask(port, case, group.prefix)
        if case.outcome == "refused" and (status >= 400 or status == 0):
            self.seen.outcomes[case.mark] = "refused"

    def await_ends(self, group: Group) -> None:
        """Wait until the hook has said of every request what became of it, but for those it never saw.

        It counts reasons and names no requests: as many as there should be, and no other reason, is all there is.
        """
        heard = sum(case.outcome != "refused" for case in group.cases)
        self.until(lambda: sum(self.counters(group.launch).values()) + self.ends(group.launch) >= heard)
        counted = self.counters(group.launch)
        expected = Counter(case.outcome for case in group.cases if case.outcome.startswith(("skipped/", "lost/")))
        for case in group.cases:
            if case.outcome in expected and counted[case.outcome] == expected[case.outcome]:
                self.seen.outcomes[case.mark] = case.outcome
        assert counted == expected, (group.launch, counted - expected, expected - counted)

    def ends(self, launch: str) -> int:
        return int(self.redis.execute_command("XLEN", keys.captures(launch)))

    def counters(self, launch: str) -> Counter[str]:
        """Count what the hook skipped and lost, `skipped/REASON` and `lost/REASON`; not other launches' paths."""
        total: Counter[str] = Counter()
        for packed in pair_fields(self.redis.execute_command("HGETALL", keys.producers(launch))).values():
            told = orjson.loads(packed)
            skipped = {reason: number for reason, number in told["skipped"].items() if reason != "path"}
            total.update({f"skipped/{reason}": number for reason, number in skipped.items()})
            total.update({f"lost/{reason}": number for reason, number in told["dropped"].items()})
        return total

    def write_as_strangers(self, shadow: str) -> None:
        spec = with_deadline(LaunchSpec(shadow, noise_percent=0), DEADLINE_S)
        self.start("strangers", spec, percent=0)
        for kind, stream in (("stream", keys.captures("strangers")), ("replay", keys.replays("strangers"))):
            for case in CORPUS[kind]:
                fields = entry(case)
                flat = [part for pair in fields.items() for part in pair]
                self.redis.execute_command("XADD", stream, "*", *flat)
                self.ids["strangers", fields.get(keys.ID, b"").decode()] = case.mark

    def settle(self) -> None:
        """Wait until nothing is on its way."""
        streams = [name(launch) for launch in self.launches for name in (keys.captures, keys.replays)]
        self.until(lambda: not any(self.redis.execute_command("XLEN", stream) for stream in streams))
        for launch in self.launches:
            if launch != "strangers":
                self.seen.audits[launch] = self.cli.json("audit", launch, "--strict")

    def look(self) -> None:
        with psycopg.connect(self.dsn) as connection:
            rows = connection.execute("SELECT launch, exchange_id, outcome, reason FROM darklaunch.result").fetchall()
        for launch, identity, outcome, reason in rows:
            named = f"{outcome}/{reason}" if outcome in ("dropped", "shadow_error") else outcome
            self.seen.outcomes[self.ids[launch, identity]] = named
        for _, fields in self.redis.execute_command("XRANGE", keys.dead("strangers"), "-", "+"):
            letter = unpack_dead_letter(pair_fields(fields)).fields
            mark = self.ids.get(("strangers", letter.get(keys.ID, b"").decode()))
            if mark is not None:
                self.seen.outcomes.setdefault(mark, "foreign")
        for launch in self.launches:
            self.seen.reports[launch] = self.cli.run("report", launch).stdout

    def until(self, holds: Any) -> None:
        give_up = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < give_up, f"it did not come to hold: {self.launches}"
            time.sleep(0.02)


def entry(case: Case) -> dict[bytes, bytes]:
    """Write the entry of a `stream` or `replay` case: a good one, changed as it says."""
    given = case.given
    if "only" in given:
        return {name.encode(): value.encode("latin-1") for name, value in given["only"].items()}
    seq = case.number + 1
    answer = Response(200, (("content-type", "application/json"),), GOOD, 1.0)
    headers = (("x-case", case.mark),)
    request = Request("GET", f"/{case.mark}", "http://shop.example", headers, b"")
    now_ms = time.time_ns() // 1_000_000
    fields = pack_exchange(Exchange(f"{case.kind}:{seq}", "strangers", now_ms, "GET /x", request, answer))
    meta = {**orjson.loads(fields[keys.META]), **given.get("meta", {})}
    if "headers" in given.get("meta", {}) and isinstance(meta["headers"], list):
        meta["headers"] = [*meta["headers"], *map(list, headers)]
    text = orjson.dumps(meta).decode()
    if "replaced" in given:
        assert given["replaced"][0] in text
        text = text.replace(*given["replaced"])
    fields[keys.META] = text.encode()
    if case.kind == "replay":
        fields = pack_replay(fields, ShadowResponse(replace(answer, latency_ms=2.0), LatencySource.CLIENT, 1, now_ms))
        shadow = {**orjson.loads(fields[keys.SHADOW_META]), **given.get("shadow", {})}
        fields[keys.SHADOW_META] = orjson.dumps(shadow)
    fields |= {name.encode(): value.encode("latin-1") for name, value in given.get("fields", {}).items()}
    return {name: value for name, value in fields.items() if name.decode() not in given.get("without", ())}

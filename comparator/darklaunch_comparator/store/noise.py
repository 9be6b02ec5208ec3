"""Noise in Postgres: the counts, the states that follow from them, and the history of those states."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

import orjson
from darklaunch_shared.wire.replay import ReplayedVersion
from psycopg import Connection, Cursor

from darklaunch_comparator.compare import KnownNoise, NoiseAspect, NoiseKey, name_noise_key
from darklaunch_comparator.judging.beyond_noise import PairedPlace
from darklaunch_comparator.noise.learning import EXCUSING_STATES, NoiseState, PlaceCounts, may_be_noise
from darklaunch_comparator.results.aggregate import BatchGains

from .sql import load

_SQL = load("noise")

HOLD_MS: Final = 600_000
"""How long after it was first seen windows wait for a mismatch at a place where no version differs from itself yet."""
HOLD_VARIED_MS: Final = 120_000
"""The same where one version does: that is most likely noise."""
RECENT_MS: Final = 3_600_000
"""Signatures that were last seen earlier are judged by now."""
KNOWN_PAIRS: Final = 10
"""Second responses after which an endpoint at which nothing is undecided is known."""
REPEATED_LEAST: Final = 3
"""How often a mismatch must have been the same when asked for again, for reports to call it a problem."""
MOST_PAIRS: Final = 300
"""Second responses after which an endpoint counts as known even so: what is undecided is left to the usual share."""
_REPEATED_METHODS: Final = ("GET ", "HEAD ", "OPTIONS ")
_COUNTS: Final = tuple(field.name for field in fields(PlaceCounts))

CountedPlace = tuple[str, str, NoiseKey]
"""Endpoint, the version that was asked twice, and the place."""

NoiseByEndpoint = dict[str, KnownNoise]
"""The known noise of a launch, by endpoint."""


@dataclass(frozen=True, slots=True)
class UndecidedPlace:
    """A place whose counts may call for another state. `counts` are of the responses of `version`."""

    launch: str
    endpoint: str
    version: ReplayedVersion
    path: str
    aspect: NoiseAspect
    state: NoiseState
    counts: PlaceCounts


@dataclass(frozen=True, slots=True)
class NoiseEndpoint:
    """How often one version was asked twice: `pairs` that were compared, and second requests without a response."""

    endpoint: str
    version: str
    pairs: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class NoisePlace:
    """The noise at one place in one respect, and the counts behind it; the schema explains the columns.

    Rates are of `seen`, the pairs that are known to hold the place: `own_rate` how often the version differs from
    itself, `candidate_rate` how often the shadow differs from the primary. `blind`: a changed value would not show.
    """

    endpoint: str
    version: str
    path: str
    aspect: str
    state: str
    blind: bool
    since: datetime
    pairs: int
    seen: int
    own_rate: float
    candidate_rate: float
    own: int
    candidate: int
    agreed: int
    pos: int
    neg: int
    far_rising: int
    far_falling: int

    @property
    def key(self) -> NoiseKey:
        """The place and the respect."""
        return self.path, NoiseAspect(self.aspect)

    @property
    def name(self) -> str:
        """The place as reports name it."""
        return name_noise_key(self.key)


@dataclass(frozen=True, slots=True)
class NoiseChange:
    """One change of a place's state, and the counts that decided it. Never changed afterwards."""

    at: datetime
    endpoint: str
    version: str
    path: str
    aspect: str
    was: str
    became: str
    counts: PlaceCounts

    @property
    def name(self) -> str:
        """The place as reports name it."""
        return name_noise_key((self.path, NoiseAspect(self.aspect)))


def add_noise(cursor: Cursor[Any], launch: str, gains: BatchGains) -> None:
    """Add the gains of a batch, inside its transaction."""
    endpoints: list[dict[str, Any]] = []
    places: list[dict[str, Any]] = []
    for (endpoint, version), gained in gains.noise.items():
        key = {"endpoint": endpoint, "version": version.value}
        endpoints.append({**key, "pairs": gained.pairs, "unanswered": gained.unanswered})
        places += [
            {**key, "path": path, "aspect": aspect, **asdict(place)} for (path, aspect), place in gained.places.items()
        ]
    if endpoints:
        cursor.execute(_SQL["add_endpoints"], {"launch": launch, "gains": orjson.dumps(endpoints).decode()})
    if places:
        cursor.execute(_SQL["add_places"], {"launch": launch, "gains": orjson.dumps(places).decode()})


def read_counted_places(connection: Connection[Any], launch: str) -> set[CountedPlace]:
    """Read the places at which a launch's noise is counted: (endpoint, version, key)."""
    return {
        (endpoint, version, (path, NoiseAspect(aspect)))
        for endpoint, version, path, aspect in _rows(connection, "places", launch=launch)
    }


def read_undecided_places(connection: Connection[Any], within_s: float | None) -> list[UndecidedPlace]:
    """Read the places of all endpoints that gained pairs within that time; None reads all places."""
    return [
        UndecidedPlace(
            launch,
            endpoint,
            ReplayedVersion(version),
            path,
            NoiseAspect(aspect),
            NoiseState(state),
            _make_counts(counts),
        )
        for launch, endpoint, version, path, aspect, state, *counts in _rows(connection, "undecided", within_s=within_s)
    ]


def change_place_state(connection: Connection[Any], place: UndecidedPlace, became: NoiseState) -> None:
    """Change the state of a place and record the counts that decided it, unless another process has changed it."""
    values = {**asdict(place), "was": place.state.value, "became": became.value}
    values["counts"] = orjson.dumps(values["counts"]).decode()
    del values["state"]
    connection.execute(_SQL["change"], values)


def restart_noise(connection: Connection[Any], launch: str, *, build: str, captured_ms: int, now_ms: int) -> None:
    """Forget what was learned of a launch's noise: it was of another build, or counted under other rules.

    Mismatches captured before `captured_ms` stay what they are known to be. Writers wait until the transaction ends.
    """
    values = {"launch": launch, "build": build, "captured_ms": captured_ms, "now_ms": now_ms}
    connection.execute(load("write_batch")["lock_alone"], values)
    for statement in ("keep_noise", "forget_places", "forget_endpoints", "begin_counting"):
        connection.execute(_SQL[statement], values)


def read_latest_change(connection: Connection[Any]) -> int:
    """Read the number of the latest change of any place; it grows whenever something is learned."""
    row = connection.execute(_SQL["latest_change"]).fetchone()
    assert row is not None
    return int(row[0])


def read_known_noise(connection: Connection[Any], launch: str | None = None) -> dict[str, NoiseByEndpoint]:
    """Read the known noise of one launch or, by default, of all: by launch, then by endpoint."""
    found: dict[tuple[str, str], dict[NoiseState, list[NoiseKey]]] = {}
    for name, endpoint, path, aspect, state in _rows(connection, "known", launch=launch):
        key = path, NoiseAspect(aspect)
        found.setdefault((name, endpoint), {}).setdefault(NoiseState(state), []).append(key)
    known: dict[str, NoiseByEndpoint] = {}
    for (name, endpoint), keys in found.items():
        volatile, measured = keys.get(NoiseState.VOLATILE, []), keys.get(NoiseState.MEASURED, [])
        identical = [*keys.get(NoiseState.STABLE, []), *keys.get(NoiseState.EXCEEDED, [])]
        known.setdefault(name, {})[endpoint] = KnownNoise(
            frozenset([*volatile, *measured]),
            frozenset(path for path, aspect in identical if aspect is NoiseAspect.VALUE),
            frozenset(path for path, _ in measured),
        )
    return known


@dataclass(frozen=True, slots=True)
class DoubtfulMismatches:
    """Signatures of mismatches that may still turn out to be noise, by fingerprint, with their endpoints.

    held      windows with such mismatches wait
    left_out  windows are judged without them, because waiting took too long
    plain     those left out at places where no version has differed from itself, and seen lately: no launch is promoted
              meanwhile
    repeated  those of all that were asked for again three times or more, the same each time: too few to be judged by,
              enough to be told to people
    known     all mismatches that had been recorded by then, of those captured since `since_ms`
    """

    held: Mapping[str, str]
    left_out: Mapping[str, str]
    plain: frozenset[str]
    repeated: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    since_ms: float = math.inf

    def is_new(self, fingerprint: str | None, captured_ms: int, endpoint: str) -> bool:
        """True if a mismatch was recorded only after this was read: it may turn out to be noise like any other."""
        if fingerprint is None or fingerprint in self.known or captured_ms <= self.since_ms:
            return False
        return endpoint.startswith(_REPEATED_METHODS)

    @property
    def fingerprints(self) -> frozenset[str]:
        """All of them."""
        return frozenset([*self.held, *self.left_out])


NO_DOUBT: Final = DoubtfulMismatches({}, {}, frozenset())


def read_doubtful_signatures(
    connection: Connection[Any], launch: str, now_ms: int, also: Iterable[str] = ()
) -> DoubtfulMismatches:
    """Read which mismatches may still turn out to be noise: those whose every place is noise or in doubt.

    They are those seen lately and, whenever they were seen, those in `also`. A status is in doubt only once it was
    asked again: a shadow that asks for fewer requests is not asked.
    """
    decided, doubtful, varied = set[str](), dict[str, tuple[str, float]](), set[str]()
    recent, unrepeated = set[str](), set[str]()
    values = {"launch": launch, "now_ms": now_ms, "recent_ms": RECENT_MS, "also": list(also)}
    known = frozenset(fingerprint for (fingerprint,) in _rows(connection, "recent_mismatches", **values))
    for fingerprint, endpoint, age_ms, is_recent, aspect, version, state, *numbers in _rows(
        connection, "mismatched_places", **values
    ):
        counts, place_state, is_late = _make_counts(numbers), NoiseState(state), age_ms >= HOLD_MS
        is_asked = counts.candidates > 0 or (aspect != NoiseAspect.STATUS and not is_late)
        recent.update([fingerprint] if is_recent else [])
        if is_asked and may_be_noise(ReplayedVersion(version), place_state, counts, is_late=is_late):
            doubtful[fingerprint] = endpoint, age_ms
            if counts.varied(ReplayedVersion(version)):
                varied.add(fingerprint)
            if counts.candidates < REPEATED_LEAST:
                unrepeated.add(fingerprint)
        elif place_state not in EXCUSING_STATES:
            decided.add(fingerprint)
    held: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for fingerprint in doubtful.keys() - decided:
        endpoint, age_ms = doubtful[fingerprint]
        hold_ms = HOLD_VARIED_MS if fingerprint in varied else HOLD_MS
        (held if age_ms < hold_ms else left_out)[fingerprint] = endpoint
    plain = frozenset(left_out.keys() & recent - varied)
    repeated = frozenset([*held, *left_out]) - varied - unrepeated
    return DoubtfulMismatches(held, left_out, plain, repeated, known, now_ms - RECENT_MS)


def read_known_endpoints(connection: Connection[Any], launch: str, now_ms: int) -> list[str]:
    """Read the endpoints whose noise is known, so that they are asked a second time at the usual share only."""
    doubtful = read_doubtful_signatures(connection, launch, now_ms)
    undecided = {*doubtful.held.values(), *doubtful.left_out.values()}
    return [
        endpoint
        for endpoint, pairs in _rows(connection, "asked_endpoints", launch=launch, least=KNOWN_PAIRS)
        if pairs >= MOST_PAIRS or endpoint not in undecided
    ]


def read_paired_places(connection: Connection[Any], launch: str) -> tuple[PairedPlace, ...]:
    """Read the places where the shadow alone, or one version alone, differed, with how often each happened."""
    return tuple(PairedPlace(*row) for row in _rows(connection, "paired", launch=launch))


def read_noise_endpoints(connection: Connection[Any], launch: str) -> list[NoiseEndpoint]:
    """Read how often each endpoint was asked twice."""
    return [NoiseEndpoint(*row) for row in _rows(connection, "endpoints", launch=launch)]


def read_noise_places(connection: Connection[Any], launch: str) -> list[NoisePlace]:
    """Read every place that differed from a second response or contained an identifier, by endpoint and path."""
    return [NoisePlace(*row) for row in _rows(connection, "noise", launch=launch)]


def read_noise_changes(connection: Connection[Any], launch: str, limit: int = 100) -> list[NoiseChange]:
    """Read the changes of places, the latest first."""
    return [
        NoiseChange(at, endpoint, version, path, aspect, was, became, PlaceCounts(**counts))
        for at, endpoint, version, path, aspect, was, became, counts in _rows(
            connection, "changes", launch=launch, limit=limit
        )
    ]


def _make_counts(numbers: Iterable[int]) -> PlaceCounts:
    return PlaceCounts(**dict(zip(_COUNTS, numbers, strict=True)))


def _rows(connection: Connection[Any], query: str, **values: object) -> Iterable[Any]:
    return connection.execute(_SQL[query], values)

"""Noise in Postgres: the counts, the states that follow from them, and the history of those states."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from darklaunch_shared.wire.replay import ReplayedVersion
from psycopg import Connection, Cursor

from darklaunch_comparator.compare import KnownNoise
from darklaunch_comparator.judging.beyond_noise import PairedPlace
from darklaunch_comparator.noise.learning import NoiseState, PlaceCounts, may_be_noise
from darklaunch_comparator.results.aggregate import BatchGains

from .sql import load

_SQL = load("noise")

DOUBT_MS: Final = 600_000
"""How long a signature may be in doubt after it was first seen."""
FIRST_PAIR_MS: Final = 60_000
"""The same at an endpoint where no version has been asked twice yet."""

NoiseByEndpoint = dict[str, KnownNoise]
"""The known noise of a launch, by endpoint."""


@dataclass(frozen=True, slots=True)
class UndecidedPlace:
    """A place whose counts may call for another state. `counts` are of the responses of `version`."""

    launch: str
    endpoint: str
    version: ReplayedVersion
    path: str
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
    """The noise at one place and the counts behind it; the schema explains the columns.

    Rates are of `pairs`: `own_rate` how often the version differs from itself, `candidate_rate` how often the shadow
    differs from the primary, `excess` the paired difference between the two. `blind`: a changed value
    would not show.
    """

    endpoint: str
    version: str
    path: str
    state: str
    blind: bool
    since: datetime
    pairs: int
    own_rate: float
    candidate_rate: float
    excess: float
    varied: int
    regenerated: int
    unstable: int
    agreed: int
    candidate: int
    pos: int
    neg: int


@dataclass(frozen=True, slots=True)
class NoiseChange:
    """One change of a place's state, and the counts that decided it. Never changed afterwards."""

    at: datetime
    endpoint: str
    version: str
    path: str
    was: str
    became: str
    pairs: int
    varied: int
    regenerated: int
    agreed: int
    pos: int
    neg: int


def add_noise(cursor: Cursor[Any], launch: str, gains: BatchGains) -> None:
    """Add the gains of a batch, inside its transaction."""
    endpoints: list[dict[str, Any]] = []
    places: list[dict[str, Any]] = []
    for (endpoint, version), gained in gains.noise.items():
        key = {"endpoint": endpoint, "version": version.value}
        endpoints.append({**key, "pairs": gained.pairs, "unanswered": gained.unanswered})
        places += [{**key, "path": path, **asdict(place)} for path, place in gained.places.items()]
    if endpoints:
        cursor.execute(_SQL["add_endpoints"], {"launch": launch, "gains": orjson.dumps(endpoints).decode()})
    if places:
        cursor.execute(_SQL["add_places"], {"launch": launch, "gains": orjson.dumps(places).decode()})


def read_counted_places(connection: Connection[Any], launch: str) -> set[tuple[str, str, str]]:
    """Read the places at which a launch's noise is counted: (endpoint, version, path)."""
    return {(endpoint, version, path) for endpoint, version, path in _rows(connection, "places", launch=launch)}


def read_undecided_places(connection: Connection[Any], within_s: float | None) -> list[UndecidedPlace]:
    """Read the places of all endpoints that gained pairs within that time; None reads all places."""
    return [
        UndecidedPlace(launch, endpoint, ReplayedVersion(version), path, NoiseState(state), PlaceCounts(*counts))
        for launch, endpoint, version, path, state, *counts in _rows(connection, "undecided", within_s=within_s)
    ]


def change_place_state(connection: Connection[Any], place: UndecidedPlace, became: NoiseState) -> None:
    """Change the state of a place and record the counts that decided it, unless another process has changed it."""
    values = {**asdict(place), **asdict(place.counts), "was": place.state.value, "became": became.value}
    del values["counts"], values["state"]
    connection.execute(_SQL["change"], values)


def read_latest_change(connection: Connection[Any]) -> int:
    """Read the number of the latest change of any place; it grows whenever something is learned."""
    row = connection.execute(_SQL["latest_change"]).fetchone()
    assert row is not None
    return int(row[0])


def read_known_noise(connection: Connection[Any], launch: str | None = None) -> dict[str, NoiseByEndpoint]:
    """Read the known noise of one launch or, by default, of all: by launch, then by endpoint."""
    found: dict[tuple[str, str], dict[NoiseState, list[str]]] = {}
    for name, endpoint, path, state in _rows(connection, "known", launch=launch):
        found.setdefault((name, endpoint), {}).setdefault(NoiseState(state), []).append(path)
    known: dict[str, NoiseByEndpoint] = {}
    for (name, endpoint), places in found.items():
        identical = [*places.get(NoiseState.STABLE, ()), *places.get(NoiseState.EXCEEDED, ())]
        known.setdefault(name, {})[endpoint] = KnownNoise(
            frozenset(places.get(NoiseState.VOLATILE, ())), frozenset(identical)
        )
    return known


def read_doubtful_signatures(connection: Connection[Any], launch: str, now_ms: int) -> frozenset[str]:
    """Read the fingerprints of mismatches that may still turn out to be noise.

    These are differences in values only, first seen at most 10 minutes ago, whose every place is noise or in doubt.
    """
    settled, doubted = set[str](), set[str]()
    values = {"launch": launch, "now_ms": now_ms, "first_pair_ms": FIRST_PAIR_MS, "doubt_ms": DOUBT_MS}
    for fingerprint, state, *counts in _rows(connection, "value_mismatches", **values):
        if may_be_noise(NoiseState(state), PlaceCounts(*counts)):
            doubted.add(fingerprint)
        elif state not in (NoiseState.VOLATILE, NoiseState.GENERATED):
            settled.add(fingerprint)
    return frozenset(doubted - settled)


def read_paired_places(connection: Connection[Any], launch: str) -> tuple[PairedPlace, ...]:
    """Read the places where the shadow alone, or one version alone, differed, with how often each happened."""
    return tuple(PairedPlace(*row) for row in _rows(connection, "paired", launch=launch))


def read_noise_endpoints(connection: Connection[Any], launch: str) -> list[NoiseEndpoint]:
    """Read how often each endpoint was asked twice."""
    return [NoiseEndpoint(*row) for row in _rows(connection, "endpoints", launch=launch)]


def read_noise_places(connection: Connection[Any], launch: str) -> list[NoisePlace]:
    """Read every place that differed in a second response or contained an identifier, by endpoint and path."""
    return [NoisePlace(*row) for row in _rows(connection, "noise", launch=launch)]


def read_noise_changes(connection: Connection[Any], launch: str, limit: int = 100) -> list[NoiseChange]:
    """Read the changes of places, the latest first."""
    return [NoiseChange(*row) for row in _rows(connection, "changes", launch=launch, limit=limit)]


def _rows(connection: Connection[Any], query: str, **values: object) -> Iterable[Any]:
    return connection.execute(_SQL[query], values)

"""A writer's memory of each launch: it bounds the number of signatures and places, and saves needless samples.

It can be emptied at any time, because it is read back from Postgres. Only bounds and traffic depend on it.
"""

import time
from dataclasses import dataclass, field, replace
from typing import Any, Final

from psycopg import Connection

from darklaunch_comparator.compare import NoiseKey
from darklaunch_comparator.errors import NoSalt
from darklaunch_comparator.results.aggregate import BatchGains
from darklaunch_comparator.results.result import ExchangeResult, NoiseObservation, ResultProblem

from .noise import CountedPlace, read_counted_places
from .sql import load

SIGNATURES: Final = 2_000
PLACES: Final = 5_000
NOISE_PLACES: Final = 5_000
OVERFLOW: Final = "overflow"
SAMPLE_EVERY_S: Final = 5.0

_SQL = load("write_batch")

ExcusedPlace = tuple[str, str, str]
"""Endpoint, path and reason."""


@dataclass(slots=True)
class _KnownLaunch:
    fingerprints: set[str]
    places: set[ExcusedPlace]
    noise_places: set[CountedPlace]
    sampled_s: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])


class WriterCache:
    """Per launch: the existing signatures and excused places, and when each signature's samples were last sent.

    Signatures beyond the first 2,000 of a launch, and places beyond the first 5,000, count under one common name.
    Noise is counted at the first 5,000 places only; it is not learned elsewhere. Several writers count separately, so
    a launch can get a few more of each.
    """

    def __init__(
        self,
        *,
        signatures: int = SIGNATURES,
        places: int = PLACES,
        noise_places: int = NOISE_PLACES,
        sample_every_s: float = SAMPLE_EVERY_S,
    ) -> None:
        self._signatures = signatures
        self._places = places
        self._sample_every_s = sample_every_s
        self._noise_places = noise_places
        self._launches: dict[str, _KnownLaunch] = {}
        self._salt = b""

    def salt(self, connection: Connection[Any]) -> bytes:
        """Return the salt that this database's values are masked with. Raises NoSalt."""
        if not self._salt:
            row = connection.execute(_SQL["salt"]).fetchone()
            if row is None:
                raise NoSalt(
                    f"The database {connection.info.dbname} has lost the row of darklaunch.salt. Without it "
                    "no sample can be stored. Restore it from a backup, or insert a random one."
                )
            self._salt = bytes(row[0])
        return self._salt

    def limit_results(
        self, connection: Connection[Any], launch: str, results: list[ExchangeResult]
    ) -> list[ExchangeResult]:
        """Return the results, with signatures and places beyond the limits renamed or left out."""
        if not any(result.problems or result.excuses or result.observation for result in results):
            return results
        known = self._read_launch(connection, launch)
        new_fingerprints: set[str] = set()
        new_places: set[ExcusedPlace] = set()
        new_noise_places: set[CountedPlace] = set()
        bounded: list[ExchangeResult] = []
        for result in results:
            if result.problems:
                problems = tuple(self._limit_problem(known, new_fingerprints, each) for each in result.problems)
                result = replace(result, problems=problems)
            excuses = result.excuses
            if excuses and any((result.endpoint, path, reason) not in known.places for path, reason, _ in excuses):
                named = tuple(self._limit_excuse(known, new_places, result.endpoint, *each) for each in excuses)
                result = replace(result, excuses=named)
            if result.observation is not None:
                seen = self._limit_observation(known, new_noise_places, result.endpoint, result.observation)
                result = replace(result, observation=seen)
            bounded.append(result)
        return bounded

    def needs_first_sample(self, launch: str, fingerprint: str) -> bool:
        """Return whether a signature may still lack its first sample."""
        return launch not in self._launches or fingerprint not in self._launches[launch].fingerprints

    def needs_sample(self, launch: str, fingerprint: str, role: str) -> bool:
        """Return whether a signature's `latest` or `rarest` sample is due to be replaced."""
        known = self._launches.get(launch)
        sent_s = known.sampled_s.get((fingerprint, role)) if known else None
        return sent_s is None or time.monotonic() - sent_s >= self._sample_every_s

    def learn(self, launch: str, gains: BatchGains, sampled: list[tuple[str, str]]) -> None:
        """Remember what was committed. `sampled` lists the signatures and roles whose samples were sent."""
        known = self._launches.get(launch)
        if known is None:
            return
        known.fingerprints.update(gains.signatures)
        known.places.update(gains.excuses)
        known.noise_places.update(
            (endpoint, version.value, key)
            for (endpoint, version), gained in gains.noise.items()
            for key in gained.places
        )
        known.sampled_s.update(dict.fromkeys(sampled, time.monotonic()))

    def _read_launch(self, connection: Connection[Any], launch: str) -> _KnownLaunch:
        if launch not in self._launches:
            fingerprints = connection.execute(_SQL["fingerprints"], {"launch": launch})
            places = connection.execute(_SQL["excused_places"], {"launch": launch})
            self._launches[launch] = _KnownLaunch(
                {name for (name,) in fingerprints},
                {(e, p, r) for e, p, r in places},
                read_counted_places(connection, launch),
            )
        return self._launches[launch]

    def _limit_problem(self, known: _KnownLaunch, new: set[str], problem: ResultProblem) -> ResultProblem:
        if problem.fingerprint in known.fingerprints or problem.fingerprint in new:
            return problem
        if len(known.fingerprints) + len(new) < self._signatures:
            new.add(problem.fingerprint)
            return problem
        title = f"all further signatures: only the first {self._signatures:,} are counted one by one"
        return replace(problem, fingerprint=OVERFLOW, title=title, parts="[]")

    def _limit_observation(
        self, known: _KnownLaunch, new: set[CountedPlace], endpoint: str, seen: NoiseObservation
    ) -> NoiseObservation:
        """Leave out the places beyond the limit."""
        past: set[NoiseKey] = set()
        for key in sorted(seen.places):
            place = (endpoint, seen.version.value, key)
            if place in known.noise_places or len(known.noise_places) + len(new) < self._noise_places:
                new.add(place)
            elif place not in new:
                past.add(key)
        return seen.without(past) if past else seen

    def _limit_excuse(
        self, known: _KnownLaunch, new: set[ExcusedPlace], endpoint: str, path: str, reason: str, count: int
    ) -> tuple[str, str, int]:
        place = (endpoint, path, reason)
        if place in known.places or place in new or len(known.places) + len(new) < self._places:
            new.add(place)
            return path, reason, count
        return "…", reason, count

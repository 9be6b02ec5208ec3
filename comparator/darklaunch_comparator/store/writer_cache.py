"""What a writer remembers of a launch, so that signatures and excuses stay bounded and samples are not sent in vain.

It may forget at any time: it is read back from Postgres, and nothing counts on it but bounds and traffic.
"""

import time
from dataclasses import dataclass, field, replace
from typing import Any, Final

from psycopg import Connection

from darklaunch_comparator.errors import NoSalt
from darklaunch_comparator.results.aggregate import BatchGains
from darklaunch_comparator.results.result import ExchangeResult, NoiseObservation, ResultProblem

from .noise import read_counted_places
from .sql import load

SIGNATURES: Final = 2_000
PLACES: Final = 5_000
NOISE_PLACES: Final = 5_000
OVERFLOW: Final = "overflow"
SAMPLE_EVERY_S: Final = 5.0

_SQL = load("write_batch")

CountedPlace = tuple[str, str, str]


@dataclass(slots=True)
class _Launch:
    fingerprints: set[str]
    places: set[CountedPlace]
    noise_places: set[CountedPlace]
    sampled_s: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])


class WriterCache:
    """Per launch: the signatures and excused places that exist, and when a signature's samples were last sent.

    A signature past the first 2,000 of a launch, or a place past the first 5,000, counts under one name for all the
    rest. Noise is counted at the first 5,000 places; what is not counted is not learned. Several writers keep their own
    count, so a launch may end up with a few more.
    """

    def __init__(
        self,
        *,
        signatures: int = SIGNATURES,
        places: int = PLACES,
        noise_places: int = NOISE_PLACES,
        sample_every_s: float = SAMPLE_EVERY_S,
    ) -> None:
        self._signatures, self._places, self._sample_every_s = signatures, places, sample_every_s
        self._noise_places = noise_places
        self._launches: dict[str, _Launch] = {}
        self._salt = b""

    def salt(self, connection: Connection[Any]) -> bytes:
        """Give what this database's values are masked with. Raises NoSalt."""
        if not self._salt:
            row = connection.execute(_SQL["salt"]).fetchone()
            if row is None:
                raise NoSalt(
                    f"The database {connection.info.dbname} has lost the row of darklaunch.salt, without which nothing "
                    "is stored of an exchange. Restore it from a backup, or insert a random one."
                )
            self._salt = bytes(row[0])
        return self._salt

    def bound(self, connection: Connection[Any], launch: str, findings: list[ExchangeResult]) -> list[ExchangeResult]:
        """Give the findings with what is past the bounds renamed."""
        if not any(finding.evidence or finding.excuses or finding.observation for finding in findings):
            return findings
        known = self._launch(connection, launch)
        new_fingerprints: set[str] = set()
        new_places: set[CountedPlace] = set()
        new_noise_places: set[CountedPlace] = set()
        bounded: list[ExchangeResult] = []
        for finding in findings:
            if finding.evidence:
                evidence = tuple(self._evidence(known, new_fingerprints, each) for each in finding.evidence)
                finding = replace(finding, evidence=evidence)
            excuses = finding.excuses
            if excuses and any((finding.endpoint, path, reason) not in known.places for path, reason, _ in excuses):
                named = tuple(self._excuse(known, new_places, finding.endpoint, *each) for each in excuses)
                finding = replace(finding, excuses=named)
            if finding.observation is not None:
                seen = self._observation(known, new_noise_places, finding.endpoint, finding.observation)
                finding = replace(finding, observation=seen)
            bounded.append(finding)
        return bounded

    def wants_first(self, launch: str, fingerprint: str) -> bool:
        """Say whether a signature may not have its first sample yet."""
        return launch not in self._launches or fingerprint not in self._launches[launch].fingerprints

    def wants(self, launch: str, fingerprint: str, role: str) -> bool:
        """Say whether a signature's `latest` or `rarest` sample is due to be replaced."""
        known = self._launches.get(launch)
        sent_s = known.sampled_s.get((fingerprint, role)) if known else None
        return sent_s is None or time.monotonic() - sent_s >= self._sample_every_s

    def learn(self, launch: str, gains: BatchGains, sampled: list[tuple[str, str]]) -> None:
        """Remember what was committed; `sampled` are the signatures and roles whose sample was sent."""
        known = self._launches.get(launch)
        if known is None:
            return
        known.fingerprints.update(gains.groups)
        known.places.update(gains.excuses)
        known.noise_places.update(
            (endpoint, version, path) for (endpoint, version), gained in gains.noise.items() for path in gained.places
        )
        known.sampled_s.update(dict.fromkeys(sampled, time.monotonic()))

    def _launch(self, connection: Connection[Any], launch: str) -> _Launch:
        if launch not in self._launches:
            fingerprints = connection.execute(_SQL["fingerprints"], {"launch": launch})
            places = connection.execute(_SQL["excused_places"], {"launch": launch})
            self._launches[launch] = _Launch(
                {name for (name,) in fingerprints},
                {(e, p, r) for e, p, r in places},
                read_counted_places(connection, launch),
            )
        return self._launches[launch]

    def _evidence(self, known: _Launch, new: set[str], evidence: ResultProblem) -> ResultProblem:
        if evidence.fingerprint in known.fingerprints or evidence.fingerprint in new:
            return evidence
        if len(known.fingerprints) + len(new) < self._signatures:
            new.add(evidence.fingerprint)
            return evidence
        title = f"more signatures than the {self._signatures:,} that are told apart"
        return replace(evidence, fingerprint=OVERFLOW, title=title, parts="[]")

    def _observation(
        self, known: _Launch, new: set[CountedPlace], endpoint: str, seen: NoiseObservation
    ) -> NoiseObservation:
        """Leave out places past the bound."""
        past: set[str] = set()
        for path in sorted(seen.places):
            place = (endpoint, seen.version.value, path)
            if place in known.noise_places or len(known.noise_places) + len(new) < self._noise_places:
                new.add(place)
            elif place not in new:
                past.add(path)
        return seen.without(past) if past else seen

    def _excuse(
        self, known: _Launch, new: set[CountedPlace], endpoint: str, path: str, reason: str, count: int
    ) -> tuple[str, str, int]:
        place = (endpoint, path, reason)
        if place in known.places or place in new or len(known.places) + len(new) < self._places:
            new.add(place)
            return path, reason, count
        return "…", reason, count

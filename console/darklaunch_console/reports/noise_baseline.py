"""The noise baseline as reports use it: which places are noise, how much, and since when that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from darklaunch_comparator.compare import DifferenceKind, noise_may_excuse
from darklaunch_comparator.noise.learning import NoiseState
from darklaunch_comparator.store.noise import NoiseEndpoint, NoisePlace, read_noise_endpoints, read_noise_places

from darklaunch_console.stores.postgres import Connection


@dataclass(frozen=True, slots=True)
class NoiseBaseline:
    """What asking one version twice has shown about a launch's endpoints and the places in their responses."""

    endpoints: tuple[NoiseEndpoint, ...]
    places: tuple[NoisePlace, ...]

    @property
    def pairs(self) -> int:
        """How many second responses were compared with the first."""
        return sum(endpoint.pairs for endpoint in self.endpoints)

    @property
    def unanswered(self) -> int:
        """How many second requests got no response."""
        return sum(endpoint.unanswered for endpoint in self.endpoints)

    @property
    def volatile(self) -> list[NoisePlace]:
        """Places compared by type only."""
        return [place for place in self.places if place.state == NoiseState.VOLATILE]

    @property
    def generated(self) -> list[NoisePlace]:
        """Places whose identifiers are new each time, compared by shape only."""
        return [place for place in self.places if place.state == NoiseState.GENERATED]

    @property
    def blind(self) -> list[NoisePlace]:
        """Places that differ nearly always within one version: a wrong value there would not show."""
        return [place for place in self.places if place.blind]

    def rates(self) -> dict[tuple[str, str], float]:
        """Return (endpoint, path) → the share of second replays, 0 to 1, in which that place differs from the first."""
        return {(place.endpoint, place.path): place.own_rate for place in self.places if place.own_rate}

    def excused_since(self, endpoint: str, parts: Iterable[Mapping[str, object]]) -> dict[str, datetime]:
        """Return which of a signature's parts, `{"path": …, "kind": …}`, noise excuses by now: path → since when."""
        known = {place.path: place.since for place in self.volatile if place.endpoint == endpoint}
        excused: dict[str, datetime] = {}
        for part in parts:
            path, kind = str(part.get("path")), str(part.get("kind"))
            if path in known and kind in set(DifferenceKind) and noise_may_excuse(path, DifferenceKind(kind)):
                excused[path] = known[path]
        return excused


def read_baseline(connection: Connection, name: str) -> NoiseBaseline:
    """Read a launch's noise baseline; for each place the primary's own noise counts before the shadow's."""
    by_place: dict[tuple[str, str], NoisePlace] = {}
    for place in read_noise_places(connection, name):
        by_place.setdefault((place.endpoint, place.path), place)  # the primary's rows come first
    return NoiseBaseline(tuple(read_noise_endpoints(connection, name)), tuple(by_place.values()))

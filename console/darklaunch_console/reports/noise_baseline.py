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
    """What second answers of one version have shown of a launch."""

    endpoints: tuple[NoiseEndpoint, ...]
    places: tuple[NoisePlace, ...]

    @property
    def pairs(self) -> int:
        """How many second answers were compared with the first."""
        return sum(endpoint.pairs for endpoint in self.endpoints)

    @property
    def unanswered(self) -> int:
        """How many second requests got no answer."""
        return sum(endpoint.unanswered for endpoint in self.endpoints)

    @property
    def volatile(self) -> list[NoisePlace]:
        """Places compared by type only."""
        return [place for place in self.places if place.state == NoiseState.VOLATILE]

    @property
    def generated(self) -> list[NoisePlace]:
        """Places whose identifiers are new each time, compared by shape."""
        return [place for place in self.places if place.state == NoiseState.GENERATED]

    @property
    def blind(self) -> list[NoisePlace]:
        """Places that differ nearly always within one version: their values show nothing."""
        return [place for place in self.places if place.blind]

    def rates(self) -> dict[tuple[str, str], float]:
        """Give (endpoint, path) → the share of replays of one version in which that place differs from the first."""
        return {(place.endpoint, place.path): place.own_rate for place in self.places if place.own_rate}

    def excused_since(self, endpoint: str, parts: Iterable[Mapping[str, object]]) -> dict[str, datetime]:
        """Say which of a signature's (path, kind) parts noise excuses by now: path → since when."""
        known = {place.path: place.since for place in self.volatile if place.endpoint == endpoint}
        return {
            path: known[path]
            for path, kind in ((str(part.get("path")), str(part.get("kind"))) for part in parts)
            if path in known and kind in set(DifferenceKind) and noise_may_excuse(path, DifferenceKind(kind))
        }


def read_baseline(connection: Connection, name: str) -> NoiseBaseline:
    """Read a launch's noise baseline; what the primary's version shows of a place outweighs what the shadow's does."""
    chosen: dict[tuple[str, str], NoisePlace] = {}
    for place in read_noise_places(connection, name):
        chosen.setdefault((place.endpoint, place.path), place)  # primary comes before shadow
    return NoiseBaseline(tuple(read_noise_endpoints(connection, name)), tuple(chosen.values()))

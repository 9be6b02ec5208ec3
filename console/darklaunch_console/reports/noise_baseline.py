"""The noise baseline as reports use it: which places are noise, how much, and since when that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from darklaunch_comparator.compare import DifferenceKind, NoiseAspect, NoiseKey, make_noise_key
from darklaunch_comparator.noise.learning import EXCUSING_STATES, NoiseState
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
        """Places where what one version does to itself is excused: another value, size or presence."""
        return [place for place in self.places if place.state in (NoiseState.VOLATILE, NoiseState.MEASURED)]

    @property
    def generated(self) -> list[NoisePlace]:
        """Places whose identifiers are new each time, compared by shape only."""
        return [place for place in self.places if place.state == NoiseState.GENERATED]

    @property
    def far(self) -> list[NoisePlace]:
        """Places whose numbers are noise, and often over ten times the primary's, most often first."""
        places = [place for place in self.places if place.state == NoiseState.MEASURED]
        return sorted(places, key=lambda place: -(place.far_rising + place.far_falling))

    @property
    def blind(self) -> list[NoisePlace]:
        """Places that differ nearly always within one version: a wrong value there would not show."""
        return [place for place in self.places if place.blind]

    def rates(self) -> dict[tuple[str, str], float]:
        """Return (endpoint, path) → the share of second replays, 0 to 1, in which that place differs from the first."""
        return {(place.endpoint, place.path): place.own_rate for place in self.places if place.own_rate}

    def excused_since(self, endpoint: str, parts: Iterable[Mapping[str, object]]) -> dict[NoiseKey, datetime]:
        """Return which of a signature's parts, `{"path": …, "kind": …}`, noise excuses by now, and since when.

        An array whose length is noise covers what is below it, as in the view `darklaunch.noise_signature`.
        """
        known = {
            place.key: place.since
            for place in self.places
            if place.endpoint == endpoint and place.state in EXCUSING_STATES
        }
        sizes = {path: since for (path, aspect), since in known.items() if aspect == NoiseAspect.SIZE}
        excused: dict[NoiseKey, datetime] = {}
        for key in list_noise_keys(parts):
            times = [since for path, since in sizes.items() if key[0].startswith(f"{path}[*]")]
            times += [known[key]] if key in known else []
            if times:
                excused[key] = min(times)
        return excused


def list_noise_keys(parts: Iterable[Mapping[str, object]]) -> list[NoiseKey]:
    """Return the places of a signature, and in which respect responses differ there."""
    return [
        make_noise_key(str(part.get("path")), DifferenceKind(str(part.get("kind"))))
        for part in parts
        if str(part.get("kind")) in set(DifferenceKind)
    ]


def read_baseline(connection: Connection, name: str) -> NoiseBaseline:
    """Read a launch's noise baseline; for each place the primary's own noise counts before the shadow's."""
    by_place: dict[tuple[str, NoiseKey], NoisePlace] = {}
    for place in read_noise_places(connection, name):
        by_place.setdefault((place.endpoint, place.key), place)  # the primary's rows come first
    return NoiseBaseline(tuple(read_noise_endpoints(connection, name)), tuple(by_place.values()))

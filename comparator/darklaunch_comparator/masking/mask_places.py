"""Places that an operator wants masked, beside those whose name says it: in bodies, header fields and the query.

One syntax, as everywhere: `$.user.email`, `$.items[*].iban`, `$..phone`, `header:x-tenant`, `query:email`. A path
covers all values below it, in the request's body and in both answers'.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from darklaunch_comparator.places import BadPath, PathStep, parse_body_path, parse_rule_path

State = frozenset[tuple[int, int]]
"""How far each path has been followed: (path, steps taken)."""


class BadMaskPlace(ValueError):
    """A place to mask is not one that darklaunch understands; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class MaskPlaces:
    """Places to mask, compiled once. `names` are what the paths end in: enough where only fragments are left.

    `everything` is for when it is not known what to mask: then no value is stored.
    """

    paths: tuple[tuple[PathStep, ...], ...] = ()
    headers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    everything: bool = False

    @classmethod
    def parse(cls, given: Iterable[str]) -> "MaskPlaces":
        """Compile places. Raises BadPlace for the first that cannot be read."""
        paths: list[tuple[PathStep, ...]] = []
        headers: set[str] = set()
        query: set[str] = set()
        for text in given:
            place = text.strip()
            try:
                if place.startswith("header:"):
                    headers.add(parse_rule_path(place).header)
                elif place.startswith("query:") and place.removeprefix("query:").strip():
                    query.add(place.removeprefix("query:").strip())
                else:
                    paths.append(parse_body_path(place))
            except BadPath as why:
                raise BadMaskPlace(f"{str(why).rstrip('.')}; to mask a parameter of the query, query:name.") from None
        names = frozenset(steps[-1].token for steps in paths if steps and isinstance(steps[-1].token, str))
        return cls(tuple(paths), frozenset(headers), frozenset(query), names)

    def start(self) -> State:
        """Begin at the root of a body."""
        return frozenset((path, 0) for path in range(len(self.paths)))

    def step(self, state: State, token: str | int) -> State:
        """Go one step down. What was covered must be remembered by the caller: a path covers its whole subtree."""
        following: set[tuple[int, int]] = set()
        for path, at in state:
            if at == len(self.paths[path]):
                continue
            step = self.paths[path][at]
            if step.token is None or (step.token == token and type(step.token) is type(token)):
                following.add((path, at + 1))
            if step.deep:
                following.add((path, at))
        return frozenset(following)

    def covers(self, state: State) -> bool:
        """Say whether a path ends here."""
        return any(at == len(self.paths[path]) for path, at in state)

    def follow(self, tokens: Sequence[str | int]) -> tuple[State, bool]:
        """Go down a whole path; give where it ends, and whether a place on it is covered."""
        state = self.start()
        covered = self.covers(state)
        for token in tokens:
            state = self.step(state, token)
            covered = covered or self.covers(state)
        return state, covered


NO_PLACES: Final = MaskPlaces()
EVERYTHING: Final = MaskPlaces(everything=True)

"""Places that an operator wants masked, beside those whose name gives them away: in bodies, headers and the query.

One syntax, as everywhere: `$.user.email`, `$.items[*].iban`, `$..phone`, `header:x-tenant`, `query:email`. A path
covers all values below it, in the request's body and in the bodies of both responses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from darklaunch_comparator.errors import BadRules
from darklaunch_comparator.places import (
    BadPath,
    PathIndex,
    PathPositions,
    PathStep,
    Token,
    advance,
    is_covered,
    is_text_path,
    parse_body_path,
    parse_rule_path,
)


class BadMaskPlace(BadRules, ValueError):
    """A place to mask cannot be read; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class MaskPlaces:
    """Places to mask, compiled once. `names` are what the paths end in: enough where only fragments are left.

    `has_text_paths` if some name places in HTML, XML or lines of text. `everything` is for when it is not known what to
    mask: then no value is stored.
    """

    paths: PathIndex[None] = field(default_factory=PathIndex[None])
    headers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    everything: bool = False
    has_text_paths: bool = False

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "MaskPlaces":
        """Compile places. Raises BadMaskPlace for the first that cannot be read."""
        texts = list(texts)
        paths: list[tuple[PathStep, ...]] = []
        headers: set[str] = set()
        query: set[str] = set()
        for text in texts:
            place = text.strip()
            try:
                if place.startswith("header:"):
                    headers.add(parse_rule_path(place).header)
                elif place.startswith("query:") and place.removeprefix("query:").strip():
                    query.add(place.removeprefix("query:").strip())
                else:
                    paths.append(parse_body_path(place))
            except BadPath as error:
                message = f"{str(error).rstrip('.')}; to mask a parameter of the query, query:name."
                raise BadMaskPlace(message) from None
        names = frozenset(name for steps in paths for name in _find_names(steps))
        return cls(
            PathIndex([(steps, None) for steps in paths]),
            frozenset(headers),
            frozenset(query),
            names,
            has_text_paths=any(is_text_path(text.strip()) or text.strip() == "$" for text in texts),
        )

    def follow(self, tokens: Sequence[Token]) -> tuple[PathPositions[None], bool]:
        """Follow the paths down to a place; return their positions there, and whether one of them covers it."""
        positions = self.paths.start()
        covered = is_covered(positions)
        for token in tokens:
            positions = advance(positions, token)
            covered = covered or is_covered(positions)
        return positions, covered


def _find_names(steps: tuple[PathStep, ...]) -> list[str]:
    """Return what the values at the end of a path are called where only text is left: a key, an element, a field."""
    if not steps or isinstance(steps[-1].token, int):
        return []
    for token in reversed([step.token for step in steps if isinstance(step.token, str)]):
        if token.startswith("@") and "=" in token:  # input[@name=email]
            return [token.partition("=")[2].strip("'")]
        if token.startswith("<"):
            return [token[1:]]
        if not token.startswith("@"):
            return [token] if token == steps[-1].token else []
    return []


NO_PLACES: Final = MaskPlaces()
EVERYTHING: Final = MaskPlaces(everything=True)

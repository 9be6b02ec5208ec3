"""Mask in the renderings of differences what was masked in the bodies, wherever it is shown there.

A rendering shows a piece of a body without what stood around it, so that the name which gave a value away may not be in
it: an attribute of an unnamed element, one number of a text, a row. But the values are known by then.
"""

from typing import Final

from darklaunch_comparator.credentials import MASKED

from .placeholders import Placeholders

SHORTEST: Final = 4
"""Shorter values are masked only where they stand: `1` would be found everywhere."""
_SHORTEST_PIECE: Final = 8
"""The least of a value that is recognised where a rendering begins or ends within it."""
_ESCAPES: Final = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_CUT: Final = "…"


class KnownValues:
    """The values that were masked in one exchange, and how a rendering writes them."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._spellings: dict[str, str] = {}

    def forget(self) -> None:
        """Begin with another exchange."""
        self._placeholders.masked_values.clear()
        self._spellings.clear()

    def learn(self) -> None:
        """Take over what has been masked so far."""
        for value in self._placeholders.masked_values:
            if len(value) >= SHORTEST:
                for spelling in (value, value.translate(_ESCAPES), " ".join(value.split())):
                    self._spellings.setdefault(spelling, value)

    def mask(self, rendering: str) -> str:
        """Mask a rendering."""
        if not self._spellings:
            return rendering
        core = rendering.strip(f'{_CUT}"')
        if len(core) >= SHORTEST and any(core in spelling for spelling in self._spellings):
            return rendering.replace(core, self._placeholders.for_text(self._spellings.get(core, core)))
        pieces: list[str] = []
        at = 0
        for placeholder in MASKED.finditer(rendering):
            pieces += (self._mask_piece(rendering[at : placeholder.start()]), placeholder[0])
            at = placeholder.end()
        return "".join([*pieces, self._mask_piece(rendering[at:])])

    def _mask_piece(self, text: str) -> str:
        masked = self._mask_cut(text) if _CUT in text else text
        for spelling in sorted(self._spellings, key=len, reverse=True):
            if spelling in masked:
                masked = masked.replace(spelling, self._placeholders.for_text(self._spellings[spelling]))
        return masked

    def _mask_cut(self, text: str) -> str:
        """Mask the pieces of values that a rendering begins or ends with."""
        end = text.rstrip(f'{_CUT}"')
        start = text.lstrip(f'{_CUT}"')
        for spelling in self._spellings:
            for length in range(len(spelling) - 1, _SHORTEST_PIECE - 1, -1):
                if end.endswith(spelling[:length]):
                    return text[: len(end) - length] + self._placeholders.for_text(end[-length:]) + text[len(end) :]
                if start.startswith(spelling[-length:]):
                    behind = text[len(text) - len(start) + length :]
                    return text[: len(text) - len(start)] + self._placeholders.for_text(start[:length]) + behind
        return text

"""What stands in the place of a masked value: a salted hash that says what type of value it was.

    [masked:3f9a1c2b77de]                 text
    [masked:number:3f9a1c2b77de]          a number; 1, 1.0 and 1e0 are one
    [masked:id:5c01d2:0a0a3f9a1c2b77de]   text with made-up identifiers (ids.py) in a skeleton, 5c01d2

The third form keeps what the comparison makes of the value: two identifiers of one shape are excused, before masking
and after. So the others must not look like one, which takes 16 hex digits.
"""

import re
from hashlib import blake2b
from typing import Final

from darklaunch_comparator.compare import find_identifier_shape

MASKED: Final = re.compile(r"\[masked(?::number|:id:[0-9a-f]{6})?:[0-9a-f]{12,16}\]")
"""What a masked value looks like."""

_WORDS: Final = re.compile(r"[A-Za-z0-9_-]{16,}")
_LONGEST_WORD: Final = 4096
_NUMBER: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,18}))?")


class Placeholders:
    """Makes tokens. `salt` belongs to one database; without it nobody can test a guess."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt[:64]

    def text(self, value: str) -> str:
        """Mask text. A value that is masked already stays as it is; so does none at all."""
        if not value or MASKED.fullmatch(value):
            return value
        digest = self._digest(b"s" + value.encode("utf-8", "surrogatepass"))
        skeleton = _WORDS.sub(_shape, value)
        if skeleton == value:
            return f"[masked:{digest}]"
        return f"[masked:id:{self._digest(b'k' + skeleton.encode('utf-8', 'surrogatepass'))[:6]}:0a0a{digest}]"

    def number(self, literal: str) -> str:
        """Mask a JSON number by its value, not by how it is written."""
        return f"[masked:number:{self._digest(b'n' + _canonical(literal).encode())}]"

    def raw(self, value: bytes) -> str:
        """Mask bytes that are no text."""
        return f"[masked:{self._digest(b'b' + value)}]"

    def _digest(self, value: bytes) -> str:
        return blake2b(value, digest_size=6, key=self._salt).hexdigest()


def _shape(found: re.Match[str]) -> str:
    word = found[0]
    shape = find_identifier_shape(word) if len(word) <= _LONGEST_WORD else None
    return word if shape is None else f"\x01{shape}\x01"


def _canonical(literal: str) -> str:
    """Write a number in one form: its digits without zeros around them, and the power of ten behind the last."""
    found = _NUMBER.fullmatch(literal)
    if found is None:
        return literal
    sign, whole, fraction, exponent = found[1], found[2], found[3] or "", int(found[4] or 0)
    digits = (whole + fraction).lstrip("0")
    kept = digits.rstrip("0")
    return f"{sign}{kept}e{exponent - len(fraction) + len(digits) - len(kept)}" if kept else "0"

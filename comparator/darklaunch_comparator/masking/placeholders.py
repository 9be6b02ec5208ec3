"""What stands in place of a masked value: a salted hash that shows what type the value had.

    [masked:3f9a1c2b77de]                 text
    [masked:number:3f9a1c2b77de]          a number; 1, 1.0 and 1e0 are the same
    [masked:id:5c01d2:0a0a3f9a1c2b77de]   text with made-up identifiers (compare.identifier_shape) in a skeleton, 5c01d2

The third form keeps the outcome of a comparison: two identifiers of one shape are excused, before masking and after.
So the others must not look like an identifier, which takes 16 hex digits.
"""

import re
from hashlib import blake2b
from typing import Final

from darklaunch_comparator.compare import find_identifier_shape
from darklaunch_comparator.credentials import MASKED

_WORDS: Final = re.compile(r"[A-Za-z0-9_-]{16,}")
_WORD_CHARS: Final = 4096
_NUMBER: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,18}))?")


class Placeholders:
    """Creates placeholders. `salt` belongs to one database; without it nobody can test a guess.

    `masked_values` are the texts that have got one.
    """

    def __init__(self, salt: bytes) -> None:
        self.masked_values: set[str] = set()
        self._salt = salt[:64]

    def for_text(self, value: str) -> str:
        """Return the placeholder of a text. An empty text, and one that is a placeholder, stay as they are."""
        if not value or MASKED.fullmatch(value):
            return value
        self.masked_values.add(value)
        digest = self._digest(b"s" + value.encode("utf-8", "surrogatepass"))
        skeleton = _WORDS.sub(_replace_identifier, value)
        if skeleton == value:
            return f"[masked:{digest}]"
        return f"[masked:id:{self._digest(b'k' + skeleton.encode('utf-8', 'surrogatepass'))[:6]}:0a0a{digest}]"

    def for_number(self, literal: str) -> str:
        """Return the placeholder of a JSON number, by its value, not by how it is written."""
        return f"[masked:number:{self._digest(b'n' + _normalize(literal).encode())}]"

    def for_bytes(self, value: bytes) -> str:
        """Return the placeholder of bytes that are not text."""
        return f"[masked:{self._digest(b'b' + value)}]"

    def _digest(self, value: bytes) -> str:
        return blake2b(value, digest_size=6, key=self._salt).hexdigest()


def _replace_identifier(match: re.Match[str]) -> str:
    word = match[0]
    shape = find_identifier_shape(word) if len(word) <= _WORD_CHARS else None
    return word if shape is None else f"\x01{shape}\x01"


def _normalize(literal: str) -> str:
    """Write a number in one form: its digits without zeros around them, and the power of ten of the last one."""
    match = _NUMBER.fullmatch(literal)
    if match is None:
        return literal
    sign, whole, fraction, exponent = match[1], match[2], match[3] or "", int(match[4] or 0)
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    power = exponent - len(fraction) + len(digits) - len(significant)
    return f"{sign}{significant}e{power}" if significant else "0"

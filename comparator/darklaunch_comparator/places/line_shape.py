"""The shape of a text: what is left of it once its numbers, times and ids are replaced."""

import re
from dataclasses import dataclass
from typing import Final

SHAPE_CHARS: Final = 100
"""Longest shape; a longer one is cut."""
_READ_CHARS: Final = 2_000
"""How much of a text has its parts replaced one by one."""

_PART: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![0-9A-Za-z])"
    r"|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{4}"
    r"(?: \d\d:\d\d(?::\d\d)?(?: GMT| UTC)?)?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)"
    r"|(?P<id>(?<![A-Za-z0-9])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![A-Za-z0-9])"
    r"|(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{10,}(?:\.[\w-]{6,})*(?![\w-]))"
    r"|(?P<number>\d+(?:[.,]\d+)*)",
    re.ASCII,
)
_STANDS_FOR: Final = {"time": "<time>", "id": "<id>", "number": "#"}
_SECRET: Final = re.compile(
    r"(?P<name>[\w.-]{0,40}(?:passw|passphrase|secret|token|api_?key|authorization|cookie|session|csrf|jwt|signature)"
    r"[\w.-]{0,40}[\"']?[ \t]{0,4}[:=][ \t]{0,4}(?:Bearer |Basic )?[\"']?)[^\s\"'<>&;,]+",
    re.IGNORECASE | re.ASCII,
)
"""What follows the name of a credential: shapes are shown and stored wherever places are."""
_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}", re.ASCII)
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class TextShape:
    """A text around its parts (`frame`), and the parts: numbers, times and ids, in their order."""

    frame: str
    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The frame as it is written in places: on one line, of bounded length."""
        text = _SPACE.sub(" ", _EMAIL.sub("<email>", _SECRET.sub(r"\g<name>…", self.frame[:_READ_CHARS]))).strip()
        text = text or "(empty)"
        return text if len(text) <= SHAPE_CHARS else f"{text[:SHAPE_CHARS]}…"


def read_shape(text: str) -> TextShape:
    """Split a text into its frame and its parts."""
    parts: list[str] = []

    def replace_part(match: re.Match[str]) -> str:
        parts.append(match[0])
        return _STANDS_FOR[match.lastgroup or ""]

    frame = _PART.sub(replace_part, text[:_READ_CHARS])
    return TextShape(frame + text[_READ_CHARS:], tuple(parts))

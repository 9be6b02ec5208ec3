"""Regular expressions that no value and no author can make slow: RE2, which matches in linear time."""

from typing import Any, Final

import re2  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

from darklaunch_comparator.errors import BadRules

PATTERN_CHARS: Final = 500
"""Longest pattern of a rule."""
VALUE_BYTES: Final = 4096
"""Longest value that is matched; no pattern matches a longer one."""

_RE2: Final[Any] = re2
_OPTIONS: Final = _RE2.Options()
_OPTIONS.log_errors = False
_OPTIONS.never_capture = True
_OPTIONS.max_mem = 1 << 20


class BadPattern(BadRules, ValueError):
    """RE2 does not take a pattern; the message says what is wrong, and what to do."""


class LinearPattern:
    """A compiled pattern that must match a whole value."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        """Compile a pattern. Raises BadPattern."""
        self.text = text
        if len(text) > PATTERN_CHARS:
            raise BadPattern(f"it is longer than the {PATTERN_CHARS} characters a pattern may have")
        try:
            self._compiled: Any = _RE2.compile(text.encode(), _OPTIONS)
        except UnicodeEncodeError:
            raise BadPattern("it holds a lone surrogate, which no value can") from None
        except _RE2.error as error:
            raise BadPattern(_explain(error.args[0] if error.args else b"")) from None

    def matches(self, value: bytes) -> bool:
        """True if the whole of a value, in UTF-8, matches."""
        return len(value) <= VALUE_BYTES and self._compiled.fullmatch(value) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LinearPattern) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


def _explain(complaint: bytes | str) -> str:
    words = complaint.decode("utf-8", "replace") if isinstance(complaint, bytes) else complaint
    if words.startswith("invalid perl operator: (?"):
        return f"{words}. RE2 has no look-ahead and no look-behind: match the whole value instead"
    if words.startswith("invalid escape sequence: \\") and words[-1:].isdigit():
        return f"{words}. RE2 has no back-references, because they cannot be matched in linear time"
    if words.startswith(("invalid repetition size", "pattern too large")):
        return f"{words}. Repeat less often: {{n}} at most 1,000 times over all nested ones"
    return words

"""The verdict's sentence, taken apart for a page: its words as a heading, the reason below it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_WORDS: Final = re.compile(r"[A-Z]+(?: [A-Z]+)*(?= |:|$)")


class VerdictTone(StrEnum):
    """Which colour a verdict has; the icon and the word say the same without colour."""

    GOOD = "good"
    BAD = "bad"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """`Roll back` and `GET /orders/{id} differs in 100 % of exchanges …`; `icon` names a drawing of the icon set."""

    words: str
    reason: str
    tone: VerdictTone
    icon: str


_LOOKS: Final = {
    "PROMOTE": (VerdictTone.GOOD, "check"),
    "PROMOTED": (VerdictTone.GOOD, "check"),
    "ROLL BACK": (VerdictTone.BAD, "back"),
    "ROLLED BACK": (VerdictTone.BAD, "back"),
    "SHADOW DOWN": (VerdictTone.BAD, "broken"),
    "INSUFFICIENT TRAFFIC": (VerdictTone.QUIET, "wait"),
    "NOT JUDGED": (VerdictTone.QUIET, "wait"),
}


def split_verdict(sentence: str) -> VerdictWords:
    """Return the parts of what `describe_verdict` returned: words in capitals, then the reason."""
    match = _WORDS.match(sentence)
    capitals = match[0] if match else ""
    reason = sentence[len(capitals) :].removeprefix(":").strip()
    tone, icon = _LOOKS.get(capitals, (VerdictTone.QUIET, "eye"))
    return VerdictWords(capitals.capitalize(), reason[:1].upper() + reason[1:], tone, icon)

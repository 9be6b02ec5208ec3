"""All rows of the matrix. A row's name is what the user of the launch sees."""

from __future__ import annotations

from .release import Release
from .row import Ending, Row, Setting, Truth

PROMOTED = Truth(ending=Ending.PROMOTED)

CLEAN = (Row(name="The same code, and the hook is in both", setting=Setting.HOOK, truth=PROMOTED),)
ROWS = CLEAN
SHORT_FORM = tuple(row for row in ROWS if row.name in ("The same code, and the hook is in both",))
__all__ = ["ROWS", "SHORT_FORM", "Release"]

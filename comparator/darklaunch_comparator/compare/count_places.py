"""Count the places of a body: the leaves of a JSON document, the fields of a form, the lines of a text."""

import re
from typing import Final

from darklaunch_comparator.content import BodyFamily

from .model import Json

_STRING: Final = re.compile(rb'"(?:[^"\\]+|\\.)*+"', re.DOTALL)


def count_places(text: bytes, family: BodyFamily) -> int:
    """Return how many places a body in UTF-8 has: at least 1.

    Asked only where some place was compared by shape. The figure is exact for JSON that is well-formed.
    """
    if family is BodyFamily.JSON:
        return count_leaves(text)
    if family is BodyFamily.LINES:
        return max(1, sum([count_leaves(line) for line in text.splitlines() if line.strip()]))
    if family is BodyFamily.FORM:
        return text.count(b"&") + 1
    return 1


def count_leaves_of(document: Json) -> int:
    """Return how many scalars and empty containers a document holds."""
    leaves = 0
    todo = [document]
    while todo:
        part = todo.pop()
        if isinstance(part, dict) and part:
            todo += part.values()
        elif isinstance(part, list) and part:
            todo += part
        else:
            leaves += 1
    return leaves


def count_leaves(text: bytes) -> int:
    """Return how many scalars and empty containers a JSON text holds."""
    # A container of k > 0 parts has k - 1 commas, so the leaves of a tree are its commas and one.
    return _STRING.sub(b"", text).count(b",") + 1

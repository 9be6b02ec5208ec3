"""A side's own origin (scheme://host[:port]) in the texts that it responded with."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

OWN_ORIGIN: Final = "\x02"
"""Stands for a side's own origin. Not nothing: an absolute URL that became relative is a difference."""

_ORIGIN_CHARS: Final = 300


def replace_origin(text: str, origin: str) -> str:
    """Replace an origin by OWN_ORIGIN, plain and percent-encoded, where a URL of that origin stands in text."""
    if not origin or len(origin) > _ORIGIN_CHARS:
        return text
    encoded, pattern = _compile(origin)
    return pattern.sub(OWN_ORIGIN, text) if origin in text or encoded in text else text


@lru_cache(maxsize=256)
def _compile(origin: str) -> tuple[str, re.Pattern[str]]:
    encoded = quote(origin, safe="", encoding="latin-1", errors="replace")
    # http://shop must not be found in http://shop.example, http://shopping or http://shop:81
    return encoded, re.compile(f"(?:{re.escape(origin)}|{re.escape(encoded)})(?![A-Za-z0-9_-]|[.:@][A-Za-z0-9])")

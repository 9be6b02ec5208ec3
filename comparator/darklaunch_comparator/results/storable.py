"""Text and JSON that Postgres can store: without NUL and lone surrogates, limited in length."""

from typing import Final, cast

import orjson

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
ENDPOINT_CHARS: Final = 300
"""Endpoint and path together fit into an index row of Postgres (2,704 bytes), whatever their characters."""
LABEL_CHARS: Final = 120
TITLE_CHARS: Final = 500
PATH_CHARS: Final = 250


def storable_text(text: str, limit: int) -> str:
    """Return text for a Postgres text column: at most `limit` characters, NUL and lone surrogates replaced."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if "\0" in text:
        text = text.replace("\0", REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join(REPLACEMENT if "\ud800" <= character <= "\udfff" else character for character in text)
    return text


def storable_json(value: object, limit: int = 2000) -> str:
    """Return JSON for a jsonb column; strings in it are cut at `limit` characters, nesting at 8 levels."""
    return orjson.dumps(_clean_value(value, limit, 8), option=orjson.OPT_NON_STR_KEYS).decode()


def _clean_value(value: object, limit: int, depth: int) -> object:
    if isinstance(value, str):
        return storable_text(value, limit)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else storable_text(str(value), limit)
    if depth and isinstance(value, dict):
        members = cast(dict[object, object], value).items()
        return {storable_text(str(name), limit): _clean_value(part, limit, depth - 1) for name, part in members}
    if depth and isinstance(value, list | tuple):
        return [_clean_value(part, limit, depth - 1) for part in cast(list[object], value)]
    return storable_text(repr(value), limit)

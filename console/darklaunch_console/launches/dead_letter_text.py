"""Dead letters as text and as JSON."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from darklaunch_shared import keys

from darklaunch_console.output.numbers import format_bytes, format_seconds
from darklaunch_console.output.screen import (
    QUIET,
    STRONG,
    StyledLine,
    make_printable,
    terminal_width,
    wrap_text,
)
from darklaunch_console.output.table import render_table, split_at
from darklaunch_console.output.text import escape_unprintable, format_plural
from darklaunch_console.stores.dead_letters import StoredDeadLetter

SHOWN_BYTES: Final = 4000


def render_letters(letters: Sequence[StoredDeadLetter], now_ms: int) -> list[StyledLine]:
    """Return a table of letters, the reason of each below it."""
    rows = [_render_row(letter, now_ms) for letter in letters]
    head, *table = render_table(("id", "age", "died with", "request"), rows, left=(0, 2, 3), gap="  ")
    lines: list[StyledLine] = [(head, QUIET)]
    for letter, row in zip(letters, table, strict=True):
        lines.append((split_at(row, terminal_width())[0], ""))
        lines += [(line, "") for line in wrap_text(make_printable(letter.dead.reason), indent="    ")]
    return lines


def render_letter(letter: StoredDeadLetter) -> list[StyledLine]:
    """Return one letter as lines: who gave up on it, why, and its payload."""
    deliveries = format_plural(letter.dead.deliveries, "delivery", "deliveries")
    lines: list[StyledLine] = [
        (f"{name_letter(letter)} died with the {make_printable(letter.dead.group)}", STRONG),
        (f"  {make_printable(letter.dead.reason, 2000)}", ""),
        (f"  {deliveries}, {_format_time(letter.dead.at_ms)}", ""),
    ]
    for field, value in letter.dead.fields.items():
        lines.append((f"{make_printable(field)} ({format_bytes(len(value))})", STRONG))
        lines += [(f"  {line}", "") for line in _render_value(field, value)]
    return lines


def name_letter(letter: StoredDeadLetter) -> str:
    """Return the id that commands take: that of the exchange, or of the entry if the exchange has none."""
    return letter.exchange or letter.entry_id


def dead_letter_to_json(letter: StoredDeadLetter) -> dict[str, Any]:
    """Return a letter without its payload."""
    return {
        "exchange": letter.exchange or None,
        "entry": letter.entry_id,
        "shard": letter.shard,
        "reason": letter.dead.reason,
        "group": letter.dead.group,
        "deliveries": letter.dead.deliveries,
        "died_at_ms": letter.dead.at_ms,
        "captured_at_ms": letter.read_captured_ms(),
        "endpoint": letter.meta.get("endpoint"),
        "method": letter.meta.get("method"),
        "target": letter.meta.get("target"),
    }


def payload_to_json(letter: StoredDeadLetter) -> dict[str, object]:
    """Return the fields of a letter's entry; what is not UTF-8 as `{"base64": …}`."""
    return {field.decode("latin-1"): _value_to_json(value) for field, value in letter.dead.fields.items()}


def _render_row(letter: StoredDeadLetter, now_ms: int) -> tuple[str, ...]:
    age = format_seconds(max(0, now_ms - letter.dead.at_ms) / 1000) if letter.dead.at_ms else "–"
    method, target = letter.meta.get("method"), letter.meta.get("target")
    request = make_printable(f"{method} {target}", 60) if method and target else "unreadable"
    return name_letter(letter), age, make_printable(letter.dead.group, 11), request


def _value_to_json(value: bytes) -> object:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _render_value(field: bytes, value: bytes) -> list[str]:
    if field in (keys.META, keys.SHADOW_META):
        with contextlib.suppress(orjson.JSONDecodeError):
            value = orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2)
    text = value[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    lines = escape_unprintable(text, keep="\n").split("\n")
    if len(value) > SHOWN_BYTES:
        lines.append(f"… {format_bytes(len(value) - SHOWN_BYTES)} more: --json shows all")
    return lines


def _format_time(at_ms: int) -> str:
    if not at_ms:
        return "at an unknown time"
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

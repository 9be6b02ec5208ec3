"""Text that came from outside, made safe to print: it may steer no terminal and fake no line."""

from __future__ import annotations

from darklaunch_shared.process.safe_logging import escape_unprintable

__all__ = ["escape_unprintable", "format_plural", "join_lines"]


def join_lines(message: str) -> str:
    """Return a message as one printable line that ends with a full stop."""
    line = escape_unprintable(" ".join(message.split())).strip()
    return line if line.endswith((".", "?", "!", "…")) else f"{line}."


def format_plural(number: int, singular: str, plural: str = "") -> str:
    """Return a number and its noun: `1 worker`, `2 workers`, `1,234 workers`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"

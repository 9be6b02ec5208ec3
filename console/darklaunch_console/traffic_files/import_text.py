"""What `import` prints of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from darklaunch_console.output.screen import GOOD, StyledLine, make_printable, wrap_text
from darklaunch_console.output.text import format_plural

from .import_files import ImportedFile

REASONS: Final = {
    "other_origin": "to another origin",
    "no_response": "without a response",
    "unsafe_method": "writes that the launch does not allow (--allow)",
    "method_override": "that name another method in a header or parameter",
    "path": "on paths that the launch does not mirror",
    "conditional": "that were conditional (If-None-Match, Range, …)",
    "streaming": "whose response is a stream",
    "content_type": "of a content type that is not captured",
    "unsupported": "that cannot be repeated",
    "too_large": "with a body over the cap",
    "bad_input": "that are no valid HTTP",
    "loop": "that are replays themselves",
    "shed": "because too many were waiting",
    "stale": "that waited too long",
    "paused": "because the launch was paused",
    "superseded_by_rollback": "because the launch was rolled back",
}
"""Reasons for which a request was left out, in the words that follow a number."""


def render_imported(imported: ImportedFile, launch: str) -> Iterator[StyledLine]:
    """Yield the lines about one file: how many requests were mirrored first, then what was left out."""
    path, counts = make_printable(imported.path), imported.counts
    if imported.was_imported:
        yield f"{path} was imported into {launch} before: nothing to do (--again does it once more).", ""
        return
    yield (
        f"{format_plural(counts.mirrored, 'request')} of {path} mirrored to {launch}.",
        GOOD if counts.mirrored else "",
    )
    if imported.resumed_at:
        yield f"  Went on after the first {format_plural(imported.resumed_at, 'request')}, which were read before.", ""
    if imported.origin:
        yield f"  They were recorded at {make_printable(imported.origin)}.", ""
    left_out = ", ".join(
        f"{count:,} {REASONS.get(reason, make_printable(reason))}"
        for reason, count in counts.left_out.most_common()
        if count
    )
    if left_out:
        for line in wrap_text(f"Left out: {left_out}.", "  ", "  "):
            yield line, ""


def render_preview(path: str, origins: Counter[str], first: list[str]) -> Iterator[StyledLine]:
    """Yield the lines about a file that was only looked at."""
    yield f"{make_printable(path)} holds {format_plural(origins.total(), 'request')}.", ""
    for origin, count in origins.most_common(5):
        yield f"  {count:,} to {make_printable(origin) or 'paths without an origin'}", ""
    if len(origins) > 5:
        yield f"  and to {len(origins) - 5:,} other origins", ""
    yield "The first:", ""
    for request in first:
        yield f"  {make_printable(request, 76)}", ""

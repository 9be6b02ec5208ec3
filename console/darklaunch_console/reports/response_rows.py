"""The bodies of two responses as rows that stand side by side: JSON by member, markup by tag, other text by line. Pure.

Rows carry the text as it was: whoever shows them escapes what cannot be printed.
"""

from __future__ import annotations

import re
from typing import Final

from darklaunch_comparator.compare import decode_body
from darklaunch_comparator.content import BodyFamily, parse_media_type, read_content_headers
from darklaunch_shared.wire.exchange import Response

from .align_sequences import DIFFERS, SAME
from .side_by_side import SideBySideRow, align_documents, align_lines, parse_document

SHOWN_CHARS: Final = 262_144
"""Characters of a body that are laid out; of a longer one the beginning."""
INLINE_CHARS: Final = 200
"""Characters of a text that stands on one line with its element."""
DEEPEST: Final = 40
"""Elements inside each other that are indented; deeper ones stand as far right."""

_MARKUP: Final = re.compile(r"<[^<>]*>|[^<]+|<")
_EMPTY: Final = re.compile(r"<(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b|<[!?]|.*/>\Z", re.I)


def align_bodies(primary: Response, shadow: Response) -> list[SideBySideRow]:
    """Return the rows of both bodies; a body that is not text is one row that says what it is."""
    (left, left_description), (right, right_description) = decode_body(primary), decode_body(shadow)
    cut = max(len(left), len(right)) > SHOWN_CHARS
    if not cut:
        try:
            return align_documents(parse_document(left), parse_document(right))
        except ValueError:
            pass
    if left_description and right_description:
        mark = SAME if left_description == right_description else DIFFERS
        return [SideBySideRow(left_description, right_description, "the body", mark)]
    return align_lines(
        [left_description] if left_description else _split_lines(left[:SHOWN_CHARS], primary),
        [right_description] if right_description else _split_lines(right[:SHOWN_CHARS], shadow),
    )


def list_body_lines(response: Response) -> list[str]:
    """Return one body as lines, laid out as `align_bodies` does."""
    text, description = decode_body(response)
    return [description] if description else _split_lines(text[:SHOWN_CHARS], response)


def is_cut(response: Response) -> bool:
    """True if a body is longer than what is laid out of it."""
    return len(decode_body(response)[0]) > SHOWN_CHARS


def lay_out_markup(text: str) -> list[str]:
    """Return HTML or XML as one line a tag and a text, indented by depth; white space between them is left out.

    An element that holds nothing but a text of one line stands on one line with it.
    """
    tokens = [token for token in _MARKUP.findall(text) if not token.isspace()]
    lines: list[str] = []
    depth = at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        opens = token[0] == "<" and len(token) > 1 and not token.startswith("</") and not _EMPTY.match(token)
        if token.startswith("</"):
            depth = max(0, depth - 1)
        elif opens and at + 1 < len(tokens) and tokens[at + 1].startswith("</") and _is_short_text(tokens[at]):
            token = f"{token}{tokens[at].strip()}{tokens[at + 1]}"
            at += 2
            opens = False
        indent = "  " * min(depth, DEEPEST)
        lines += [indent + part for line in token.split("\n") if (part := line.strip(" \t\r\f"))]
        depth += opens
    return lines


def _is_short_text(token: str) -> bool:
    return token[0] != "<" and len(token) <= INLINE_CHARS and "\n" not in token.strip()


def _split_lines(text: str, response: Response) -> list[str]:
    if not text:
        return []
    try:
        document = parse_document(text)
    except ValueError:
        content_type, _ = read_content_headers(response.headers)
        if parse_media_type(content_type).family in (BodyFamily.HTML, BodyFamily.XML):
            return lay_out_markup(text)
        return [line.expandtabs(4) for line in text.split("\n")]
    return [row.left or "" for row in align_documents(document, document)]

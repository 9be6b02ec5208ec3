"""Find the values of credentials in text without a structure to go by.

These are found: `name=value`, `name: value`, `"name": "value"` (also with escaped quotes, and broken off), markup
(`find_markup_secrets`), the parts of a multipart form, and passwords in URLs. Every pattern takes linear time.

What is found is masked where it is stored (`masking`), and hidden where text becomes the name of a place (`places`).
"""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from .markup_secrets import find_markup_secrets
from .names import is_credential, may_name_credential

MASKED: Final = re.compile(r"\[masked(?::number|:id:[0-9a-f]{6})?:[0-9a-f]{12,16}\]")
"""What a masked value looks like."""
HIDDEN: Final = "…"

_HEAD: Final = re.compile(
    r"(?<![\w.-])(?P<name>[A-Za-z_$][\w.\[\]-]{0,63})(?![\w.-])(?:\\{0,8}[\"'])?[ \t]{0,8}[:=][ \t]{0,8}"
)
_VALUE: Final = re.compile(
    r"(?P<open>\\{0,8}[\"'])(?P<quoted>(?:(?!(?P=open))[^\n]){0,4000})"
    r"|(?:(?:Bearer|Basic|Digest|Token)[ ]{1,8})?(?P<bare>[^\s\"'<>&;,{}()\\]{1,4000})"
)
_PART: Final = re.compile(
    r"\bname=\"(?P<name>[^\"\r\n]{1,64})\"(?:[^\r\n]{0,300}\r?\n(?:[^\r\n]{1,300}\r?\n){0,8}?)\r?\n"
    r"(?P<value>[^\r\n]{1,4000})(?=\r?\n--)"
)
_URL_PASSWORD: Final = re.compile(r"://[^\s/?#@:\"'<>]{0,100}:(?P<password>[^\s/?#@\"'<>]{1,200})@")
_SHOWN_VALUES: Final = frozenset(("", "true", "false", "null", "None", "undefined"))


class SecretSpan(NamedTuple):
    """Where a value stands in a text."""

    start: int
    end: int


def is_credential_field(name: str, names: Collection[str] = ()) -> bool:
    """True for the name of a credential: `password`, also as `user[password]` or `soap:password`, or one of `names`."""
    if name.endswith("]"):
        name = name.rpartition("[")[2].rstrip("]")
    last = name.rpartition(":")[2]
    return last in names or is_credential(last)


def find_secrets(text: str, names: Collection[str] = ()) -> list[SecretSpan]:
    """Return where values of credentials stand, in order, without overlaps. `names` count as names of credentials."""
    passwords = _find_url_passwords(text)
    if not may_name_credential(text) and not any(name in text for name in names):
        return _merge(passwords)

    def is_name(name: str) -> bool:
        return is_credential_field(name, names)

    spans = _find_pairs(text, is_name) + passwords
    if "<" in text:
        spans += find_markup_secrets(text, is_name)
    if "\n" in text:
        spans += [match.span("value") for match in _PART.finditer(text) if is_name(match["name"])]
    return _merge(spans)


def may_hold_url_password(text: str) -> bool:
    """True if there may be a URL with a password. Fast."""
    return "@" in text and "://" in text


def hide_secrets(text: str) -> str:
    """Return a text with HIDDEN in place of values of credentials; it keeps its lines."""
    spans = find_secrets(text)
    if not spans:
        return text
    pieces: list[str] = []
    copied = 0
    for start, end in spans:
        pieces += (text[copied:start], "\n".join([HIDDEN if line else "" for line in text[start:end].split("\n")]))
        copied = end
    return "".join([*pieces, text[copied:]])


def hide_in_lines(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines of a text with values of credentials hidden; the same object where there are none."""
    text = "\n".join(lines)
    hidden = hide_secrets(text)
    return lines if hidden is text else hidden.split("\n")


def _find_url_passwords(text: str) -> list[tuple[int, int]]:
    if not may_hold_url_password(text):
        return []
    found = [match.span("password") for match in _URL_PASSWORD.finditer(text)]
    return [span for span in found if not MASKED.match(text, span[0])]


def _find_pairs(text: str, is_name: Callable[[str], bool]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    read_until = 0
    for head in _HEAD.finditer(text):
        if head.start() < read_until or not is_name(head["name"]):
            continue
        match = MASKED.match(text, head.end()) or _VALUE.match(text, head.end())
        if match is None or match.re is MASKED:
            continue
        group = "bare" if match["bare"] is not None else "quoted"
        if match[group] not in _SHOWN_VALUES:
            spans.append(match.span(group))
            read_until = match.end(group)
    return spans


def _merge(spans: list[tuple[int, int]]) -> list[SecretSpan]:
    """Return spans in order, those that overlap as one."""
    merged: list[SecretSpan] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1].end:
            merged[-1] = SecretSpan(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(SecretSpan(start, end))
    return merged

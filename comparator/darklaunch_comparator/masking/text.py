"""Mask what follows the name of a credential in text without a structure to go by, and in forms and queries.

In text these are found: `name=value`, `name: value`, `"name": "value"` (also with escaped quotes, and broken off),
`<name>value</name>`, `<input name="name" value="value">`, and the parts of a multipart form. Every pattern takes linear
time.
"""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from .credential_names import HINT, is_credential
from .placeholders import MASKED, Placeholders

_HEAD: Final = re.compile(
    r"(?<![\w.-])(?P<name>[A-Za-z_$][\w.\[\]-]{0,63})(?![\w.-])(?:\\{0,8}[\"'])?[ \t]{0,8}[:=][ \t]{0,8}"
)
_VALUE: Final = re.compile(
    r"(?P<open>\\{0,8}[\"'])(?P<quoted>(?:(?!(?P=open))[^\n]){0,4000})"
    r"|(?:(?:Bearer|Basic|Digest|Token)[ ]{1,8})?(?P<bare>[^\s\"'<>&;,{}()\\]{1,4000})"
)
_ELEMENT: Final = re.compile(r"<(?P<name>[A-Za-z_][\w:.-]{0,63})(?:\s[^<>]{0,1000})?>(?P<value>[^<>]{1,4000})(?=</)")
_FIELD: Final = re.compile(
    r"<[^<>]{0,300}?\bname=[\"']?(?P<name>[\w.\[\]-]{1,64})[\"']?[^<>]{0,300}?\b(?:value|content)=(?P<open>[\"'])"
    r"(?P<value>[^\"'<>]{1,4000})"
)
_FIELD_REVERSED: Final = re.compile(
    r"<[^<>]{0,300}?\b(?:value|content)=(?P<open>[\"'])(?P<value>[^\"'<>]{1,4000})(?P=open)[^<>]{0,300}?"
    r"\bname=[\"']?(?P<name>[\w.\[\]-]{1,64})"
)
_PART: Final = re.compile(
    r"\bname=\"(?P<name>[^\"\r\n]{1,64})\"(?:[^\r\n]{0,300}\r?\n(?:[^\r\n]{1,300}\r?\n){0,8}?)\r?\n"
    r"(?P<value>[^\r\n]{1,4000})(?=\r?\n--)"
)
_SHOWN_VALUES: Final = frozenset(("", "true", "false", "null", "None", "undefined"))
_SAFE: Final = ":/?=[]@!$*,;"
_LOSSLESS: Final = "surrogateescape"


class TextMasker:
    """Masks texts. `names` are further names that count as names of credentials."""

    def __init__(self, placeholders: Placeholders, names: Collection[str] = ()) -> None:
        self._placeholders = placeholders
        self._names = frozenset(names)

    def mask(self, text: str) -> str:
        """Mask free text."""
        if not self.may_hold_secrets(text):
            return text
        text = self._mask_pairs(text)
        if "<" in text:
            for pattern in (_ELEMENT, _FIELD, _FIELD_REVERSED):
                text = pattern.sub(self._mask_group, text)
        if "\n" in text:
            text = _PART.sub(self._mask_group, text)
        return text

    def mask_form(self, text: str, names: Collection[str] = ()) -> str:
        """Mask the fields of a form or a query: `a=1&user[password]=…`. `names` are further names, decoded."""
        fields = text.split("&")
        for position, field in enumerate(fields):
            name, equals, value = field.partition("=")
            if not equals or not value:
                continue
            decoded_name, decoded_value = _unquote(name), _unquote(value)
            if decoded_name in names or self._is_credential(decoded_name):
                masked = self._placeholders.for_text(decoded_value)
                fields[position] = field if masked == decoded_value else f"{name}={masked}"
            elif "=" in decoded_value:  # a URL with a query of its own, as a redirect's target
                masked = self.mask(decoded_value)
                if masked != decoded_value:
                    fields[position] = f"{name}={quote_plus(masked, _SAFE, errors=_LOSSLESS)}"
        return "&".join(fields)

    def may_hold_secrets(self, text: str) -> bool:
        """True if there may be something to mask."""
        return HINT.search(text) is not None or any(name in text for name in self._names)

    def _is_credential(self, name: str) -> bool:
        """True for the name of a credential: `password`, also as `user[password]` or `soap:password`."""
        if name.endswith("]"):
            name = name.rpartition("[")[2].rstrip("]")
        last = name.rpartition(":")[2]
        return last in self._names or is_credential(last)

    def _mask_pairs(self, text: str) -> str:
        out: list[str] = []
        copied = 0
        for head in _HEAD.finditer(text):
            if head.start() < copied or not self._is_credential(head["name"]):
                continue
            match = MASKED.match(text, head.end()) or _VALUE.match(text, head.end())
            if match is None or match.re is MASKED:
                continue
            group = "bare" if match["bare"] is not None else "quoted"
            if match[group] in _SHOWN_VALUES:
                continue
            out += (text[copied : match.start(group)], self._placeholders.for_text(match[group]))
            copied = match.end(group)
        out.append(text[copied:])
        return "".join(out)

    def _mask_group(self, match: re.Match[str]) -> str:
        if not self._is_credential(match["name"]):
            return match[0]
        before = match[0][: match.start("value") - match.start()]
        after = match[0][match.end("value") - match.start() :]
        return before + self._placeholders.for_text(match["value"]) + after


def _unquote(text: str) -> str:
    return unquote_plus(text, errors=_LOSSLESS)

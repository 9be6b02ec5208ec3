"""Mask what stands behind the name of a credential in text that has no structure to go by, and in forms and queries.

In text these count: `name=value`, `name: value`, `"name": "value"` (also with escaped quotes, and broken off),
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
_BACKWARDS: Final = re.compile(
    r"<[^<>]{0,300}?\b(?:value|content)=(?P<open>[\"'])(?P<value>[^\"'<>]{1,4000})(?P=open)[^<>]{0,300}?"
    r"\bname=[\"']?(?P<name>[\w.\[\]-]{1,64})"
)
_PART: Final = re.compile(
    r"\bname=\"(?P<name>[^\"\r\n]{1,64})\"(?:[^\r\n]{0,300}\r?\n(?:[^\r\n]{1,300}\r?\n){0,8}?)\r?\n"
    r"(?P<value>[^\r\n]{1,4000})(?=\r?\n--)"
)
_KEPT: Final = frozenset(("", "true", "false", "null", "None", "undefined"))
_SAFE: Final = ":/?=[]@!$*,;"
_LOSSLESS: Final = "surrogateescape"


class TextMasker:
    """Masks texts. `names` are further names that count as those of credentials."""

    def __init__(self, tokens: Placeholders, names: Collection[str] = ()) -> None:
        self._tokens, self._names = tokens, frozenset(names)

    def mask(self, text: str) -> str:
        """Mask free text."""
        if not self.suspects(text):
            return text
        text = self._pairs(text)
        if "<" in text:
            for pattern in (_ELEMENT, _FIELD, _BACKWARDS):
                text = pattern.sub(self._inner, text)
        if "\n" in text:
            text = _PART.sub(self._inner, text)
        return text

    def form(self, text: str, names: Collection[str] = ()) -> str:
        """Mask the fields of a form or a query: `a=1&user[password]=…`. `names` are further names, decoded."""
        fields = text.split("&")
        for at, field in enumerate(fields):
            name, equals, value = field.partition("=")
            if not equals or not value:
                continue
            decoded, inner = _unquoted(name), _unquoted(value)
            if decoded in names or self._counts(decoded):
                masked = self._tokens.text(inner)
                fields[at] = field if masked == inner else f"{name}={masked}"
            elif "=" in inner:  # a URL with a query of its own, as a redirect's target
                masked = self.mask(inner)
                fields[at] = field if masked == inner else f"{name}={quote_plus(masked, _SAFE, errors=_LOSSLESS)}"
        return "&".join(fields)

    def suspects(self, text: str) -> bool:
        """Say whether there may be something to mask."""
        return HINT.search(text) is not None or any(name in text for name in self._names)

    def _counts(self, name: str) -> bool:
        """Say whether a name is one of a credential: `password`, also as `user[password]` or `soap:password`."""
        if name.endswith("]"):
            name = name.rpartition("[")[2].rstrip("]")
        last = name.rpartition(":")[2]
        return last in self._names or is_credential(last)

    def _pairs(self, text: str) -> str:
        out: list[str] = []
        done = 0
        for head in _HEAD.finditer(text):
            if head.start() < done or not self._counts(head["name"]):
                continue
            found = MASKED.match(text, head.end()) or _VALUE.match(text, head.end())
            if found is None or found.re is MASKED:
                continue
            group = "bare" if found["bare"] is not None else "quoted"
            if found[group] in _KEPT:
                continue
            out += (text[done : found.start(group)], self._tokens.text(found[group]))
            done = found.end(group)
        out.append(text[done:])
        return "".join(out)

    def _inner(self, found: re.Match[str]) -> str:
        value, at = found["value"], found.start()
        if not self._counts(found["name"]):
            return found[0]
        return found[0][: found.start("value") - at] + self._tokens.text(value) + found[0][found.end("value") - at :]


def _unquoted(text: str) -> str:
    return unquote_plus(text, errors=_LOSSLESS)

"""Mask what follows the name of a credential in text without a structure to go by, and in forms and queries."""

import html
from collections.abc import Collection
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from darklaunch_comparator.credentials import (
    find_secrets,
    is_credential_field,
    may_hold_url_password,
    may_name_credential,
)

from .placeholders import Placeholders

_SAFE: Final = ":/?=[]@!$*,;"
_LOSSLESS: Final = "surrogateescape"


class TextMasker:
    """Masks texts. `names` are further names that count as names of credentials."""

    def __init__(self, placeholders: Placeholders, names: Collection[str] = ()) -> None:
        self._placeholders = placeholders
        self._names = frozenset(names)

    def mask(self, text: str) -> str:
        """Mask free text."""
        pieces: list[str] = []
        copied = 0
        for start, end in find_secrets(text, self._names):
            pieces += (text[copied:start], self._placeholders.for_text(html.unescape(text[start:end])))
            copied = end
        return "".join([*pieces, text[copied:]]) if pieces else text

    def mask_form(self, text: str, names: Collection[str] = ()) -> str:
        """Mask the fields of a form or a query: `a=1&user[password]=…`. `names` are further names, decoded."""
        fields = text.split("&")
        for position, field in enumerate(fields):
            name, equals, value = field.partition("=")
            if not equals or not value:
                continue
            decoded_name, decoded_value = _unquote(name), _unquote(value)
            if decoded_name in names or is_credential_field(decoded_name, self._names):
                masked = self._placeholders.for_text(decoded_value)
                fields[position] = field if masked == decoded_value else f"{name}={masked}"
            elif "=" in decoded_value:  # a URL with a query of its own, as a redirect's target
                masked = self.mask(decoded_value)
                if masked != decoded_value:
                    fields[position] = f"{name}={quote_plus(masked, _SAFE, errors=_LOSSLESS)}"
        return "&".join(fields)

    def may_hold_secrets(self, text: str) -> bool:
        """True if there may be something to mask."""
        return may_name_credential(text) or may_hold_url_password(text) or any(name in text for name in self._names)


def _unquote(text: str) -> str:
    return unquote_plus(text, errors=_LOSSLESS)

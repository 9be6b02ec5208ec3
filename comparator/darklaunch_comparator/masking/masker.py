"""Mask an exchange before it is stored: target, header fields, the three bodies, and the differences found."""

from dataclasses import dataclass
from typing import Any, Final, cast

import orjson
from darklaunch_shared import keys
from darklaunch_shared.crypto.sealing import SEALED
from darklaunch_shared.wire.exchange import REDACTED, Fields

from darklaunch_comparator.content import (
    INFLATED_CAP_BYTES,
    BodyFamily,
    CorruptBody,
    MediaType,
    UndecodableBody,
    choose_family,
    compute_cap_beside,
    inflate,
    parse_media_type,
    read_content_headers,
    to_utf8,
)
from darklaunch_comparator.credentials import is_credential

from .csv_text import CsvTextMasker
from .differences import DifferenceMasker
from .json_text import JsonTextMasker
from .mask_places import NO_PLACES, MaskPlaces
from .placeholders import Placeholders
from .text import TextMasker
from .text_places import mask_lines, mask_markup

_BOM: Final = b"\xef\xbb\xbf"
_LOSSLESS: Final = "surrogateescape"
_CONTENT_HEADERS: Final = ("content-type", "content-length")


@dataclass(frozen=True, slots=True)
class _StoredBody:
    """A body to be stored. With `recoded`, its Content-Encoding no longer describes it."""

    content: bytes
    recoded: bool = False


@dataclass(frozen=True, slots=True)
class _OpenedBody:
    """A body as it came, and without its codings; `plain` is None if they cannot be undone."""

    content: bytes
    plain: bytes | None
    media_type: MediaType
    is_coded: bool

    def choose_family_beside(self, other: "_OpenedBody") -> BodyFamily:
        return choose_family(self.media_type, other.media_type, self.plain or b"", other.plain or b"")


class ExchangeMasker:
    """Masks with the salt of one database. `places` are masked beside what stands under the name of a credential.

    The differences of an exchange are masked after its fields: by then it is known which values are secret.
    """

    def __init__(self, salt: bytes, places: MaskPlaces = NO_PLACES) -> None:
        self._placeholders = Placeholders(salt)
        self._places = places
        self._text = TextMasker(self._placeholders, places.names)
        self._json = JsonTextMasker(self._placeholders, places, self._text.mask)
        self._csv = CsvTextMasker(self._placeholders, places, self._text.mask)
        self._differences = DifferenceMasker(self._placeholders, places, self._text)

    def mask_fields(self, fields: Fields) -> Fields:
        """Mask a replay entry that could be read."""
        self._differences.begin_exchange()
        meta, shadow_meta = orjson.loads(fields[keys.META]), orjson.loads(fields[keys.SHADOW_META])
        has_response = "headers" in shadow_meta
        primary_headers, shadow_headers = meta["response_headers"], shadow_meta.get("headers", [])
        request_body = _open(fields[keys.REQUEST], meta["headers"])
        primary_body = _open(fields[keys.RESPONSE], primary_headers)
        shadow_body = primary_body
        if has_response:
            plain = primary_body.plain
            cap_bytes = INFLATED_CAP_BYTES if plain is None else compute_cap_beside(len(plain))
            shadow_body = _open(fields.get(keys.SHADOW, fields[keys.RESPONSE]), shadow_headers, cap_bytes)
        request = self._mask_body(request_body, request_body.choose_family_beside(request_body))
        # Both responses are read the same way, as the comparison reads them: what is equal is masked equally.
        family = primary_body.choose_family_beside(shadow_body)
        primary = self._mask_body(primary_body, family)
        meta.pop("sealed", None)
        meta |= {
            "target": self.mask_target(meta["target"]),
            "headers": self.mask_headers(meta["headers"], recoded=request.recoded),
            "response_headers": self.mask_headers(primary_headers, recoded=primary.recoded),
        }
        masked = {**fields, keys.REQUEST: request.content, keys.RESPONSE: primary.content}
        if has_response:
            shadow = self._mask_body(shadow_body, family)
            shadow_meta["headers"] = self.mask_headers(shadow_headers, recoded=shadow.recoded)
            shadow_meta.pop("same_body", None)
            masked.pop(keys.SHADOW, None)
            if shadow.content == primary.content:
                shadow_meta["same_body"] = True
            else:
                masked[keys.SHADOW] = shadow.content
        else:
            shadow_meta["detail"] = self._text.mask(str(shadow_meta.get("detail", "")))
        self._differences.learn_values()
        return {**masked, keys.META: orjson.dumps(meta), keys.SHADOW_META: orjson.dumps(shadow_meta)}

    def mask_target(self, target: str) -> str:
        """Mask the query of a request target."""
        path, mark, query = target.partition("?")
        if self._places.everything:
            return f"{path}{mark}{self._placeholders.for_text(query)}"
        return f"{path}{mark}{self._text.mask_form(query, self._places.query)}" if query else target

    def mask_headers(self, headers: list[list[str]], *, recoded: bool = False) -> list[list[str]]:
        """Mask header fields; `recoded` leaves out the coding of a body that is stored without it."""
        return [
            [name, self._mask_header(name, value)]
            for name, value in headers
            if not (recoded and name == "content-encoding")
        ]

    def mask_differences(self, stored: str) -> str:
        """Mask differences as they are stored, `[{"path", "kind", "primary", "shadow", …}, …]`."""
        differences = cast(list[dict[str, Any]], orjson.loads(stored))
        return orjson.dumps([self._differences.mask(difference) for difference in differences]).decode()

    def _mask_body(self, body: _OpenedBody, family: BodyFamily) -> _StoredBody:
        """Mask a body. One that its codings or its charset hide is withheld: a placeholder stands for all of it."""
        if body.content and self._places.everything:
            return self._withhold(body)
        if not body.content or (family is BodyFamily.BINARY and not body.media_type.type.startswith("multipart/")):
            return _StoredBody(body.content)
        if body.plain is None:
            return self._withhold(body)
        try:
            utf8 = to_utf8(body.plain, body.media_type.charset)
        except CorruptBody:
            return self._withhold(body)
        text = utf8.decode("utf-8", _LOSSLESS)
        is_csv = BodyFamily.CSV in (family, body.media_type.family)
        table = self._csv.mask(text) if is_csv and self._may_hold_secrets(text) else None
        masked = self._mask_text(text if table is None else table, family)
        if masked == text:
            return _StoredBody(body.content)
        # The mark shows that it is UTF-8, whatever charset the type names.
        mark = b"" if utf8 is body.plain else _BOM
        return _StoredBody(mark + masked.encode("utf-8", _LOSSLESS), recoded=body.is_coded)

    def _may_hold_secrets(self, text: str) -> bool:
        return bool(self._places.paths) or "\\u" in text or self._text.may_hold_secrets(text)

    def _withhold(self, body: _OpenedBody) -> _StoredBody:
        return _StoredBody(self._placeholders.for_bytes(body.content).encode(), recoded=True)

    def _mask_text(self, text: str, family: BodyFamily) -> str:
        if family is BodyFamily.FORM:
            return self._text.mask_form(text, self._places.names)
        if family in (BodyFamily.JSON, BodyFamily.LINES):
            if not self._may_hold_secrets(text):
                return text
            masked, well_formed = self._json.mask(text, lines=family is BodyFamily.LINES)
            return masked if well_formed else self._text.mask(masked)
        if self._places.has_text_paths and family in (BodyFamily.HTML, BodyFamily.XML):
            is_html = family is BodyFamily.HTML
            masked_page = mask_markup(text, self._places, self._placeholders.for_text, is_html=is_html)
            if masked_page is None:
                return self._placeholders.for_text(text)
            text = masked_page
        elif self._places.has_text_paths:
            text = mask_lines(text, self._places, self._placeholders.for_text)
        return self._text.mask(text)

    def _mask_header(self, name: str, value: str) -> str:
        if value in (REDACTED, SEALED):
            return value
        if self._places.everything:
            return value if name in _CONTENT_HEADERS else self._placeholders.for_text(value)
        if name in ("set-cookie", "cookie"):
            cookies = value.split(";", 1) if name == "set-cookie" else [value]
            return ";".join([self._mask_cookies(cookies[0]), *cookies[1:]])
        if name in self._places.headers or "*" in self._places.headers or is_credential(name):
            return self._placeholders.for_text(value)
        return self._text.mask(value)

    def _mask_cookies(self, cookies: str) -> str:
        masked: list[str] = []
        for pair in cookies.split(";"):
            name, equals, value = pair.partition("=")
            is_hidden = value in ("", REDACTED, SEALED)
            masked.append(pair if is_hidden else f"{name}{equals}{self._placeholders.for_text(value)}")
        return ";".join(masked)


def _open(content: bytes, headers: list[list[str]], cap_bytes: int = INFLATED_CAP_BYTES) -> _OpenedBody:
    content_type, encoding = read_content_headers(headers)
    try:
        plain = inflate(content, encoding, cap_bytes) if encoding else content
    except UndecodableBody:
        plain = None
    return _OpenedBody(content, plain, parse_media_type(content_type), is_coded=bool(encoding))

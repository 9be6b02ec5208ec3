"""Mask an exchange before it is stored: target, header fields, the three bodies, and the differences found."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import orjson
from darklaunch_shared import keys
from darklaunch_shared.crypto.sealing import SEALED
from darklaunch_shared.wire.exchange import REDACTED
from darklaunch_shared.wire.fields import Fields

from darklaunch_comparator.content import (
    INFLATED_CAP_BYTES,
    BodyFamily,
    CorruptBody,
    InflatedTooLarge,
    MediaType,
    UnsupportedCoding,
    choose_family,
    compute_cap_beside,
    inflate,
    parse_media_type,
    to_utf8,
)
from darklaunch_comparator.places import BadPath, parse_body_path

from .credential_names import is_credential
from .json_text import JsonTextMasker
from .mask_places import NO_PLACES, MaskPlaces
from .placeholders import Placeholders
from .text import TextMasker

_BOM: Final = b"\xef\xbb\xbf"
_LOSSLESS: Final = "surrogateescape"
_SCALAR: Final = re.compile(r'"|-?\d+(?![^\n]*only here:)|(?:true|false|null)?\Z')
_CUT_OFF: Final = re.compile(r"(?<=…\")[^\s&;,<>\"']{16,}")
"""What a rendering that lost its beginning begins with: the name before it may be lost too."""
_DESCRIBING: Final = ("content-type", "content-length")
_OF_NO_VALUE: Final = ("status", "latency")
_KEPT: Final = (None, "", "null", "true", "false")


@dataclass(frozen=True, slots=True)
class _Body:
    """A body that is masked, or as it came: then `recoded` is False, and its header fields still describe it."""

    content: bytes
    recoded: bool = False


@dataclass(frozen=True, slots=True)
class _Opened:
    """A body as it came, and without its codings; `plain` is None where they cannot be undone."""

    content: bytes
    plain: bytes | None
    media: MediaType
    is_coded: bool


class ExchangeMasker:
    """Masks with the salt of one database. `places` are masked beside what stands under the name of a credential."""

    def __init__(self, salt: bytes, places: MaskPlaces = NO_PLACES) -> None:
        self._tokens, self._places = Placeholders(salt), places
        self._text = TextMasker(self._tokens, places.names)
        self._json = JsonTextMasker(self._tokens, places, self._text.mask)

    def mask_fields(self, fields: Fields) -> Fields:
        """Mask a replay entry that could be read."""
        meta, shadow_meta = orjson.loads(fields[keys.META]), orjson.loads(fields[keys.SHADOW_META])
        answered = "headers" in shadow_meta
        theirs, ours = meta["response_headers"], shadow_meta.get("headers", [])
        primary_body = fields[keys.RESPONSE]
        shadow_body = fields.get(keys.SHADOW, primary_body) if answered else b""
        asked, left = _opened(fields[keys.REQUEST], meta["headers"]), _opened(primary_body, theirs)
        beside = INFLATED_CAP_BYTES if left.plain is None else compute_cap_beside(len(left.plain))
        right = _opened(shadow_body, ours, beside) if answered else left
        # Both answers are read the same way, as the comparison reads them: what is equal is masked equally.
        family = choose_family(left.media, right.media, left.plain or b"", right.plain or b"")
        request = self._body(asked, choose_family(asked.media, asked.media, asked.plain or b"", asked.plain or b""))
        primary = self._body(left, family)
        meta.pop("sealed", None)
        meta |= {
            "target": self.mask_target(meta["target"]),
            "headers": self.mask_headers(meta["headers"], recoded=request.recoded),
            "response_headers": self.mask_headers(theirs, recoded=primary.recoded),
        }
        masked = {**fields, keys.REQUEST: request.content, keys.RESPONSE: primary.content}
        if answered:
            shadow = self._body(right, family)
            shadow_meta["headers"] = self.mask_headers(ours, recoded=shadow.recoded)
            shadow_meta.pop("same_body", None)
            masked.pop(keys.SHADOW, None)
            if shadow.content == primary.content:
                shadow_meta["same_body"] = True
            else:
                masked[keys.SHADOW] = shadow.content
        else:
            shadow_meta["detail"] = self._text.mask(str(shadow_meta.get("detail", "")))
        return {**masked, keys.META: orjson.dumps(meta), keys.SHADOW_META: orjson.dumps(shadow_meta)}

    def mask_target(self, target: str) -> str:
        """Mask the query of a request target."""
        path, mark, query = target.partition("?")
        if self._places.everything:
            return f"{path}{mark}{self._tokens.text(query)}"
        return f"{path}{mark}{self._text.form(query, self._places.query)}" if query else target

    def mask_headers(self, headers: list[list[str]], *, recoded: bool = False) -> list[list[str]]:
        """Mask header fields; `recoded` leaves out the coding of a body that is stored without it."""
        return [
            [name, self._header(name, value)] for name, value in headers if not (recoded and name == "content-encoding")
        ]

    def mask_differences(self, told: str) -> str:
        """Mask differences as they are stored, `[{"path", "kind", "primary", "shadow", …}, …]`."""
        found = cast(list[dict[str, Any]], orjson.loads(told))
        return orjson.dumps([self._difference(one) for one in found]).decode()

    def _body(self, came: "_Opened", family: BodyFamily) -> _Body:
        """Mask a body. One that its codings hide is withheld: a token stands for all of it."""
        if came.content and self._places.everything:
            return _Body(self._tokens.raw(came.content).encode(), recoded=True)
        if not came.content or (family is BodyFamily.BINARY and not came.media.type.startswith("multipart/")):
            return _Body(came.content)
        try:
            utf8 = None if came.plain is None else to_utf8(came.plain, came.media.charset)
        except CorruptBody:
            utf8 = None
        if utf8 is None:
            return _Body(self._tokens.raw(came.content).encode(), recoded=True)
        text = utf8.decode("utf-8", _LOSSLESS)
        masked = self._body_text(text, family)
        if masked == text:
            return _Body(came.content)
        mark = b"" if utf8 is came.plain else _BOM  # says that it is UTF-8, whatever charset the type names
        return _Body(mark + masked.encode("utf-8", _LOSSLESS), recoded=came.is_coded)

    def _body_text(self, text: str, family: BodyFamily) -> str:
        if family is BodyFamily.FORM:
            return self._text.form(text, self._places.names)
        if family in (BodyFamily.JSON, BodyFamily.LINES):
            if not (self._places.paths or "\\u" in text or self._text.suspects(text)):
                return text
            masked, sound = self._json.mask(text, lines=family is BodyFamily.LINES)
            return masked if sound else self._text.mask(masked)
        return self._text.mask(text)

    def _header(self, name: str, value: str) -> str:
        if value in (REDACTED, SEALED):
            return value
        if self._places.everything:
            return value if name in _DESCRIBING else self._tokens.text(value)
        if name in ("set-cookie", "cookie"):
            cookies = value.split(";", 1) if name == "set-cookie" else [value]
            return ";".join([self._cookies(cookies[0]), *cookies[1:]])
        if name in self._places.headers or "*" in self._places.headers or is_credential(name):
            return self._tokens.text(value)
        return self._text.mask(value)

    def _cookies(self, pairs: str) -> str:
        masked: list[str] = []
        for pair in pairs.split(";"):
            name, equals, value = pair.partition("=")
            masked.append(pair if value in ("", REDACTED, SEALED) else f"{name}{equals}{self._tokens.text(value)}")
        return ";".join(masked)

    def _difference(self, one: dict[str, Any]) -> dict[str, Any]:
        path = str(one.get("path", ""))
        show: Callable[[Any], Any]
        if self._places.everything and path not in _OF_NO_VALUE:
            show = self._token
        elif path.startswith("header:"):
            name = path.removeprefix("header:")
            hide = name in self._places.headers or is_credential(name)
            show = self._token if hide and name not in ("set-cookie", "cookie") else self._loosely
        elif path.startswith("$"):
            show = self._shower(path, str(one.get("kind")))
        else:
            show = self._loosely
        return one | {side: show(one[side]) for side in ("primary", "shadow") if side in one}

    def _shower(self, path: str, kind: str) -> Callable[[Any], Any]:
        try:
            tokens = [step.token for step in parse_body_path(path)]
        except BadPath:  # a path so long that it was cut
            return self._token
        names = [token for token in tokens if token is not None]
        state, covered = self._places.follow(names)
        if covered or any(isinstance(name, str) and is_credential(name) for name in names):
            return self._token
        # Where something below is masked, only a value that has nothing below it is shown.
        return self._scalars_loosely if state and kind != "text" else self._loosely

    def _scalars_loosely(self, shown: Any) -> Any:
        return self._loosely(shown) if _SCALAR.match(str(shown)) else self._token(shown)

    def _loosely(self, shown: Any) -> Any:
        if not isinstance(shown, str):
            return shown
        return self._text.mask(_CUT_OFF.sub(lambda found: self._tokens.text(found[0]), shown))

    def _token(self, shown: Any) -> Any:
        """Mask a rendered value as its body masks it, where it is rendered whole."""
        if not isinstance(shown, str) or shown in _KEPT:
            return shown
        try:
            value = json.loads(shown, parse_float=_Literal, parse_int=_Literal)
        except (ValueError, RecursionError):
            return self._tokens.text(shown)
        if isinstance(value, str):
            return f'"{self._tokens.text(value)}"'
        return f'"{self._tokens.number(value.text)}"' if isinstance(value, _Literal) else self._tokens.text(shown)


class _Literal:
    """A number as it was written."""

    def __init__(self, text: str) -> None:
        self.text = text


def _opened(content: bytes, headers: list[list[str]], cap_bytes: int = INFLATED_CAP_BYTES) -> _Opened:
    content_type = encoding = ""
    for name, value in headers:
        if name == "content-type":
            content_type = value
        elif name == "content-encoding":
            encoding = f"{encoding},{value}" if encoding else value
    try:
        plain = inflate(content, encoding, cap_bytes) if encoding else content
    except (CorruptBody, InflatedTooLarge, UnsupportedCoding):
        plain = None
    return _Opened(content, plain, parse_media_type(content_type), is_coded=bool(encoding))

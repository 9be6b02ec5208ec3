"""Excuses by form: values that two correct responses never share, and that their form gives away.

Own origins, times within reach of their own response, made-up identifiers and tokens. Only a value is excused, never a
change of presence, type or format. An excuse by form is provisional: whether it holds at a place is for the collector
to say (`DifferenceCollector.grant_excuse`), by what baseline responses have shown there.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from darklaunch_comparator.places import Place

from . import identifier_shape, signed_tokens, timestamps
from .collector import Unverified
from .model import NUMBERS, ComparedResponse, ExcuseReason, Json, Reasons
from .origin import OwnOrigin, are_same_but_for_origins, list_forwarded_authorities, make_own_origins, names_scheme
from .value_names import says_secret, says_time

_SECRETS: Final = "signature|sig|x-amz-signature|x-amz-security-token|x-goog-signature|hmac|policy|token"
_STAMPS: Final = re.compile(
    # What cannot start anything is turned away first: that halves the time over prose.
    r"(?<![0-9A-Za-z])(?=[0-9A-Fa-fMTWS])(?:"
    rf"(?P<time>(?:{timestamps.ISO}|{timestamps.ISO_BASIC}|{timestamps.RFC1123})(?![0-9A-Za-z]))"
    rf"|(?P<id>{identifier_shape.UUID}(?![0-9A-Za-z]))"
    rf"|(?P<number>(?<![\w.+-])(?:{timestamps.EPOCH})(?![\w.+-])))"
    rf"|(?P<secret>[?&](?i:{_SECRETS})=[^&#\s\"'<>\\]{{16,}})"
)
_TOKENS: Final = re.compile(
    rf"(?P<signed>{signed_tokens.SIGNED_IN_TEXT})"
    r"|(?P<nonce>\b(?i:nonce)(?:\\?[\"']?\s*[=:]\s*\\?[\"']?|-)(?P<drawn>[A-Za-z0-9+/_-]{8,}={0,2}))"
    r"|(?P<base64>(?<=[\"'=])[A-Za-z0-9+/]{30,}+={1,2}(?=[\"'&\s]))"
)
_TOKEN_TAIL: Final = re.compile(r"[.:][A-Za-z0-9_-]{20}|--[A-Za-z0-9+/]{16}|=[\"'&][\s>,;}\])/]")
"""To look for these and for `nonce` first is much faster than to look for tokens at once: most text holds none."""
_WORDS: Final = re.compile(r"[A-Za-z0-9_-]{16,}")
_NAME_BACKWARDS: Final = re.compile(r"[\w$.@-]+")
_BETWEEN: Final = " \t\r\n\"'\\=:>("
_NAME_CHARS: Final = 72
_IDENTIFIER_CHARS: Final = 4096
"""Longest text that may be an identifier."""
_SHORTEST_TEXT_CHARS: Final = identifier_shape.SHORTEST_SECRET_CHARS
_LONGEST_SHORT_CHARS: Final = 64
_ETAG: Final = re.compile(r'(?:W/)?"([^"]*)"')

BUDGET_CHARS: Final = 5_000_000
"""How much text one comparison looks through for what is volatile: a second's worth, two where all of it is."""
_CHARS_PER_CALL: Final = 16  # what looking at one more text costs, however short it is


@dataclass(slots=True)
class _Part:
    """A part of a text that may be volatile, and by which form: a group of _TOKENS or _STAMPS, or `word`."""

    kind: str
    text: str


@dataclass(slots=True)
class _Skeleton:
    """Text with its volatile parts replaced by their shape, and those parts, in order, per pass over the text."""

    text: str
    parts: list[_Part]


class VolatileValues:
    """What is known of two responses' origins and clocks, to tell why their values differ."""

    __slots__ = ("_chars_left", "_forwarded", "_primary", "_shadow", "primary_own", "shadow_own")

    def __init__(self, primary: ComparedResponse, shadow: ComparedResponse) -> None:
        self._primary = primary
        self._shadow = shadow
        self._chars_left = BUDGET_CHARS
        self.primary_own, self.shadow_own = make_own_origins(primary.origin, shadow.origin)
        self._forwarded: tuple[OwnOrigin, OwnOrigin] | None = None

    def explain_texts(self, primary: str, shadow: str, place: Place | None = None) -> Reasons:
        """Return why two strings that differ may differ; empty if they may not.

        `place` is where they stand: what its names say of them counts. Raises Unverified once this comparison has
        looked through more than BUDGET_CHARS.
        """
        if len(primary) < _SHORTEST_TEXT_CHARS or len(shadow) < _SHORTEST_TEXT_CHARS:
            return ()
        self._spend(len(primary) + len(shadow))
        primary_time, shadow_time = timestamps.parse_timestamp(primary), timestamps.parse_timestamp(shadow)
        if primary_time is not None and shadow_time is not None:
            if primary_time.is_number and not says_time(list_names(place)):
                return ()
            return (ExcuseReason.CLOCK,) if self._moved_with_clock(primary_time, shadow_time) else ()
        reasons = self._explain_origins(primary, shadow, place, (self.primary_own, self.shadow_own))
        if not reasons and (forwarded := self.find_forwarded(primary, shadow)) is not None:
            return self._explain_origins(primary, shadow, place, forwarded)
        return reasons

    def explain_numbers(
        self, primary: int | float | Decimal, shadow: int | float | Decimal, place: Place | None = None
    ) -> Reasons:
        """Return why two numbers that differ may differ: their names say that they are times, and they moved so."""
        primary_time, shadow_time = timestamps.parse_epoch(primary), timestamps.parse_epoch(shadow)
        if primary_time and shadow_time and self._moved_with_clock(primary_time, shadow_time):
            return (ExcuseReason.CLOCK,) if says_time(list_names(place)) else ()
        return ()

    def primary_skeleton(self, text: str) -> str:
        """Replace the primary's volatile parts by their shapes: what is left must agree with the shadow's."""
        self._spend(len(text))
        return _find_skeleton(self.primary_own.replace(text), sure=True).text

    def shadow_skeleton(self, text: str) -> str:
        """Replace the shadow's volatile parts by their shapes: what is left must agree with the primary's."""
        self._spend(len(text))
        return _find_skeleton(self.shadow_own.replace(text), sure=True).text

    def find_forwarded(self, primary: str, shadow: str) -> tuple[OwnOrigin, OwnOrigin] | None:
        """Return the own origins with what a proxy named; None if that says no more about these two texts."""
        if self._forwarded is None:
            self._forwarded = self.primary_own, self.shadow_own
            list_fields = self._primary.list_request_fields
            fields: Mapping[str, str] = {} if list_fields is None else list_fields()
            authorities, is_any_scheme = list_forwarded_authorities(fields), names_scheme(fields)
            if authorities or is_any_scheme:
                self._forwarded = make_own_origins(
                    self._primary.origin, self._shadow.origin, authorities, is_any_scheme=is_any_scheme
                )
        if self._forwarded[0] is self.primary_own:
            return None
        # Where both have what the proxy named, and yet differ, it is not the origin that differs.
        named = [host for host in self._forwarded[1].hosts - self.shadow_own.hosts if host in primary]
        return None if any(host in shadow for host in named) else self._forwarded

    def _explain_origins(
        self, primary: str, shadow: str, place: Place | None, owns: tuple[OwnOrigin, OwnOrigin]
    ) -> Reasons:
        primary_text, shadow_text = owns[0].replace(primary), owns[1].replace(shadow)
        if primary_text == shadow_text or (
            primary_text != primary and shadow_text != shadow and are_same_but_for_origins(primary, shadow, owns)
        ):
            return (ExcuseReason.OWN_ORIGIN,)
        reasons = self._explain_parts(primary_text, shadow_text, place)
        if not reasons and primary_text != primary and shadow_text == shadow:  # both have the primary's
            return self._explain_parts(primary, shadow, place)
        both_hold_origin = primary_text != primary and shadow_text != shadow
        return (ExcuseReason.OWN_ORIGIN, *reasons) if both_hold_origin and reasons else reasons

    def _explain_parts(self, primary: str, shadow: str, place: Place | None) -> Reasons:
        if signed_tokens.is_signed_token(primary) and signed_tokens.is_signed_token(shadow):
            alike = signed_tokens.explain_tokens(primary, shadow, self._explain_scalars)
            return (ExcuseReason.GENERATED_ID,) if alike else ()
        if len(primary) == len(shadow) <= _IDENTIFIER_CHARS and _are_words_alike(primary, shadow, list_names(place)):
            return (ExcuseReason.GENERATED_ID,)
        if len(primary) < 10 or len(shadow) < 10:
            return ()
        primary_skeleton, shadow_skeleton = _find_skeleton(primary), _find_skeleton(shadow)
        if primary_skeleton.text != shadow_skeleton.text:
            return ()
        reasons: set[ExcuseReason] = set()
        for primary_part, shadow_part in zip(primary_skeleton.parts, shadow_skeleton.parts, strict=True):
            if primary_part.text == shadow_part.text:
                continue
            reason = self._explain_part(primary_part, shadow_part)
            if reason is None:
                return ()
            reasons.add(reason)
        return tuple(sorted(reasons))

    def _explain_part(self, primary: _Part, shadow: _Part) -> ExcuseReason | None:
        if primary.kind == "time":
            primary_time = timestamps.parse_timestamp(primary.text)
            shadow_time = timestamps.parse_timestamp(shadow.text)
            if primary_time is None or shadow_time is None:
                return None
            return ExcuseReason.CLOCK if self._moved_with_clock(primary_time, shadow_time) else None
        if primary.kind == "signed":
            alike = signed_tokens.explain_tokens(primary.text, shadow.text, self._explain_scalars)
        elif primary.kind == "secret":
            alike = not (identifier_shape.is_constant(primary.text) or identifier_shape.is_constant(shadow.text))
        elif primary.kind == "nonce":
            alike = identifier_shape.are_identifiers_alike(
                primary.text, shadow.text, identifier_shape.SHORTEST_SECRET_CHARS
            )
        else:
            alike = identifier_shape.are_identifiers_alike(primary.text, shadow.text)
        return ExcuseReason.GENERATED_ID if alike else None

    def _explain_scalars(self, primary: Json, shadow: Json, name: str) -> bool:
        """True if two values in the payload of a token may differ."""
        if isinstance(primary, str) and isinstance(shadow, str):
            if len(primary) + len(shadow) > 1_000:
                return False
            primary_time, shadow_time = timestamps.parse_timestamp(primary), timestamps.parse_timestamp(shadow)
            if primary_time and shadow_time:
                return self._moved_with_clock(primary_time, shadow_time)
            return identifier_shape.are_identifiers_alike(primary, shadow)
        if isinstance(primary, bool) or isinstance(shadow, bool):
            return False
        if isinstance(primary, NUMBERS) and isinstance(shadow, NUMBERS) and says_time((name,)):
            first, second = timestamps.parse_epoch(primary), timestamps.parse_epoch(shadow)
            return first is not None and second is not None and self._moved_with_clock(first, second)
        return False

    def _spend(self, chars: int) -> None:
        self._chars_left -= chars + _CHARS_PER_CALL
        if self._chars_left < 0:
            raise Unverified("the bodies differ in too much text to tell what only moved with clock, origin or ids")

    def _moved_with_clock(self, primary: timestamps.Timestamp, shadow: timestamps.Timestamp) -> bool:
        return timestamps.moved_with_clock(primary, shadow, self._primary.responded_at_ms, self._shadow.responded_at_ms)


def holds_identifier(text: str, names: Sequence[str] = ()) -> bool:
    """True if a string is, or holds, what may be excused as a made-up identifier, a token or a signed URL's secret.

    `names` are those above it, the nearest first: a short word is one under a name that says so.
    """
    if not identifier_shape.SHORTEST_SECRET_CHARS <= len(text) <= _IDENTIFIER_CHARS:
        return False
    if len(text) < identifier_shape.SHORTEST_CHARS:
        return _are_words_alike(text, text, names)
    if signed_tokens.is_signed_token(text) or (_is_one_word(text) and identifier_shape.find_identifier_shape(text)):
        return True
    parts = _find_skeleton(text).parts
    return any(
        identifier_shape.find_identifier_shape(part.text) is not None if part.kind == "word" else part.kind != "time"
        for part in parts
    ) or _are_words_alike(text, text, names)


def list_time_units_ms(value: Json, names: Sequence[str], at_ms: int) -> list[int]:
    """List how often each time that a value is, or holds, changes at least if it moves with the clock, in ms.

    Times that nothing excuses, because they are out of reach of their response, are left out. `names` are those above
    the value, the nearest first; `at_ms` is the time of its response, epoch ms.
    """
    if isinstance(value, str):
        timestamp = timestamps.parse_timestamp(value)
        if timestamp is None and len(value) <= _IDENTIFIER_CHARS:
            texts = [part.text for part in _find_skeleton(value).parts if part.kind == "time"]
            held = [timestamps.parse_timestamp(text) for text in texts]
            return [each.unit_ms for each in held if each is not None and timestamps.is_within_reach(each, at_ms)]
    elif isinstance(value, NUMBERS) and not isinstance(value, bool):
        timestamp = timestamps.parse_epoch(value)
    else:
        return []
    if timestamp is None or (timestamp.is_number and not says_time(names)):
        return []
    return [timestamp.unit_ms] if timestamps.is_within_reach(timestamp, at_ms) else []


def changed_format(primary: object, shadow: object) -> bool:
    """True if two values are timestamps in two formats: another type to whoever parses them."""
    if isinstance(primary, str) and isinstance(shadow, str):
        return timestamps.changed_format(timestamps.parse_timestamp(primary), timestamps.parse_timestamp(shadow))
    if isinstance(primary, NUMBERS) and isinstance(shadow, NUMBERS):
        return timestamps.changed_format(timestamps.parse_epoch(primary), timestamps.parse_epoch(shadow))
    return False


def list_names(place: Place | None) -> list[str]:
    """List the names above a place, the nearest first."""
    if place is None:
        return []
    return [token for token in reversed(place.tokens()) if isinstance(token, str)]


def _are_words_alike(primary: str, shadow: str, names: Sequence[str]) -> bool:
    """True if two texts of one length are, whole, made-up identifiers of one form, or short ones under such a name."""
    if _is_one_word(primary) and _is_one_word(shadow) and identifier_shape.are_identifiers_alike(primary, shadow):
        return True
    if len(primary) > _LONGEST_SHORT_CHARS or not says_secret(names):
        return False
    primary_tag, shadow_tag = _ETAG.fullmatch(primary), _ETAG.fullmatch(shadow)
    if primary_tag and shadow_tag:
        primary, shadow = primary_tag[1], shadow_tag[1]
    return identifier_shape.are_identifiers_alike(primary, shadow, identifier_shape.SHORTEST_SECRET_CHARS)


def _is_one_word(text: str) -> bool:
    """True unless a text is a path: `/orders/…/lines` has the alphabet of base64."""
    return "/" not in text or (text[0] != "/" and ("+" in text or text[-1] == "="))


def _find_skeleton(text: str, *, sure: bool = False) -> _Skeleton:
    """Replace what may be volatile. Words that only may be made up stay if it must be `sure`."""
    # Tokens, times and UUIDs first, then the words between them, so that a word never swallows half a timestamp.
    parts: list[_Part] = []
    words: list[_Part] = []

    def replace_stamp(match: re.Match[str]) -> str:
        kind, found = match.lastgroup or "", match[0]
        before = ""
        if kind == "secret":
            before, _, found = found.partition("=")
            before += "="
        elif kind == "nonce":
            found = match["drawn"]
            before = match[0][: -len(found)]
        elif kind == "number":
            if not _follows_time_name(match.string, match.start()):
                return found
            kind = "time"
        shape = ""
        if kind == "time":
            timestamp = timestamps.parse_timestamp(found)
            if timestamp is None:
                return found
            shape = timestamp.format
        elif kind in ("id", "base64", "nonce"):
            shape = str(len(found))
        parts.append(_Part(kind, found))
        return f"{before}\x01{kind} {shape}\x01"

    def replace_word(match: re.Match[str]) -> str:
        word = match[0]
        if len(word) > _IDENTIFIER_CHARS:
            return word
        if sure:
            return f"\x01{identifier_shape.find_identifier_shape(word) or word}\x01"
        if identifier_shape.is_language(word):
            return word
        words.append(_Part("word", word))
        return f"\x01{len(word)}\x01"

    if "once" in text or _TOKEN_TAIL.search(text) is not None:
        text = _TOKENS.sub(replace_stamp, text)
    text = _WORDS.sub(replace_word, _STAMPS.sub(replace_stamp, text))
    return _Skeleton(text, parts + words)


def _follows_time_name(text: str, position: int) -> bool:
    """True if the word before a number in a text says that it is a time: `ts=`, `"created_at": `, `at `."""
    before = text[max(0, position - _NAME_CHARS) : position]
    named = before.rstrip(_BETWEEN)
    match = _NAME_BACKWARDS.match(named[::-1])
    if match is None or named == before:
        return False
    name = match[0][::-1]
    return says_time((name,)) or (name == "_" and before[-1] == "=")  # jQuery's `_=` keeps caches from answering

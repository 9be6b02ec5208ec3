"""Mask the renderings in differences as the bodies that they come from are masked."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from darklaunch_comparator.credentials import is_credential
from darklaunch_comparator.places import BadPath, is_text_path, parse_body_path

from .known_values import KnownValues
from .mask_places import MaskPlaces
from .placeholders import Placeholders
from .text import TextMasker

_SCALAR: Final = re.compile(r'"|-?\d+(?![^\n]*only here:)|(?:true|false|null)?\Z')
_CUT_OFF: Final = re.compile(r"(?<=…\")[^\s&;,<>\"']{16,}")
"""What a rendering that lost its beginning begins with: the name before it may be lost too."""
_PATHS_WITHOUT_VALUES: Final = ("status", "latency")
_SHOWN_VALUES: Final = (None, "", "null", "true", "false")

_Mask = Callable[[Any], Any]


class DifferenceMasker:
    """Masks the renderings in a difference, by the place that it was found at."""

    def __init__(self, placeholders: Placeholders, places: MaskPlaces, text: TextMasker) -> None:
        self._placeholders = placeholders
        self._places = places
        self._text = text
        self._known_values = KnownValues(placeholders)

    def begin_exchange(self) -> None:
        """Forget the values of the exchange before."""
        self._known_values.forget()

    def learn_values(self) -> None:
        """Mask what has been masked of this exchange so far, wherever it is shown."""
        self._known_values.learn()

    def mask(self, difference: dict[str, Any]) -> dict[str, Any]:
        """Mask a difference as it is stored, `{"path", "kind", "primary", "shadow", …}`."""
        mask = self._choose_mask(str(difference.get("path", "")), str(difference.get("kind")))
        return difference | {side: mask(difference[side]) for side in ("primary", "shadow") if side in difference}

    def _choose_mask(self, path: str, kind: str) -> _Mask:
        if self._places.everything and path not in _PATHS_WITHOUT_VALUES:
            return self._mask_whole
        if path.startswith("header:"):
            name = path.removeprefix("header:")
            if name in ("set-cookie", "cookie"):  # rendered without their values
                return self._mask_secrets
            is_secret = name in self._places.headers or is_credential(name)
            return self._mask_whole if is_secret else self._mask_secrets
        return self._choose_body_mask(path, kind) if path.startswith("$") or is_text_path(path) else self._mask_secrets

    def _choose_body_mask(self, path: str, kind: str) -> _Mask:
        try:
            tokens = [step.token for step in parse_body_path(path) if step.token is not None]
        except BadPath:  # a path so long that it was cut
            return self._mask_whole
        positions, covered = self._places.follow(tokens)
        if covered or any(isinstance(token, str) and is_credential(token) for token in tokens):
            return self._mask_whole
        # Where something below is to be masked, only a value that has nothing below it is shown.
        return self._mask_objects if positions and kind != "text" else self._mask_secrets

    def _mask_objects(self, rendering: Any) -> Any:
        return self._mask_secrets(rendering) if _SCALAR.match(str(rendering)) else self._mask_whole(rendering)

    def _mask_secrets(self, rendering: Any) -> Any:
        if not isinstance(rendering, str):
            return rendering
        masked = self._text.mask(_CUT_OFF.sub(lambda match: self._placeholders.for_text(match[0]), rendering))
        return self._known_values.mask(masked)

    def _mask_whole(self, rendering: Any) -> Any:
        """Mask a rendered value; one that is rendered whole gets the placeholder that it has in its body."""
        if not isinstance(rendering, str) or rendering in _SHOWN_VALUES:
            return rendering
        try:
            value = json.loads(rendering, parse_float=_NumberLiteral, parse_int=_NumberLiteral)
        except (ValueError, RecursionError):
            return self._placeholders.for_text(rendering)
        if isinstance(value, str):
            return f'"{self._placeholders.for_text(value)}"'
        if isinstance(value, _NumberLiteral):
            return f'"{self._placeholders.for_number(value.text)}"'
        return self._placeholders.for_text(rendering)


class _NumberLiteral:
    """A number as it was written."""

    def __init__(self, text: str) -> None:
        self.text = text

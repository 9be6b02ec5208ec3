"""Route templates learned from paths, for frameworks that name no route: `/orders/123.json` is `/orders/{id}.json`.

A segment that looks like an identifier is one, whatever extension or action follows it. Words can be identifiers too
(`/users/alice`): where very many paths differ in one segment alone, further ones are taken for one endpoint. Ten that
differ in the number within one segment alone suffice: after `/products/S1.json` to `S10.json` comes `S{id}.json`.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

OTHER: Final = "{other}"
VARIED: Final = 100
"""So many paths that differ in one segment alone make it a parameter."""
FEW: Final = 10
"""So many are enough where only a number within the segment differs, or once there is no room for more templates."""

_IDENTIFIER: Final = re.compile(
    r"""
      [+-]?[0-9]+(?:[.,:_-][0-9]+)*                                    # 42, 2024-05-01, 1.5
    | [0-9]{4}-?[0-9]{2}-?[0-9]{2}T[0-9:.,]+(?:Z|[+-][0-9:]+)?         # 2024-05-01T10:00:00Z
    | [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}     # a UUID
    | (?=[a-f]*[0-9])[0-9a-f]{8,}                                      # hexadecimal
    | (?=[^0-9]*[0-9])[0-9a-z_.~=%+-]{16,}                             # a token: long, with digits
    | [0-9a-z_.~=%+-]{40,}                                             # too long for a word
    | [a-z]{1,6}[_-][0-9]+                                             # ord_123
    | .*%[89a-f][0-9a-f].*                                             # text that needed quoting
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_SUFFIX: Final = re.compile(
    r"""
      (?:\.[a-z][a-z0-9]{0,4}){1,2}       # .json, .tar.gz
    | :[a-z][a-z_-]{0,39}                 # :cancel, a custom method of AIP-136
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NUMBERED: Final = re.compile(r"([a-z]{2,20}[_-])[0-9]{3,}(?:[_-][0-9]+)*", re.IGNORECASE)
"""A word and a number: `invoice_123`, `summary-2024`."""
_NUMBER: Final = re.compile(r"[0-9]+(?:[_-][0-9]+)*")
_MAX_SEGMENTS: Final = 12
_MATCHED_CHARS: Final = 200
_KEPT_CHARS: Final = 60


class LearnedTemplates:
    """The route templates seen so far, bounded so that reports stay readable.

    A tenth of the limit is kept for templates made of many paths that differ in one segment. What fits none of these
    once the rest is full becomes `{other}`. The template of a path that has one never changes.
    """

    def __init__(self, limit: int = 500) -> None:
        self._limit = limit
        self._own_limit = limit - limit // 10
        self._templates: set[str] = set()
        self._merged: set[str] = set()
        self._siblings: Counter[str] = Counter()

    def learn_path(self, path: str) -> str:
        """Return the template of a path without query, or `{other}`."""
        segments = path.split("/", _MAX_SEGMENTS + 1)[1:]
        if len(segments) > _MAX_SEGMENTS:
            segments[_MAX_SEGMENTS:] = ["{path}"]
        segments = [_generalize_segment(segment) for segment in segments]
        template = "/" + "/".join(segments)
        return template if template in self._templates else self._learn_template(template, segments)

    def admit_template(self, template: str) -> str:
        """Return the template if it is known or there is room for it, else `{other}`."""
        if template not in self._templates:
            if len(self._templates) >= self._limit:
                return OTHER
            self._templates.add(template)
        return template

    def _learn_template(self, template: str, segments: list[str]) -> str:
        """Admit a new template, or the one that it and its siblings have in common."""
        words = [(index, segment) for index, segment in enumerate(segments) if "{" not in segment and segment]
        shapes = {index: shape for index, word in words if (shape := _replace_number(word))}
        numbered = [_widen(segments, index, shape) for index, shape in shapes.items()]
        wider = [_widen(segments, index) for index, _ in words]
        if len(shapes) > 1:
            wider.append("/" + "/".join(shapes.get(index, segment) for index, segment in enumerate(segments)))
        if merged := next((known for known in (*numbered, *wider) if known in self._merged), None):
            return merged
        if len(self._templates) - len(self._merged) < self._own_limit:
            self._templates.add(template)
            self._siblings.update((*numbered, *wider))
            self._merge(known for known in numbered if self._siblings[known] >= FEW)
            self._merge(known for known in wider if self._siblings[known] >= VARIED)
            return template
        most = max(wider, key=lambda known: self._siblings[known], default="")
        self._merge([most] if self._siblings[most] >= min(FEW, self._own_limit) else [])
        return most if most in self._merged else OTHER

    def _merge(self, wider: Iterable[str]) -> None:
        for template in wider:
            if len(self._templates) < self._limit:
                self._merged.add(template)
                self._templates.add(template)


def _widen(segments: list[str], index: int, shape: str = "{id}") -> str:
    return "/" + "/".join([*segments[:index], shape, *segments[index + 1 :]])


def _replace_number(segment: str) -> str:
    """Return a segment with `{id}` in place of each number before its extension or action; "" if it has none."""
    suffix = _list_suffixes(segment)[0]
    stem = segment[: len(segment) - len(suffix)]
    shape, count = _NUMBER.subn("{id}", stem)
    return shape + suffix if count else ""


def _generalize_segment(segment: str) -> str:
    """Return a segment with `{id}` in place of what looks like an identifier. What follows it is kept."""
    matched = segment[:_MATCHED_CHARS]
    for suffix in _list_suffixes(matched):
        stem = matched[: len(matched) - len(suffix)]
        if _IDENTIFIER.fullmatch(stem):
            return f"{{id}}{suffix}"
        if numbered := _NUMBERED.fullmatch(stem):
            return f"{numbered[1]}{{id}}{suffix}"
    return segment[:_KEPT_CHARS]


def _list_suffixes(segment: str) -> list[str]:
    """Return what may follow an identifier in this segment, the longest first, and nothing."""
    ends = [index for index, character in enumerate(segment) if character in ".:"][-2:]
    return [*(segment[end:] for end in ends if end and _SUFFIX.fullmatch(segment, end)), ""]

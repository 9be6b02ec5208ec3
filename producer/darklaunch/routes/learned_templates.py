"""Route templates learned from paths, for frameworks that name no route: `/orders/123` becomes `/orders/{id}`."""

import re
from typing import Final

OTHER: Final = "{other}"

_IDENTIFIER: Final = re.compile(
    r"""
      [+-]?[0-9]+(?:[.,:_-][0-9]+)*                                    # 42, 2024-05-01, 1.5
    | [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}     # a UUID
    | (?=[a-f]*[0-9])[0-9a-f]{8,}                                      # hexadecimal
    | (?=[^0-9]*[0-9])[0-9a-z_.~=%+-]{16,}                             # a token: long, with digits
    | [0-9a-z_.~=%+-]{40,}                                             # too long for a word
    | [a-z]{1,6}[_-][0-9]+                                             # ord_123
    | .*%[89a-f][0-9a-f].*                                             # text that needed quoting
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_MAX_SEGMENTS: Final = 12
_MATCHED_CHARS: Final = 200
_KEPT_CHARS: Final = 60


class LearnedTemplates:
    """The route templates seen so far, bounded so that reports stay readable: further ones become `{other}`."""

    def __init__(self, limit: int = 500) -> None:
        self._limit = limit
        self._templates: set[str] = set()

    def learn_path(self, path: str) -> str:
        """Return the template of a path without query, or `{other}`."""
        segments = path.split("/", _MAX_SEGMENTS + 1)[1:]
        if len(segments) > _MAX_SEGMENTS:
            segments[_MAX_SEGMENTS:] = ["{path}"]
        return self.admit_template("/" + "/".join(map(_generalize_segment, segments)))

    def admit_template(self, template: str) -> str:
        """Return the template if it is known or there is room for it, else `{other}`."""
        if template not in self._templates:
            if len(self._templates) >= self._limit:
                return OTHER
            self._templates.add(template)
        return template


def _generalize_segment(segment: str) -> str:
    return "{id}" if _IDENTIFIER.fullmatch(segment[:_MATCHED_CHARS]) else segment[:_KEPT_CHARS]

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


class LearnedTemplates:
    """The templates seen so far: at most `most`, later ones are `{other}`, so that reports stay readable."""

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._seen: set[str] = set()

    def learn(self, path: str) -> str:
        """Give the template of a path, without its query."""
        segments = path.split("/", _MAX_SEGMENTS + 1)[1:]
        if len(segments) > _MAX_SEGMENTS:
            segments[_MAX_SEGMENTS:] = ["{path}"]
        return self.admit(
            "/" + "/".join("{id}" if _IDENTIFIER.fullmatch(each[:200]) else each[:60] for each in segments)
        )

    def admit(self, template: str) -> str:
        """Give a template back while there is room for it, else the overflow."""
        if template not in self._seen:
            if len(self._seen) >= self._most:
                return OTHER
            self._seen.add(template)
        return template

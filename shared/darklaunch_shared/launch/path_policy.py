"""Which requests a launch mirrors: safe methods by default, writes only if the launch allows their path.

The hook checks before it samples. The worker checks again before it replays, because somebody who can write to the
stream must not be able to make workers send what the launch forbids.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from darklaunch_shared.errors import BadLaunch

from .path_readings import decode_path, is_ordinary, read_path
from .spec import SAFE_METHODS, LaunchSpec

_ASCII: Final = bytes(range(128))


@dataclass(frozen=True, slots=True)
class PathPolicy:
    """The compiled patterns of one launch."""

    allow: tuple[tuple[str, re.Pattern[str]], ...]
    only: tuple[re.Pattern[str], ...]
    skip: tuple[re.Pattern[str], ...]

    def explain_refusal(
        self, method: str, path: str, overrides: Collection[str] = (), other_paths: Collection[str] = ()
    ) -> str | None:
        """Return why a request is not mirrored, `unsafe_method`, `method_override` or `path`; None if it is.

        `path` has no query. `overrides` and `other_paths` are methods and paths that the request names elsewhere, see
        `effective_method`. A request is mirrored only if the launch mirrors it whatever a server makes of each of its
        paths, and by each of its methods.
        """
        if method in SAFE_METHODS and not overrides and not other_paths and is_ordinary(path):  # nearly every request
            return None if self._includes(path) else "path"
        unsafe = [each for each in (method, *overrides) if each not in SAFE_METHODS]
        if not (unsafe or self.only or self.skip):
            return None
        readings = _read_paths((path, *other_paths))
        for each in unsafe:
            if not readings or not all(self._allows(each, reading) for reading in readings):
                return "unsafe_method" if each == method else "method_override"
        return None if readings and all(map(self._includes, readings)) else "path"

    def _allows(self, method: str, path: str) -> bool:
        return any(method == allowed and pattern.fullmatch(path) for allowed, pattern in self.allow)

    def _includes(self, path: str) -> bool:
        for pattern in self.skip:
            if pattern.fullmatch(path):
                return False
        return not self.only or any(pattern.fullmatch(path) for pattern in self.only)


def _read_paths(paths: tuple[str, ...]) -> Collection[str]:
    """Return what servers could make of all these paths; nothing if that is not known of one."""
    if len(paths) == 1:
        return paths if is_ordinary(paths[0]) else read_path(paths[0]) or ()
    readings = [read_path(path) for path in paths]
    return [reading for each in readings if each for reading in each] if all(readings) else ()


def compile_path_policy(spec: LaunchSpec) -> PathPolicy:
    """Compile a launch's patterns. Raises BadLaunch when one is malformed."""
    return PathPolicy(
        allow=tuple(_compile_allowed(text) for text in spec.allow),
        only=tuple(_compile_pattern(text) for text in spec.only),
        skip=tuple(_compile_skipped(text) for text in spec.skip),
    )


def _compile_allowed(text: str) -> tuple[str, re.Pattern[str]]:
    method, _, path = text.partition(" ")
    if not method.isalpha() or method != method.upper() or not path:
        raise BadLaunch(f"{text!r} does not allow anything: write a method and a path, like 'POST /search'")
    return method, _compile_pattern(path)


def _compile_skipped(text: str) -> re.Pattern[str]:
    """Compile what must not be mirrored: in any case, and with or without a last slash, as many servers route."""
    pattern = _compile_pattern(text.rstrip("/") or "/")
    return re.compile(f"(?:{pattern.pattern})/?", pattern.flags | re.IGNORECASE)


def _compile_pattern(text: str) -> re.Pattern[str]:
    if not text.startswith("/") or any(character <= " " for character in text):
        raise BadLaunch(f"{text!r} is not a path pattern: start with /, use * for one segment and ** for any rest")
    if text.count("*") > 6:
        raise BadLaunch(f"{text!r} has too many wildcards: use at most three")
    return re.compile("|".join(f"(?:{_translate(spelling)})" for spelling in _list_spellings(text)), re.DOTALL)


def _list_spellings(text: str) -> list[str]:
    """Return a pattern as paths can spell it: as written, percent-encoded, and decoded; all in latin-1 as paths are."""
    spellings = [quote(text, safe=_ASCII), text.encode().decode("latin-1")]
    while (decoded := decode_path(spellings[-1].replace("%2A", "%252A").replace("%2a", "%252A"))) != spellings[-1]:
        spellings.append(decoded)
    return list(dict.fromkeys(spellings))


def _translate(text: str) -> str:
    first, *others = text.split("**")
    between, last = others[:-1], others[-1:]
    expression = _translate_within_segments(first) + "".join(
        f"(?>.*?{_translate_within_segments(part)})" for part in between
    )
    return expression + "".join(f".*{_translate_within_segments(part)}" for part in last)


def _translate_within_segments(text: str) -> str:
    """Return the regular expression of a pattern whose stars stay within a segment.

    As long as another wildcard follows, the first match after a wildcard is as good as any later one. Atomic groups
    commit to it, so that no path, however long, makes the engine backtrack through all divisions.
    """
    first, *others = (re.escape(part) for part in text.split("*"))
    return first + "".join(
        f"[^/]*{part}" if nth == len(others) or "/" in part else f"(?>[^/]*?{part})"
        for nth, part in enumerate(others, 1)
    )

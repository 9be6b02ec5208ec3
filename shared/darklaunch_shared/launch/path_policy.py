"""Which requests a launch mirrors: safe methods by default, writes only if the launch allows their path.

The hook checks before it samples. The worker checks again before it replays, because who can write to the stream must
not be able to make workers send what the launch forbids.
"""

import re
from dataclasses import dataclass

from darklaunch_shared.errors import BadLaunch

from .spec import SAFE_METHODS, LaunchSpec


@dataclass(frozen=True, slots=True)
class PathPolicy:
    """The compiled patterns of one launch."""

    allow: tuple[tuple[str, re.Pattern[str]], ...]
    only: tuple[re.Pattern[str], ...]
    skip: tuple[re.Pattern[str], ...]

    def explain_refusal(self, method: str, path: str) -> str | None:
        """Return why a request is not mirrored, `unsafe_method` or `path`; None if it is. `path` has no query."""
        if method not in SAFE_METHODS and not any(
            method == allowed and pattern.fullmatch(path) for allowed, pattern in self.allow
        ):
            return "unsafe_method"
        if self.only and not any(pattern.fullmatch(path) for pattern in self.only):
            return "path"
        if any(pattern.fullmatch(path) for pattern in self.skip):
            return "path"
        return None


def compile_path_policy(spec: LaunchSpec) -> PathPolicy:
    """Compile a launch's patterns. Raises BadLaunch when one is malformed."""
    return PathPolicy(
        allow=tuple(_compile_allowed(text) for text in spec.allow),
        only=tuple(_compile_pattern(text) for text in spec.only),
        skip=tuple(_compile_pattern(text) for text in spec.skip),
    )


def _compile_allowed(text: str) -> tuple[str, re.Pattern[str]]:
    method, _, path = text.partition(" ")
    if not method.isalpha() or method != method.upper() or not path:
        raise BadLaunch(f"{text!r} does not allow anything: write a method and a path, like 'POST /search'")
    return method, _compile_pattern(path)


def _compile_pattern(text: str) -> re.Pattern[str]:
    if not text.startswith("/") or any(character <= " " for character in text):
        raise BadLaunch(f"{text!r} is not a path pattern: start with /, use * for one segment and ** for any rest")
    if text.count("*") > 6:
        raise BadLaunch(f"{text!r} has too many wildcards: use at most three")
    first, *others = text.split("**")
    between, last = others[:-1], others[-1:]
    expression = _translate_within_segments(first) + "".join(
        f"(?>.*?{_translate_within_segments(part)})" for part in between
    )
    return re.compile(expression + "".join(f".*{_translate_within_segments(part)}" for part in last), re.DOTALL)


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

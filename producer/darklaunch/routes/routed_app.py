"""The app behind a hook, for frameworks that leave nothing about the route in the scope or environ."""

from __future__ import annotations

from typing import Any, Final

from .wrapped_apps import walk_wrapped_apps

RECORDED: Final = "darklaunch.recording"
"""In the scope or environ of a request: the hook that records it, so that one further in does not."""
_FRAMEWORKS: Final = frozenset({"falcon", "quart"})


def find_routed_app(hook: Any) -> tuple[str, Any] | None:
    """Return the framework and the app behind a hook, if the framework is Quart or Falcon."""
    if hook is None:
        return None
    try:
        return hook.routed_app  # type: ignore[no-any-return]
    except AttributeError:
        hook.routed_app = found = _search_app(hook)
        return found


def _search_app(hook: Any) -> tuple[str, Any] | None:
    for candidate, attributes in walk_wrapped_apps(hook):
        for base in type(candidate).__mro__:
            framework = base.__module__.partition(".")[0]
            if framework in _FRAMEWORKS and ("url_map" in attributes or hasattr(candidate, "_router")):
                return framework, candidate
    return None

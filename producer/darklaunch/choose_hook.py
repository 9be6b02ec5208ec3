"""Which hook an app needs: a wrong one must be a line in the log, and never an exception in the app."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from typing import Any, Final

from .install import find_installer, install_hook

log = logging.getLogger("darklaunch")

_INTERFACES: Final = {2: "wsgi", 3: "asgi"}
"""By how many arguments an app takes: (environ, start_response); (scope, receive, send)."""
_CLASS_NAMES: Final = {"asgi": "CaptureMiddleware", "wsgi": "WSGICaptureMiddleware"}
RIGHT_HOOK: Final = object()
HOOK_CLASSES: Final[dict[str, Any]] = {}
"""The hook of each interface; their modules enter them."""
_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def replace_wrong_hook(hook_class: type, interface: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Return what an app is to be wrapped in instead of this hook, logged in one line; RIGHT_HOOK if it is the one.

    `arguments` and `options` are those of the hook. What is returned is the other hook, the app itself once a native
    hook is in it, or the app as it is.
    """
    if not arguments and "app" not in options:
        return RIGHT_HOOK
    app = arguments[0] if arguments else options["app"]
    options = {name: value for name, value in options.items() if name != "app"}
    name = hook_class.__name__
    if find_installer(app):
        log.warning("darklaunch was added wrongly: %s is for %s apps; for %s write install_hook(app), as is done now",
                    name, interface.upper(), type(app).__module__.partition(".")[0])  # fmt: skip
        return install_hook(app, **options)
    takes = detect_interface(app)
    if takes in ("", interface):
        return RIGHT_HOOK
    if takes == "none":
        log.error("darklaunch is off: %s wraps %s apps, and %s is none; in Django wrap `application` in wsgi.py or "
                  "asgi.py, and not in MIDDLEWARE", name, interface.upper(), _describe(app))  # fmt: skip
        return app
    other = _CLASS_NAMES[takes]
    log.warning("darklaunch was added wrongly: %s is for %s apps, and %s is one of %s: write %s(app), as is done now",
                name, interface.upper(), _describe(app), takes.upper(), other)  # fmt: skip
    return HOOK_CLASSES[takes](app, **options)


def detect_interface(app: Any) -> str:
    """Return "asgi" or "wsgi", "none" for what is no app of either, "" if that cannot be told."""
    if not callable(app):
        return "none"
    try:
        parameters = list(inspect.signature(app).parameters.values())
    except (TypeError, ValueError):
        return ""
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return ""
    required = [each for each in parameters if each.kind in _POSITIONAL and each.default is inspect.Parameter.empty]
    accepted = [each for each in parameters if each.kind in _POSITIONAL]
    if len(required) in _INTERFACES:
        return _INTERFACES[len(required)]
    return "" if len(accepted) in _INTERFACES else "none"


def _describe(app: Any) -> str:
    return getattr(app, "__qualname__", None) or type(app).__qualname__

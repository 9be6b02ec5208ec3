"""Adding the hook to an app of any framework with one call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, Unpack
from weakref import WeakSet

from .native.aiohttp_app import install_in_aiohttp
from .native.hook import NativeHook
from .native.sanic_app import install_in_sanic
from .native.tornado_app import install_in_tornado
from .settings import HookOptions

log = logging.getLogger("darklaunch")

App = TypeVar("App")

_INSTALLERS: Final[dict[tuple[str, str], Callable[[Any, Mapping[str, Any]], NativeHook]]] = {
    ("aiohttp.web_app", "Application"): install_in_aiohttp,
    ("sanic.app", "Sanic"): install_in_sanic,
    ("tornado.web", "Application"): install_in_tornado,
}
_installed: WeakSet[NativeHook] = WeakSet()  # an app holds its hook


def install_hook(app: App, **options: Unpack[HookOptions]) -> App:
    """Mirror a share of the requests of an aiohttp.web, Sanic or Tornado app while a launch is active.

        install_hook(app)          # aiohttp.web, Sanic, Tornado: before the app runs

    The options are those of `CaptureMiddleware`. Returns the app. Raises nothing: the log `darklaunch` says what is
    wrong, and the app runs without the hook.
    """
    install = find_installer(app)
    if install is None:
        log.error(
            "darklaunch is off: install_hook takes an aiohttp.web, Sanic or Tornado app, and got %s; wrap an ASGI app "
            "with CaptureMiddleware(app), a WSGI app with WSGICaptureMiddleware(app)",
            type(app).__qualname__,
        )
        return app
    if any(hook.app is app for hook in list(_installed)):
        return app
    try:
        _installed.add(install(app, options))
    except Exception:
        log.exception("darklaunch is off: its hook could not be installed in %s", type(app).__qualname__)
    return app


def find_installer(app: object) -> Callable[[Any, Mapping[str, Any]], NativeHook] | None:
    """Return what installs the hook in an app of a framework with a server of its own; None for any other app."""
    for base in type(app).__mro__:
        if install := _INSTALLERS.get((base.__module__, base.__name__)):
            return install
    return None

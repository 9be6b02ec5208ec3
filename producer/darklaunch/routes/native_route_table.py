"""The routes of aiohttp.web, Sanic and Tornado apps, named as `endpoint` names those of their requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from darklaunch_shared.wire.route_table import ANY_METHOD, Route

from .more_templates import read_tornado_path
from .url_patterns import convert_sanic_path

_TORNADO_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_IMPLIED_METHODS: Final = frozenset({"HEAD", "OPTIONS"})
_MAX_DEPTH: Final = 20


def list_native_routes(app: Any, attributes: Mapping[str, Any]) -> tuple[str, list[Route]] | None:
    """Return an app's framework and routes; None for other frameworks. `attributes` are those that it itself has."""
    if hasattr(attributes.get("_router"), "resources"):
        return "aiohttp", list(_list_aiohttp_routes(attributes["_router"]))
    if hasattr(attributes.get("default_router"), "rules"):
        return "tornado", list(_list_tornado_routes(attributes["default_router"], 0))
    if type(app).__module__ == "sanic.app":
        return "sanic", list(_list_sanic_routes(app.router.routes_all.values()))
    return None


def _list_aiohttp_routes(router: Any) -> Iterator[Route]:
    for route in router.routes():
        if route.resource is not None and (route.method not in _IMPLIED_METHODS):
            yield route.method if route.method != "*" else ANY_METHOD, route.resource.canonical


def _list_sanic_routes(routes: Iterable[Any]) -> Iterator[Route]:
    for route in routes:
        if route.extra and getattr(route.extra, "websocket", False):
            continue
        for method in sorted(set(route.methods) - _IMPLIED_METHODS):
            yield method, convert_sanic_path(str(route.path))


def _list_tornado_routes(router: Any, depth: int) -> Iterator[Route]:
    for rule in router.rules:
        if hasattr(rule.target, "rules") and depth < _MAX_DEPTH:
            yield from _list_tornado_routes(rule.target, depth + 1)
        elif template := read_tornado_path(rule):
            for method in _list_tornado_methods(rule.target):
                yield method, template


def _list_tornado_methods(handler: Any) -> list[str]:
    """Return the methods that a handler's class defines: those of Tornado's own class answer 405."""
    if hasattr(handler, "ping_interval"):
        return []  # a websocket
    bases: tuple[Any, ...] = getattr(handler, "__mro__", ())
    defined: set[str] = set()
    for base in bases:
        if base.__module__ != "tornado.web":
            defined.update(vars(base))  # pyright: ignore[reportUnknownArgumentType]
    return [method for method in _TORNADO_METHODS if method.lower() in defined]

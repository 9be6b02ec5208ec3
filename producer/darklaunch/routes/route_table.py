"""The routes an app has, named as `endpoint` names those of its requests. Imports no framework.

Starlette and FastAPI keep a list of routes, Flask a map of URL rules, Django a URLconf, which it loads with its first
request; aiohttp, Sanic and Tornado have a module of their own. Any other app has no table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from darklaunch_shared.wire.route_table import ANY_METHOD, MAX_ROUTES, Route

from .native_route_table import list_native_routes
from .url_patterns import convert_django_pattern, convert_flask_rule
from .wrapped_apps import walk_wrapped_apps

_MAX_DEPTH: Final = 20
_IMPLIED_METHODS: Final = frozenset({"HEAD", "OPTIONS"})

FoundRoutes = tuple[str, list[Route]]
"""The framework, and its routes."""


def read_routes(app: Any) -> FoundRoutes | None:
    """Return the framework of an app and its routes; None when it has none that can be listed, or none yet."""
    found = _find_routes(app, "", 0)
    if found is not None:
        return found
    return _read_django_routes()


def _find_routes(app: Any, prefix: str, depth: int) -> FoundRoutes | None:
    """Search an app, and the apps that it wraps, for a table of routes."""
    for candidate, attributes in walk_wrapped_apps(app):
        if hasattr(attributes.get("url_map"), "iter_rules"):
            return "flask", list(_list_flask_routes(attributes["url_map"], prefix))
        if isinstance(attributes.get("routes"), list):
            routes = attributes["routes"]
            framework = "fastapi" if "fastapi" in sys.modules and _is_fastapi(routes) else "starlette"
            return framework, list(_list_starlette_routes(routes, prefix, depth))
        if native := list_native_routes(candidate, attributes):
            return native
        mounts = attributes.get("mounts")
        if isinstance(mounts, dict) and depth < _MAX_DEPTH:  # werkzeug's DispatcherMiddleware
            searched = [_find_routes(attributes.get("app"), prefix, depth + 1)]
            searched += [
                _find_routes(mounted, f"{prefix}{path}", depth + 1) for path, mounted in cast(Any, mounts).items()
            ]
            tables = [table for table in searched if table is not None]
            return (tables[0][0], [route for _, routes in tables for route in routes]) if tables else None
    return None


def _is_fastapi(routes: Iterable[Any]) -> bool:
    return any(type(route).__module__.partition(".")[0] == "fastapi" for route in routes)


def _list_starlette_routes(routes: Iterable[Any], prefix: str, depth: int) -> Iterator[Route]:
    for route in tuple(routes):
        if depth < _MAX_DEPTH:
            yield from _list_starlette_route(route, prefix, depth)


def _list_starlette_route(route: Any, prefix: str, depth: int) -> Iterator[Route]:
    if hasattr(route, "effective_candidates"):  # a router that FastAPI includes: its routes, under its prefix
        yield from _list_starlette_routes(route.effective_candidates(), prefix, depth + 1)
        return
    route = getattr(route, "starlette_route", None) or route
    mounted_routes = getattr(route, "routes", None)
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    if mounted_routes is not None:  # a mount, or a host, which has no path
        mount_path = prefix + (path or "").removesuffix("/{path}") if hasattr(route, "path_format") else prefix
        if mounted_routes:
            yield from _list_starlette_routes(mounted_routes, mount_path, depth + 1)
        elif hasattr(route, "path_format"):
            yield ANY_METHOD, f"{mount_path}/{{path}}"
        return
    endpoint = getattr(route, "endpoint", None)
    if not isinstance(path, str) or getattr(endpoint, "__module__", "") == "fastapi.applications":
        return  # FastAPI's own pages, such as /docs, need no coverage
    if not hasattr(route, "methods"):
        return  # a websocket
    for method in _list_methods(route.methods):
        yield method, prefix + path


def _list_flask_routes(url_map: Any, prefix: str) -> Iterator[Route]:
    for rule in list(url_map.iter_rules()):
        if getattr(rule, "websocket", False) or str(rule.endpoint).rpartition(".")[2] == "static":
            continue
        for method in _list_methods(rule.methods):
            yield method, prefix + convert_flask_rule(str(rule.rule))


def _list_methods(methods: Iterable[str] | None) -> list[str]:
    """Return the methods, sorted; HEAD and OPTIONS, which frameworks add by themselves, only if there is no other."""
    declared = sorted(methods or ())
    return [method for method in declared if method not in _IMPLIED_METHODS] or declared or [ANY_METHOD]


def _read_django_routes() -> FoundRoutes | None:
    """Return Django's routes once its URLconf is loaded. Loading it is left to the app."""
    urls, conf = sys.modules.get("django.urls"), sys.modules.get("django.conf")
    if urls is None or conf is None or not conf.settings.configured:
        return None
    urlconf = getattr(conf.settings, "ROOT_URLCONF", None)
    resolver = urls.get_resolver(None) if isinstance(urlconf, str) and urlconf in sys.modules else None
    if resolver is None or "urlconf_module" not in vars(resolver):
        return None
    routes: list[Route] = []
    _collect_django_routes(resolver.url_patterns, "", 0, routes)
    return "django", routes


def _collect_django_routes(patterns: Iterable[Any], prefix: str, depth: int, routes: list[Route]) -> None:
    for pattern in patterns:
        if len(routes) > MAX_ROUTES or depth > _MAX_DEPTH:
            return
        path = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            _collect_django_routes(pattern.url_patterns, path, depth + 1, routes)
        else:
            routes += [(method, convert_django_pattern(path)) for method in _list_view_methods(pattern.callback)]


def _list_view_methods(view: Any) -> list[str]:
    """Return the methods of a class-based view. A function takes any method."""
    actions = getattr(view, "actions", None)  # Django REST framework
    if isinstance(actions, dict) and actions:
        return _list_methods(method.upper() for method in cast(Mapping[str, Any], actions))
    view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
    names: Iterable[str] = getattr(view_class, "http_method_names", ())
    return _list_methods(name.upper() for name in names if hasattr(view_class, name))

"""Which routes an app has, as `routes` names them of its requests. Imports no framework: it looks at what is there.

Starlette and FastAPI keep a list of routes, Flask a map of URL rules, Django a URLconf, which it loads with its first
request. Anything else has no table.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from darklaunch_shared.wire.route_table import ANY_METHOD, MOST_ROUTES, Route

from .endpoint import django_template, flask_template

_INWARD: Final = ("app", "wsgi_app", "asgi_app", "application", "_app", "router", "__wrapped__", "func")
_FARTHEST: Final = 50
_DEEPEST: Final = 20
_IMPLIED: Final = frozenset({"HEAD", "OPTIONS"})

Table = tuple[str, list[Route]]


def read_routes(app: Any) -> Table | None:
    """Give the framework of an app and its routes; None when it has none that can be listed, or none yet."""
    found = _listed(app, "", 0)
    if found is not None:
        return found
    return _django()


def _listed(app: Any, prefix: str, depth: int) -> Table | None:
    """Look for a table in an app and whatever it wraps."""
    waiting, seen = deque([app]), set[int]()
    while waiting and len(seen) < _FARTHEST:
        each = waiting.popleft()
        if id(each) in seen:
            continue
        seen.add(id(each))
        kept = _kept(each)
        if hasattr(kept.get("url_map"), "iter_rules"):
            return "flask", list(_flask(kept["url_map"], prefix))
        if isinstance(kept.get("routes"), list):
            framework = "fastapi" if "fastapi" in sys.modules and _is_fastapi(kept["routes"]) else "starlette"
            return framework, list(_starlette(kept["routes"], prefix, depth))
        if isinstance(mounts := kept.get("mounts"), dict) and depth < _DEEPEST:  # werkzeug's DispatcherMiddleware
            parts = [_listed(kept.get("app"), prefix, depth + 1)]
            parts += [_listed(below, f"{prefix}{at}", depth + 1) for at, below in cast(Any, mounts).items()]
            tables = [table for table in parts if table is not None]
            return (tables[0][0], [route for _, routes in tables for route in routes]) if tables else None
        waiting.extend(kept[name] for name in _INWARD if name in kept)
        if (bound := getattr(each, "__self__", None)) is not None and not isinstance(bound, type(sys)):
            waiting.append(bound)
    return None


def _kept(thing: Any) -> Mapping[str, Any]:
    """Give the attributes that an object itself holds: asking it for others might run its code."""
    try:
        return cast(Mapping[str, Any], vars(thing))
    except TypeError:
        return {}


def _is_fastapi(routes: Iterable[Any]) -> bool:
    return any(type(route).__module__.partition(".")[0] == "fastapi" for route in routes)


def _starlette(routes: Iterable[Any], prefix: str, depth: int) -> Iterator[Route]:
    for route in tuple(routes):
        if depth < _DEEPEST:
            yield from _starlette_route(route, prefix, depth)


def _starlette_route(route: Any, prefix: str, depth: int) -> Iterator[Route]:
    if hasattr(route, "effective_candidates"):  # a router that FastAPI includes: its routes, under its prefix
        yield from _starlette(route.effective_candidates(), prefix, depth + 1)
        return
    route = getattr(route, "starlette_route", None) or route
    below = getattr(route, "routes", None)
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    if below is not None:  # a mount, or a host
        at = prefix + (path or "").removesuffix("/{path}") if hasattr(route, "path_format") else prefix
        if below:
            yield from _starlette(below, at, depth + 1)
        elif hasattr(route, "path_format"):
            yield ANY_METHOD, f"{at}/{{path}}"
        return
    endpoint = getattr(route, "endpoint", None)
    if not isinstance(path, str) or getattr(endpoint, "__module__", "") == "fastapi.applications":
        return  # a websocket's are asked below; FastAPI's own pages are nobody's to cover
    if not hasattr(route, "methods"):
        return  # a websocket
    for method in _methods(route.methods):
        yield method, prefix + path


def _flask(url_map: Any, prefix: str) -> Iterator[Route]:
    for rule in list(url_map.iter_rules()):
        if getattr(rule, "websocket", False) or str(rule.endpoint).rpartition(".")[2] == "static":
            continue
        for method in _methods(rule.methods):
            yield method, prefix + flask_template(str(rule.rule))


def _methods(methods: Iterable[str] | None) -> list[str]:
    """List methods; HEAD and OPTIONS, which frameworks add, only where there is nothing else."""
    given = sorted(methods or ())
    return [method for method in given if method not in _IMPLIED] or given or [ANY_METHOD]


def _django() -> Table | None:
    """List Django's URLconf once it was loaded: loading it is the app's business, not a background thread's."""
    urls, conf = sys.modules.get("django.urls"), sys.modules.get("django.conf")
    if urls is None or conf is None or not conf.settings.configured:
        return None
    root = getattr(conf.settings, "ROOT_URLCONF", None)
    resolver = urls.get_resolver(None) if isinstance(root, str) and root in sys.modules else None
    if resolver is None or "urlconf_module" not in vars(resolver):
        return None
    found: list[Route] = []
    _django_patterns(resolver.url_patterns, "", 0, found)
    return "django", found


def _django_patterns(patterns: Iterable[Any], prefix: str, depth: int, found: list[Route]) -> None:
    for pattern in patterns:
        if len(found) > MOST_ROUTES or depth > _DEEPEST:
            return
        at = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            _django_patterns(pattern.url_patterns, at, depth + 1, found)
        else:
            found += [(method, django_template(at)) for method in _django_methods(pattern.callback)]


def _django_methods(view: Any) -> list[str]:
    """List the methods of a class's view; a function answers to any."""
    actions = getattr(view, "actions", None)  # Django REST framework
    if isinstance(actions, dict) and actions:
        return _methods(method.upper() for method in cast(Mapping[str, Any], actions))
    kind = getattr(view, "view_class", None) or getattr(view, "cls", None)
    named: Iterable[str] = getattr(kind, "http_method_names", ())
    return _methods(method.upper() for method in named if hasattr(kind, method))

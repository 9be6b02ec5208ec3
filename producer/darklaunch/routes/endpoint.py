"""The route that a framework took for a request: `/orders/{id}`.

The request's own thread only picks up what names the route (`find_asgi_route`, `find_wsgi_route`); the delivery thread
makes a template of it (`MatchedRoute.read_template`). Nothing here imports a framework: it looks at what the framework
left in the scope or the environ.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple, cast

from .more_templates import (
    UNMATCHED,
    read_aiohttp_template,
    read_bottle_template,
    read_falcon_template,
    read_named_template,
    read_pyramid_template,
    read_quart_template,
    read_sanic_template,
    read_tornado_template,
)
from .routed_app import RECORDED, find_routed_app
from .url_patterns import convert_django_pattern, convert_flask_rule

_NO_PARAMETERS: Final[Mapping[str, Any]] = MappingProxyType({})


class MatchedRoute(NamedTuple):
    """The route of one request, as its framework left it.

    `matched` is the framework's own object or text, None when no route matched. `mount_path` is the concrete path of
    the mounts above the route, whose parameters are among `parameters`. `path` is the decoded path below the app.
    """

    framework: str
    matched: Any
    mount_path: str = ""
    path: str = ""
    parameters: Mapping[str, Any] = _NO_PARAMETERS

    def read_template(self, status: int) -> str | None:
        """Return the route's template, `{unmatched}` when no route matched, None when that cannot be found out.

        `status` is the response's. May raise anything: it runs the framework's own code.
        """
        return _TEMPLATE_READERS[self.framework](self, status)


FindRoute = Callable[[Mapping[str, Any], str], MatchedRoute | None]


def find_asgi_route(scope: Mapping[str, Any], root_path: str) -> MatchedRoute | None:
    """Return what the framework left in the scope. `root_path` is what it was when the app was called."""
    if "path_template" in scope:
        return MatchedRoute("litestar", scope["path_template"])
    if "router" not in scope:
        path = str(scope["path"]).removeprefix(root_path)
        return _find_routed_app(scope, str(scope["method"]), path) or _find_django_route(path)
    matched = scope.get("route")
    fastapi: Any = scope.get("fastapi")
    if isinstance(fastapi, dict):  # the route of an included router names the path without the router's prefix
        included = cast(dict[str, Any], fastapi).get("effective_route_context")
        if included is not None and getattr(included, "original_route", None) is matched:
            matched = included
    if matched is None and (endpoint := scope.get("endpoint")) is not None:
        matched = _CalledEndpoint(endpoint, getattr(scope.get("app"), "routes", ()))
    mount_path = str(scope.get("root_path", "")).removeprefix(root_path)
    framework = "fastapi" if "fastapi" in scope or "fastapi_inner_astack" in scope else "starlette"
    parameters = scope.get("path_params", _NO_PARAMETERS) if mount_path else _NO_PARAMETERS
    return MatchedRoute(framework, matched, mount_path, str(scope["path"]), parameters)


def find_wsgi_route(environ: Mapping[str, Any], path: str) -> MatchedRoute | None:
    """Return what the framework left in the environ. `path` is what PATH_INFO was when the app was called."""
    request = environ.get("werkzeug.request")
    if request is None:
        if "bottle.app" in environ:
            return MatchedRoute("bottle", environ.get("bottle.route"))
        if (attributes := environ.get("webob.adhoc_attrs")) is not None and "registry" in attributes:
            return MatchedRoute("pyramid", attributes.get("matched_route"))
        return _find_routed_app(environ, str(environ["REQUEST_METHOD"]), path) or _find_django_route(path)
    rule = getattr(getattr(request, "url_rule", None), "rule", None)
    return MatchedRoute("flask", rule, str(environ.get("SCRIPT_NAME", "")), path)


def find_route(find: FindRoute, mapping: Mapping[str, Any], path: str) -> MatchedRoute | None:
    """Call `find`; None when it fails on what a framework left: then the template is learned from the path."""
    try:
        return find(mapping, path)
    except Exception:
        return None


@dataclass(frozen=True, slots=True)
class _CalledEndpoint:
    """The endpoint that was called, and the routes it is one of: older Starlette does not name the route."""

    endpoint: Any
    routes: Iterable[Any]


def _find_routed_app(mapping: Mapping[str, Any], method: str, path: str) -> MatchedRoute | None:
    """Return the app whose router names the route later: it leaves nothing in the scope or environ."""
    found = find_routed_app(mapping.get(RECORDED))
    return None if found is None else MatchedRoute(found[0], (found[1], method), "", path)


def _find_django_route(path: str) -> MatchedRoute | None:
    return MatchedRoute("django", None, "", path) if "django.urls" in sys.modules else None


def _read_starlette_template(route: MatchedRoute, _status: int) -> str | None:
    matched = route.matched
    if isinstance(matched, _CalledEndpoint):
        matched = _find_route_of(matched)
        if matched is None:
            return None
    if matched is None:
        return UNMATCHED
    segments = route.mount_path.split("/")[1:]
    mount_template = "".join(f"/{_restore_parameter(segment, route.parameters)}" for segment in segments)
    if hasattr(matched, "routes"):  # a mount of an app that is not Starlette's
        return f"{mount_template}/{{path}}"
    template = getattr(matched, "path_format", None) or getattr(matched, "path", None)
    return f"{mount_template}{template}" if isinstance(template, str) else None


def _find_route_of(called: _CalledEndpoint) -> Any:
    for route in called.routes:
        if called.endpoint in (getattr(route, "endpoint", None), getattr(route, "app", None)):
            return route
    return None


def _restore_parameter(segment: str, parameters: Mapping[str, Any]) -> str:
    """Return `{name}` for a segment that is the value of a path parameter, else the segment."""
    return next((f"{{{name}}}" for name, value in parameters.items() if str(value) == segment), segment)


def _read_flask_template(route: MatchedRoute, _status: int) -> str | None:
    return UNMATCHED if route.matched is None else route.mount_path + convert_flask_rule(str(route.matched))


def _read_django_template(route: MatchedRoute, status: int) -> str | None:
    urls = sys.modules["django.urls"]
    settings = sys.modules["django.conf"].settings
    if not (settings.configured and getattr(settings, "ROOT_URLCONF", None)):
        return None
    try:
        match = urls.resolve(route.path)
    except urls.Resolver404:
        # With i18n_patterns the language decides, and this thread has another language than the request had.
        return UNMATCHED if status == 404 else None
    return convert_django_pattern(str(match.route))


_TEMPLATE_READERS: Final[dict[str, Callable[[MatchedRoute, int], str | None]]] = {
    "starlette": _read_starlette_template,
    "fastapi": _read_starlette_template,
    "flask": _read_flask_template,
    "django": _read_django_template,
    "aiohttp": read_aiohttp_template,
    "sanic": read_sanic_template,
    "tornado": read_tornado_template,
    "litestar": read_named_template,
    "bottle": read_bottle_template,
    "pyramid": read_pyramid_template,
    "quart": read_quart_template,
    "falcon": read_falcon_template,
}

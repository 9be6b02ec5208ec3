"""What a framework knows of the route it took: `/orders/{id}`.

The request side only picks up what names the route (`asgi_route`, `wsgi_route`); reading it is left to the background
thread (`Route.template`). Nothing here imports a framework: it looks at what the framework left behind.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple, cast

UNMATCHED: Final = "{unmatched}"

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})
_CONVERTED: Final = re.compile(r"<(?:[^<>:]+:)?([^<>:]+)>")


class Route(NamedTuple):
    """A route as left behind by a framework.

    `found` is the framework's own object or text, None when no route matched. `mounted` is the concrete path of the
    mounts above the route, whose parameters are among `parameters`. `path` is the decoded path below the app.
    """

    framework: str
    found: Any
    mounted: str = ""
    path: str = ""
    parameters: Mapping[str, Any] = _NONE

    def template(self, status: int) -> str | None:
        """Give the route's template, `{unmatched}` when the framework found none, None when that cannot be told."""
        return _READERS[self.framework](self, status)


def asgi_route(scope: Mapping[str, Any], root_path: str) -> Route | None:
    """Pick up what Starlette or FastAPI left in the scope; `root_path` is what it was when the app was called."""
    if "router" not in scope:
        return _django_route(str(scope["path"]).removeprefix(root_path))
    found = scope.get("route")
    inside: Any = scope.get("fastapi")
    if isinstance(inside, dict):  # the route of an included router names the path without the router's prefix
        included = cast(dict[str, Any], inside).get("effective_route_context")
        if included is not None and getattr(included, "original_route", None) is found:
            found = included
    if found is None and (endpoint := scope.get("endpoint")) is not None:
        found = _Endpoint(endpoint, getattr(scope.get("app"), "routes", ()))
    mounted = str(scope.get("root_path", "")).removeprefix(root_path)
    framework = "fastapi" if "fastapi" in scope or "fastapi_inner_astack" in scope else "starlette"
    return Route(framework, found, mounted, str(scope["path"]), scope.get("path_params", _NONE) if mounted else _NONE)


def wsgi_route(environ: Mapping[str, Any], path: str) -> Route | None:
    """Pick up what Flask left in the environ; `path` is what PATH_INFO was when the app was called."""
    request = environ.get("werkzeug.request")
    if request is None:
        return _django_route(path)
    rule = getattr(getattr(request, "url_rule", None), "rule", None)
    return Route("flask", rule, str(environ.get("SCRIPT_NAME", "")), path)


def picked_up(look: Callable[[Mapping[str, Any], str], Route | None], left: Mapping[str, Any], at: str) -> Route | None:
    """Look for a route; None when what a framework left is not what we know: then its template is learned."""
    try:
        return look(left, at)
    except Exception:
        return None


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """An endpoint that was called, and the routes among which it is: older Starlette does not name the route."""

    called: Any
    among: Iterable[Any]


def _django_route(path: str) -> Route | None:
    return Route("django", None, "", path) if "django.urls" in sys.modules else None


def _read_starlette(route: Route, _status: int) -> str | None:
    found = route.found
    if isinstance(found, _Endpoint):
        found = next(
            (known for known in found.among if found.called in (_part(known, "endpoint"), _part(known, "app"))), None
        )
        if found is None:
            return None
    if found is None:
        return UNMATCHED
    mounted = "".join(f"/{_named(segment, route.parameters)}" for segment in route.mounted.split("/")[1:])
    if hasattr(found, "routes"):  # a mount: what is below it is not Starlette's
        return f"{mounted}/{{path}}"
    own = _part(found, "path_format") or _part(found, "path")
    return f"{mounted}{own}" if isinstance(own, str) else None


def _part(route: Any, name: str) -> Any:
    return getattr(route, name, None)


def _named(segment: str, parameters: Mapping[str, Any]) -> str:
    return next((f"{{{name}}}" for name, value in parameters.items() if str(value) == segment), segment)


def _read_flask(route: Route, _status: int) -> str | None:
    return UNMATCHED if route.found is None else route.mounted + flask_template(str(route.found))


def flask_template(rule: str) -> str:
    """Turn a URL rule of Flask's into a template: `/orders/<int:id>` becomes `/orders/{id}`."""
    return _CONVERTED.sub(r"{\1}", rule)


def _read_django(route: Route, status: int) -> str | None:
    urls = sys.modules["django.urls"]
    settings = sys.modules["django.conf"].settings
    if not (settings.configured and getattr(settings, "ROOT_URLCONF", None)):
        return None
    try:
        match = urls.resolve(route.path)
    except urls.Resolver404:
        # With i18n_patterns the language decides, and this thread has another than the request had.
        return UNMATCHED if status == 404 else None
    return django_template(str(match.route))


_READERS: Final[dict[str, Callable[[Route, int], str | None]]] = {
    "starlette": _read_starlette,
    "fastapi": _read_starlette,
    "flask": _read_flask,
    "django": _read_django,
}


def django_template(pattern: str) -> str:
    """Turn a Django route into a template: `orders/<int:id>/` and `^orders/(?P<id>[0-9]+)/$` both `/orders/{id}/`."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        if character == "(":
            end = _closing(pattern, at)
            name = re.match(r"\(\?P<(\w+)>", pattern[at:])
            if name or not pattern.startswith("(?", at):
                parts.append(f"{{{name[1] if name else 'id'}}}")
            at = end
        elif converted := _CONVERTED.match(pattern, at):
            parts.append(f"{{{converted[1]}}}")
            at = converted.end()
        elif character == "\\" and at + 1 < len(pattern):
            parts.append("" if pattern[at + 1] in "AZzbB" else pattern[at + 1])
            at += 2
        else:
            parts.append("" if character in "^$?*+" else character)
            at += 1
    return "/" + "".join(parts).lstrip("/")


def _closing(pattern: str, start: int) -> int:
    depth = at = 0
    for at in range(start, len(pattern)):
        if pattern[at - 1 : at] == "\\":
            continue
        depth += (pattern[at] == "(") - (pattern[at] == ")")
        if depth == 0:
            break
    return at + 1

"""The templates of routes of the frameworks beside Starlette, FastAPI, Flask and Django."""

from __future__ import annotations

from typing import Any, Final, Protocol

from .url_patterns import convert_django_pattern, convert_flask_rule, convert_pyramid_pattern, convert_sanic_path

UNMATCHED: Final = "{unmatched}"


class NamedRoute(Protocol):
    """What `MatchedRoute` keeps of a request."""

    @property
    def matched(self) -> Any:
        """What names the route, as the framework left it."""
        ...

    @property
    def path(self) -> str:
        """The decoded path below the app."""
        ...


def read_aiohttp_template(route: NamedRoute, _status: int) -> str | None:
    return UNMATCHED if route.matched is None else str(route.matched)


def read_sanic_template(route: NamedRoute, _status: int) -> str | None:
    return UNMATCHED if route.matched is None else convert_sanic_path(str(route.matched))


def read_tornado_template(route: NamedRoute, _status: int) -> str | None:
    app, request = route.matched
    for router in (app.default_router, app.wildcard_router):
        template = _find_tornado_template(router, request)
        if template is not None:
            return template
    return UNMATCHED


def _find_tornado_template(router: Any, request: Any) -> str | None:
    """Return the template of the first rule that takes a request; the rules of a router within it come first."""
    for rule in router.rules:
        if rule.matcher.match(request) is None:
            continue
        inner = rule.target if hasattr(rule.target, "rules") else None
        template = _find_tornado_template(inner, request) if inner is not None else read_tornado_path(rule)
        if template is not None:
            return template
    return None


def read_tornado_path(rule: Any) -> str | None:
    """Return the template of a rule that matches paths; None for a rule that matches something else."""
    regex = getattr(rule.matcher, "regex", None)
    return None if regex is None else convert_django_pattern(str(regex.pattern))


def read_named_template(route: NamedRoute, _status: int) -> str | None:
    """Return the template that Litestar left in the scope."""
    return str(route.matched) or UNMATCHED


def read_bottle_template(route: NamedRoute, _status: int) -> str | None:
    """Return the template of the route that Bottle left in the environ."""
    return UNMATCHED if route.matched is None else convert_sanic_path(str(route.matched.rule))


def read_pyramid_template(route: NamedRoute, _status: int) -> str | None:
    """Return the template of the route that Pyramid left in the environ: `/orders/{id:\\d+}` becomes `/orders/{id}`."""
    return UNMATCHED if route.matched is None else convert_pyramid_pattern(str(route.matched.pattern))


def read_quart_template(route: NamedRoute, status: int) -> str | None:
    """Return the template of the rule that Quart takes for a request; it leaves nothing in the scope."""
    app, method = route.matched
    try:
        rule, _ = app.url_map.bind("localhost").match(route.path, method, return_rule=True)
    except Exception as error:
        return UNMATCHED if getattr(error, "code", 0) == status else None
    return convert_flask_rule(str(rule.rule))


def read_falcon_template(route: NamedRoute, status: int) -> str | None:
    """Return the template that Falcon's router finds for a path; None where a sink answered."""
    app, _ = route.matched
    found = app._router.find(route.path)
    if found is None or not found[3]:
        return UNMATCHED if status == 404 else None
    return convert_pyramid_pattern(str(found[3]))

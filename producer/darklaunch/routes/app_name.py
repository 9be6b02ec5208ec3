"""The name of the app that a hook is in: a launch belongs to one app, and mirrors no other on the same Redis.

The setting `app_name` wins, then what the framework knows (a FastAPI app's title, a Flask app's import name, Django's
settings module), then the program: for a server such as `uvicorn shop.main:app` the module it was told to serve. Names
that nearly every app has, such as `main`, `app` or `config`, are skipped, in the end for the working directory's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from .wrapped_apps import walk_wrapped_apps

NAME_CHARS: Final = 100

_COMMON_NAMES: Final = frozenset({
    "", ".", "__init__", "__main__", "-c", "-m", "api", "app", "application", "asgi", "backend", "base", "code",
    "conf", "config", "core", "fastapi", "home", "main", "manage", "opt", "prod", "production", "project", "run",
    "server",
    "service", "settings", "site", "src", "srv", "urls", "web",
    "workspace", "wsgi",
})  # fmt: skip
_SERVERS: Final = frozenset({
    "uvicorn", "gunicorn", "hypercorn", "daphne", "granian", "waitress-serve", "uwsgi", "flask", "mod_wsgi-express",
    "fastapi",
})  # fmt: skip

ListHooks = Callable[[], Iterable[Any]]


class AppName:
    """Finds the name of the app behind a process's hooks. It may become known only with the first request."""

    def __init__(self, setting: str, list_hooks: ListHooks) -> None:
        """`setting` is the option `app_name`, "" if it is not set."""
        self._name: str = setting.strip()[:NAME_CHARS]
        self._list_hooks = list_hooks
        self._program_name = find_program_name(sys.argv, os.environ.get("PWD", ""))[:NAME_CHARS]

    def find(self) -> str:
        """Return the name. What a framework gave is remembered; until then the program's name stands in."""
        if not self._name:
            names: list[str] = [name for hook in self._list_hooks() if (name := _find_name_safely(hook))]
            self._name = min(names, default="")[:NAME_CHARS]
        return self._name or self._program_name


def find_framework_name(hook: Any) -> str:
    """Return the name that the framework of the app behind a hook has for it; "" when there is none."""
    if title := _clean_title(getattr(hook, "app_title", "")):
        return title
    for candidate, attributes in walk_wrapped_apps(hook):
        if hasattr(attributes.get("url_map"), "iter_rules"):  # Flask; `name` is the file's for an app run as a script
            return pick_name([*str(attributes.get("import_name", "")).split("."), str(getattr(candidate, "name", ""))])
        if isinstance(attributes.get("routes"), list) or "openapi_version" in attributes:
            return _clean_title(attributes.get("title", ""))
        if type(candidate).__module__ == "sanic.app":
            return pick_name([str(getattr(candidate, "name", ""))])
    return _find_django_name()


def find_program_name(arguments: list[str], folder: str) -> str:
    """Return a name made from the command line; `folder` is the working directory."""
    path = Path(arguments[0] if arguments else "")
    program = path.parent.name if path.stem == "__main__" else path.stem  # `python -m shop`
    if program not in _SERVERS:
        return pick_name([program, Path(folder).name]) or program
    served = next((word.partition(":")[0] for word in arguments[1:] if _is_module(word)), "")
    return pick_name([*served.split("."), Path(folder).name]) or served or program


def pick_name(candidates: Iterable[str]) -> str:
    """Return the first name that tells apps apart, "" when all are common ones."""
    return next((name for name in candidates if name.lower() not in _COMMON_NAMES), "")


def _find_name_safely(hook: Any) -> str:
    try:
        return find_framework_name(hook)
    except Exception:  # reads a framework's own objects, which may be anything
        return ""


def _clean_title(title: object) -> str:
    """Return a title as a name; "" for FastAPI's default."""
    text = title.strip() if isinstance(title, str) else ""
    return "" if text == "FastAPI" else text


def _find_django_name() -> str:
    """Return the first telling part of Django's settings module or URLconf: `shop` of `shop.settings.prod`."""
    conf = sys.modules.get("django.conf")
    if conf is None or not conf.settings.configured:
        return ""
    modules = (getattr(conf.settings, name, None) for name in ("SETTINGS_MODULE", "ROOT_URLCONF"))
    return pick_name(part for module in modules if isinstance(module, str) for part in module.split("."))


def _is_module(word: str) -> bool:
    """True for `package.module:attribute`, as servers are told what to serve."""
    module, colon, attribute = word.partition(":")
    return bool(colon and attribute) and all(part.isidentifier() for part in module.split("."))

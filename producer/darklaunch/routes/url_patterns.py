"""The ways in which frameworks write a route, as templates: `/orders/<int:id>` is `/orders/{id}`."""

import re
from typing import Final

_PARAMETER: Final = re.compile(r"<(?:[^<>:]+:)?([^<>:]+)>")  # <int:id>, of Flask and of Django's path()
_NAME_FIRST: Final = re.compile(r"<([^<>:]+)(?::[^<>]*)?>")  # <id:int>, of Sanic and Bottle


def convert_flask_rule(rule: str) -> str:
    """Return a URL rule of Flask's as a template: `/orders/<int:id>` becomes `/orders/{id}`."""
    return _PARAMETER.sub(r"{\1}", rule)


def convert_sanic_path(path: str) -> str:
    """Return a path of Sanic's or Bottle's as a template: `orders/<id:int>` becomes `/orders/{id}`."""
    return "/" + _NAME_FIRST.sub(r"{\1}", path).lstrip("/")


def convert_pyramid_pattern(pattern: str) -> str:
    """Return a pattern of Pyramid's or Falcon's as a template: `/orders/{id:[0-9]{2}}` becomes `/orders/{id}`."""
    template, depth, name_ended = "", 0, False
    for character in pattern:
        depth += (character == "{") - (character == "}" and depth > 0)
        name_ended = depth > 0 and (name_ended or character == ":")
        template += "" if name_ended else character
    return "/" + template.lstrip("/")


def convert_django_pattern(pattern: str) -> str:
    """Return a Django route as a template.

    `orders/<int:id>/` and `^orders/(?P<id>[0-9]+)/$` both become `/orders/{id}/`.
    """
    parts: list[str] = []
    index = 0
    while index < len(pattern):
        character = pattern[index]
        if character == "(":
            end = _find_group_end(pattern, index)
            name = re.match(r"\(\?P<(\w+)>", pattern[index:])
            if name or not pattern.startswith("(?", index):
                parts.append(f"{{{name[1] if name else 'id'}}}")
            index = end
        elif parameter := _PARAMETER.match(pattern, index):
            parts.append(f"{{{parameter[1]}}}")
            index = parameter.end()
        elif character == "\\" and index + 1 < len(pattern):
            parts.append("" if pattern[index + 1] in "AZzbB" else pattern[index + 1])  # an anchor matches no text
            index += 2
        else:
            parts.append("" if character in "^$?*+" else character)
            index += 1
    return "/" + "".join(parts).lstrip("/")


def _find_group_end(pattern: str, start: int) -> int:
    """Return the index after the parenthesis that closes the one at `start`."""
    depth = index = 0
    for index in range(start, len(pattern)):
        if pattern[index - 1 : index] == "\\":
            continue
        depth += (pattern[index] == "(") - (pattern[index] == ")")
        if depth == 0:
            break
    return index + 1

"""Find which of many paths cover a place, in time that does not grow with the number of paths."""

from collections.abc import Iterable, Sequence
from typing import Final, Generic, TypeVar, cast

from .rule_path import PathStep

Token = str | int
T = TypeVar("T")

_LOOKED_AT: Final = 20_000


class _Node(Generic[T]):
    """A step that several paths may share. `hub` is where a `..` below it starts: a hub stays active at any depth."""

    __slots__ = ("hub", "is_hub", "named", "star", "values")

    def __init__(self, *, is_hub: bool = False) -> None:
        self.is_hub = is_hub
        self.named: dict[Token, _Node[T]] = {}
        self.star: _Node[T] | None = None
        self.hub: _Node[T] | None = None
        self.values: list[T] = []

    def below(self, step: PathStep) -> "_Node[T]":
        start: _Node[T] = self
        if step.deep:
            self.hub = start = self.hub or _Node(is_hub=True)
        if step.token is None:
            start.star = start.star or _Node()
            return start.star
        return start.named.setdefault(step.token, _Node())


class PathIndex(Generic[T]):
    """Values by path. A path covers the places it names and everything below them.

    The paths share their beginnings in a tree that is walked once per look-up, with a set of positions instead of
    backtracking, so that many `..` in one path stay linear. Empty, it is falsy.
    """

    __slots__ = ("_root", "_size")

    def __init__(self, entries: Iterable[tuple[Sequence[PathStep], T]] = ()) -> None:
        self._root: _Node[T] = _Node()
        self._size = 0
        for steps, value in entries:
            node = self._root
            for step in steps:
                node = node.below(step)
            node.values.append(value)
            self._size += 1

    def __bool__(self) -> bool:
        return self._size > 0

    def covers(self, tokens: Sequence[Token]) -> bool:
        """Say whether a path covers the place with these keys and indexes."""
        active = _opened(self._root)
        for token in tokens:
            if _has_values(active):
                return True
            active = _advanced(active, token)
            if not active:
                return False
        return _has_values(active)

    def find(self, tokens: Sequence[Token]) -> list[T]:
        """Give the values of all paths that cover a place."""
        active = _opened(self._root)
        found = _values(active)
        for token in tokens:
            active = _advanced(active, token)
            if not active:
                break
            found += _values(active)
        return found

    def leads_towards(self, tokens: Sequence[Token]) -> bool:
        """Say whether a path may name the place, or one below it."""
        active = _opened(self._root)
        for token in tokens:
            active = _advanced(active, token)
        return bool(active)

    def leads_into(self, tokens: Sequence[Token], part: object) -> bool:
        """Say whether a path names a place inside `part`, the value that stands at `tokens`.

        True as well for a part too large to be looked through.
        """
        active = _opened(self._root)
        for token in tokens:
            active = _advanced(active, token)
            if not active:
                return False
        todo: list[tuple[set[_Node[T]], object]] = [(active, part)]
        looked_at = 0
        while todo:
            here, value = todo.pop()
            if _has_values(here):
                return True
            looked_at += 1
            if looked_at > _LOOKED_AT:
                return True
            if isinstance(value, dict):
                children: Iterable[tuple[Token, object]] = cast(dict[str, object], value).items()
            elif isinstance(value, list):
                children = enumerate(cast(list[object], value))
            else:
                continue
            todo.extend([(below, child) for name, child in children if (below := _advanced(here, name))])
        return False


def _opened(root: _Node[T]) -> set[_Node[T]]:
    return {root} if root.hub is None else {root, root.hub}


def _advanced(active: set[_Node[T]], token: Token) -> set[_Node[T]]:
    following: set[_Node[T]] = set()
    for node in active:
        if node.is_hub:
            following.add(node)
        for child in (node.named.get(token), node.star):
            if child is not None:
                following.add(child)
                if child.hub is not None:
                    following.add(child.hub)
    return following


def _has_values(active: set[_Node[T]]) -> bool:
    return any(node.values for node in active)


def _values(active: set[_Node[T]]) -> list[T]:
    return [value for node in active for value in node.values]

"""Find which of many paths cover a place, in time that does not grow with the number of paths."""

from collections.abc import Iterable, Sequence
from typing import Final, Generic, TypeAlias, TypeVar, cast

from .path_step import PathStep
from .place import Token

T = TypeVar("T")

_VALUES_CAP: Final = 20_000


class _Node(Generic[T]):
    """A step that several paths may share. `hub` is where a `..` below it starts: a hub stays active at any depth."""

    __slots__ = ("hub", "is_hub", "named", "star", "values")

    def __init__(self, *, is_hub: bool = False) -> None:
        self.is_hub = is_hub
        self.named: dict[Token, _Node[T]] = {}
        self.star: _Node[T] | None = None
        self.hub: _Node[T] | None = None
        self.values: list[T] = []

    def add_step(self, step: PathStep) -> "_Node[T]":
        start: _Node[T] = self
        if step.deep:
            self.hub = start = self.hub or _Node(is_hub=True)
        if step.token is None:
            start.star = start.star or _Node()
            return start.star
        return start.named.setdefault(step.token, _Node())


PathPositions: TypeAlias = set[_Node[T]]
"""How far the paths of an index have been followed on the way down to a place. Empty: none leads there or below."""


class PathIndex(Generic[T]):
    """Values by path. A path covers the places it names and everything below them.

    The paths share their beginnings in a tree. A look-up walks it once with a set of positions instead of
    backtracking, so that many `..` in one path stay linear. An index without paths is falsy.
    """

    __slots__ = ("_root", "_size")

    def __init__(self, entries: Iterable[tuple[Sequence[PathStep], T]] = ()) -> None:
        self._root: _Node[T] = _Node()
        self._size = 0
        for steps, value in entries:
            node = self._root
            for step in steps:
                node = node.add_step(step)
            node.values.append(value)
            self._size += 1

    def __bool__(self) -> bool:
        return self._size > 0

    def start(self) -> PathPositions[T]:
        """Return the positions at the root of a body, for a caller that walks down itself with `advance`."""
        root = self._root
        return {root} if root.hub is None else {root, root.hub}

    def covers(self, tokens: Sequence[Token]) -> bool:
        """True if a path covers the place with these keys and indexes."""
        positions = self.start()
        for token in tokens:
            if is_covered(positions):
                return True
            positions = advance(positions, token)
            if not positions:
                return False
        return is_covered(positions)

    def find_values(self, tokens: Sequence[Token]) -> list[T]:
        """Return the values of all paths that cover a place."""
        positions = self.start()
        values = _collect_values(positions)
        for token in tokens:
            positions = advance(positions, token)
            if not positions:
                break
            values += _collect_values(positions)
        return values

    def leads_towards(self, tokens: Sequence[Token]) -> bool:
        """True if a path may name the place, or one below it."""
        positions = self.start()
        for token in tokens:
            positions = advance(positions, token)
        return bool(positions)

    def leads_into(self, tokens: Sequence[Token], part: object) -> bool:
        """True if a path names a place inside `part`, the value that stands at `tokens`.

        True as well for a part with too many values to look through.
        """
        positions = self.start()
        for token in tokens:
            positions = advance(positions, token)
            if not positions:
                return False
        todo: list[tuple[PathPositions[T], object]] = [(positions, part)]
        visited = 0
        while todo:
            positions, value = todo.pop()
            if is_covered(positions):
                return True
            visited += 1
            if visited > _VALUES_CAP:
                return True
            if isinstance(value, dict):
                children: Iterable[tuple[Token, object]] = cast(dict[str, object], value).items()
            elif isinstance(value, list):
                children = enumerate(cast(list[object], value))
            else:
                continue
            todo.extend([(below, child) for token, child in children if (below := advance(positions, token))])
        return False


def advance(positions: PathPositions[T], token: Token) -> PathPositions[T]:
    """Return the positions one step further down, at a key or an index."""
    following: PathPositions[T] = set()
    for node in positions:
        if node.is_hub:
            following.add(node)
        for child in (node.named.get(token), node.star):
            if child is not None:
                following.add(child)
                if child.hub is not None:
                    following.add(child.hub)
    return following


def leads_to(positions: PathPositions[T], token: Token, *, anywhere: bool = False) -> bool:
    """True if a path goes on with a token right here; with `anywhere` also if it may stand at any depth."""
    return any(token in node.named and (anywhere or not node.is_hub) for node in positions)


def is_covered(positions: PathPositions[T]) -> bool:
    """True if a path names the place that these positions belong to.

    A path covers what lies below as well: whoever walks down with `advance` has to remember that.
    """
    return any(node.values for node in positions)


def _collect_values(positions: PathPositions[T]) -> list[T]:
    return [value for node in positions for value in node.values]

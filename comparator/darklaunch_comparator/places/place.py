"""Where in a response something is: the status, a header field, or a place in the body."""

from collections.abc import Sequence
from typing import Final, Protocol

Token = str | int
"""One step from the root of a body towards a place: a key or an index."""

STATUS: Final = "status"
"""How the place of the status code is written."""


class Place(Protocol):
    """A place in a body. How it is written depends on what the body is: `JsonPlace` is for JSON.

    `path` is how reports write it. `group_path` is the same without what varies from one response to the next (array
    indexes, the keys of maps): differences, excuses and noise are counted by it.
    """

    @property
    def path(self) -> str: ...

    @property
    def group_path(self) -> str: ...

    def tokens(self) -> Sequence[Token]:
        """List the steps from the root of the body down to this place, as rules are matched against them."""
        ...


def write_header_place(name: str) -> str:
    """Return how the place of a header field is written: `header:etag`. `name` is in lower case."""
    return f"header:{name}"

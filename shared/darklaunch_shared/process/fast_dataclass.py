"""Dataclasses that nobody changes: type checkers see to that, instead of a check at run time that costs.

A frozen dataclass sets each of its fields through `object.__setattr__`, so that making one takes four times as long.
For what is made several times for each exchange, that would be a fifth of what reading an entry takes.
"""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

_Kind = TypeVar("_Kind")


@dataclass_transform(frozen_default=True)
def immutable(kind: type[_Kind]) -> type[_Kind]:
    """Make a class a slotted, hashable dataclass that type checkers take for a frozen one."""
    return dataclass(slots=True, unsafe_hash=True)(kind)

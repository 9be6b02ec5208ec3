"""Why a body cannot be decoded."""

from darklaunch_comparator.errors import ComparatorError


class UndecodableBody(ComparatorError):
    """A body cannot be decoded as its headers say; the message says why."""


class CorruptBody(UndecodableBody):
    """The bytes are not what their headers say; the message says what is wrong with them."""


class InflatedTooLarge(UndecodableBody):
    """The body inflates past the cap; the message says which."""


class UnsupportedCoding(UndecodableBody):
    """This installation cannot undo the coding; the message says which, and what would help."""

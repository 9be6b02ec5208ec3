"""What goes into a comparison and what comes out of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Final, TypeAlias

from darklaunch_shared.process.fast_dataclass import immutable
from darklaunch_shared.wire.exchange import Response


@dataclass(frozen=True, slots=True)
class NotANumber:
    """A token that stands where JSON wants a number but is not one: `NaN`, `-Infinity`, an exponent past all bounds."""

    token: str


Json: TypeAlias = "bool | int | float | Decimal | NotANumber | str | list[Json] | dict[str, Json] | None"


NUMBERS: Final = (int, float, Decimal)

JSON_TYPES: Final[dict[type, str]] = {
    dict: "object",
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    Decimal: "number",
    bool: "boolean",
    type(None): "null",
    NotANumber: "not a number",
}
"""What JSON calls the types that documents are parsed into."""


class Absent(Enum):
    """Stands where one side has no value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@immutable
class ComparedResponse:
    """One side of a comparison.

    `origin` is scheme://host[:port] as this side's client saw it, "" if unknown; `responded_at_ms` is the time of the
    response by the wall clock, in milliseconds since the epoch. `list_request_fields` lists the header fields of the
    request that this side got, by name in lower case; None if they are not known.
    """

    response: Response
    origin: str
    responded_at_ms: int
    list_request_fields: "Callable[[], Mapping[str, str]] | None" = None


class DifferenceKind(StrEnum):
    """How two responses differ at one place."""

    STATUS = "status"
    HEADER = "header"
    MISSING = "missing"  # the shadow lacks it
    EXTRA = "extra"  # only the shadow has it
    TYPE = "type"  # another JSON type, another timestamp format, or not JSON at all
    VALUE = "value"
    ORDER = "order"  # the same elements in another order
    SIZE = "size"  # arrays of different length whose elements cannot be aligned
    TEXT = "text"
    BYTES = "bytes"
    ENCODING = "encoding"  # a body that does not decode as its headers say
    DUPLICATE_KEY = "duplicate_key"

    # Enum's own hash is written in Python, and every difference is counted by its kind.
    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class Difference:
    """One typed difference at one place.

    `path` is how the place is written: `status`, `header:<name>` or an RFC 9535 path (`$.users[1].name`) of bounded
    length. `group_path` is the same without array indexes and map keys (`$.users[*].name`), itself a valid JSONPath.
    Values, indexes and keys are the primary's, except for `extra`, where they are the shadow's. `primary` and `shadow`
    are short printable renderings for people; None where that side has nothing.
    """

    path: str
    group_path: str
    kind: DifferenceKind
    primary: str | None
    shadow: str | None


class ExcuseReason(StrEnum):
    """Why a difference was not reported."""

    OWN_ORIGIN = "own_origin"  # each side has its own scheme://host:port there, and nothing else differs
    OWN_FIELD = "own_field"  # a field of the request, repeated, which darklaunch wrote or which belongs to a connection
    CLOCK = "clock"  # two timestamps of one format that moved with the clock
    GENERATED_ID = "generated_id"  # two identifiers of one shape, made up by machines
    NOISE = "noise"  # one version, asked twice, differs from itself there
    MAGNITUDE = "magnitude"  # the same, at a number that is over ten times the other side's, as it often is there
    ONLY = "only"  # it lies outside of the places that an only rule names
    UNORDERED = "unordered"  # the same elements, where order means nothing
    TOLERANCE = "tolerance"  # two numbers no further apart than a rule allows
    STRUCTURE_ONLY = "structure_only"  # a value, where only keys and types count
    NULL_IS_ABSENT = "null_is_absent"  # null on one side, nothing on the other
    STATUS_CLASSES = "status_classes"  # two status codes of one class
    NOT_COMPARED = "not_compared"  # a header that is not looked at unless a rule says so
    HEADERS = "headers"  # a rule says that the header is never compared
    IGNORED = "ignored"  # an ignore rule covers it
    IGNORED_PATTERN = "ignored_pattern"  # an ignore rule covers it, and the shadow's value fits its pattern


@dataclass(frozen=True, slots=True)
class Excuse:
    """How many differences were excused at one index-free path, and why."""

    path: str
    reason: ExcuseReason
    count: int


Reasons: TypeAlias = tuple[ExcuseReason, ...]
"""Why a value that differs is excused; empty if it is not."""


class ComparisonOutcome(StrEnum):
    """The result of a comparison in one word."""

    MATCHED = "matched"
    MISMATCHED = "mismatched"
    IGNORED = "ignored"  # only differences that an ignore rule excused
    UNVERIFIED = "unverified"  # not identical, and too deep, too large or not decodable: nothing can be concluded


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of comparing two responses, with its evidence.

    `differences` holds at least one example of each group, in document order, up to a bound; `omitted` counts the
    rest. `detail` says what could not be compared, and why; with a difference the outcome is `mismatched` even so.

    `total_places` is how many places the primary's body has (leaves, lines, fields), `compared_places` how many of them
    were compared by value and not by shape only (known noise, generated ids). Both are 0 if no place was compared by
    shape: then all were compared by value, and nobody counted them.
    """

    outcome: ComparisonOutcome
    differences: tuple[Difference, ...] = ()
    excuses: tuple[Excuse, ...] = ()
    detail: str = ""
    omitted: int = 0
    compared_places: int = 0
    total_places: int = 0

    @property
    def compared_share(self) -> float:
        """The share of the body's places that were compared by value."""
        return self.compared_places / self.total_places if self.total_places else 1.0

"""What goes into a comparison and what comes out of it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Final, TypeAlias

from darklaunch_shared.process.fast_dataclass import immutable
from darklaunch_shared.wire.exchange import Response


@dataclass(frozen=True, slots=True)
class NotANumber:
    """A token that stands where JSON wants a number and is none: `NaN`, `-Infinity`, an exponent past all bounds."""

    token: str


Json: TypeAlias = "bool | int | float | Decimal | NotANumber | str | list[Json] | dict[str, Json] | None"


NUMBERS: Final = (int, float, Decimal)


class Absent(Enum):
    """Stands where one side has no value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@immutable
class ComparedResponse:
    """One side of a comparison.

    `origin` is scheme://host[:port] as this side's client saw it, "" when unknown; `responded_at_ms` is the wall clock
    when it had responded, in milliseconds since the epoch.
    """

    response: Response
    origin: str
    responded_at_ms: int


class DifferenceKind(StrEnum):
    """How two answers disagree at one place."""

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

    __hash__ = str.__hash__  # Enum's own is no C, and each difference counts by its kind


@dataclass(frozen=True, slots=True)
class Difference:
    """One typed disagreement at one place.

    `path` is `status`, `header:<name>` or an RFC 9535 path (`$.users[1].name`) of bounded length; `group_path` is the
    same without array indexes and map keys (`$.users[*].name`), itself a valid JSONPath. Values, indexes and keys
    are the primary's, except for `extra`, where they are the shadow's. `primary` and `shadow` are short printable
    renderings for people; None where that side has nothing.
    """

    path: str
    group_path: str
    kind: DifferenceKind
    primary: str | None
    shadow: str | None


class ExcuseReason(StrEnum):
    """Why two values that differ were not reported."""

    OWN_ORIGIN = "own_origin"  # they differ only in each side's own scheme://host:port
    CLOCK = "clock"  # two timestamps of one format that moved with the clock
    GENERATED_ID = "generated_id"  # two identifiers of one machine-made shape
    NOISE = "noise"  # one version differs from itself there as well
    ONLY = "only"  # it lies outside of what is looked at
    UNORDERED = "unordered"  # the same elements, where order means nothing
    TOLERANCE = "tolerance"  # two numbers near enough
    STRUCTURE_ONLY = "structure_only"  # a value where only keys and types count
    NULL_IS_ABSENT = "null_is_absent"  # null on one side, nothing on the other
    STATUS_CLASSES = "status_classes"  # two status codes of one class
    HEADERS = "headers"  # a header that is never compared
    IGNORED = "ignored"  # an ignore rule covers it
    IGNORED_PATTERN = "ignored_pattern"  # an ignore rule covers it, and the shadow's value fits its pattern


@dataclass(frozen=True, slots=True)
class Excuse:
    """How many disagreements at one index-free path were excused, and why."""

    path: str
    reason: ExcuseReason
    count: int


class ComparisonOutcome(StrEnum):
    """What a comparison came to."""

    MATCHED = "matched"
    MISMATCHED = "mismatched"
    IGNORED = "ignored"  # only differences that an ignore rule excused
    UNVERIFIED = "unverified"  # not identical, and too deep, too large or not decodable enough to tell


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of comparing two answers, with its evidence.

    `differences` holds at least one example of each group, in document order, up to a bound; `omitted` counts the
    rest. `detail` says what could not be verified; a comparison that also found a difference is still `mismatched`.
    """

    outcome: ComparisonOutcome
    differences: tuple[Difference, ...] = ()
    excuses: tuple[Excuse, ...] = ()
    detail: str = ""
    omitted: int = 0

"""The rule set of a launch as an operator writes it.

Pydantic models, for the edge only: `compilation` turns them into what a comparison asks. A rule set is a table of
arrays, one for each kind of rule; TOML, JSON and what is stored have the same shape:

    [[ignore]]
    path = "$.total_cents"
    endpoints = ["GET /orders/{id}"]
    reason = "renamed to total"
    author = "ann"
    expires = 2026-12-31
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import Annotated, Any, ClassVar, Final

import orjson
from darklaunch_shared.wire.http_headers import TOKEN
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from darklaunch_comparator.compare import BadPattern, LinearPattern
from darklaunch_comparator.masking import MaskPlaces
from darklaunch_comparator.places import parse_rule_path

_ENDPOINT: Final = re.compile(r"[A-Z]+ \S.*")


def _check_body_path(path: str) -> str:
    if parse_rule_path(path).steps is None:
        raise ValueError(f'"{path}" is not in the body: this rule takes a path that starts with $, as in $.items')
    return path.strip()


def _check_any_path(path: str) -> str:
    parse_rule_path(path)
    return path.strip()


def _check_only_path(path: str) -> str:
    if parse_rule_path(path).status:
        raise ValueError("the status is always looked at: name what else is, as in $.items or header:location")
    return path.strip()


def _check_mask_path(path: str) -> str:
    MaskPlaces.parse([path])
    return path.strip()


def _check_pattern(text: str) -> str:
    try:
        LinearPattern(text)
    except BadPattern as error:
        raise ValueError(f"the pattern {text[:80]!r} cannot be used: {error}") from None
    return text


def _check_endpoint(text: str) -> str:
    if not _ENDPOINT.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no endpoint: write method and route, as in GET /orders/{{id}}")
    return text


def _check_header(text: str) -> str:
    name = text.strip().lower().removeprefix("header:")
    if not TOKEN.fullmatch(name):
        raise ValueError(f"{text[:80]!r} names no header")
    return name


Text = Annotated[str, StringConstraints(max_length=500)]
BodyPath = Annotated[str, AfterValidator(_check_body_path)]
AnyPath = Annotated[str, AfterValidator(_check_any_path)]
OnlyPath = Annotated[str, AfterValidator(_check_only_path)]
MaskedPath = Annotated[str, AfterValidator(_check_mask_path)]
PatternText = Annotated[str, AfterValidator(_check_pattern)]
Endpoint = Annotated[str, AfterValidator(_check_endpoint)]
HeaderName = Annotated[str, AfterValidator(_check_header)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Rule(BaseModel):
    """What all rules have in common: where they apply, who wrote them and why, and until when they are in force.

    `endpoints` names the only endpoints that a rule applies to, `except` those that it does not. A date as `expires` is
    the last day, UTC, on which it is in force.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    kind: ClassVar[str]

    endpoints: tuple[Endpoint, ...] = ()
    excepted: tuple[Endpoint, ...] = Field(default=(), alias="except")
    reason: Text = ""
    author: Text = ""
    expires: date | datetime | None = None

    @model_validator(mode="after")
    def _check_scope_and_expiry(self) -> "Rule":
        if self.endpoints and self.excepted:
            raise ValueError("endpoints and except contradict each other: keep one of them")
        if isinstance(self.expires, datetime) and self.expires.tzinfo is None:
            raise ValueError("expires needs a time zone, as in 2026-12-31T18:00:00Z, or only a date")
        return self

    @property
    def ends_at(self) -> datetime | None:
        """The moment from which it is no longer in force; None if there is none."""
        if self.expires is None or isinstance(self.expires, datetime):
            return self.expires
        return datetime.combine(self.expires + timedelta(days=1), time(), UTC)

    def is_in_force(self, now: datetime) -> bool:
        """True if it has not expired."""
        return self.ends_at is None or now < self.ends_at

    @property
    def scope(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The endpoints that it applies to, and those that it does not, sorted."""
        return tuple(sorted(self.endpoints)), tuple(sorted(self.excepted))

    @property
    def subject(self) -> str:
        """The rule's identity: at most one rule per kind, scope and subject."""
        return str(getattr(self, "path", ""))

    def dump_settings(self) -> dict[str, Any]:
        """Return its fields without scope, author, reason and expiry, as JSON values; defaults are left out."""
        fields = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return {name: value for name, value in fields.items() if name not in _COMMON_FIELDS}


class Ignore(Rule):
    """Differences at `path` are set aside; with `pattern` only those where it matches the shadow's whole value."""

    kind = "ignore"
    path: AnyPath
    pattern: PatternText | None = None

    @property
    def subject(self) -> str:
        """The path with the pattern: one path may have several."""
        return self.path if self.pattern is None else f"{self.path} {self.pattern}"


class Only(Rule):
    """Of the body (or of the headers) only what `path` covers is compared."""

    kind = "only"
    path: OnlyPath


class UnorderedArrays(Rule):
    """The order of arrays at `path` means nothing; `by` names the member that tells elements apart."""

    kind = "unordered"
    path: BodyPath
    by: Text = ""


class NumberTolerance(Rule):
    """Numbers at `path` may be apart by `absolute`, or by the share `relative` of the greater one."""

    kind = "tolerance"
    path: BodyPath
    absolute: Amount | None = None
    relative: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _check_amount(self) -> "NumberTolerance":
        if self.absolute is None and self.relative is None:
            raise ValueError("say how far apart: absolute = 0.01, or relative = 0.001")
        return self


class StructureOnly(Rule):
    """At `path` only keys and types count; with `allow_extra` the shadow may have further keys."""

    kind = "structure_only"
    path: BodyPath
    allow_extra: bool = False


class NullIsAbsent(Rule):
    """At `path` a key with null and no key are the same."""

    kind = "null_is_absent"
    path: BodyPath


class StrictNumbers(Rule):
    """At `path` 1 and 1.0 are of different types."""

    kind = "strict_numbers"
    path: BodyPath


class ComparedHeaders(Rule):
    """Headers that are compared beside the usual ones, and headers that never are."""

    kind = "headers"
    compare: tuple[HeaderName, ...] = ()
    never: tuple[HeaderName, ...] = ()

    @model_validator(mode="after")
    def _check_names(self) -> "ComparedHeaders":
        if not (self.compare or self.never):
            raise ValueError('name headers: compare = ["x-total-count"], or never = ["etag"]')
        if both := sorted(set(self.compare) & set(self.never)):
            raise ValueError(f"{both[0]} is both compared and never compared: keep one")
        return self

    @property
    def subject(self) -> str:
        """All its headers: there may be several such rules."""
        return f"{' '.join(sorted(self.compare))}|{' '.join(sorted(self.never))}"


class StatusClasses(Rule):
    """Status codes of one class (200 and 201) are equal."""

    kind = "status_classes"


class Mask(Rule):
    """Values at `path` (or in a header, or in a parameter of the query) are masked in what is stored of an exchange."""

    kind = "mask"
    path: MaskedPath

    @model_validator(mode="after")
    def _check_expiry(self) -> "Mask":
        if self.expires is not None:
            raise ValueError("a mask does not expire: remove it when what it hides may be seen")
        return self


class RuleSet(BaseModel):
    """All rules of a launch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ignore: tuple[Ignore, ...] = ()
    only: tuple[Only, ...] = ()
    unordered: tuple[UnorderedArrays, ...] = ()
    tolerance: tuple[NumberTolerance, ...] = ()
    structure_only: tuple[StructureOnly, ...] = ()
    null_is_absent: tuple[NullIsAbsent, ...] = ()
    strict_numbers: tuple[StrictNumbers, ...] = ()
    headers: tuple[ComparedHeaders, ...] = ()
    status_classes: tuple[StatusClasses, ...] = ()
    mask: tuple[Mask, ...] = ()

    def enumerate_rules(self) -> Iterator[tuple[tuple[str, int], Rule]]:
        """Yield every rule with its location, (`ignore`, 0)."""
        for kind in type(self).model_fields:
            for position, rule in enumerate(getattr(self, kind)):
                yield (kind, position), rule

    def all(self) -> list[Rule]:
        """List every rule."""
        return [rule for _, rule in self.enumerate_rules()]


RULE_KINDS: Final[dict[str, type[Rule]]] = {
    kind.kind: kind
    for kind in (
        Ignore, Only, UnorderedArrays, NumberTolerance, StructureOnly, NullIsAbsent, StrictNumbers, ComparedHeaders,
        StatusClasses, Mask,
    )
}  # fmt: skip
_COMMON_FIELDS: Final = {"endpoints", "except", "reason", "author", "expires"}


def compute_rule_id(rule: Rule) -> str:
    """Return the id of a rule: 6 hex digits that depend on what it does and where, not on author, reason and expiry."""
    identity = orjson.dumps([rule.kind, rule.scope, rule.dump_settings()], option=orjson.OPT_SORT_KEYS)
    return blake2b(identity, digest_size=3).hexdigest()


def dump_rules(rules: RuleSet) -> str:
    """Write a rule set as it is stored, as JSON; "" for an empty one."""
    values = rules.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return orjson.dumps(values).decode() if values else ""

"""Compare two texts that stand at one place in a page or are one line: as a whole, or number by number."""

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from darklaunch_comparator.places import TextPlace, read_shape

from .collector import DifferenceCollector
from .endpoint_rules import choose_strongest
from .model import DifferenceKind, ExcuseReason, Reasons
from .volatile import VolatileValues


class _PartPair(NamedTuple):
    """Two numbers, times or ids that differ at one place in two texts, and why they may."""

    primary: str
    shadow: str
    place: TextPlace
    reasons: Reasons


def compare_texts(
    primary: str,
    shadow: str,
    place: TextPlace,
    kind: DifferenceKind,
    volatile: VolatileValues,
    collector: DifferenceCollector,
    where: str = "",
) -> None:
    """Report how two texts at one place differ; `where` is written before both of them.

    Where they are the same around several numbers, times and ids, each of those is a place of its own: a render time
    that is noise must not hide the total beside it, nor one that moves with the clock an id that stays.
    """
    if primary == shadow:
        return
    parts = _pair_parts(primary, shadow, place, volatile)
    if not all(part.reasons for part in parts) or not parts:
        reasons = volatile.explain_texts(primary, shadow, place)
        if collector.grant_excuse(place.group_path, reasons):
            return
    if parts:
        collector.extra_places += len(read_shape(primary).parts) - 1
        _report_parts(parts, kind, collector)
    elif not _is_tolerated(primary, shadow, place, collector):
        collector.add_values(place, kind, primary, shadow, where)


def name_shape(primary: str, shadow: str) -> str:
    """Return the shape that two texts share; what only one of them has is `…` in it."""
    primary_name, shadow_name = read_shape(primary).name, read_shape(shadow).name
    if primary_name == shadow_name:
        return primary_name
    shorter = min(len(primary_name), len(shadow_name))
    start = 0
    while start < shorter and primary_name[start] == shadow_name[start]:
        start += 1
    end = 0
    while end < shorter - start and primary_name[-1 - end] == shadow_name[-1 - end]:
        end += 1
    head, tail = primary_name[:start], primary_name[len(primary_name) - end :]
    # At the edges of words: two random words may share their first letters.
    return f"{head[: _find_word_end(head)]}…{tail[_find_word_start(tail) :]}"


def _find_word_end(text: str) -> int:
    end = len(text)
    while end and (text[end - 1].isalnum() or text[end - 1] in "_-"):
        end -= 1
    return end


def _find_word_start(text: str) -> int:
    start = 0
    while start < len(text) and (text[start].isalnum() or text[start] in "_-"):
        start += 1
    return start


def _pair_parts(primary: str, shadow: str, place: TextPlace, volatile: VolatileValues) -> list[_PartPair]:
    """List the parts that differ in two texts that are the same around several; none if they are not."""
    primary_shape, shadow_shape = read_shape(primary), read_shape(shadow)
    if primary_shape.frame != shadow_shape.frame or len(primary_shape.parts) < 2:
        return []
    pairs: list[_PartPair] = []
    for ordinal, (left, right) in enumerate(zip(primary_shape.parts, shadow_shape.parts, strict=True), 1):
        if left != right:
            part = place.part(ordinal)
            pairs.append(_PartPair(left, right, part, volatile.explain_texts(left, right, part)))
    return pairs


def _report_parts(parts: list[_PartPair], kind: DifferenceKind, collector: DifferenceCollector) -> None:
    for part in parts:
        if not collector.grant_excuse(part.place.group_path, part.reasons) and not _is_tolerated(
            part.primary, part.shadow, part.place, collector
        ):
            collector.add_values(part.place, kind, part.primary, part.shadow)


def _is_tolerated(primary: str, shadow: str, place: TextPlace, collector: DifferenceCollector) -> bool:
    """True, and counted, if a rule calls the only numbers of two texts near enough."""
    tolerance = collector.rules.tolerance
    rule = choose_strongest(tolerance.find_values(place.tokens())) if tolerance else None
    if rule is None:
        return False
    primary_shape, shadow_shape = read_shape(primary), read_shape(shadow)
    if primary_shape.frame != shadow_shape.frame or len(primary_shape.parts) != 1:
        return False
    primary_number, shadow_number = _read_number(primary_shape.parts[0]), _read_number(shadow_shape.parts[0])
    if primary_number is None or shadow_number is None or not rule.allows(primary_number, shadow_number):
        return False
    collector.count_excuses(place.group_path, ExcuseReason.TOLERANCE)
    return True


def _read_number(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None

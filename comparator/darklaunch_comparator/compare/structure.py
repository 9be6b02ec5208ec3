"""Compare what two documents are made of: keys and types, whatever the values and however long the arrays."""

from typing import TypeAlias

from darklaunch_comparator.places import JsonPlace

from .collector import DifferenceCollector, Unverified
from .endpoint_rules import StructureRule
from .identifier_shape import is_map
from .json_parse import DEPTH_CAP, NODES_CAP
from .model import ABSENT, JSON_TYPES, DifferenceKind, ExcuseReason, Json

_Part: TypeAlias = tuple[Json, JsonPlace]
_Parts: TypeAlias = list[_Part]
"""All values that stand at one index-free place of one side, each with its own place. Never empty."""


def compare_structure(
    primary: Json, shadow: Json, place: JsonPlace, rule: StructureRule, collector: DifferenceCollector
) -> None:
    """Report where the shadow's structure is not the primary's.

    All elements of an array, and all values of a map, are looked at together: a key is missing if every element of
    the primary has it and one of the shadow's does not, or if none has it any more; a type differs if no element of
    the primary has it. Raises Unverified past NODES_CAP.
    """
    todo: list[tuple[_Parts, _Parts]] = [([(primary, place)], [(shadow, place)])]
    nodes, found_before = 0, collector.count_findings()
    while todo:
        primary_parts, shadow_parts = todo.pop()
        nodes += len(primary_parts) + len(shadow_parts)
        if nodes > NODES_CAP:
            raise Unverified(f"the bodies differ and have more than {NODES_CAP:,} nodes to compare")
        if primary_parts[0][1].depth > DEPTH_CAP:
            collector.detail = f"the bodies differ more than {DEPTH_CAP} levels deep"
            continue
        _compare_types(primary_parts, shadow_parts, collector)
        members = _compare_members(primary_parts, shadow_parts, rule, collector)
        elements = _compare_elements(primary_parts, shadow_parts, collector)
        todo.extend(reversed([*members, *elements]))
    if collector.count_findings() == found_before and primary != shadow:  # the same parts, standing elsewhere
        collector.count_excuses(place.group_path, ExcuseReason.STRUCTURE_ONLY)


def _compare_types(primary_parts: _Parts, shadow_parts: _Parts, collector: DifferenceCollector) -> None:
    primary_types = {JSON_TYPES[type(value)] for value, _ in primary_parts}
    first, place = primary_parts[0]
    for value, _ in shadow_parts:
        if JSON_TYPES[type(value)] not in primary_types:
            collector.add_values(place, DifferenceKind.TYPE, first, value)
            return
    if _list_scalars(primary_parts) != _list_scalars(shadow_parts):
        collector.count_excuses(place.group_path, ExcuseReason.STRUCTURE_ONLY)


def _compare_members(
    primary_parts: _Parts, shadow_parts: _Parts, rule: StructureRule, collector: DifferenceCollector
) -> list[tuple[_Parts, _Parts]]:
    """Report members that are missing or extra; return the others, to be compared in turn."""
    primary_objects = [(value, place) for value, place in primary_parts if isinstance(value, dict)]
    shadow_objects = [(value, place) for value, place in shadow_parts if isinstance(value, dict)]
    if not primary_objects or not shadow_objects:
        return []
    objects = [part for part, _ in (*primary_objects, *shadow_objects)]
    if is_map(*objects):
        return _compare_maps(primary_objects, shadow_objects, collector)
    pairs: list[tuple[_Parts, _Parts]] = []
    for name in dict.fromkeys([name for part in objects for name in part]):
        primary_values: _Parts = [(part[name], place.key(name)) for part, place in primary_objects if name in part]
        shadow_values: _Parts = [(part[name], place.key(name)) for part, place in shadow_objects if name in part]
        if primary_values and shadow_values:
            pairs.append((primary_values, shadow_values))
        in_all_of_primary = len(primary_values) == len(primary_objects)
        in_all_of_shadow = len(shadow_values) == len(shadow_objects)
        if not primary_values:
            value, place = shadow_values[0]
            if rule.allow_extra:
                collector.count_excuses(place.group_path, ExcuseReason.STRUCTURE_ONLY)
            else:
                collector.add_values(place, DifferenceKind.EXTRA, ABSENT, value)
        elif not shadow_values or (in_all_of_primary and not in_all_of_shadow):
            value, place = primary_values[0]
            collector.add_values(place, DifferenceKind.MISSING, value, ABSENT)
    return pairs


def _compare_maps(
    primary_maps: list[tuple[dict[str, Json], JsonPlace]],
    shadow_maps: list[tuple[dict[str, Json], JsonPlace]],
    collector: DifferenceCollector,
) -> list[tuple[_Parts, _Parts]]:
    """Excuse other keys; return all values of both sides as one pair, to be compared in turn."""
    if [part.keys() for part, _ in primary_maps] != [part.keys() for part, _ in shadow_maps]:
        collector.count_excuses(primary_maps[0][1].group_path, ExcuseReason.STRUCTURE_ONLY)
    primary_values: _Parts = [
        (part[name], place.key(name, in_map=True)) for part, place in primary_maps for name in part
    ]
    shadow_values: _Parts = [(part[name], place.key(name, in_map=True)) for part, place in shadow_maps for name in part]
    return [(primary_values, shadow_values)] if primary_values and shadow_values else []


def _compare_elements(
    primary_parts: _Parts, shadow_parts: _Parts, collector: DifferenceCollector
) -> list[tuple[_Parts, _Parts]]:
    """Excuse other lengths; return all elements of both sides as one pair, to be compared in turn."""
    primary_arrays = [(value, place) for value, place in primary_parts if isinstance(value, list)]
    shadow_arrays = [(value, place) for value, place in shadow_parts if isinstance(value, list)]
    if [len(array) for array, _ in primary_arrays] != [len(array) for array, _ in shadow_arrays]:
        collector.count_excuses(primary_parts[0][1].group_path, ExcuseReason.STRUCTURE_ONLY)
    primary_elements: _Parts = [
        (value, place.index(at)) for array, place in primary_arrays for at, value in enumerate(array)
    ]
    shadow_elements: _Parts = [
        (value, place.index(at)) for array, place in shadow_arrays for at, value in enumerate(array)
    ]
    return [(primary_elements, shadow_elements)] if primary_elements and shadow_elements else []


def _list_scalars(parts: _Parts) -> list[Json]:
    return [value for value, _ in parts if not isinstance(value, (dict, list))]

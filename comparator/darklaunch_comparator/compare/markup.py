"""Compare two pages of HTML, or two documents of XML, as trees; iteratively, into what is not the same."""

from collections.abc import Callable, Hashable

from darklaunch_comparator.content import CODE, Element, MalformedMarkup, parse_html, parse_xml
from darklaunch_comparator.places import ROOT, TOP, TextPlace, read_shape

from . import render
from .collector import DifferenceCollector
from .element_places import ChildPlaces
from .model import ABSENT, DifferenceKind, ExcuseReason
from .page_texts import is_compared_by_lines, split_lines
from .sequences import Gap, align_gaps, align_keys
from .text_lines import compare_lines, compare_text, decode_texts
from .text_values import compare_texts
from .volatile import VolatileValues

_Pair = tuple[Element, Element, TextPlace]


def compare_markup(
    primary: bytes, shadow: bytes, *, is_html: bool, volatile: VolatileValues, collector: DifferenceCollector
) -> None:
    """Report the differences between two texts of HTML or XML in UTF-8.

    If one cannot be parsed, or only up to a cap, the texts are compared by lines, and each difference says so. XML that
    is well-formed on one side only is of another type.
    """
    texts = decode_texts(primary, shadow, collector)
    if texts is None:
        return
    parse = parse_html if is_html else parse_xml
    primary_root, shadow_root = parse(texts[0].encode()), parse(texts[1].encode())
    if isinstance(primary_root, Element) and isinstance(shadow_root, Element):
        _MarkupComparison(is_html, volatile, collector).compare(primary_root, shadow_root)
        if collector.places_by_shape:
            collector.total_places = _count_places(primary_root)
        return
    malformed = primary_root if isinstance(primary_root, MalformedMarkup) else shadow_root
    assert isinstance(malformed, MalformedMarkup)
    if malformed.is_invalid and type(primary_root) is not type(shadow_root):
        rendered = [
            render.cut(f"{root.reason}: {render.make_printable(text)}" if isinstance(root, MalformedMarkup) else text)
            for root, text in ((primary_root, texts[0]), (shadow_root, texts[1]))
        ]
        collector.add_description(ROOT, DifferenceKind.TYPE, *map(render.make_printable, rendered))
        return
    compare_text(primary, shadow, volatile, collector, malformed.reason)


def _count_places(root: Element) -> int:
    """Count the texts and attributes of a tree."""
    count = 0
    todo = [root]
    while todo:
        element = todo.pop()
        count += len(element.attributes)
        for text in element.texts:
            if text:
                count += text.count("\n") + 1 if element.name in CODE else 1
        todo += element.children
    return max(1, count)


class _MarkupComparison:
    """The walk through two trees."""

    def __init__(self, is_html: bool, volatile: VolatileValues, collector: DifferenceCollector) -> None:
        self._is_html = is_html
        self._volatile = volatile
        self._collector = collector
        self._gists: dict[int, int] = {}
        self._outlines: dict[int, int] = {}

    def compare(self, primary: Element, shadow: Element) -> None:
        top = TOP.element(primary.local_name, 1, is_only=True, is_listed=False)
        if primary.name != shadow.name:
            rendered = render_element(primary), render_element(shadow)
            self._collector.add_description(top, DifferenceKind.TYPE, *rendered)
            return
        todo: list[_Pair] = [(primary, shadow, top)]
        while todo:
            primary, shadow, place = todo.pop()
            if primary.digest == shadow.digest:
                continue
            if primary.attributes != shadow.attributes:
                self._compare_attributes(primary, shadow, place)
            if primary.texts != shadow.texts:
                self._compare_texts(primary, shadow, place)
            if primary.children or shadow.children:
                todo.extend(reversed(self._compare_children(primary, shadow, place)))

    def _compare_attributes(self, primary: Element, shadow: Element, place: TextPlace) -> None:
        for name in dict.fromkeys((*primary.attributes, *shadow.attributes)):
            left, right = primary.attributes.get(name), shadow.attributes.get(name)
            attribute = place.attribute(name.rpartition("}")[2])
            if right is None:
                self._collector.add_values(attribute, DifferenceKind.MISSING, left, ABSENT)
            elif left is None:
                self._collector.add_values(attribute, DifferenceKind.EXTRA, ABSENT, right)
            else:
                compare_texts(left, right, attribute, DifferenceKind.VALUE, self._volatile, self._collector)

    def _compare_texts(self, primary: Element, shadow: Element, place: TextPlace) -> None:
        primary_texts, shadow_texts = primary.list_texts(), shadow.list_texts()
        if len(primary_texts) != len(shadow_texts):
            left, right = "".join(primary_texts), "".join(shadow_texts)
            if left == right:  # an element stands elsewhere in the same text, and is compared for itself
                return
            if not left or not right:
                kind = DifferenceKind.EXTRA if right else DifferenceKind.MISSING
                self._collector.add_values(place, kind, left or ABSENT, right or ABSENT)
            else:
                self._compare_text(left, right, place, primary)
            return
        for position, (left, right) in enumerate(zip(primary_texts, shadow_texts, strict=True), 1):
            if left != right:
                self._compare_text(left, right, place if len(primary_texts) == 1 else place.text(position), primary)

    def _compare_text(self, primary: str, shadow: str, place: TextPlace, element: Element) -> None:
        if is_compared_by_lines(element, primary, shadow):
            compare_lines(
                split_lines(primary, element), split_lines(shadow, element), place, self._volatile, self._collector
            )
        else:
            compare_texts(primary, shadow, place, DifferenceKind.TEXT, self._volatile, self._collector)

    def _compare_children(self, primary: Element, shadow: Element, place: TextPlace) -> list[_Pair]:
        """Report children that are missing, extra or in another order; return those that differ."""
        places = ChildPlaces(primary, place, is_html=self._is_html)
        left, right = primary.children, shadow.children
        if self._is_reordered(primary, shadow, place):
            return []
        if [child.name for child in left] == [child.name for child in right]:
            pairs = [(at, at) for at, child in enumerate(left) if child.digest != right[at].digest]
            # Paragraphs belong together by their position; of a list one may be gone, and another new.
            if len(pairs) > 1 and any(places.is_listed(left[at].name) for at, _ in pairs):
                pairs = self._align(primary, shadow, places, place)
        else:
            pairs = self._align(primary, shadow, places, place)
        return [(left[one], right[other], places.find(one)) for one, other in pairs]

    def _is_reordered(self, primary: Element, shadow: Element, place: TextPlace) -> bool:
        """True, and reported, if the children are the same in another order."""
        left = [child.digest for child in primary.children]
        right = [child.digest for child in shadow.children]
        if left == right or len(left) != len(right) or sorted(left) != sorted(right):
            return False
        rules = self._collector.rules
        if rules.steers_walk and rules.unordered.find_values(place.tokens()):
            self._collector.count_excuses(place.group_path, ExcuseReason.UNORDERED)
        else:
            self._collector.add_description(
                place, DifferenceKind.ORDER, render_element(primary), render_element(shadow)
            )
        return True

    def _align(
        self, primary: Element, shadow: Element, primary_places: ChildPlaces, place: TextPlace
    ) -> list[tuple[int, int]]:
        """Pair children that belong together, report the others, and return the pairs that differ."""
        left, right = primary.children, shadow.children
        shadow_places = ChildPlaces(shadow, place, is_html=self._is_html)
        rules = self._collector.rules
        pairs: list[tuple[int, int]] = []
        if rules.steers_walk and rules.unordered.find_values(place.tokens()):
            pairs, gaps = self._pair_unordered(left, right)
        else:
            _, gaps = align_keys([child.digest for child in left], [child.digest for child in right])
            for key in (_key_label, self._key_gist, self._key_outline, _key_name):
                gaps = align_gaps(gaps, *_key_children(key, left, right, primary_places, shadow_places), pairs)
        for gap in gaps:
            for at in range(gap.primary_start, gap.primary_end):
                self._report_alone(left[at], primary_places, at, DifferenceKind.MISSING, place)
            for at in range(gap.shadow_start, gap.shadow_end):
                self._report_alone(right[at], shadow_places, at, DifferenceKind.EXTRA, place)
        return sorted([(one, other) for one, other in pairs if left[one].digest != right[other].digest])

    def _report_alone(
        self, child: Element, places: ChildPlaces, at: int, kind: DifferenceKind, place: TextPlace
    ) -> None:
        """Report a child that one side lacks."""
        rules = self._collector.rules
        if places.is_listed(child.name) and rules.structure_only and rules.structure_only.covers(place.tokens()):
            self._collector.count_excuses(place.group_path, ExcuseReason.STRUCTURE_ONLY)
            return
        rendered = render_element(child)
        is_missing = kind is DifferenceKind.MISSING
        self._collector.add_description(
            places.find(at), kind, rendered if is_missing else None, None if is_missing else rendered
        )

    def _pair_unordered(self, left: list[Element], right: list[Element]) -> tuple[list[tuple[int, int]], list[Gap]]:
        """Pair children whatever their order: those that are the same, then those that are alike."""
        pairs: list[tuple[int, int]] = []
        rest = list(range(len(left))), list(range(len(right)))
        for key in (_key_digest, self._key_gist, self._key_outline):
            waiting: dict[Hashable, list[int]] = {}
            for at in reversed(rest[1]):
                waiting.setdefault(key(right[at]), []).append(at)
            unpaired: list[int] = []
            for at in rest[0]:
                twins = waiting.get(key(left[at]))
                if twins:
                    pairs.append((at, twins.pop()))
                else:
                    unpaired.append(at)
            rest = unpaired, sorted([at for twins in waiting.values() for at in twins])
        gaps = [Gap(at, at + 1, 0, 0) for at in rest[0]] + [Gap(0, 0, at, at + 1) for at in rest[1]]
        return pairs, gaps

    def _key_gist(self, element: Element, _label: str = "") -> Hashable:
        return self._find_gist(element)

    def _key_outline(self, element: Element, _label: str = "") -> Hashable:
        return self._find_outline(element)

    def _find_outline(self, element: Element) -> int:
        """Return a number that is equal for elements that differ in texts and values of attributes only."""
        known = self._outlines.get(id(element))
        if known is None:
            known = hash(
                (element.name, *element.attributes, *[self._find_outline(child) for child in element.children])
            )
            self._outlines[id(element)] = known
        return known

    def _find_gist(self, element: Element) -> int:
        """Return a number that is equal for elements that differ in numbers, times, ids and attributes only."""
        known = self._gists.get(id(element))
        if known is None:
            frames = [read_shape(text).frame for text in element.texts if text]
            # Recursion is safe: a tree is no deeper than the parser's cap.
            known = hash((element.name, *frames, *[self._find_gist(child) for child in element.children]))
            self._gists[id(element)] = known
        return known


def _key_children(
    key: Callable[[Element, str], Hashable],
    left: list[Element],
    right: list[Element],
    left_places: ChildPlaces,
    right_places: ChildPlaces,
) -> tuple[Callable[[int], Hashable], Callable[[int], Hashable]]:
    return lambda at: key(left[at], left_places.labels[at]), lambda at: key(right[at], right_places.labels[at])


def _key_label(element: Element, label: str) -> Hashable:
    return (element.name, label) if label else object()  # without a label it is like no other


def _key_name(element: Element, _label: str) -> Hashable:
    return element.name


def _key_digest(element: Element) -> Hashable:
    return element.digest


def render_element(element: Element) -> str:
    """Render an element and what is in it, as markup, as far as it is shown."""
    pieces: list[str] = []
    length = 0
    todo: list[Element | str] = [element]
    while todo and length < render.RENDERED_CHARS:
        part = todo.pop()
        if isinstance(part, Element):
            attributes = "".join([f' {name.rpartition("}")[2]}="{value}"' for name, value in part.attributes.items()])
            todo.append(f"</{part.local_name}>")
            for child, text in zip(reversed(part.children), reversed(part.texts[1:]), strict=False):
                todo += [text, child]
            todo += part.texts[:1]
            part = f"<{part.local_name}{attributes}>"
        pieces.append(part)
        length += len(part)
    return render.make_printable("".join(pieces) + ("…" if todo else ""))

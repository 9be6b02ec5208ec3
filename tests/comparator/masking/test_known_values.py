"""What was masked in a body is masked in a rendering, also where only a piece of it is shown."""

import pytest
from darklaunch_comparator.credentials import MASKED
from darklaunch_comparator.masking import Placeholders
from darklaunch_comparator.masking.known_values import KnownValues

SECRET = 'Tr0ub4dor&"3 and 2 more'


@pytest.fixture
def known() -> KnownValues:
    placeholders = Placeholders(b"salt")
    values = KnownValues(placeholders)
    placeholders.for_text(SECRET)
    placeholders.for_text("abc")
    values.learn()
    return values


@pytest.mark.parametrize(
    "rendering",
    [
        f'"{SECRET}"',
        'user: "x Tr0ub4dor&\\"3 and 2 more y"',
        'a: "b Tr0ub4dor&\\"3 an…',
        '…"4dor&\\"3 and 2 more, b"',
        '"more"',
    ],
)
def test_it_is_masked(known: KnownValues, rendering: str) -> None:
    masked = known.mask(rendering)
    assert MASKED.search(masked)
    assert "4dor" not in masked and "more" not in MASKED.sub("", masked)


@pytest.mark.parametrize("rendering", ["abc", '"1"', "null", "[masked:0123456789ab] abc", '"three of them"', ""])
def test_everything_else_stays(known: KnownValues, rendering: str) -> None:
    assert known.mask(rendering) == rendering


def test_another_exchange_begins_with_nothing(known: KnownValues) -> None:
    known.forget()
    assert known.mask(SECRET) == SECRET

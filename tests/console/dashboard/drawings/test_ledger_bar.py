"""The bar of the ledger: parts of a whole, of which none is too small to be seen."""

from darklaunch_comparator.store.report_queries import LaunchLedger
from darklaunch_console.dashboard.drawings.ledger_bar import SMALLEST, draw_parts, list_parts


def ledger(*, matched: int = 0, mismatched: int = 0, dead: int = 0, on_its_way: int = 0) -> LaunchLedger:
    settled = matched + mismatched + dead
    return LaunchLedger(
        sampled=settled + on_its_way, matched=matched, mismatched=mismatched, ignored=0, unverified=0, shadow_error=0,
        dead=dead, dropped=0, settled=settled, on_its_way=on_its_way, dropped_by_reason={}, skipped={},
    )  # fmt: skip


def test_shares_are_of_the_exchanges_that_have_an_outcome() -> None:
    parts = {part.word: part for part in list_parts(ledger(matched=75, mismatched=25, on_its_way=900))}
    assert (parts["matched"].share, parts["mismatched"].share, parts["dead"].count) == (0.75, 0.25, 0)
    assert "on their way" not in parts


def test_the_drawn_parts_fill_the_bar_and_the_smallest_can_be_seen() -> None:
    drawn = draw_parts(list_parts(ledger(matched=99_999, dead=1)))
    assert [part.part.word for part in drawn] == ["matched", "dead"]
    assert drawn[-1].width >= SMALLEST * 0.99
    assert round(drawn[-1].left + drawn[-1].width, 2) == 100.0
    assert drawn[1].left == drawn[0].width


def test_nothing_is_drawn_of_a_launch_without_outcomes() -> None:
    assert draw_parts(list_parts(ledger(on_its_way=3))) == []

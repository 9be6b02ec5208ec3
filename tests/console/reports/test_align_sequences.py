"""Pairs of positions: equal elements, then those with one identity, then by position."""

from __future__ import annotations

from darklaunch_console.reports.align_sequences import DIFFERS, LEFT, RIGHT, SAME, align_sequences


def test_equal_elements_are_paired_around_an_inserted_one() -> None:
    assert list(align_sequences(["a", "b"], ["a", "x", "b"])) == [(0, 0, SAME), (None, 1, RIGHT), (1, 2, SAME)]


def test_elements_with_one_identity_are_paired_although_they_differ() -> None:
    pairs = list(align_sequences(["1 old", "2 old"], ["2 new"], lambda element: element[0]))
    assert pairs == [(0, None, LEFT), (1, 0, DIFFERS)]


def test_without_identities_what_differs_is_paired_by_position() -> None:
    assert list(align_sequences(["a"], ["b", "c"])) == [(0, 0, DIFFERS), (None, 1, RIGHT)]

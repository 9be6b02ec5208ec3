"""What `accept`, `resolve` and `reopen` say they did."""

from darklaunch_comparator.store.signatures import SignatureDecision
from darklaunch_console.launches.decision_text import decisions_to_json, render_decisions

ACCEPTED = SignatureDecision("0123456789ab", "GET /orders", "$.total value", "open", "accepted")
ALREADY = SignatureDecision("ba9876543210", "GET /cart", "$.sum value", "accepted", "accepted")


def render(*decisions: SignatureDecision, state: str = "accepted", consequence: str = "") -> list[str]:
    return [line for line, _ in render_decisions("shop", decisions, state, consequence)]


def test_what_changed_is_said_first_and_what_was_so_already_beside_it() -> None:
    assert render(ACCEPTED, ALREADY, consequence="Judging starts over.") == [
        "1 signature is accepted.",
        "  0123456789ab  GET /orders $.total value",
        "  ba9876543210  GET /cart $.sum value (already)",
        "Judging starts over.",
        "Next: darklaunch mismatches shop --state accepted",
    ]


def test_where_nothing_changed_nothing_follows_from_it() -> None:
    first, *_, last = render(ALREADY, consequence="Judging starts over.")
    assert first == "Nothing to do: it is accepted already."
    assert "starts over" not in last


def test_what_is_reopened_is_listed_among_the_open_ones() -> None:
    first, *_, last = render(SignatureDecision("0123456789ab", "GET /", "x", "resolved", "open"), state="open")
    assert (first, last) == ("1 signature is open again.", "Next: darklaunch mismatches shop")


def test_json_says_of_each_whether_it_changed() -> None:
    assert [told["changed"] for told in decisions_to_json([ACCEPTED, ALREADY])] == [True, False]

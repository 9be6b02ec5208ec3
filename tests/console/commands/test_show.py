"""`show`: what a launch does, and who decided it."""

from typing import Any


def test_show_tells_what_was_decided_and_by_whom(run: Any, shop: str) -> None:
    output = " ".join(run("show", shop).output.split())
    assert output.startswith(
        f"{shop} is active: 10 % of GET, HEAD and OPTIONS requests are mirrored to http://shadow:8000."
    )
    assert "started by ann@desk" in output

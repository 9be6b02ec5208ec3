"""What an app's own tests can do with the hook."""

from __future__ import annotations

import pytest
from darklaunch import is_promoted
from darklaunch.testing import promoted


def test_tests_of_an_app_choose_the_code() -> None:
    with promoted("checkout"):
        assert is_promoted("checkout")
        assert not is_promoted("search")
        with promoted():
            assert not is_promoted("checkout")
        assert is_promoted("checkout")


@pytest.mark.parametrize("odd", ["", "no such launch", "\x00"])
def test_a_name_that_no_launch_can_have_is_not_promoted(odd) -> None:
    with promoted("checkout"):
        assert not is_promoted(odd)

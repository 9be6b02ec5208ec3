"""Which names say that a number is a time, or that a text is made up for one response."""

import pytest
from darklaunch_comparator.compare.value_names import says_secret, says_time


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("created_at",), True),
        (("expiresAt",), True),
        (("server_time_ms",), True),
        (("mtime",), True),
        (("$date", "paid"), True),
        (("value", "expires"), True),
        (("by", "created"), False),
        (("order_id",), False),
        (("update_id",), False),
        (("timestamp_count",), False),
        (("id", "created_at"), False),
        (("n",), False),
        ((), False),
    ],
)
def test_a_number_is_a_time_only_under_a_name_that_says_so(names: tuple[str, ...], said: bool) -> None:
    assert says_time(names) is said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("nonce",), True),
        (("csrf_token",), True),
        (("@value", "csrfToken"), True),
        (("name", "session"), False),
        (("coupon",), False),
        (("x" * 1_000_000,), False),
    ],
)
def test_a_short_text_is_a_secret_only_under_a_name_that_says_so(names: tuple[str, ...], said: bool) -> None:
    assert says_secret(names) is said

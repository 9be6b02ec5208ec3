import orjson
import pytest
from darklaunch_console.cli.arguments import parse_duration, parse_percent
from darklaunch_console.errors import BadUsage
from darklaunch_console.launches.specification import check_sticky, write_ignore_rules
from darklaunch_shared.errors import BadLaunch


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [("2000ms", 2.0), ("2s", 2.0), ("5m", 300.0), ("5min", 300.0), ("1h", 3600.0), ("1.5 s", 1.5), ("2d", 172_800.0)],
)
def test_a_duration_has_a_unit(text, duration_s):
    assert parse_duration(text) == duration_s


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2000", "'2000' has no unit: write 2000ms, 2s, 5m or 1h"),
        ("soon", "'soon' is not a duration: write 2000ms, 2s, 5m or 1h"),
        ("-1s", "'-1s' is not a duration: write 2000ms, 2s, 5m or 1h"),
        ("", "'' is not a duration: write 2000ms, 2s, 5m or 1h"),
        ("1e9s", "'1e9s' is not a duration: write 2000ms, 2s, 5m or 1h"),
    ],
)
def test_a_bad_duration_says_what_to_write(text, said):
    with pytest.raises(ValueError) as refused:
        parse_duration(text)
    assert str(refused.value) == said


@pytest.mark.parametrize(("text", "number"), [("10", 10.0), ("0.5", 0.5), ("10%", 10.0), ("25 %", 25.0), ("0", 0.0)])
def test_a_percentage_is_a_number(text, number):
    assert parse_percent(text) == number


@pytest.mark.parametrize("text", ["ten", "", "1_0", "0x10"])
def test_what_is_no_number_is_no_percentage(text):
    with pytest.raises(ValueError, match="is not a percentage"):
        parse_percent(text)


@pytest.mark.parametrize("text", ["150", "-1", "inf"])
def test_a_percentage_is_between_0_and_100(text):
    with pytest.raises(BadLaunch, match="must be between 0 and 100"):
        parse_percent(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("", ""), ("client", "client"), ("header:X-User", "header:x-user"), ("cookie:sid", "cookie:sid")],
)
def test_sampling_sticks_to_a_header_a_cookie_or_the_client(text, kept):
    assert check_sticky(text) == kept


@pytest.mark.parametrize("text", ["header", "header:", "header:a b", "cookie:a=b", "user", "clients", "query:x"])
def test_an_unknown_sticky_form_is_named(text):
    with pytest.raises(BadUsage, match="write header:NAME, cookie:NAME or client"):
        check_sticky(text)


def test_an_ignore_path_that_cannot_be_read_is_named():
    paths = ("$.generated_at", "header:etag", "status")
    told = orjson.loads(write_ignore_rules(paths, "ann", "they move"))["ignore"]
    assert [(rule["path"], rule["author"], rule["reason"]) for rule in told] == [
        (path, "ann", "they move") for path in paths
    ]
    with pytest.raises(BadUsage, match=r"--ignore: .*\$\.\.\["):
        write_ignore_rules(("$.a", "$..["), "ann", "")

"""What servers make of a path. The servers here are models of real ones, each in its own order of steps."""

import posixpath
import re
from collections.abc import Callable
from urllib.parse import unquote, urljoin

import pytest
from darklaunch_shared.launch.path_policy import compile_path_policy
from darklaunch_shared.launch.path_readings import READINGS_CAP, UNUSUAL_PATH_CAP, read_path
from darklaunch_shared.launch.spec import LaunchSpec
from hypothesis import given
from hypothesis import strategies as st

PIECES = ["a", "private", "x", "/", "//", ".", "..", "/..", "%2e", "%2E%2e", "%2f", "%252f", "\\", "%5c", ";", ";v=1",
          "%3b", "%70", "%2570", "%3f", "%23", "%u002f", "%c0%af", "%20", "é"]  # fmt: skip


def decode(path: str) -> str:
    return unquote(path, encoding="latin-1")


def clean(path: str) -> str:
    """Go's path.Clean, nginx's merge_slashes and dot segments."""
    return "/" + posixpath.normpath("/" + path).lstrip("/")


def nginx(path: str) -> str:
    return clean(decode(path))


def double_proxy(path: str) -> str:
    """A proxy that decodes, before a server that decodes and cuts the query off again."""
    return clean(decode(re.split("[?#]", clean(decode(path)))[0]))


def tomcat(path: str) -> str:
    """Tomcat: parameters are removed before anything is decoded."""
    return clean(decode(re.sub(";[^/]*", "", path)))


def late_parameters(path: str) -> str:
    """Werkzeug behind a proxy that decodes: what decodes to a parameter is one."""
    return clean(re.sub(";[^/]*", "", decode(path)))


def whatwg(path: str) -> str:
    """Node's and browsers' URL: backslashes are slashes, %2e is a dot; nothing else is decoded, no slashes merged."""
    dotted = re.sub("%2e", ".", path.replace("\\", "/"), flags=re.IGNORECASE)
    return urljoin("http://host/", "http://host" + dotted).removeprefix("http://host")


def iis(path: str) -> str:
    decoded = re.sub("%u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), path)
    return clean(decode(decode(decoded)).replace("\\", "/").replace("\xc0\xaf", "/"))


SERVERS = [decode, clean, nginx, double_proxy, tomcat, late_parameters, whatwg, iis]


@given(
    st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: "/" + "".join(pieces)), st.sampled_from(SERVERS)
)
def test_what_any_server_reads_is_among_the_readings(path: str, server: Callable[[str], str]) -> None:
    readings = read_path(path)
    assert readings is None or server(path).rstrip("/") in {reading.rstrip("/") for reading in readings}


@given(
    st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: "/" + "".join(pieces)), st.sampled_from(SERVERS)
)
def test_no_spelling_reaches_what_a_launch_leaves_out(path: str, server: Callable[[str], str]) -> None:
    spec = LaunchSpec("http://a", skip=("/private/**", "/private"), only=("/**",), allow=("POST /x/**",))
    policy = compile_path_policy(spec)
    if re.fullmatch("/private(/.*)?", server(path)):
        assert policy.explain_refusal("GET", path) == "path"
    if not server(path).startswith("/x/"):
        assert policy.explain_refusal("POST", path) is not None or server(path) == "/x"


@given(st.from_regex(r"(/[A-Za-z0-9_~@:,+=-][A-Za-z0-9_.~@:,+=-]{0,8}){0,5}/?", fullmatch=True))
def test_an_ordinary_path_has_one_reading(path: str) -> None:
    assert read_path(path) == frozenset({path})


@pytest.mark.parametrize("path", ["/a%00b", "/a%0d%0ab", "/a%2500", "/" + "%2e" * UNUSUAL_PATH_CAP])
def test_nobody_can_tell_what_a_server_makes_of_it(path: str) -> None:
    assert read_path(path) is None


def test_a_path_made_to_have_many_readings_is_not_read() -> None:
    assert read_path("/" + "%252525252525252f..;x/%3f" * 40) is None
    assert len(read_path("/a%2520b/..;/x//y") or ()) <= READINGS_CAP

"""Methods that a request names beside the one in its request line."""

import pytest
from darklaunch_shared.launch.effective_method import find_other_paths, find_overrides, may_override
from darklaunch_shared.launch.path_policy import compile_path_policy
from darklaunch_shared.launch.spec import LaunchSpec

FORM = (("content-type", "application/x-www-form-urlencoded"),)
PARTS = (("Content-Type", "multipart/form-data; boundary=b"),)
JSON = (("content-type", "application/vnd.api+json"),)


@pytest.mark.parametrize(
    ("headers", "target", "body", "named"),
    [
        ((("X-HTTP-Method-Override", "delete"),), "/", b"", {"DELETE"}),
        ((("x-http-method", "MERGE"), ("x-method-override", " Put ")), "/", b"", {"MERGE", "PUT"}),
        ((("x_http_method_override", "DELETE"),), "/", b"", {"DELETE"}),
        ((("x-http_method-override", "DELETE"),), "/", b"", {"DELETE"}),
        ((("x-http-method-override", ""),), "/", b"", set()),
        ((), "/a?b=1&_method=DELETE", b"", {"DELETE"}),
        ((), "/a?b=1;_METHOD=patch&_method=put", b"", {"PATCH", "PUT"}),
        ((), "/a?%5Fm%65thod=DEL%45TE", b"", {"DELETE"}),
        ((), "/a?.method=DELETE", b"", {"DELETE"}),
        ((), "/a?payment_method=card&methods=GET&q=_method", b"", set()),
        ((), "/a/_method=DELETE", b"", set()),
        (FORM, "/", b"title=x&_method=DELETE", {"DELETE"}),
        (FORM, "/", b"%5fmethod=DELETE", {"DELETE"}),
        (PARTS, "/", b'--b\r\nContent-Disposition: form-data; name="_method"\r\n\r\nDELETE\r\n--b--\r\n', {"DELETE"}),
        (PARTS, "/", b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n_method\r\n--b--\r\n', set()),
        (JSON, "/", b'{"_method":"DELETE","a":1}', {"DELETE"}),
        (JSON, "/", b'{"\\u005fmethod":"DELETE"}', {"DELETE"}),
        (JSON, "/", b'{"a":{"_method":"DELETE"}}', set()),
        (JSON, "/", b'["_method"]', set()),
        (JSON, "/", b'{"_method', set()),
    ],
)
def test_each_way_to_name_a_method_is_known(
    headers: tuple[tuple[str, str], ...], target: str, body: bytes, named: set[str]
) -> None:
    assert find_overrides(headers, target, body) == named
    if named and not body:
        assert may_override([name.lower().encode() for name, _ in headers], target)
        assert may_override([name.lower() for name, _ in headers], target)


def test_a_path_that_a_header_names_is_known() -> None:
    headers = (("X-Original-URL", "/private/x?a=1"), ("x_rewrite_url", "https://shop/y"), ("x-rewrite-url", " "))
    assert find_other_paths(headers) == ("/private/x", "/y")
    assert may_override([b"x-original-url"], "/")
    policy = compile_path_policy(LaunchSpec("http://a", skip=("/private/**",), allow=("POST /x",)))
    assert policy.explain_refusal("GET", "/", (), ("/%70rivate/x",)) == "path"
    assert policy.explain_refusal("POST", "/x", (), ("/y",)) == "unsafe_method"
    assert policy.explain_refusal("GET", "/", (), ("/x", "/y")) is None


def test_an_ordinary_request_is_told_apart_at_once() -> None:
    assert not may_override([b"host", b"accept", b"x-request-id"], "/search?q=caf%C3%A9&page=2")

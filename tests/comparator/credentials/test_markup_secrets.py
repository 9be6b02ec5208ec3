"""Where values of credentials stand in markup, whatever its shape."""

import time

import pytest
from darklaunch_comparator.credentials import find_markup_secrets, is_credential


def list_secrets(text: str) -> list[str]:
    return [text[start:end] for start, end in find_markup_secrets(text, is_credential)]


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("<password>S</password><n>1</n>", ["S"]),
        ("<u><password>\n S T\n</password></u>", ["S T"]),
        ("<token><v a='S'>T</v>U</token>V", ["S", "T", "U"]),
        ("<token><token>S</token>T</token>U", ["S", "T"]),
        ("<token/><n>1</n>", []),
        ("<password><![CDATA[S]]></password>", ["S"]),
        ('<add key="password"><![CDATA[S]]></add>T', ["S"]),
        ('<input name="password" value="S">T', ["S"]),
        ("<INPUT VALUE='S' NAME='password'>", ["S"]),
        ("<input value=S name=password>", ["S"]),
        (r"<input name=\"password\" value=\"S\">", ["S"]),
        ('<meta content="S" property="csrf-token">', ["S"]),
        ('<div data-csrf-token="S" class="c">T</div>', ["S"]),
        ('<textarea name="secret">S</textarea>T', ["S"]),
        ('<input name="password" value="S', ["S"]),
        ("<u><password>S", ["S"]),
        ("usage: login <user> <password> HOST", []),
        ('<input name="user" value="U"><input name="password" value="">', []),
        ('<input name="a" type="password">', []),
        ("a < b and password > c", []),
    ],
)
def test_values_are_found_where_they_stand(text: str, secrets: list[str]) -> None:
    assert list_secrets(text) == secrets


@pytest.mark.parametrize(
    "text",
    [
        "<token>" * 30_000,
        '<token a="' * 30_000,
        "<a b='" * 50_000,
        "<![CDATA[" * 30_000,
        "<token>" + "<token" * 30_000 + "</token>",
        "<a " + "b=c " * 50_000,
        "</token" * 40_000,
        "".join(f"<t{nth}-token>" for nth in range(20_000)),
    ],
    ids=lambda text: text[:12],
)
def test_hostile_markup_takes_bounded_time(text: str) -> None:
    began = time.process_time()
    list_secrets(text)
    assert time.process_time() - began < 4

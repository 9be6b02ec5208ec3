"""URLs with passwords: no message shows one, whatever characters it has."""

import pytest
from darklaunch_shared.process.server_url import explain_unescaped, redact_url
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("url", "shown", "advice"),
    [
        ("redis://h:6379/0", "redis://h:6379/0", ""),
        ("redis://:Secr3t@h:6379/0", "redis://***@h:6379/0", ""),
        ("redis://u:p@ss@[::1]:6379/0", "redis://***@[::1]:6379/0", ""),
        ("redis://:p%zz@h/0", "redis://***@h/0", ""),
        ("redis://h:6379/0?password=p@ss", "redis://h:6379/0", ""),
        ("redis://h:6379/0?db=1&username=a@b&password=c@d", "redis://h:6379/0", ""),
        ("redis://user:9?=@h/5", "redis://***", "write ? as %3F"),
        ("redis://user:9?a=1&b=@h/5", "redis://***", "write ? as %3F"),
        ("unix:///tmp/x.sock?password=a", "unix:///tmp/x.sock", ""),
        ("redis://:Secr3t/Pass@h:6379/0", "redis://***", "write / as %2F"),
        ("redis://:Secr3t#Pass@h:6379/0", "redis://***", "write # as %23"),
        ("redis://:Secr3t?Pass@h:6379/0", "redis://***", "write ? as %3F"),
        ("redis://:123?Pass@h:6379/0", "redis://***", "write ? as %3F"),
        ("redis://:123/Pass@h:6379/0", "redis://***", "write / as %2F"),
        ("redis://:a@b/c@h:1/0", "redis://***", "write / as %2F"),
        ("redis://:p[x@h/0", "redis://***", "write [ as %5B"),
        ("redis://u:a/b?c#d@h", "redis://***", "write # as %23 and / as %2F and ? as %3F"),
        ("postgresql://u:p@h1:1,h2:2/db", "postgresql://***@h1:1,h2:2/db", ""),
        ("postgresql:///db?host=/tmp", "postgresql:///db", ""),
        ("postgresql://u:a@b@h/db", "postgresql://***", "write @ as %40"),
        ("postgresql://u:a%b@h/db", "postgresql://***", "write % as %25"),
        ("postgresql://u:a%40b@h/db", "postgresql://***@h/db", ""),
        ("host=h password=Secr3t", "***", ""),
    ],
)
def test_what_is_shown_of_a_url_and_what_must_be_written_how(url: str, shown: str, advice: str) -> None:
    assert (redact_url(url), explain_unescaped(url)) == (shown, advice)


@given(st.text("Qz9/#?@:%[]&;+=", min_size=1), st.sampled_from(["redis", "rediss", "postgresql"]))
def test_no_password_is_shown_in_part(password: str, scheme: str) -> None:
    url = f"{scheme}://user:{password}@host.example/5"
    assert not set(redact_url(url).removeprefix(scheme)) & set("Qz9#?%[]&;+=")
    assert not set(explain_unescaped(url)) & set("Qz9&;+=")

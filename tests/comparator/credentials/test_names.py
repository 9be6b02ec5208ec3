"""Which names are those of credentials."""

from __future__ import annotations

import pytest
from darklaunch_comparator.credentials import may_name_credential, names
from darklaunch_comparator.credentials.names import is_credential

CREDENTIALS = """
password Password user_password newPassword password2 password_hash pwd secret client_secret clientSecret token
access_token accessToken accesstoken X-CSRF-Token csrfToken authorization Proxy-Authorization api_key apiKey
apikey X-API-Key private_key card_number cardNumber cardnumber creditCardNumber cvv cvc pin ssn iban session_id
sessionid credentials jwt signature X-Amz-Signature otp account_number
"""


OTHERS = """
token_type tokens max_tokens key keys id name passenger passed author authority card card_type number secretary
session signal pinned pink company opinion cookie_consent total_cents
"""


@pytest.mark.parametrize("name", CREDENTIALS.split())
def test_names_of_credentials_are_known(name: str) -> None:
    assert is_credential(name)


@pytest.mark.parametrize("name", OTHERS.split())
def test_other_names_are_left_alone(name: str) -> None:
    assert not is_credential(name)


@pytest.mark.parametrize("word", sorted({*names.ANYWHERE, *names.AT_THE_END, *names.PAIRS}))
def test_the_cheap_test_misses_no_name(word: str) -> None:
    for name in (word.replace(" ", ""), word.replace(" ", "_").upper(), word.title().replace(" ", "-")):
        assert is_credential(name)
        assert may_name_credential(f"x {name}=y")
    assert not may_name_credential("the quick brown fox jumps over the lazy dog")

"""Names of credentials: keys of JSON objects, fields of forms and queries, header fields.

A name is split into its words: `accessToken`, `access_token` and `X-Access-Token` are the same.
"""

import re
from functools import lru_cache
from typing import Final

ANYWHERE: Final = frozenset(
    """
    password passwd passphrase passcode pwd secret credential credentials authorization jwt
    """.split()  # noqa: SIM905 - a list literal of strings reads worse
)
"""Words that make every name they are part of the name of a credential: `old_password_hash`."""

AT_THE_END: Final = frozenset(
    "token cookie bearer otp totp pin cvv cvc csc pan ssn iban signature sig sid".split()  # noqa: SIM905
)
"""Words that make a name the name of a credential if they end it: `csrf_token`, but not `token_type`."""

PAIRS: Final = frozenset(
    (
        "api key", "access key", "private key", "secret key", "signing key", "encryption key", "account key",
        "auth key", "session id", "session key", "card number", "account number", "routing number", "card code",
        "security code", "security number", "verification code", "auth code", "client assertion", "pass word",
    )
)  # fmt: skip
"""Pairs of words that do so if they end a name: `X-API-Key`, `credit_card_number`."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_JOINED: Final = re.compile(
    rf"(?:{'|'.join(sorted(ANYWHERE))}|token|cookie|{'|'.join(sorted(pair.replace(' ', '') for pair in PAIRS))})\Z"
)
_NAME_CHARS: Final = 200
_HINTS: Final = tuple(sorted({*ANYWHERE, *AT_THE_END, *(pair.partition(" ")[0] for pair in PAIRS)}, key=len))


def may_name_credential(text: str) -> bool:
    """True for every text that has the name of a credential in it, and for others: the cheap first test."""
    text = text.lower()
    return any(hint in text for hint in _HINTS)  # thirty times as fast as one pattern of them all


def is_credential(name: str) -> bool:
    """True if a name is that of a credential."""
    return _is_credential(name[-_NAME_CHARS:])


@lru_cache(maxsize=4096)
def _is_credential(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1].isdigit():
        words.pop()  # password2, token_1
    if not words:
        return False
    return (
        not ANYWHERE.isdisjoint(words)
        or words[-1] in AT_THE_END
        or " ".join(words[-2:]) in PAIRS
        or _JOINED.search(words[-1]) is not None
    )

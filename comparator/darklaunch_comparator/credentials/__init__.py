"""Credentials in texts: which names are those of credentials, and where in a text their values stand. Pure."""

from .markup_secrets import find_markup_secrets
from .names import is_credential, may_name_credential
from .text_secrets import (
    HIDDEN,
    MASKED,
    SecretSpan,
    find_secrets,
    hide_in_lines,
    hide_secrets,
    is_credential_field,
    may_hold_url_password,
)

__all__ = [
    "HIDDEN",
    "MASKED",
    "SecretSpan",
    "find_markup_secrets",
    "find_secrets",
    "hide_in_lines",
    "hide_secrets",
    "is_credential",
    "is_credential_field",
    "may_hold_url_password",
    "may_name_credential",
]

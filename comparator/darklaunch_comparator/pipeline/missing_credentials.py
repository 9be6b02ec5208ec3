"""Detect a shadow that asks for a login only because the hook removed the credentials. Pure."""

import re
from typing import Final

from darklaunch_shared.wire.exchange import Exchange, Response

_REFUSALS: Final = frozenset({401, 403})
_REDIRECTS: Final = frozenset({302, 303, 307})
_LOGIN: Final = re.compile(
    r"(?:^|[/_.?&=-])(?:log[_-]?in|sign[_-]?in|auth|authorize|authenticate|sso|oauth2?|saml2?|oidc|openid|session/new)"
    r"(?:$|[/_.?&=-])",
    re.IGNORECASE,
)


def lacks_credentials(exchange: Exchange, shadow: Response) -> bool:
    """True if the shadow refused, or redirected to a login, what the primary served to a user it knew."""
    if not exchange.redacted or exchange.primary.status >= 400:
        return False
    if shadow.status in _REFUSALS:
        return True
    if shadow.status not in _REDIRECTS:
        return False
    location = _read_location(shadow)
    return _LOGIN.search(location) is not None and _LOGIN.search(_read_location(exchange.primary)) is None


def _read_location(response: Response) -> str:
    return next((value for name, value in response.headers if name == "location"), "")[:2_000]

"""Who looks at the dashboard: a person who signed in with the token may act, everybody else reads."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, cast

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE: Final = "darklaunch"
SESSION_S: Final = 12 * 3600
NOTICE_S: Final = 60
SHORTEST_TOKEN: Final = 16
LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: `name` is "" for one who has not signed in, `csrf` is the proof that a form came from our own page."""

    name: str = ""
    csrf: str = ""
    may_sign_in: bool = False
    notice: str = ""


_NOBODY: Final = Visitor()
_VISITOR: Final = ContextVar[Visitor]("visitor", default=_NOBODY)


def get_visitor() -> Visitor:
    """Return who asks for the page that is being made, so that each page need not hand it on."""
    return _VISITOR.get()


class SignIn:
    """The token that admits people to act, and what it signs: sessions, forms, notices. Without one nobody acts.

    Nothing is kept: sessions are signed with a key made of the token, so that another token ends them.
    """

    def __init__(self, token: str = "") -> None:
        self.token = token
        self._signer = URLSafeTimedSerializer(token or secrets.token_hex(), salt="darklaunch session")
        self._notices = URLSafeTimedSerializer(token or secrets.token_hex(), salt="darklaunch notice")
        self._csrf_key = hashlib.sha256(b"darklaunch csrf" + token.encode()).digest()

    def admits(self, token: str) -> bool:
        """True if this is the token, compared in constant time."""
        return bool(self.token) and hmac.compare_digest(token.encode(), self.token.encode())

    def open_session(self, response: Response, name: str, *, secure: bool) -> None:
        """Set the cookie of a person who has shown the token."""
        value = self._signer.dumps({"name": name, "id": secrets.token_hex(8)})
        response.set_cookie(COOKIE, value, max_age=SESSION_S, secure=secure, httponly=True, samesite="strict")

    def sign_notice(self, text: str) -> str:
        """Return a sentence for the next page, signed, so that a link cannot put words on ours."""
        return self._notices.dumps(text)

    def identify(self, connection: HTTPConnection) -> Visitor:
        """Return who asks."""
        session = connection.cookies.get(COOKIE, "")
        content: Any = self._load(self._signer, session, SESSION_S) if self.token else None
        if not isinstance(content, dict):
            return Visitor(may_sign_in=bool(self.token))
        csrf = hmac.new(self._csrf_key, session.encode(), hashlib.sha256).hexdigest()
        notice = self._load(self._notices, connection.query_params.get("notice", ""), NOTICE_S)
        return Visitor(
            str(cast(dict[str, Any], content).get("name", "")), csrf, may_sign_in=True, notice=str(notice or "")
        )

    @staticmethod
    def _load(signer: URLSafeTimedSerializer, text: str, max_age_s: int) -> Any:
        try:
            return signer.loads(text, max_age=max_age_s)
        except BadSignature:  # also one that has expired
            return None


class IdentifyVisitor:
    """ASGI middleware that makes `get_visitor` return who sent the request."""

    def __init__(self, app: ASGIApp, sign_in: SignIn) -> None:
        self._app = app
        self._sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        before = _VISITOR.set(self._sign_in.identify(HTTPConnection(scope)))
        try:
            await self._app(scope, receive, send)
        finally:
            _VISITOR.reset(before)

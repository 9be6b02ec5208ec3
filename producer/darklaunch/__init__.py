"""Capture hook: mirrors a share of a web app's requests, with the responses it returned, to a Redis Stream.

    app.add_middleware(CaptureMiddleware)                       # FastAPI, Starlette: any ASGI app
    app.wsgi_app = WSGICaptureMiddleware(app.wsgi_app)          # Flask: any WSGI app
    application = WSGICaptureMiddleware(get_wsgi_application()) # Django
    install_hook(app)                                           # aiohttp.web, Sanic, Tornado

    if is_promoted("checkout-v2"): ...                          # the new code, once the launch is promoted
    if not is_shadow_request(): ...                             # mails, payments: what a shadow must not do

The hooks read DARKLAUNCH_REDIS_URL and do nothing until a launch is active. Users never wait for them.
"""

from importlib.metadata import version
from typing import Any

from .asgi import CaptureMiddleware
from .install import install_hook
from .promotion import is_promoted
from .shadow_request import is_shadow_request
from .wsgi import WSGICaptureMiddleware

__all__ = ["CaptureMiddleware", "WSGICaptureMiddleware", "install_hook", "is_promoted", "is_shadow_request"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("darklaunch")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

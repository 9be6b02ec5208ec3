"""An ASGI app that runs new code once its launch is promoted."""

from darklaunch import CaptureMiddleware, is_promoted
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def home(request):
    return PlainTextResponse("new" if is_promoted("checkout") else "old")


app = Starlette(routes=[Route("/", home)])
app.add_middleware(CaptureMiddleware)

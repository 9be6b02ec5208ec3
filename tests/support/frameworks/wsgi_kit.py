"""The adapter kit's app in WSGI frameworks, and werkzeug's server on a thread of this process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator
from typing import Any

from darklaunch import WSGICaptureMiddleware


def create_flask_app() -> Any:
    from flask import Flask, Response, request

    app = Flask(__name__)
    app.add_url_rule("/orders/<int:id>", "order", lambda id: ({"id": id}, {"X-Kit": "1"}))
    app.add_url_rule("/echo", "echo", methods=["POST"], view_func=lambda: Response(request.get_data(), mimetype=OCTETS))
    app.add_url_rule("/ignore", "ignore", lambda: "ignored", methods=["POST"])
    app.add_url_rule("/stream", "stream", lambda: Response(iter([b"one ", b"two"]), content_type="text/plain"))
    app.add_url_rule("/empty", "empty", lambda: Response(status=204))
    app.add_url_rule("/not-modified", "not_modified", lambda: Response(status=304))
    app.add_url_rule("/fails", "fails", lambda: str(1 // 0))
    app.wsgi_app = WSGICaptureMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    return app


OCTETS = "application/octet-stream"


def create_falcon_app() -> Any:
    import falcon

    class Order:
        def on_get(self, _request: Any, response: Any, id: int) -> None:
            response.media = {"id": id}
            response.set_header("X-Kit", "1")

        on_head = on_get

    class Echo:
        def on_post(self, request: Any, response: Any) -> None:
            response.data = request.bounded_stream.read()
            response.content_type = OCTETS

    class Answer:
        def on_get(self, request: Any, response: Any) -> None:
            if request.path == "/fails":
                raise RuntimeError("planted")
            response.status = {"/empty": 204, "/not-modified": 304}.get(request.path, 200)
            if request.path == "/stream":
                response.content_type, response.stream = "text/plain", iter([b"one ", b"two"])

        def on_post(self, _request: Any, response: Any) -> None:
            response.text = "ignored"

    app = falcon.App()
    app.add_route("/orders/{id:int}", Order())
    app.add_route("/echo", Echo())
    for path in ("/ignore", "/stream", "/empty", "/not-modified", "/fails"):
        app.add_route(path, Answer())
    return WSGICaptureMiddleware(app)


def create_bottle_app() -> Any:
    import bottle

    app = bottle.Bottle()

    def order(id: int) -> Any:
        bottle.response.set_header("X-Kit", "1")
        return {"id": id}

    def echo() -> Any:
        bottle.response.content_type = OCTETS
        return bottle.request.body.read()

    def stream() -> Any:
        bottle.response.content_type = "text/plain"
        yield b"one "
        yield b"two"

    app.route("/orders/<id:int>", ["GET", "HEAD"], order)
    app.route("/echo", "POST", echo)
    app.route("/ignore", "POST", lambda: "ignored")
    app.route("/stream", "GET", stream)
    app.route("/empty", "GET", lambda: bottle.HTTPResponse(status=204))
    app.route("/not-modified", "GET", lambda: bottle.HTTPResponse(status=304))
    app.route("/fails", "GET", lambda: str(1 // 0))
    return WSGICaptureMiddleware(app)


def create_pyramid_app() -> Any:
    from pyramid.config import Configurator
    from pyramid.response import Response

    views: dict[str, tuple[str, Callable[[Any], Any]]] = {
        r"/orders/{id:\d+}": ("GET", lambda request: Response(
            json_body={"id": int(request.matchdict["id"])}, headers={"X-Kit": "1"})),
        "/echo": ("POST", lambda request: Response(request.body_file.read(), content_type=OCTETS)),
        "/ignore": ("POST", lambda request: Response("ignored")),
        "/stream": ("GET", lambda request: Response(app_iter=iter([b"one ", b"two"]), content_type="text/plain")),
        "/empty": ("GET", lambda request: Response(status=204)),
        "/not-modified": ("GET", lambda request: Response(status=304)),
        "/fails": ("GET", lambda request: 1 // 0),
    }  # fmt: skip
    with Configurator() as config:
        for path, (method, view) in views.items():
            config.add_route(path, path)
            config.add_view(view, route_name=path, request_method=method)
    return WSGICaptureMiddleware(config.make_wsgi_app())


WSGI: dict[str, Callable[[], Any]] = {
    "flask": create_flask_app,
    "falcon": create_falcon_app,
    "bottle": create_bottle_app,
    "pyramid": create_pyramid_app,
}


@contextlib.contextmanager
def listening_werkzeug(app: Any) -> Generator[tuple[str, int]]:
    """Serve a WSGI app on a thread of this process; yield its address."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class QuietHandler(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None: ...

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), name="werkzeug")
    thread.start()
    try:
        yield "127.0.0.1", server.port
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()

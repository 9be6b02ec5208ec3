"""A product catalogue with the capture hook, as it serves users today. Flask, WSGI.

    DARKLAUNCH_REDIS_URL=redis://localhost gunicorn -w 2 --preload -b 127.0.0.1:8000 examples.flask_app:app

With `darklaunch up` the URL is the one that it prints. flask_app_v2.py is the release to try beside it.

Wrapping `wsgi_app` keeps `app` itself a Flask app, for its command line and for tests; `--preload` works because the
hook starts anew in each forked worker.
"""

from datetime import UTC, datetime

from darklaunch import WSGICaptureMiddleware
from flask import Flask, Response, jsonify

PRODUCTS = {number: {"id": number, "name": f"Product {number}", "stock": number % 7} for number in range(1, 101)}

app = Flask(__name__)
app.wsgi_app = WSGICaptureMiddleware(app.wsgi_app)  # type: ignore[method-assign]


@app.get("/products/<int:number>")
def product(number: int) -> tuple[Response, int]:
    """Show one product."""
    if number not in PRODUCTS:
        return jsonify(error=f"There is no product {number}."), 404
    return jsonify(PRODUCTS[number] | {"generated_at": datetime.now(UTC).isoformat()}), 200


@app.get("/export.csv")
def export() -> Response:
    """Send every product as its line is made: chunks reach the client as they would without the hook."""
    lines = (f"{number},{found['name']},{found['stock']}\n" for number, found in PRODUCTS.items())
    return Response(lines, mimetype="text/csv")

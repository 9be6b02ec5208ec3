"""A product catalogue with the capture hook, as it serves users today. Flask, WSGI.

    DARKLAUNCH_REDIS_URL=redis://localhost gunicorn -w 2 --preload -b 127.0.0.1:8000 examples.flask_app:app

`darklaunch up` prints the URL of its own Redis, to use instead. flask_app_v2.py is the next release, to try as a
shadow.

Wrapping `wsgi_app` keeps `app` itself a Flask app, for its command line and for tests; `--preload` works because the
hook starts over in each forked worker.
"""

from datetime import UTC, datetime

from darklaunch import WSGICaptureMiddleware
from flask import Flask, Response, jsonify

PRODUCTS = {number: {"id": number, "name": f"Product {number}", "stock": number % 7} for number in range(1, 101)}

app = Flask(__name__)
app.wsgi_app = WSGICaptureMiddleware(app.wsgi_app)  # type: ignore[method-assign]


@app.get("/products/<int:number>")
def get_product(number: int) -> tuple[Response, int]:
    """Return one product."""
    if number not in PRODUCTS:
        return jsonify(error=f"There is no product {number}."), 404
    return jsonify(PRODUCTS[number] | {"generated_at": datetime.now(UTC).isoformat()}), 200


@app.get("/export.csv")
def export_products() -> Response:
    """Stream all products, line by line. Chunks reach the client as they would without the hook."""
    lines = (f"{number},{product['name']},{product['stock']}\n" for number, product in PRODUCTS.items())
    return Response(lines, mimetype="text/csv")

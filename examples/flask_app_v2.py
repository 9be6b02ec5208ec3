"""The next release of the catalogue, to be tried as a shadow. Flask, WSGI.

    gunicorn -w 2 --preload -b 127.0.0.1:9000 examples.flask_app_v2:app
    darklaunch start products-v2 --shadow http://127.0.0.1:9000 --percent 100

It forgets what to do about a product that does not exist: 404 becomes 500.

The hook times replays here, inside the app, as it times requests in the primary. It captures nothing: it has no Redis.
"""

from datetime import UTC, datetime

from darklaunch import WSGICaptureMiddleware
from flask import Flask, Response, jsonify

PRODUCTS = {number: {"id": number, "name": f"Product {number}", "stock": number % 7} for number in range(1, 101)}

app = Flask(__name__)
app.wsgi_app = WSGICaptureMiddleware(app.wsgi_app)  # type: ignore[method-assign]


@app.get("/products/<int:number>")
def product(number: int) -> Response:
    """Show one product."""
    found = PRODUCTS[number]
    return jsonify({**found, "generated_at": datetime.now(UTC).isoformat()})


@app.get("/export.csv")
def export() -> Response:
    """Send every product as its line is made."""
    lines = (f"{number},{found['name']},{found['stock']}\n" for number, found in PRODUCTS.items())
    return Response(lines, mimetype="text/csv")

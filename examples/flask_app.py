"""A Flask app with the capture hook.

    DARKLAUNCH_REDIS_URL=redis://localhost:6379 gunicorn --workers 2 examples.flask_app:app

Wrapping `wsgi_app` keeps `app` itself a Flask app, for the command line and for tests.
"""

from datetime import UTC, datetime

from flask import Flask, Response, jsonify

from darklaunch import WSGICaptureMiddleware

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
    """Stream every product as it is made: chunks reach the client as they would without the hook."""
    lines = (f"{number},{found['name']},{found['stock']}\n" for number, found in PRODUCTS.items())
    return Response(lines, mimetype="text/csv")

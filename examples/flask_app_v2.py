"""The next release of the catalogue, to be tried as a shadow. Flask, WSGI.

    gunicorn -w 2 --preload -b 127.0.0.1:9000 examples.flask_app_v2:app
    darklaunch start products-v2 --shadow http://127.0.0.1:9000 --percent 100

It forgets the check for products that do not exist: their 404 becomes 500.

Here the hook captures nothing, since it has no Redis. It times replays from inside the app, as it times requests in the
primary.
"""

from datetime import UTC, datetime

from darklaunch import WSGICaptureMiddleware
from flask import Flask, Response, jsonify

PRODUCTS = {number: {"id": number, "name": f"Product {number}", "stock": number % 7} for number in range(1, 101)}

app = Flask(__name__)
app.wsgi_app = WSGICaptureMiddleware(app.wsgi_app)  # type: ignore[method-assign]


@app.get("/products/<int:number>")
def get_product(number: int) -> Response:
    """Return one product."""
    return jsonify({**PRODUCTS[number], "generated_at": datetime.now(UTC).isoformat()})


@app.get("/export.csv")
def export_products() -> Response:
    """Stream all products, line by line."""
    lines = (f"{number},{product['name']},{product['stock']}\n" for number, product in PRODUCTS.items())
    return Response(lines, mimetype="text/csv")

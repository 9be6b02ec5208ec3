"""The next release of the orders API, to be tried as a shadow. FastAPI, ASGI.

    uvicorn examples.fastapi_app_v2:app --port 9000
    darklaunch start orders-v2 --shadow http://127.0.0.1:9000 --percent 100 --allow 'POST /orders/search'

It renames a key, by mistake: GET /orders/{number} returns `total` where clients read `total_cents`.

Here the hook captures nothing, since it has no Redis. It times replays from inside the app, as it times requests in the
primary.
"""

from datetime import UTC, datetime

from darklaunch import CaptureMiddleware
from fastapi import FastAPI, HTTPException

ORDERS = {number: {"id": number, "total_cents": number * 250} for number in range(1, 101)}

app = FastAPI()
app.add_middleware(CaptureMiddleware)


@app.get("/orders/{number}")
def get_order(number: int) -> dict[str, object]:
    """Return one order."""
    if number not in ORDERS:
        raise HTTPException(404, f"There is no order {number}.")
    order = ORDERS[number]
    return {"id": order["id"], "total": order["total_cents"], "generated_at": datetime.now(UTC).isoformat()}


@app.post("/orders/search")
def search_orders(query: dict[str, int]) -> list[dict[str, int]]:
    """Find orders of at least this amount."""
    return [order for order in ORDERS.values() if order["total_cents"] >= query.get("from_cents", 0)][:10]

"""The next release of the orders API, to be tried as a shadow. FastAPI, ASGI.

    uvicorn examples.fastapi_app_v2:app --port 9000
    darklaunch start orders-v2 --shadow http://127.0.0.1:9000 --percent 100 --allow 'POST /orders/search'

It tidies a name up: GET /orders/{number} answers `total` where clients read `total_cents`.

The hook times replays here, inside the app, as it times requests in the primary. It captures nothing: it has no Redis.
"""

from datetime import UTC, datetime

from darklaunch import CaptureMiddleware
from fastapi import FastAPI, HTTPException

ORDERS = {number: {"id": number, "total_cents": number * 250} for number in range(1, 101)}

app = FastAPI()
app.add_middleware(CaptureMiddleware)


@app.get("/orders/{number}")
def order(number: int) -> dict[str, object]:
    """Show one order."""
    if number not in ORDERS:
        raise HTTPException(404, f"There is no order {number}.")
    found = ORDERS[number]
    return {"id": found["id"], "total": found["total_cents"], "generated_at": datetime.now(UTC).isoformat()}


@app.post("/orders/search")
def search(query: dict[str, int]) -> list[dict[str, int]]:
    """Find orders from an amount up."""
    return [found for found in ORDERS.values() if found["total_cents"] >= query.get("from_cents", 0)][:10]

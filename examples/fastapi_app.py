"""An orders API with the capture hook, as it serves users today. FastAPI, ASGI.

    DARKLAUNCH_REDIS_URL=redis://localhost uvicorn examples.fastapi_app:app --port 8000

`darklaunch up` prints the URL of its own Redis, to use instead. fastapi_app_v2.py is the next release, to try as a
shadow.
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
    return {**ORDERS[number], "generated_at": datetime.now(UTC).isoformat()}


@app.post("/orders/search")
def search_orders(query: dict[str, int]) -> list[dict[str, int]]:
    """Find orders of at least this amount. A POST, so a launch must allow it, although it only reads."""
    return [order for order in ORDERS.values() if order["total_cents"] >= query.get("from_cents", 0)][:10]

"""An orders API with the capture hook, as it serves users today. FastAPI, ASGI.

    DARKLAUNCH_REDIS_URL=redis://localhost uvicorn examples.fastapi_app:app --port 8000

With `darklaunch up` the URL is the one that it prints. fastapi_app_v2.py is the release to try beside it.
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
    return {**ORDERS[number], "generated_at": datetime.now(UTC).isoformat()}


@app.post("/orders/search")
def search(query: dict[str, int]) -> list[dict[str, int]]:
    """Find orders from an amount up: it only reads, but needs a body, so a launch must allow it by name."""
    return [found for found in ORDERS.values() if found["total_cents"] >= query.get("from_cents", 0)][:10]

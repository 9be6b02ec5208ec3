"""A FastAPI app with the capture hook.

    DARKLAUNCH_REDIS_URL=redis://localhost:6379 uvicorn examples.fastapi_app:app

The hook does nothing until a launch is active:

    darklaunch start orders-v2 --shadow http://localhost:9000 --percent 10
"""

from datetime import UTC, datetime

from fastapi import FastAPI, HTTPException

from darklaunch import CaptureMiddleware

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
    """Find orders over an amount: a read that needs a body. Mirrored only with `--allow 'POST /orders/search'`."""
    return [found for found in ORDERS.values() if found["total_cents"] >= query.get("at_least_cents", 0)][:10]

"""A FastAPI application that goes on working when its answer is out. It knows nothing of Lambda."""

import asyncio
import os
import uuid

import uvicorn
from fastapi import BackgroundTasks, FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()


class Order(BaseModel):
    item: str
    amount: int = 1


orders = {}


async def pack(number: str, order: Order):
    """What takes long: here a moment, elsewhere a mail to be sent."""
    await asyncio.sleep(0.05)
    orders[number].set_result(f"packed: {order.amount} x {order.item}")


@app.post("/orders", status_code=202)
async def place(order: Order, later: BackgroundTasks):
    number = str(uuid.uuid4())
    orders[number] = asyncio.get_running_loop().create_future()
    later.add_task(pack, number, order)
    return {"order": number}


@app.get("/orders/{number}")
async def state(number: str):
    """Answers when the order is packed."""
    if number not in orders:
        raise HTTPException(404, "no such order")
    return {"order": number, "state": await asyncio.shield(orders[number])}


@app.get("/")
async def ready():
    return {"orders": len(orders)}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False)

"""A FastAPI application that streams its answers. It knows nothing of Lambda."""

import asyncio
import os
from collections import defaultdict

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

app = FastAPI()

# Who listens in which room: a queue each.
rooms = defaultdict(set)

STORY = "It was a dark and stormy night; the rain fell in torrents."


@app.get("/")
async def story():
    """A text word by word, as a language model tells it."""

    async def words():
        for word in STORY.split(" "):
            yield word + " "
            await asyncio.sleep(0.01)

    return StreamingResponse(words(), media_type="text/plain; charset=utf-8")


@app.get("/rooms/{room}")
async def listen(room: str):
    """Server-sent events: each message as soon as someone sends it, until someone says `bye`."""
    messages = asyncio.Queue(100)
    rooms[room].add(messages)

    async def events():
        yield "data: welcome\n\n"
        try:
            while (message := await messages.get()) != "bye":
                yield f"data: {message}\n\n"
            yield "data: bye\n\n"
        finally:
            rooms[room].discard(messages)

    return StreamingResponse(events(), media_type="text/event-stream")


@app.post("/rooms/{room}")
async def say(room: str, request: Request):
    message = (await request.body()).decode()
    for messages in rooms[room]:
        messages.put_nowait(message)
    return Response(status_code=204)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False)

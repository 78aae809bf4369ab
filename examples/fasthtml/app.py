"""A small FastHTML application: a page, a form, and an answer that comes piece by piece. It knows nothing of Lambda."""

import asyncio
import os

import uvicorn
from fasthtml.common import H1, Button, Form, Input, Li, P, Titled, Ul, fast_app
from starlette.responses import StreamingResponse

# Without the scripts and styles that it would fetch from elsewhere.
app, route = fast_app(live=False, pico=False, default_hdrs=False)

# What was said so far.
guests = []


@route("/")
def get():
    form = Form(Input(name="name"), Button("Sign"), method="post", action="/guests")
    return Titled("FastHTML on lambridge", H1("Hello from FastHTML"), form, Ul(*map(Li, guests)))


@route("/guests")
def post(name: str):
    guests.append(name)
    return Ul(*map(Li, guests))


@route("/count")
def get(upto: int = 3):  # noqa: F811, the way of FastHTML
    """One number after the other, each as soon as it is there."""

    async def numbers():
        for number in range(1, upto + 1):
            yield str(P(number)) + "\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(numbers(), media_type="text/html; charset=utf-8")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False)

"""A small FastAPI application. It knows nothing of Lambda."""

import os
from urllib.parse import parse_qs

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

app = FastAPI()


@app.api_route("/", methods=["GET", "HEAD"], response_class=HTMLResponse)
async def page():
    return "<!doctype html><title>FastAPI on lambridge</title><h1>Hello from FastAPI</h1>"


@app.get("/json")
async def as_json(request: Request):
    return {"path": request.url.path, "args": request.query_params.getlist("x"), "host": request.headers["host"]}


@app.post("/form")
async def form(request: Request):
    return parse_qs((await request.body()).decode())


@app.post("/echo")
async def echo(request: Request):
    """Gives the body back, byte for byte."""
    kind = request.headers.get("content-type", "application/octet-stream")
    return Response(await request.body(), headers={"content-type": kind})


@app.get("/download/{size}")
async def download(size: int):
    return Response(bytes(i % 256 for i in range(size)), media_type="application/octet-stream")


@app.get("/text/{size}")
async def text(size: int):
    return Response("x" * size, media_type="text/plain")


@app.get("/headers")
async def headers(request: Request):
    answer = JSONResponse(request.headers.getlist("x-many"))
    answer.headers.append("x-repeated", "one")
    answer.headers.append("x-repeated", "two")
    return answer


@app.get("/cookies")
async def cookies(request: Request):
    answer = JSONResponse(request.cookies)
    answer.set_cookie("first", "1")
    answer.set_cookie("second", "a b", expires="Wed, 21 Oct 2037 07:28:00 GMT")
    return answer


@app.get("/redirect")
async def away():
    return RedirectResponse("/json", status_code=302)


@app.delete("/nothing")
async def nothing():
    return Response(status_code=204)


@app.get("/crash")
async def crash():
    """Ends the whole application, as a fault in native code would."""
    os._exit(1)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False)

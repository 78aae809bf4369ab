"""A small Flask application. It knows nothing of Lambda."""

import os
import signal

from flask import Flask, Response, jsonify, redirect, request

app = Flask(__name__)


@app.get("/")
def page():
    return "<!doctype html><title>Flask on lambridge</title><h1>Hello from Flask</h1>"


@app.get("/json")
def as_json():
    return jsonify(path=request.path, args=request.args.getlist("x"), host=request.host)


@app.post("/form")
def form():
    return jsonify(request.form.to_dict(flat=False))


@app.post("/echo")
def echo():
    """Gives the body back, byte for byte."""
    return Response(request.get_data(), mimetype=request.mimetype or "application/octet-stream")


@app.get("/download/<int:size>")
def download(size):
    return Response(bytes(i % 256 for i in range(size)), mimetype="application/octet-stream")


@app.get("/text/<int:size>")
def text(size):
    return Response("x" * size, mimetype="text/plain")


@app.get("/headers")
def headers():
    answer = jsonify(request.headers.getlist("x-many"))
    answer.headers.add("x-repeated", "one")
    answer.headers.add("x-repeated", "two")
    return answer


@app.get("/cookies")
def cookies():
    answer = jsonify(dict(request.cookies))
    answer.set_cookie("first", "1", path="/")
    answer.set_cookie("second", "a b", expires="Wed, 21 Oct 2037 07:28:00 GMT")
    return answer


@app.get("/redirect")
def away():
    return redirect("/json", code=302)


@app.delete("/nothing")
def nothing():
    return "", 204


@app.get("/crash")
def crash():
    """Ends the whole application, as a fault in native code would."""
    parent = os.getppid()
    os.kill(parent, signal.SIGKILL)
    while os.getppid() == parent:
        pass
    os._exit(1)

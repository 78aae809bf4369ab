"""A runtime that streams, as AWS's Python client cannot: the first piece, then the rest once the test has it."""

import base64
import http.client
import json
import os
import socket

api = os.environ["AWS_LAMBDA_RUNTIME_API"]


def pieces(event):
    host, port = event["meet"].rsplit(":", 1)
    yield event.get("head", "").encode() + b"one"
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.recv(1)
    yield b"x" * event.get("more", 0) + b"last"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def main():
    while True:
        connection = http.client.HTTPConnection(api)
        connection.request("GET", "/2018-06-01/runtime/invocation/next")
        answer = connection.getresponse()
        event = json.loads(answer.read())
        if "rawPath" in event:
            event = json.loads(event["body"])
        connection = http.client.HTTPConnection(api)
        connection.putrequest(
            "POST", f"/2018-06-01/runtime/invocation/{answer.headers['Lambda-Runtime-Aws-Request-Id']}/response"
        )
        connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Content-Type", event.get("type", "application/octet-stream"))
        connection.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
        connection.endheaders()
        for piece in pieces(event):
            connection.send(chunk(piece))
        trailers = ""
        if event.get("fail"):
            report = base64.b64encode(b'{"errorType":"Runtime.Half","errorMessage":"half"}').decode()
            trailers = f"Lambda-Runtime-Function-Error-Type: Runtime.Half\r\nLambda-Runtime-Function-Error-Body: {report}\r\n"
        connection.send(f"0\r\n{trailers}\r\n".encode())
        connection.getresponse().read()
        connection.close()


main()

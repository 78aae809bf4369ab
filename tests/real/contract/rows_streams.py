"""Streamed answers: `AWS_LWA_INVOKE_MODE=response_stream`."""

import queue

from support import DEADLINE

from .events import SOURCES, alb, rest, v2
from .observe import observe
from .row import Row, plain, written
from .sandbox import Sandbox

STREAM = {"AWS_LWA_INVOKE_MODE": "response_stream"}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
AS = "streamed as application/vnd.awslambda.http-integration-response"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def stream(name, event, app, expect, settings=STREAM, **more):
    return Row(f"streamed: {name}", event, app, settings, expect=expect, **more)


def one_by_one(binary, patience):
    """Each chunk leaves at once: the application sends the next only when Lambda has the last, and waits otherwise."""
    told = queue.Queue()

    def serve(request, connection):
        connection.send(HEAD)
        for piece in (b"one", b"two", b"three"):
            connection.send(chunk(piece))
            told.get(timeout=DEADLINE)
        connection.send(b"0\r\n\r\n")

    with Sandbox(binary, STREAM, serve) as sandbox:
        sandbox.runtime.give(written(v2()))
        order, seen = [], b""
        while not seen.endswith(b"three"):
            seen += sandbox.runtime.pieces.get(timeout=DEADLINE)
            body = seen.partition(b"\0" * 8)[2]
            for piece in (b"one", b"two", b"three"):
                if body.endswith(piece):
                    order.append(piece.decode())
                    told.put(None)
        return observe(sandbox, sandbox.app.requests.get(), sandbox.await_posted(), sandbox.then(2)) | {
            "order": ", ".join(order)
        }


def head_first(binary, patience):
    """The head leaves before the body's first byte."""
    told = queue.Queue()

    def serve(request, connection):
        connection.send(HEAD)
        told.get(timeout=DEADLINE)
        connection.send(chunk(b"one") + b"0\r\n\r\n")

    with Sandbox(binary, STREAM, serve) as sandbox:
        sandbox.runtime.give(written(v2()))
        seen = b""
        while b"\0" * 8 not in seen:
            seen += sandbox.runtime.pieces.get(timeout=DEADLINE)
        told.put(None)
        return observe(sandbox, sandbox.app.requests.get(), sandbox.await_posted(), sandbox.then(2))


def pieces(binary, patience):
    """How many pieces an answer of one piece becomes: each may be a packet of its own."""
    with Sandbox(binary, STREAM) as sandbox:
        sandbox.runtime.give(written(v2()))
        posted = sandbox.await_posted()
        seen = observe(sandbox, sandbox.app.requests.get(), posted, sandbox.then(2))
        return {"outcome": seen["outcome"], "then": seen["then"], "pieces": str(len(posted.chunks))}


def broken(connection, request=None):
    connection.send(HEAD + chunk(b"one"))
    connection.stream.close()


SQS = SOURCES["SQS"]
ROWS = {
    "Streamed answers": [
        stream("text", v2(), plain(b"hello", 201), {"mode": AS, "outcome": "201", "answer body": "hello"}),
        stream("chunks", v2(), HEAD + chunk(b"one") + chunk(b"two") + b"0\r\n\r\n", {"answer body": "onetwo"}),
        Row("streamed: each chunk leaves at once", scenario=one_by_one, expect={"order": "one, two, three"}),
        Row("streamed: the head leaves at once", scenario=head_first, expect={"answer body": "one"}),
        Row(
            "streamed: pieces of a small answer",
            scenario=pieces,
            expect={"pieces": "2"},
            why="the head goes in one: small pieces wait for each other's acknowledgements",
        ),
        stream("bytes", v2(), plain(b"\x00\xff", kind="image/png"), {"answer body": "00 ff"}),
        stream("7 MB", v2(), plain(b"x" * 7_000_000), {"outcome": "200"}),
        stream(
            "two cookies",
            v2(),
            plain(headers=[("set-cookie", "a=1"), ("set-cookie", "b=2")]),
            {"answer set-cookie": "a=1 | b=2"},
        ),
        stream(
            "a repeated header", v2(), plain(headers=[("x-many", "a"), ("x-many", "b")]), {}, why="RFC 9110 section 5.3"
        ),
        stream(
            "a header in UTF-8",
            v2(),
            plain(headers=["x-name: grüße".encode()]),
            {"answer x-name": "grüße"},
            why="the header was lost",
        ),
        stream(
            "a header in Latin-1",
            v2(),
            plain(headers=[b"x-name: caf\xe9"]),
            {"outcome": "200"},
            why="the header was lost",
        ),
        stream("no type", v2(), plain(b"a", kind=None), {"answer content-type": "application/octet-stream"}),
        stream("no body", v2(), plain(b""), {"outcome": "200", "answer body": ""}),
        stream(
            "status 204",
            v2(),
            b"HTTP/1.1 204 No Content\r\n\r\n",
            {"outcome": "204", "answer body": ""},
            why="nothing has no type",
        ),
        stream(
            "status 204 with a length",
            v2(),
            b"HTTP/1.1 204 No Content\r\ncontent-length: 9\r\n\r\n",
            {"outcome": "204", "answer content-length": None},
            why="nothing has no length either; RFC 9110 section 8.6",
        ),
        stream(
            "chunks and a length that is not theirs",
            v2(),
            HEAD.replace(b"\r\n\r\n", b"\r\ncontent-length: 9\r\n\r\n") + chunk(b"one") + b"0\r\n\r\n",
            {"answer body": "one", "answer content-length": None},
            why="a client would wait for the rest; RFC 9112 section 6.3",
        ),
        stream(
            "HEAD",
            v2("HEAD"),
            b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n",
            {"answer body": ""},
        ),
        stream("REST API", rest(), plain(), {"mode": AS, "answer body": "hello"}),
        stream(
            "load balancer", alb(), plain(), {"mode": None, "outcome": "200"}, why="a load balancer knows no streams"
        ),
        stream(
            "an event",
            SQS,
            plain('{"a":1}', kind="application/json"),
            {"mode": None, "JSON": '{"a":1}'},
            why="queues know no streams: the head would be taken for the answer",
        ),
        stream(
            "an HTTP API at its own domain",
            v2(requestContext={**v2()["requestContext"], "domainName": "a1.execute-api.us-east-1.amazonaws.com"}),
            plain(),
            {"mode": None, "outcome": "200"},
            why="an HTTP API knows no streams",
        ),
        stream(
            "the application breaks off",
            v2(),
            lambda request, connection: broken(connection),
            {"broken off": "Runtime.StreamError", "answer body": "one", "then": "takes the next event"},
            why="Lambda has trailers for it",
        ),
        stream(
            "the application is down",
            v2(),
            lambda request, connection: connection.reset(),
            {"outcome": "502"},
            why="a client can read a status",
        ),
        stream(
            "trailers of the application",
            v2(),
            HEAD + chunk(b"one") + b"0\r\nx-sum: 1\r\n\r\n",
            {"answer body": "one", "broken off": None},
        ),
        stream(
            "error status", v2(), plain(b"a", 500), {"outcome": "fails"}, STREAM | {"AWS_LWA_ERROR_STATUS_CODES": "500"}
        ),
        stream(
            "compression is off",
            v2(headers=[("accept-encoding", "gzip")]),
            plain(b"x" * 100),
            {"mode": AS, "answer content-encoding": None},
            STREAM | {"AWS_LWA_ENABLE_COMPRESSION": "true"},
        ),
        stream(
            "compression of streams",
            v2(headers=[("accept-encoding", "gzip")]),
            plain(b"x" * 100),
            {"answer content-encoding": "gzip"},
            STREAM | {"AWS_LWA_STREAM_COMPRESSION": "true"},
            why="an addition",
        ),
        stream("a repeated mode, in capitals", v2(), plain(), {"mode": AS}, {"AWS_LWA_INVOKE_MODE": "RESPONSE_STREAM"}),
    ]
}

"""Large answers: which leave while they arrive, and what comes of it when one breaks off behind its middle."""

import json
import queue
import struct
import threading
import time

import http2
from support import DEADLINE

from .events import LATTICE, alb, alb_many, rest, v2
from .observe import observe, text
from .row import NEVER, Row, plain, written
from .sandbox import RUNTIME, Sandbox
from .wire import Closed, Server, answer

HALF = bytes(range(256)) * 1024
IMAGE = plain(HALF + HALF, kind="image/png")
TEXT = b"lambridge " * 50_000


def in_two(app, then, settings=(), deadline=60):
    """An application that sends the first half of `app`, waits until Lambda has it, and then does what `then` says. One
    whose adapter keeps all to itself goes on after a while."""

    def scenario(binary, patience, then_look=lambda sandbox: None):
        reached, over = queue.Queue(), queue.Queue()

        def serve(request, connection):
            connection.send(app[: -len(HALF)])
            try:
                reached.get(timeout=patience)
            except queue.Empty:
                pass
            then(connection, over)

        with Sandbox(binary, settings, serve) as sandbox:
            at = str(int((time.time() + deadline) * 1000))
            sandbox.runtime.give(written(v2()), {"Lambda-Runtime-Deadline-Ms": at})
            request = sandbox.app.requests.get(timeout=DEADLINE)
            leaves, came = "while it arrives", 0
            try:
                while came < len(HALF):
                    came += len(sandbox.runtime.pieces.get(timeout=patience))
                reached.put(None)
            except queue.Empty:
                leaves = "when it has ended"
            posted = sandbox.await_posted(patience)
            over.put(None)
            seen = observe(sandbox, request, posted, sandbox.then(2)) | {"leaves": leaves}
            then_look(sandbox)
            return seen

    return scenario


def cut(app, settings=()):
    """The connection to Lambda ends when all of the answer has left, and before Lambda has said anything about it."""

    def gone():
        raise Closed

    def scenario(binary, patience):
        with Sandbox(binary, settings, lambda request, connection: app) as sandbox:
            sandbox.runtime.instead[f"{RUNTIME}/invocation/8476a536-e9f4-11e8-9739-2dfe598c3f01/response"] = [gone]
            sandbox.runtime.give(written(v2()))
            posted = sandbox.await_posted(patience)
            return observe(sandbox, sandbox.app.requests.get(timeout=DEADLINE), posted, sandbox.then(2))

    return scenario


def early(binary, patience):
    """The Runtime API answers when it has read the head of what is posted; the application sends the body after that."""
    told = threading.Event()

    def serve(request, connection):
        connection.send(IMAGE[: -len(HALF)])
        told.wait(patience)
        connection.send(HALF)

    with Sandbox(binary, serve=serve) as sandbox:
        sandbox.runtime.early[f"{RUNTIME}/invocation/8476a536-e9f4-11e8-9739-2dfe598c3f01/response"] = answer(202)
        sandbox.runtime.give(written(v2()))
        request = sandbox.app.requests.get(timeout=DEADLINE)
        came = 0
        try:
            while came < len(HALF):
                came += len(sandbox.runtime.pieces.get(timeout=NEVER))
        except queue.Empty:
            pass
        told.set()
        return observe(sandbox, request, sandbox.await_posted(patience), sandbox.then(2))


def terminated(binary, patience):
    """SIGTERM when Lambda has the first half: the second is still waited for."""
    told = threading.Event()

    def serve(request, connection):
        connection.send(IMAGE[: -len(HALF)])
        told.wait(DEADLINE)
        connection.send(HALF)

    with Sandbox(binary, serve=serve) as sandbox:
        sandbox.runtime.give(written(v2()))
        request, came = sandbox.app.requests.get(timeout=DEADLINE), 0
        try:
            while came < len(HALF):
                came += len(sandbox.runtime.pieces.get(timeout=patience))
        except queue.Empty:
            pass
        sandbox.terminate()
        # Whoever dies of it does so now.
        sandbox.await_end(0.05)
        told.set()
        posted = sandbox.await_posted()
        code = sandbox.await_end()
        return observe(sandbox, request, posted, "hangs" if code is None else "ends")


def logged(scenario):
    """Beside what is seen of a broken answer, what the access log says of it."""

    def with_log(binary, patience):
        lines = []
        seen = scenario(binary, patience, lambda sandbox: lines.extend(sandbox.said().splitlines()))
        access = [json.loads(line) for line in lines if '"type":"access"' in line]
        return seen | {"access log": ", ".join(f"{line['status']} {line['reason']}" for line in access)}

    return with_log


def over_h2c(event, fields, body=b""):
    """An application that speaks HTTP/2 alone, and says the same to every request."""
    last = http2.END_STREAM
    head = bytes([http2.STATUS_200]) + b"".join(http2.field(*pair) for pair in fields)

    def serve(connection):
        connection.exactly(len(http2.PREFACE))
        connection.send(http2.frame(http2.SETTINGS))
        while True:
            size, kind, flags, stream = struct.unpack(">I", b"\0" + connection.exactly(3)) + struct.unpack(
                ">BBI", connection.exactly(6)
            )
            connection.exactly(size)
            if kind == http2.SETTINGS and not flags & http2.ACK:
                connection.send(http2.frame(http2.SETTINGS, http2.ACK))
            if kind != http2.HEADERS:
                continue
            connection.send(http2.frame(http2.HEADERS, http2.END_HEADERS | (0 if body else last), stream, head))
            for at in range(0, len(body), 16_384):
                end = last if at + 16_384 >= len(body) else 0
                connection.send(http2.frame(http2.DATA, end, stream, body[at : at + 16_384]))

    def scenario(binary, patience):
        app = Server(serve)
        settings = {"AWS_LWA_APP_PROTOCOL": "h2c", "AWS_LWA_READINESS_CHECK_PROTOCOL": "tcp"}
        try:
            with Sandbox(binary, settings | {"AWS_LWA_PORT": str(app.port)}) as sandbox:
                sandbox.runtime.give(written(event))
                posted = sandbox.await_posted(patience)
                return observe(sandbox, None, posted, sandbox.then(2) if posted else "waits")
        finally:
            app.close()

    return scenario


def ends(connection, over):
    connection.send(HALF)


def breaks_off(connection, over):
    connection.stream.close()


def resets(connection, over):
    connection.reset()


def half(connection):
    connection.send(IMAGE[: -len(HALF)])
    connection.stream.close()


def falls_silent(connection, over):
    over.get(timeout=DEADLINE)
    connection.stream.close()


def two(name, app, then, expect, settings=(), deadline=60, **more):
    return Row(f"large: {name}", scenario=in_two(app, then, settings, deadline), expect=expect, **more)


def whole(name, event, app, why=None, **expect):
    return Row(f"large: {name}", event, app, expect={"outcome": "200", **expect}, why=why)


def broken(status, error):
    """The client gets a status, and the reason in the field that is meant for it; what had left stands in the body."""
    return {
        "outcome": status,
        "answer proxy-status": f"lambda-adapter; error={error}",
        "answer content-length": None,
        "answer body": text(HALF),
        "then": "takes the next event",
    }


IMAGE_AS_TEXT = {"base64": "True", "answer body": text(HALF + HALF)}
EARLIER = "its memory is not needed twice, and Lambda has it earlier"
REASON = "the reason stands in `Proxy-Status`: a part of the body had left"
COMPRESS = {"AWS_LWA_ENABLE_COMPRESSION": "true"}

ROWS = {
    "Large answers": [
        *(
            whole(f"bytes, {name}", event, IMAGE, why, **IMAGE_AS_TEXT)
            for name, event, why in [
                ("HTTP API", v2(), None),
                ("REST API", rest(), None),
                ("load balancer", alb(), None),
                ("load balancer with several values a header", alb_many(), None),
                ("VPC Lattice", LATTICE, "they are HTTP, and a client waits"),
            ]
        ),
        two(
            "bytes whose length is announced",
            IMAGE,
            ends,
            {"outcome": "200", "leaves": "while it arrives", **IMAGE_AS_TEXT},
            never=True,
            why=EARLIER,
        ),
        two(
            "bytes that could be compressed, for a client that does not ask for it",
            plain(HALF + HALF, kind="application/octet-stream"),
            ends,
            {"outcome": "200", "leaves": "while it arrives", "answer vary": "accept-encoding", **IMAGE_AS_TEXT},
            COMPRESS,
            never=True,
            why=EARLIER,
        ),
        two(
            "bytes, the application breaks off behind the middle",
            IMAGE,
            breaks_off,
            {"leaves": "while it arrives", **broken("502", "http_response_incomplete")},
            never=True,
            why=REASON,
        ),
        Row(
            "large: bytes, the application breaks off behind the middle, `AWS_LWA_ACCESS_LOG=true`",
            scenario=logged(in_two(IMAGE, breaks_off, {"AWS_LWA_ACCESS_LOG": "true"})),
            expect={"outcome": "502", "access log": "502 upstream_error"},
            never=True,
            why=REASON,
        ),
        Row(
            "large: bytes, SIGTERM behind the middle",
            scenario=terminated,
            expect={"outcome": "200", "then": "ends", **IMAGE_AS_TEXT},
            never=True,
            why="Lambda leaves two seconds, which are enough for most",
        ),
        two(
            "bytes, the application resets behind the middle",
            IMAGE,
            resets,
            broken("502", "http_response_incomplete"),
            never=True,
            why=REASON,
        ),
        two(
            "bytes, the application falls silent behind the middle",
            IMAGE,
            falls_silent,
            broken("504", "http_response_timeout"),
            deadline=2,
            never=True,
            why=REASON,
        ),
        Row(
            "large: bytes, the application breaks off, and 502 is an error status",
            v2(),
            lambda request, connection: half(connection),
            {"AWS_LWA_ERROR_STATUS_CODES": "502,504"},
            expect={"outcome": "fails"},
        ),
        Row(
            "large: bytes, the connection to Lambda breaks before it takes them",
            scenario=cut(IMAGE),
            expect={"outcome": "502", "then": "takes the next event"},
            why="nobody has the bytes any more, but the client can be told",
        ),
        Row(
            "large: bytes, Lambda answers before it has read them",
            scenario=early,
            expect={"outcome": "200", "then": "takes the next event", **IMAGE_AS_TEXT},
        ),
        Row(
            "small: text, the connection to Lambda breaks before it takes it",
            scenario=cut(plain()),
            expect={"outcome": "200", "then": "takes the next event"},
            why="it is posted again",
        ),
        *(
            Row(
                f"large: {name} of an application that speaks h2c",
                scenario=over_h2c(event, [(b"content-type", b"image/png"), (b"content-length", length)], body),
                never=True,
                expect={"outcome": "200", "answer content-length": length.decode(), "answer body": text(body)},
                why="an addition",
            )
            for name, event, length, body in [
                ("bytes", v2(), b"524288", HALF + HALF),
                ("HEAD", v2("HEAD"), b"9000000", b""),
            ]
        ),
        whole("text", v2(), plain(TEXT), base64="False"),
        whole("text that is not UTF-8 at its end", v2(), plain(TEXT + b"\xe9"), "a download must not change", base64="True"),
        Row(
            "large: more bytes than Lambda takes as base64",
            v2(),
            plain(b"\xff" * 5_000_000, kind="image/png"),
            expect={"outcome": "502", "then": "takes the next event"},
            why="Lambda takes 6 MB: it would refuse the answer, and the client would learn nothing",
        ),
        Row(
            "large: HEAD",
            v2("HEAD"),
            b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 4000000\r\n\r\n",
            expect={"outcome": "200", "answer content-length": "4000000", "answer body": ""},
            why="nothing is text as well",
        ),
    ]
}

"""From the application's answer to what Lambda gets."""

from .events import SOURCES, alb, alb_many, rest, v2
from .row import Row, plain

TEXT = [
    "text/plain",
    "text/html; charset=utf-8",
    "text/event-stream",
    "application/json",
    "application/json; charset=utf-8",
    "application/javascript",
    "application/xml",
    "application/yaml",
    "application/problem+json",
    "application/atom+xml",
    "application/openapi+yaml",
    "image/svg+xml",
    None,
]
TEXT_TOO = ["application/x-www-form-urlencoded", "application/x-ndjson", "application/graphql", "Application/JSON"]
LONGER = "it is text, and base64 a third longer"
BINARY = [
    "application/octet-stream",
    "image/png",
    "application/pdf",
    "application/zip",
    "application/wasm",
    "multipart/form-data; boundary=x",
    "font/woff2",
    "video/mp4",
]

TYPES = [
    Row(
        f"type {kind}",
        v2(),
        plain(b"a", kind=kind),
        expect={"outcome": "200", "base64": base64, "answer body": "a"},
        why=why,
    )
    for kinds, base64, why in [(TEXT, "False", None), (TEXT_TOO, "False", LONGER), (BINARY, "True", None)]
    for kind in kinds
]

BODIES = [
    Row("JSON", v2(), plain('{"a": "ü\\n"}', kind="application/json"), expect={"answer body": '{"a": "ü\\n"}'}),
    Row("bytes", v2(), plain(bytes(range(256)), kind="image/png"), expect={"answer body": bytes(range(256)).hex(" ")}),
    Row("no body, text", v2(), plain(b""), expect={"answer body": "", "base64": "False"}),
    Row(
        "no body, bytes", v2(), plain(b"", kind="image/png"), expect={"answer body": ""}, why="nothing is text as well"
    ),
    Row(
        "text with a byte order mark",
        v2(),
        plain(b"\xef\xbb\xbfa", kind="text/csv"),
        expect={"answer body": "\ufeffa"},
        why="a download must not change",
    ),
    Row(
        "text that is not UTF-8",
        v2(),
        plain(b"caf\xe9", kind="text/csv"),
        expect={"answer body": "63 61 66 e9"},
        why="a download must not change",
    ),
    Row(
        "text in Latin-1",
        v2(),
        plain(b"caf\xe9", kind="text/plain; charset=iso-8859-1"),
        expect={"answer body": "63 61 66 e9", "answer content-type": "text/plain; charset=iso-8859-1"},
        why="the type names the bytes' own coding",
    ),
    Row(
        "text in UTF-16",
        v2(),
        plain("hé".encode("utf-16"), kind="text/plain; charset=utf-16"),
        expect={"answer body": "hé".encode("utf-16").hex(" ")},
        why="a download must not change",
    ),
    Row(
        "bytes without a type",
        v2(),
        plain(b"\x00\xff\xfe", kind=None),
        expect={"answer body": "00 ff fe"},
        why="a download must not change",
    ),
    Row(
        "content-encoding gzip",
        v2(),
        plain(b"\x1f\x8b", headers=[("content-encoding", "x-own")]),
        expect={"base64": "True"},
    ),
    Row(
        "content-encoding identity",
        v2(),
        plain(b"a", headers=[("content-encoding", "identity")]),
        expect={"answer body": "a"},
    ),
    Row(
        "`x-lambda-http-content-encoding: text`",
        v2(),
        plain(b"a", kind="application/x-own", headers=[("x-lambda-http-content-encoding", "text")]),
        expect={"answer body": "a"},
    ),
    Row("5 MB of text", v2(), plain(b"x" * 5_000_000), expect={"outcome": "200"}),
    Row("4 MB of bytes", v2(), plain(b"\xff" * 4_000_000, kind="image/png"), expect={"outcome": "200"}),
    Row(
        "7 MB of text",
        v2(),
        plain(b"x" * 7_000_000),
        expect={"outcome": "502", "then": "takes the next event"},
        why="Lambda takes 6 MB: it would refuse the answer, and the client would learn nothing",
    ),
]

HEADERS = [
    Row(
        "a repeated header, HTTP API",
        v2(),
        plain(headers=[("x-many", "a"), ("x-many", "b")]),
        expect={"answer x-many": "a, b"},
        why="RFC 9110 section 5.3",
    ),
    Row(
        "a repeated header, REST API",
        rest(),
        plain(headers=[("x-many", "a"), ("x-many", "b")]),
        expect={"answer x-many": "a | b"},
    ),
    Row(
        "a repeated header, load balancer",
        alb(),
        plain(headers=[("x-many", "a"), ("x-many", "b")]),
        shown=("maps",),
        why="it reads one of the maps, and all values have to be in it",
    ),
    Row(
        "a repeated header, load balancer with several values a header",
        alb_many(),
        plain(headers=[("x-many", "a"), ("x-many", "b")]),
        shown=("maps",),
        why="it reads one of the maps",
    ),
    Row(
        "two cookies, HTTP API",
        v2(),
        plain(headers=[("set-cookie", "a=1"), ("set-cookie", "b=2; Expires=Wed, 21 Oct 2037 07:28:00 GMT")]),
        expect={"answer set-cookie": "a=1 | b=2; Expires=Wed, 21 Oct 2037 07:28:00 GMT"},
    ),
    Row(
        "two cookies, REST API",
        rest(),
        plain(headers=[("set-cookie", "a=1"), ("set-cookie", "b=2")]),
        expect={"answer set-cookie": "a=1 | b=2"},
    ),
    Row(
        "two cookies, load balancer",
        alb(),
        plain(headers=[("set-cookie", "a=1"), ("set-cookie", "b=2")]),
        shown=("maps",),
        why="a browser needs both: the second stands under another spelling of the name",
    ),
    Row(
        "two cookies, load balancer with several values a header",
        alb_many(),
        plain(headers=[("set-cookie", "a=1"), ("set-cookie", "b=2")]),
        expect={"answer set-cookie": "a=1 | b=2"},
    ),
    Row("the maps of an HTTP API", v2(), plain(), shown=("maps",), why="what is empty says nothing"),
    Row("the maps of a REST API", rest(), plain(), shown=("maps",), why="what is empty says nothing"),
    Row("the maps of a load balancer", alb(), plain(), shown=("maps",), why="it reads one of the maps"),
    Row(
        "a cookie with bytes above ASCII",
        v2(),
        plain(headers=["set-cookie: a=ü".encode()]),
        expect={"outcome": "200", "answer set-cookie": "a=ü"},
        why="the cookie was lost",
    ),
    Row("a header in UTF-8", v2(), plain(headers=[b"x-name: gr\xc3\xbc\xc3\x9fe"]), expect={"answer x-name": "grüße"}),
    Row(
        "a header in Latin-1",
        v2(),
        plain(headers=[b'content-disposition: attachment; filename="caf\xe9"']),
        expect={"outcome": "200", "then": "takes the next event"},
        why="a file's name must not end the process",
    ),
    Row("a header without a value", v2(), plain(headers=[("x-empty", "")]), expect={"answer x-empty": ""}),
    Row(
        "150 headers",
        v2(),
        plain(headers=[(f"x-{n}", "1") for n in range(150)]),
        expect={"outcome": "200", "answer x-149": "1"},
        why="applications have them",
    ),
    Row(
        "`connection` and `keep-alive`",
        v2(),
        plain(headers=[("connection", "keep-alive"), ("keep-alive", "timeout=5")]),
        shown=("connection",),
        expect={"answer connection": None, "answer keep-alive": None},
        why="it is between adapter and application; RFC 9110 section 7.6.1",
    ),
    Row(
        "`transfer-encoding`",
        v2(),
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        expect={"answer body": "hello", "answer transfer-encoding": None},
    ),
    Row(
        "trailers",
        v2(),
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n",
        expect={"answer body": "hello", "answer x-sum": None},
        why="no trailer follows",
    ),
    Row(
        "`server` and `date`",
        v2(),
        plain(headers=[("server", "s"), ("date", "d")]),
        expect={"answer server": "s", "answer date": "d"},
    ),
    Row(
        "`location`",
        v2(),
        plain(b"", 302, headers=[("location", "/a b")]),
        expect={"outcome": "302", "answer location": "/a b"},
    ),
]

STATUSES = [
    *(
        Row(f"status {status}", v2(), plain(b"a", status), expect={"outcome": str(status), "answer body": "a"})
        for status in [201, 207, 299, 301, 400, 404, 418, 451, 500, 503, 599]
    ),
    Row("status 204", v2(), b"HTTP/1.1 204 No Content\r\n\r\n", expect={"outcome": "204", "answer body": ""}),
    Row(
        "status 304",
        v2(),
        b'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n',
        expect={"outcome": "304", "answer etag": '"a"'},
    ),
    Row(
        "HEAD",
        v2("HEAD"),
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n",
        expect={"outcome": "200", "answer content-length": "5", "answer body": ""},
    ),
    Row(
        "103 before the answer",
        v2(),
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + plain(b"a"),
        expect={"outcome": "200", "answer body": "a"},
    ),
    Row(
        "101 without being asked",
        v2(),
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        expect={"outcome": "502"},
        why="no connection is there to be switched",
    ),
    Row("status line of a load balancer", alb(), plain(b"", 404), expect={"statusDescription": "404 Not Found"}),
    Row(
        "status line of a load balancer, unknown status",
        alb(),
        plain(b"", 599),
        expect={"outcome": "599"},
        why="no blank at its end",
    ),
    Row(
        "HTTP/1.0, ended by its close",
        v2(),
        lambda request, connection: bye(connection, b"HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nhello"),
        expect={"answer body": "hello"},
    ),
]

SQS = SOURCES["SQS"]
FAILURES = '{"batchItemFailures":[{"itemIdentifier":"1"}]}'
EVENTS = [
    *(
        Row(
            f"a partial batch response to {name}",
            SOURCES[name],
            plain(FAILURES, kind="application/json"),
            expect={"outcome": "answered by /events", "JSON": FAILURES},
        )
        for name in ["SQS", "Kinesis", "DynamoDB"]
    ),
    Row(
        "the answer's own text",
        SQS,
        plain('{"b":1.0,"a":12345678901234567890123,"c":{}}', kind="application/json"),
        expect={"JSON": '{"b":1.0,"a":12345678901234567890123,"c":{}}'},
        why="byte for byte: large numbers keep their digits",
    ),
    Row("an answer to an event that is no JSON", SQS, plain("hello"), expect={"JSON": "null"}),
    Row("an empty answer to an event", SQS, plain(b"", 200), expect={"JSON": "null"}),
    Row("JSON without a type, to an event", SQS, plain('{"a":1}', kind=None), expect={"JSON": '{"a":1}'}),
    Row(
        "JSON as bytes, to an event",
        SQS,
        plain('{"a":1}', kind="application/octet-stream"),
        expect={"JSON": '{"a":1}'},
        why="what reads as JSON is JSON",
    ),
    Row("status 500 to an event", SQS, plain('{"a":1}', 500, kind="application/json"), expect={"JSON": '{"a":1}'}),
    Row(
        "an answer to an event that looks like an envelope",
        SQS,
        plain('{"statusCode":201,"body":"a"}', kind="application/json"),
        expect={"outcome": "201"},
    ),
]

ERRORS = {"AWS_LWA_ERROR_STATUS_CODES": "500,502-504"}
CODES = [
    *(
        Row(f"error statuses: {status}", v2(), plain(b"a", status), ERRORS, expect={"outcome": outcome})
        for status, outcome in [(500, "fails"), (501, "501"), (503, "fails"), (505, "505")]
    ),
    Row(
        "error statuses: 502, of the adapter itself",
        v2(),
        lambda request, connection: connection.reset(),
        ERRORS,
        expect={"outcome": "fails"},
    ),
    Row("error statuses: 500 to an event", SQS, plain(b"a", 500), ERRORS, expect={"outcome": "fails"}),
    Row(
        "error statuses: the error",
        v2(),
        plain(b'{"a": 1}', 500),
        ERRORS,
        shown=("error",),
        expect={"error message": '{"statusCode":500,"body":"{\\"a\\": 1}"}', "error type": "Function.ErrorStatusCode"},
        why="the body says what went wrong; so do AWS's documents",
    ),
    Row(
        "error statuses, blanks and what is no status",
        v2(),
        plain(b"a", 503),
        {"AWS_LWA_ERROR_STATUS_CODES": " 500 , x, 503"},
        expect={"outcome": "fails"},
    ),
]

GZIP = [("accept-encoding", "gzip")]
LONG = b"lambridge " * 100
COMPRESS = {"AWS_LWA_ENABLE_COMPRESSION": "true"}


def compress(name, headers, app, expect, event=v2, why=None):
    return Row(f"compression: {name}", event(headers=headers), app, COMPRESS, expect=expect, why=why)


def asked(header):
    return [("accept-encoding", header)]


COMPRESSION = [
    compress("gzip", GZIP, plain(LONG), {"answer content-encoding": "gzip", "answer vary": "accept-encoding"}),
    compress("brotli", asked("br"), plain(LONG), {"answer content-encoding": "br", "answer body": "brotli"}),
    compress("both", asked("gzip, br"), plain(LONG), {"answer content-encoding": "br"}),
    compress("by weight", asked("br;q=0.5, gzip"), plain(LONG), {"answer content-encoding": "gzip"}),
    compress(
        "weight 0", asked("gzip;q=0"), plain(LONG), {"answer content-encoding": None, "answer vary": "accept-encoding"}
    ),
    compress("not asked for", [], plain(LONG), {"answer content-encoding": None}),
    compress("`*`", asked("*"), plain(LONG), {"answer content-encoding": "br"}, why="RFC 9110 section 12.5.3"),
    compress("deflate and zstd", asked("deflate, zstd"), plain(LONG), {"answer content-encoding": None}),
    compress("31 bytes", GZIP, plain(b"x" * 31), {"answer content-encoding": None}),
    compress("32 bytes", GZIP, plain(b"x" * 32), {"answer content-encoding": "gzip"}),
    compress("image/png", GZIP, plain(LONG, kind="image/png"), {"answer content-encoding": None}),
    compress("image/svg+xml", GZIP, plain(LONG, kind="image/svg+xml"), {"answer content-encoding": "gzip"}),
    compress("text/event-stream", GZIP, plain(LONG, kind="text/event-stream"), {"answer content-encoding": None}),
    compress("application/grpc", GZIP, plain(LONG, kind="application/grpc"), {"answer content-encoding": None}),
    compress(
        "application/octet-stream",
        GZIP,
        plain(LONG, kind="application/octet-stream"),
        {"answer content-encoding": "gzip"},
    ),
    compress(
        "application/zip",
        GZIP,
        plain(LONG, kind="application/zip"),
        {"answer content-encoding": None},
        why="packed already: it would cost time and save nothing",
    ),
    compress(
        "video/mp4",
        GZIP,
        plain(LONG, kind="video/mp4"),
        {"answer content-encoding": None},
        why="packed already: it would cost time and save nothing",
    ),
    compress(
        "font/woff2",
        GZIP,
        plain(LONG, kind="font/woff2"),
        {"answer content-encoding": None},
        why="packed already: it would cost time and save nothing",
    ),
    compress(
        "coded already", GZIP, plain(LONG, headers=[("content-encoding", "br")]), {"answer content-encoding": "br"}
    ),
    compress(
        "`content-range`",
        GZIP,
        plain(LONG, 206, headers=[("content-range", "bytes 0-999/2000")]),
        {"answer content-encoding": None},
    ),
    compress(
        "`cache-control: no-transform`",
        GZIP,
        plain(LONG, headers=[("cache-control", "no-transform")]),
        {"answer content-encoding": None},
        why="RFC 9110 section 7.7",
    ),
    compress(
        "a digest",
        GZIP,
        plain(LONG, headers=[("content-md5", "x")]),
        {"answer content-encoding": None},
        why="the digest would no longer hold",
    ),
    compress(
        "a strong `etag`",
        GZIP,
        plain(LONG, headers=[("etag", '"a"')]),
        {"answer etag": 'W/"a"'},
        why="it names other bytes; RFC 9110 section 8.8.1",
    ),
    compress(
        "`accept-ranges`", GZIP, plain(LONG, headers=[("accept-ranges", "bytes")]), {"answer accept-ranges": None}
    ),
    compress(
        "HEAD",
        GZIP,
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1000\r\n\r\n",
        {"answer content-encoding": None},
        lambda headers: v2("HEAD", headers=headers),
    ),
    compress(
        "REST API",
        [("Accept-Encoding", "gzip")],
        plain(LONG),
        {"answer content-encoding": "gzip", "base64": "True"},
        rest,
    ),
    Row(
        "compression off",
        v2(headers=GZIP),
        plain(LONG),
        {"AWS_LWA_ENABLE_COMPRESSION": "false"},
        expect={"answer content-encoding": None, "answer vary": None},
    ),
]


def bye(connection, data):
    connection.send(data)
    connection.stream.close()


def reset(connection, data=b""):
    connection.send(data)
    connection.reset()


HALF = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nhel"
FAULTS = [
    Row(
        f"{name}, {what}",
        event,
        app,
        expect={"outcome": "502" if what == "HTTP" else "fails", "then": "takes the next event"},
        why="a client can read a status" if what == "HTTP" else None,
    )
    for name, app in [
        ("the application breaks off before its answer", lambda request, connection: reset(connection)),
        (
            "the application breaks off within its head",
            lambda request, connection: reset(connection, b"HTTP/1.1 200 O"),
        ),
        ("the application breaks off within its body", lambda request, connection: bye(connection, HALF)),
        ("the application speaks no HTTP", b"nonsense\r\n\r\n"),
        (
            "the application's answer has two lengths",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        ),
    ]
    for what, event in [("HTTP", v2()), ("an event", SQS)]
]

ROWS = {
    "Types of answers": TYPES,
    "Bodies of answers": BODIES,
    "Headers of answers": HEADERS,
    "Statuses": STATUSES,
    "Answers to other events": EVENTS,
    "Error statuses": CODES,
    "Compression": COMPRESSION,
    "An application that fails": FAULTS,
}

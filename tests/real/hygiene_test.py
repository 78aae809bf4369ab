"""What clients may send and may not, byte by byte, through the binary: requests that two parsers could read differently, lines
and heads out of all bounds, chunks that are none, clients that are slow or leave half-way, pipelines, `Expect`.

A row is what is sent and what comes of it: every answer, whether the connection goes on, and that Lambda was called once for
each 200 and for nothing else. Each row is sent in one piece, in halves and byte by byte, while a neighbour asks over a connection
of its own. Behind whatever must be refused stands a request of its own, which nobody may ever see.
"""

import base64
import http.client
import json
import re
import shutil
import socket
import ssl
import tempfile
import threading
import unittest

from authority import Authority, pem
from support import DEADLINE, Service, cleanup, connect, request, start

HOST = b"host: h\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nhost: h\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nhost: h\r\n\r\n"
HEAD_MAX, BODY_MAX = 8 << 10, 64 << 10
# Above this many bytes a row is not sent byte by byte.
SHORT = 600

BAD = (400, "bad_request")
LARGE = (431, "head_too_large")
TOO_SLOW = (408, "request_timeout")
CONTINUE = (100, "")


def get(path):
    return (200, f"GET {path} ")


def post(text):
    return (200, f"POST / {text}")


def framed(fields, body=b"", host=HOST):
    return b"POST / HTTP/1.1\r\n" + host + fields + b"\r\n" + body


def chunks(body):
    return framed(b"transfer-encoding: chunked\r\n", body)


def lined(line):
    return line + b"\r\n" + HOST + b"\r\n"


# Lengths that are two or none, codings by every other name, fields that are almost right, and whom to ask left open.
HEADS = [
    framed(b"content-length: 0\r\ncontent-length: 44\r\n"),
    framed(b"content-length: 5\r\ncontent-length: 5\r\n", b"abcde"),
    framed(b"content-length: 5, 5\r\n", b"abcde"),
    framed(b"content-length: -1\r\n"),
    framed(b"content-length: +0\r\n"),
    framed(b"content-length: 0x0\r\n"),
    framed(b"content-length: 18446744073709551615\r\n"),
    framed(b"content-length: 18446744073709551616\r\n"),
    framed(b"content-length:\r\n"),
    framed(b"content-length: 4\r\ntransfer-encoding: chunked\r\n", b"0\r\n\r\n"),
    framed(b"transfer-encoding: chunked\r\ncontent-length: 4\r\n", b"0\r\n\r\n"),
    framed(b"transfer-encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    framed(b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", b"0\r\n\r\n"),
    framed(b"transfer-encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    framed(b"transfer-encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
    framed(b"transfer-encoding: xchunked\r\n", b"0\r\n\r\n"),
    framed(b"transfer-encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    framed(b"transfer-encoding: identity\r\n"),
    framed(b"transfer-encoding:\r\n"),
    b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    # Folded lines, a bare LF within and at the end, a bare CR.
    framed(b"x: a\r\n transfer-encoding: chunked\r\n", b"0\r\n\r\n"),
    framed(b"x: a\r\n\ttransfer-encoding: chunked\r\n", b"0\r\n\r\n"),
    framed(b" x: a\r\n"),
    framed(b"x: a\ntransfer-encoding: chunked\r\n", b"0\r\n\r\n"),
    framed(b"x: a\rtransfer-encoding: chunked\r\n", b"0\r\n\r\n"),
    b"GET / HTTP/1.1\nhost: h\n\n",
    b"GET / HTTP/1.1\r\nhost: h\r\n\n",
    # A name with a blank behind it, without a colon, without itself.
    framed(b"transfer-encoding : chunked\r\n", b"0\r\n\r\n"),
    framed(b"content-length : 0\r\n"),
    framed(b"x\r\n"),
    framed(b": a\r\n"),
    framed(b"x y: a\r\n"),
    framed(b"\x01x: a\r\n"),
    *(framed(b"x: a%cb\r\n" % byte) for byte in (0, 1, 8, 11, 12, 27, 127)),
    framed(b"", host=b""),
    framed(b"host: h\r\n"),
    framed(b"host: other\r\n"),
    *(framed(b"", host=b"host: %s\r\n" % host) for host in (b"h, other", b"user@h", b"h/hidden", b"a b", b"\xc3\xa9")),
]

LINES = [
    b"GET",
    b"GET /",
    b"\r\n\r\n",
    b"GET / HTTP/1.2",
    b"GET / HTTP/2.0",
    b"GET / HTTP/3.0",
    b"GET / HTTP/11.1",
    b"GET / http/1.1",
    b"GET / HTTP/1.1 ",
    b" GET / HTTP/1.1",
    b"GET  / HTTP/1.1",
    b"GET\t/ HTTP/1.1",
    b"GET /a b HTTP/1.1",
    b"G(T / HTTP/1.1",
    b"G" * 33 + b" / HTTP/1.1",
    b"CONNECT h:443 HTTP/1.1",
    b"PRI * HTTP/2.0",
    b"GET h HTTP/1.1",
    b"GET http:// HTTP/1.1",
    b"GET http://name:password@h/ HTTP/1.1",
    b"GET /public#/../hidden HTTP/1.1",
    b"GET /\x00 HTTP/1.1",
    b"GET /\x7f HTTP/1.1",
    b"\x00GET / HTTP/1.1",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
]

OVERSIZED = {
    "a line": b"GET /" + b"x" * HEAD_MAX + b" HTTP/1.1\r\nhost: h\r\n\r\n",
    "a line that has no end": b"GET /" + b"x" * HEAD_MAX,
    "a value": framed(b"x: " + b"y" * HEAD_MAX + b"\r\n"),
    "a name": framed(b"x" * HEAD_MAX + b": y\r\n"),
    "many fields": framed(b"x: y\r\n" * 100),
    "all together": framed((b"x: " + b"y" * 200 + b"\r\n") * 60),
}

CHUNKS = [
    b"zz\r\n",
    b"-1\r\n",
    b"\r\n",
    b"0x3\r\nabc\r\n",
    b" 3\r\nabc\r\n",
    b"3 \r\nabc\r\n",
    b"3\nabc\r\n0\r\n\r\n",
    b"3\r\nabcd\r\n0\r\n\r\n",
    b"3\r\nabc0\r\n\r\n",
    b"fffffffffffffff0\r\nabc",
    b"10000000000000000\r\n",
    b"00000000000000003\r\nabc\r\n0\r\n\r\n",
    b";x\r\n",
    b"3;\x00\r\nabc\r\n0\r\n\r\n",
    b"3;a\nabc\r\n",
    b"3;" + b"x" * 5000 + b"\r\nabc\r\n0\r\n\r\n",
    b"0\r\n\n",
    b"0\r\nx : a\r\n\r\n",
    b"0\r\n x: a\r\n\r\n",
    b"0\r\n" + b"x: y\r\n" * 101 + b"\r\n",
    b"0\r\nx: " + b"y" * (17 << 10) + b"\r\n\r\n",
]

# Odd, and right.
SOUND = [
    (framed(b"content-length: 3\r\n", b"abc"), post("abc")),
    (framed(b"Content-Length:3  \r\nx:\r\ny: \t z \xe9\r\n", b"abc"), post("abc")),
    (framed(b"content-length: 0003\r\n", b"abc"), post("abc")),
    (chunks(b"3\r\nabc\r\n0\r\n\r\n"), post("abc")),
    (chunks(b"1\r\na\r\n" * 20 + b"00\r\n\r\n"), post("a" * 20)),
    (chunks(b"00A;x=y;z=\"a b\"\r\n0123456789\r\n0;last\r\n\r\n"), post("0123456789")),
    (chunks(b"3\r\nabc\r\n0\r\nhost: other\r\ncontent-length: 99\r\n\r\n"), post("abc")),
    (framed(b"TRANSFER-ENCODING: Chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n"), post("abc")),
    (b"\r\n" + lined(b"GET / HTTP/1.1"), get("/")),
    (lined(b"GET /a/../b%2Fc//d HTTP/1.1"), get("/a/../b%2Fc//d")),
    # A function, and an adapter before it, must not take what is beyond ASCII for a sign that all is decoded.
    (lined(b"GET /caf\xc3\xa9/%2F HTTP/1.1"), get("/caf%C3%A9/%2F")),
    (lined(b"GET http://other/a HTTP/1.1"), get("/a")),
    (lined(b"GET http://other HTTP/1.1"), get("/")),
    (lined(b"PURGE / HTTP/1.1"), (200, "PURGE / ")),
    (b"GET / HTTP/1.1\r\nhost:\r\n\r\n", get("/")),
    # RFC 9110 section 10.1.1 lets an expectation that nobody knows be passed over.
    (framed(b"expect: something-else\r\ncontent-length: 3\r\n", b"abc"), post("abc")),
]


class Reader:
    """Answers as they come on a connection."""

    def __init__(self, connection):
        self.file = connection.makefile("rb")

    def answer(self):
        """Status, and the body or the reason of a problem; `None` at the end, however it comes."""
        try:
            line = self.file.readline()
        except ConnectionResetError:
            return None
        if not line:
            return None
        status = int(re.fullmatch(rb"HTTP/1\.[01] (\d{3}) .*\r\n", line)[1])
        headers = http.client.parse_headers(self.file)
        if status == 100:
            return CONTINUE
        body = self.file.read(int(headers["content-length"])).decode()
        if headers["content-type"] == "application/problem+json":
            problem = json.loads(body)
            assert problem["status"] == status, problem
            body = problem["type"].rsplit(":", 1)[1]
        return status, body


class Case(unittest.TestCase):
    limits, tls = "", ""
    routes = "{ match: { path_prefix: / }, function: f }"

    @classmethod
    def setUpClass(cls):
        cls.calls, cls.lock = [], threading.Lock()
        cls.began, cls.go_on = threading.Event(), threading.Event()
        fake = Service(cls, cls.repeat)
        cls.program = start(
            cls,
            "gateway",
            f"""
            lambridge: 1
            listeners: [{{ address: 127.0.0.1:0{cls.tls} }}]
            limits: {{ head: {HEAD_MAX}, body: {BODY_MAX}{cls.limits} }}
            aws:
              region: us-east-1
              endpoint: {fake.url}
              credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: secret }}
            functions: {{ f: {{}} }}
            routes: [{cls.routes}]
            """,
        )
        cls.address = cls.program.gateway

    @classmethod
    def repeat(cls, asked):
        """The function: says what it was asked."""
        event = json.loads(asked.body)
        body = event.get("body", "")
        body = base64.b64decode(body).decode() if event["isBase64Encoded"] else body
        said = f"{event['requestContext']['http']['method']} {event['rawPath']} {body}"
        with cls.lock:
            cls.calls.append(said)
        if event["rawPath"] == "/held":
            cls.began.set()
            cls.go_on.wait(DEADLINE)
        answer = {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": said}
        return 200, {"content-type": "application/json"}, json.dumps(answer)

    def setUp(self):
        self.calls.clear()
        self.beside = self.open()

    def secure(self, connection):
        return connection

    def open(self):
        connection = self.secure(connect(self.address))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.addCleanup(connection.close)
        return connection, Reader(connection)

    def neighbour(self):
        """Somebody else, over a connection that has been there all the time."""
        connection, reader = self.beside
        connection.sendall(b"GET /neighbour HTTP/1.1\r\nhost: h\r\n\r\n")
        self.assertEqual(reader.answer(), get("/neighbour"))

    def asked(self):
        """What Lambda was called for since the last time, by others than the neighbour."""
        with self.lock:
            found = [call for call in self.calls if "/neighbour" not in call]
            self.calls.clear()
        return found

    def check(self, sent, *answers, kept=False, ended=False):
        """`kept`: the connection is there for another request. `ended`: the client ends its side behind what it sends."""
        half = len(sent) // 2
        ways = [[sent], [sent[:half], sent[half:]]]
        if len(sent) <= SHORT:
            ways.append([bytes([byte]) for byte in sent])
        for pieces in ways:
            with self.subTest(sent=sent[:200], pieces=len(pieces)):
                self.send(pieces, answers, kept, ended)

    def send(self, pieces, answers, kept, ended):
        connection, reader = self.open()
        with connection, reader.file:
            try:
                for at, piece in enumerate(pieces):
                    connection.sendall(piece)
                    if at in (0, len(pieces) - 1):
                        self.neighbour()
                if ended:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # It was refused before it was all said.
            self.assertEqual([reader.answer() for _ in answers], list(answers))
            if kept:
                connection.sendall(LAST)
                self.assertEqual(reader.answer(), get("/last"))
            else:
                self.assertIsNone(reader.answer())
        self.neighbour()
        expect = [text for status, text in answers if status == 200]
        self.assertEqual(self.asked(), expect + (["GET /last "] if kept else []))


class Hygiene(Case):
    def test_heads_that_can_be_read_in_two_ways(self):
        for head in HEADS:
            self.check(head + HIDDEN, BAD)

    def test_request_lines_that_are_none(self):
        for line in LINES:
            self.check(lined(line) + HIDDEN, BAD)

    def test_heads_out_of_bounds(self):
        for what, head in OVERSIZED.items():
            with self.subTest(what):
                self.check(head + HIDDEN, LARGE)

    def test_chunks_that_are_none(self):
        for body in CHUNKS:
            self.check(chunks(body) + HIDDEN, BAD)

    def test_odd_ones_that_are_right(self):
        for sent, answer in SOUND:
            self.check(sent, answer, kept=True)
            self.check(sent * 3, answer, answer, answer, kept=True)

    def test_connections_that_end_with_their_request(self):
        self.check(b"GET / HTTP/1.0\r\n\r\n", get("/"))
        self.check(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n" + HIDDEN, get("/"))

    def test_what_is_cut_short_is_no_request(self):
        self.check(b"GET / HT", ended=True)
        self.check(b"GET / HTTP/1.1\r\nhost: h\r\n", ended=True)
        self.check(framed(b"content-length: 9\r\n", b"abc"), BAD, ended=True)
        self.check(chunks(b"9\r\nabc"), BAD, ended=True)
        self.check(chunks(b"3\r\nabc\r\n0\r\n"), BAD, ended=True)

    def test_who_ends_its_side_before_the_answer_is_gone(self):
        connection, reader = self.open()
        connection.sendall(lined(b"GET /held HTTP/1.1"))
        self.assertTrue(self.began.wait(DEADLINE))
        connection.shutdown(socket.SHUT_WR)
        self.assertIsNone(reader.answer())
        # The function runs on, and the call with it.
        self.go_on.set()
        self.program.await_line(" GET /held 499 reason=client_gone ")
        self.neighbour()
        self.assertEqual(self.asked(), ["GET /held "])

    def test_bodies_out_of_bounds(self):
        large = (413, "body_too_large")
        self.check(framed(b"content-length: %d\r\n" % (BODY_MAX + 1), b"x" * (BODY_MAX + 1)) + HIDDEN, large)
        self.check(framed(b"content-length: %d\r\n" % 10**18), large)
        self.check(chunks(b"%x\r\n" % (BODY_MAX + 1) + b"x" * (BODY_MAX + 1) + b"\r\n0\r\n\r\n") + HIDDEN, large)
        self.check(chunks((b"1000\r\n" + b"x" * 4096 + b"\r\n") * 17 + b"0\r\n\r\n") + HIDDEN, large)

    def test_pipelines(self):
        asked, answers = b"", []
        for at in range(20):
            asked += chunks(b"1\r\n%c\r\n0\r\n\r\n" % (65 + at)) + lined(b"GET /%d HTTP/1.1" % at)
            answers += [post(chr(65 + at)), get(f"/{at}")]
        self.check(asked, *answers, kept=True)
        # A bad one ends it, after the good ones.
        for bad, answer in [(HEADS[0], BAD), (chunks(b"zz\r\n"), BAD), (OVERSIZED["many fields"], LARGE)]:
            self.check(asked + bad + HIDDEN, *answers, answer)

    def test_expect(self):
        asked = b"expect: 100-continue\r\ncontent-length: %d\r\n"
        connection, reader = self.open()
        for _ in range(3):
            connection.sendall(framed(asked % 3))
            self.neighbour()
            self.assertEqual(reader.answer(), CONTINUE)
            self.assertEqual(self.asked(), [])
            connection.sendall(b"abc")
            self.assertEqual(reader.answer(), post("abc"))
            self.assertEqual(self.asked(), ["POST / abc"])
        # Who does not wait is not made to; who would be refused is not invited.
        self.check(framed(asked % 3, b"abc"), CONTINUE, post("abc"), kept=True)
        self.check(framed(asked % (BODY_MAX + 1)), (413, "body_too_large"))
        self.check(b"POST / HTTP/1.0\r\n" + asked % 3 + b"\r\nabc", post("abc"))


class Services(Case):
    """The same before an HTTP service, which gets what comes over connections that all clients share: another gateway, before
    the same Lambda. A request that was hidden in another one would be one there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        service = cls.address
        cls.routes = f"{{ match: {{ path_prefix: / }}, upstream: {{ url: 'http://{service}' }} }}"
        super().setUpClass()

    def test_heads_that_can_be_read_in_two_ways(self):
        for head in HEADS:
            self.check(head + HIDDEN, BAD)

    def test_chunks_that_are_none(self):
        for body in CHUNKS:
            self.check(chunks(body) + HIDDEN, BAD)

    def test_odd_ones_that_are_right(self):
        for sent, answer in SOUND:
            self.check(sent * 2, answer, answer, kept=True)

    def test_what_is_cut_short_is_no_request(self):
        self.check(framed(b"content-length: 9\r\n", b"abc"), BAD, ended=True)
        self.check(chunks(b"3\r\nabc\r\n"), BAD, ended=True)


class Slow(Case):
    limits = ", head_timeout: 1s, body_timeout: 1s"

    def test_many_of_them(self):
        """All at once, and nobody waits for them."""
        beginnings = {
            b"GET": TOO_SLOW,
            b"GET / HTTP/1.1\r\nhost: h\r\nx-": TOO_SLOW,
            framed(b"content-length: 9\r\n"): TOO_SLOW,
            framed(b"content-length: 9\r\n", b"abc"): TOO_SLOW,
            chunks(b"3\r\nabc\r\n"): TOO_SLOW,
        }
        slow = []
        for _ in range(40):
            for beginning, answer in beginnings.items():
                connection, reader = self.open()
                connection.sendall(beginning)
                slow.append((reader, answer))
        for _ in range(20):
            self.neighbour()
            self.assertEqual(request(self.address, "GET", "/neighbour").status, 200)
        for reader, answer in slow:
            self.assertEqual(reader.answer(), answer)
            self.assertIsNone(reader.answer())
        self.neighbour()
        self.assertEqual(self.asked(), [])

    def test_a_byte_now_and_then_is_slow_too(self):
        for beginning, more in [(b"GET / HTTP/1.1\r\nhost: h\r\nx: ", b"y"), (chunks(b""), b"1\r\nx\r\n")]:
            connection, reader = self.open()
            connection.sendall(beginning)
            done = threading.Event()

            def drip():
                try:
                    while not done.wait(0.1):
                        connection.sendall(more)
                except OSError:
                    pass  # It is over.

            drops = threading.Thread(target=drip)
            drops.start()
            try:
                self.assertEqual(reader.answer(), TOO_SLOW)
            finally:
                done.set()
                drops.join(DEADLINE)
            self.neighbour()
        self.assertEqual(self.asked(), [])


class Tls(Case):
    limits = ", head_timeout: 1s"

    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="lambridge-")
        cleanup(cls, shutil.rmtree, folder, True)
        authority = Authority("trusted")
        chain = authority.server(folder, "127.0.0.1")
        cls.tls = f", tls: {{ cert_file: {chain}, key_file: {chain} }}"
        cls.client = ssl.create_default_context(cadata=pem(authority.certificate).decode())
        super().setUpClass()

    def secure(self, connection):
        return self.client.wrap_socket(connection, server_hostname="127.0.0.1")

    def test_who_does_not_shake_hands(self):
        """Gets no word of HTTP, and no more time than a head."""
        hello = ssl.MemoryBIO()
        with self.assertRaises(ssl.SSLWantReadError):
            self.client.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="127.0.0.1").do_handshake()
        hello = hello.read()
        for sent in [b"", lined(b"GET / HTTP/1.1"), b"\0\0\0\0", b"\x16\x03\x01\xff\xff\x01", hello[:5], hello[:-1], hello]:
            with self.subTest(sent):
                gone = connect(self.address)
                gone.sendall(sent)
                gone.close()
                with connect(self.address) as connection:
                    connection.sendall(sent)
                    self.neighbour()
                    self.assertNotIn(b"HTTP/", self.rest(connection))
                self.neighbour()
                self.assertEqual(self.asked(), [])

    def rest(self, connection):
        said = b""
        try:
            while piece := connection.recv(4096):
                said += piece
        except ConnectionResetError:
            pass  # An end too.
        return said


if __name__ == "__main__":
    unittest.main()

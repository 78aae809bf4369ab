"""The head of a streamed answer comes in any pieces, through the binary: JSON, eight NULs and the first of the body cut at every
byte, into events of Lambda's stream and into the pieces in which a network brings these. The answer is always the same.

Boundaries mean nothing (Lambda developer guide, "Response streaming"), and a piece is a piece only where what was before it has
been read: so Lambda, which is the test's own, sends the next one when the kernel holds nothing for the gateway any more.
"""

import http.client
import json
import pathlib
import socketserver
import threading
import time
import unittest

from aws_parts import event_frame, gateway_to
from support import DEADLINE, cleanup

END = b"0\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n"
TEXT = {"statusCode": 201, "headers": {"content-type": "text/plain", "x-a": "\u00e9 \"\\"}, "cookies": ["a=1", "b=2"]}
PRELUDE = json.dumps(TEXT, ensure_ascii=False).encode()
NULS = bytes(8)

OCTETS = [("content-type", "application/octet-stream")]
# By name; within one, the order is the function's.
FIELDS = [("content-type", "text/plain"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-a", "\u00e9 \"\\")]
# What the function streams; status, fields and body of the answer.
STREAMS = {
    "head and body": (PRELUDE + NULS + b"\0\0{\r\n\0", (201, FIELDS, b"\0\0{\r\n\0")),
    "head": (PRELUDE + NULS, (201, FIELDS, b"")),
    "blanks first": (b" \r\n{}" + NULS + b"b", (200, [], b"b")),
    "a NUL too few": (b"{}" + NULS[1:] + b"body", (200, OCTETS, b"{}" + NULS[1:] + b"body")),
    "no NUL": (b'{"statusCode":404}', (200, OCTETS, b'{"statusCode":404}')),
    "no JSON": (b"text" + NULS + b"body", (200, OCTETS, b"text" + NULS + b"body")),
    "nothing": (b"", (200, OCTETS, b"")),
    "half of an object": (b'{"statusCode":' + NULS + b"b", (502, "malformed_answer")),
    "no status": (b'{"statusCode":42}' + NULS + b"b", (502, "malformed_answer")),
}


def payload(piece):
    return event_frame(b"PayloadChunk", piece)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def in_events(stream):
    """The stream cut in two at every byte, and into single bytes; each event in a chunk of its own."""
    cuts = [[stream[:at], stream[at:]] for at in range(len(stream) + 1)]
    cuts.append([bytes([byte]) for byte in stream])
    for pieces in cuts:
        frames = [payload(piece) for piece in pieces] + [event_frame(b"InvokeComplete", b"{}")]
        yield [HEAD, *(chunk(frame) for frame in frames[:-1]), chunk(frames[-1]) + END]


def in_segments(stream):
    """All of it in two events, as a network may bring it: cut at every byte, events, chunks and Lambda's own head."""
    half = len(stream) // 2
    frames = payload(stream[:half]) + payload(stream[half:]) + event_frame(b"InvokeComplete", b"{}")
    whole = HEAD + chunk(frames[:20]) + chunk(frames[20:]) + END
    yield [whole]
    for at in range(1, len(whole)):
        yield [whole[:at], whole[at:]]
    yield [bytes([byte]) for byte in whole]


class Lambda(socketserver.ThreadingTCPServer):
    """Answers each call with the next of `answers`, piece by piece."""

    daemon_threads = True

    def __init__(self, case):
        self.answers = iter(())
        super().__init__(("127.0.0.1", 0), Connection)
        self.address = "127.0.0.1:%d" % self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()
        cleanup(case, self.server_close)
        cleanup(case, self.shutdown)


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        # The line of the gateway's end in the kernel's table; both ends are on this machine: proc(5), /proc/net/tcp.
        ends = [f"0100007F:{port:04X}" for port in (self.client_address[1], self.server.server_address[1])]
        try:
            while self.rfile.readline():
                headers = http.client.parse_headers(self.rfile)
                self.rfile.read(int(headers["content-length"]))
                *pieces, last = next(self.server.answers)
                for piece in pieces:
                    self.connection.sendall(piece)
                    await_taken(ends)
                self.connection.sendall(last)
        except OSError:
            pass  # The gateway has heard enough.


def await_taken(ends):
    """Waits until what was sent has been read, or the other end is gone."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        lines = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
        if all(line[4].endswith(":00000000") for line in lines if line[1:3] == ends):
            return
    raise AssertionError("it was not read")


class Preludes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.called = Lambda(cls)
        function = "invoke: stream, retries: { max: 0 }"
        cls.program = gateway_to(cls, f"http://{cls.called.address}", function=function)

    def setUp(self):
        self.client = http.client.HTTPConnection(self.program.gateway, timeout=DEADLINE)
        self.addCleanup(self.client.close)

    def check(self, ways, *names):
        for what in names:
            stream, expect = STREAMS[what]
            answers = list(ways(stream))
            self.called.answers = iter(answers)
            for at, pieces in enumerate(answers):
                with self.subTest(what, at=at, pieces=[piece[-20:] for piece in pieces[:4]]):
                    self.assertEqual(self.ask(), expect)

    def ask(self):
        """Over the one connection, which is there after every answer but a refusal."""
        self.client.request("GET", "/")
        answer = self.client.getresponse()
        body = answer.read()
        if answer.status >= 400:
            return answer.status, json.loads(body)["type"].rsplit(":", 1)[1]
        own = ("date", "transfer-encoding", "content-length", "x-request-id")
        fields = [(name, value.encode("latin-1").decode()) for name, value in answer.getheaders() if name not in own]
        return answer.status, sorted(fields, key=lambda field: field[0]), body

    def test_events(self):
        self.check(in_events, *STREAMS)

    def test_segments(self):
        self.check(in_segments, "head and body", "half of an object")


if __name__ == "__main__":
    unittest.main()

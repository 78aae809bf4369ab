"""Floods are the trouble of those who send them: whatever a client pours in without reading a word of what comes back, the
gateway's memory stays where it is, and others are served.

What each of them has done to other servers stands beside it. Those that can have no good end are ended; the others cost
their senders as much as the gateway.
"""

import socket
import threading
import time
import unittest

from http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    UNKNOWN,
    WINDOW_UPDATE,
    field,
    frame,
    number,
)
from support import DEADLINE, connect, forget_most_memory, memory, request, start

# What one flood sends at most, and how long it may take.
POURED = 48 << 20
SECONDS = 4
# No byte taken for so long: the flood is stuck, as it should be.
STUCK = 1
# What the process may grow by meanwhile: a body of the largest size is in it.
GROWTH = 32 << 20

HEAD = field(b":method", b"POST") + field(b":scheme", b"http") + field(b":authority", b"h") + field(b":path", b"/body")
BEGIN = PREFACE + frame(SETTINGS)
ASKED = BEGIN + frame(HEADERS, END_HEADERS, 1, HEAD)
CHUNKED = b"POST /body HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
BOMB = HEAD + field(b"x", b"x" * 3900) + b"\xbe" * 12_000


def always(piece):
    return lambda _: piece


def streams(*frames):
    """The frames again and again, for a stream of its own each time."""
    return lambda turn: b"".join(frame(kind, flags, 2 * turn + 1, payload) for kind, flags, payload in frames)


# What a connection begins with, and what follows without end.
FLOODS = {
    "pipelined requests whose answers nobody reads": (b"", always(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n" * 100)),
    "a line that does not end": (b"GET /", always(b"x" * 1000)),
    "fields that do not end": (b"GET / HTTP/1.1\r\n", always(b"x: y\r\n" * 100)),
    "chunks of a byte": (CHUNKED, always(b"1\r\nx\r\n" * 100)),
    "chunk extensions": (CHUNKED, always(b"1;" + b"x" * 4000 + b"\r\nx\r\n")),
    "trailers": (CHUNKED + b"0\r\n", always(b"x: y\r\n" * 100)),
    "CVE-2019-9512, pings": (BEGIN, always(frame(PING, payload=bytes(8)) * 100)),
    "CVE-2019-9515, settings": (BEGIN, always(frame(SETTINGS) * 100)),
    "settings in one frame": (BEGIN, always(frame(SETTINGS, payload=b"\x00\x04\x00\x00\xff\xff" * 2000))),
    "CVE-2019-9513, priorities": (BEGIN, lambda turn: frame(PRIORITY, 0, 2 * turn + 1, b"\0\0\0\0\1") * 100),
    "CVE-2019-9518, empty frames": (ASKED, always(frame(DATA, 0, 1) * 100)),
    "CVE-2019-9511, bytes one by one": (ASKED, always(frame(DATA, 0, 1, b"x") * 100)),
    "window updates": (BEGIN, always(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1") * 100)),
    "frames of no known type": (BEGIN, always(frame(UNKNOWN, payload=b"x" * 1000) * 10)),
    "CVE-2024-27919, continuations": (
        BEGIN + frame(HEADERS, END_STREAM, 1, HEAD),
        always(frame(CONTINUATION, 0, 1, b"\x00" + number(1) + b"x" + number(1000) + b"x" * 1000)),
    ),
    "CVE-2023-44487, resets": (BEGIN, streams((HEADERS, END_HEADERS, HEAD), (RST_STREAM, 0, b"\0\0\0\x08"))),
    "CVE-2025-8671, provoked resets": (BEGIN, streams((HEADERS, END_HEADERS, HEAD), (WINDOW_UPDATE, 0, bytes(4)))),
    "heads that unpack to megabytes": (BEGIN, streams((HEADERS, END_HEADERS | END_STREAM, BOMB))),
    "streams that stay open": (BEGIN, streams((HEADERS, END_HEADERS, HEAD))),
}
# Those that are disconnected, though they read what is said to them.
ENDED = [
    "a line that does not end",
    "fields that do not end",
    "chunk extensions",
    "trailers",
    "CVE-2019-9518, empty frames",
    "CVE-2019-9511, bytes one by one",
    "CVE-2024-27919, continuations",
    "CVE-2023-44487, resets",
    "CVE-2025-8671, provoked resets",
    "heads that unpack to megabytes",
    "streams that stay open",
]
# What they send at most until then.
ENOUGH = 4 << 20


class Floods(unittest.TestCase):
    def start(self):
        return start(
            self,
            "gateway",
            """
            lambridge: 1
            listeners: [{ address: 127.0.0.1:0, http2: cleartext }]
            log: { level: "off" }
            functions: { f: { name: f, endpoint: "http://127.0.0.1:1", region: us-east-1 } }
            routes:
              - { match: { path: / }, static: { body: fine } }
              - { match: { path: /body }, function: f }
            """,
        )

    def test_who_is_disconnected(self):
        program = self.start()
        for name in ENDED:
            with self.subTest(name):
                self.assertLess(poured_until_the_end(program.gateway, *FLOODS[name]), ENOUGH)
                self.assertEqual(request(program.gateway, "GET", "/").body, b"fine")

    def test_memory_and_others(self):
        program = self.start()
        for name, (begin, piece) in FLOODS.items():
            with self.subTest(name):
                pid = program.process.pid
                before = memory(pid)
                forget_most_memory(pid)
                poured = pour(program.gateway, begin, piece)
                grown = memory(pid, "VmHWM") - before
                print(f"{name:<48} {poured / 2**20:6.1f} MiB poured, {grown / 2**20:5.1f} MiB grown")
                self.assertLess(grown, GROWTH)
                self.assertEqual(request(program.gateway, "GET", "/").body, b"fine")


def pour(address, begin, piece):
    """Sends until nothing is taken any more, or enough was; how much it was."""
    host, port = address.rsplit(":", 1)
    poured, due = 0, time.monotonic() + SECONDS
    with socket.create_connection((host, int(port)), STUCK) as connection:
        try:
            connection.sendall(begin)
            turn = 0 if begin in (b"", BEGIN) else 1
            while poured < POURED and time.monotonic() < due:
                batch = b"".join(piece(turn + step) for step in range(10))
                connection.sendall(batch)
                turn += 10
                poured += len(batch)
        except OSError:
            pass  # It is stuck, or was ended.
    return poured


def poured_until_the_end(address, begin, piece):
    """Sends until the connection is ended, and reads meanwhile; how much it was."""
    poured, ended = 0, threading.Event()

    def read():
        try:
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass  # A reset is an end, too.
        ended.set()

    with connect(address) as connection:
        reading = threading.Thread(target=read)
        reading.start()
        try:
            connection.sendall(begin)
            turn = 0 if begin in (b"", BEGIN) else 1
            while poured < ENOUGH and not ended.is_set():
                connection.sendall(piece(turn))
                poured += len(piece(turn))
                turn += 1
        except ConnectionError:
            pass  # It was ended.
        assert ended.wait(DEADLINE), "it goes on"
        reading.join()
    return poured


if __name__ == "__main__":
    unittest.main()

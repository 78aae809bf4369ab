"""Clients that stop reading in the midst of a streamed answer: what Lambda still gives waits in Lambda.

The function streams more than the kernel's buffers on the way can hold. Its clients read a little, and stop: then it comes to
a standstill once sockets hold what they can, mostly a few megabytes, the gateway's memory stays where it is, and others are
served, over the same connections where they share one. Then they read on, and get every byte in its place. One that goes
instead is the end of its call.

Each of it over HTTP/1.1 and HTTP/2, from clients as well as to Lambda. Both ends are the test's own, since libraries read
ahead: what a frame on the wire says is what is counted.
"""

import collections
import http.client
import json
import pathlib
import socket
import struct
import threading
import unittest

import http2
from aws_parts import event_frame
from support import DEADLINE, cleanup, forget_most_memory, memory, request, start

# Streams that are held back at once.
SLOW = 4
PIECE = 16 << 10


def kernel(name):
    """What the kernel grows a socket's buffer to, at most: tcp(7)."""
    return int(pathlib.Path(f"/proc/sys/net/ipv4/{name}").read_text().split()[2])


# What a stream may take from Lambda while its client takes nothing: two sockets of the gateway, and a little of its own.
TAKEN = kernel("tcp_rmem") + kernel("tcp_wmem") + (4 << 20)
# What it has to give.
PIECES = (TAKEN + (16 << 20)) // PIECE
# What the gateway may grow by for each of them: windows, and what lies between two sockets.
GROWTH = 2 << 20
# Nothing has moved for so long: it stands still.
STILL = 1
# What a client's own socket takes while it reads nothing.
RECEIVE = 16 << 10


def piece(stream, index):
    """Says of each line where it belongs."""
    return b"%03d %011d\n" % (stream, index) * (PIECE // 16)


def frames_of(path):
    """The answer to an event with this path."""
    kind, _, stream = path[1:].partition("/")
    if kind == "slow":
        for index in range(PIECES):
            yield event_frame(b"PayloadChunk", piece(int(stream), index))
    else:
        yield event_frame(b"PayloadChunk", b"quick")
    yield event_frame(b"InvokeComplete", b"{}")


class Lambda:
    """InvokeWithResponseStream; counts what it could send of each answer."""

    content_type = "application/vnd.amazon.eventstream"

    def __init__(self, case):
        self.sent = collections.Counter()
        self.moved = threading.Condition()
        # The gateway wants no more of an answer.
        self.dropped = threading.Event()
        self.listener = socket.socket()
        cleanup(case, self.listener.close)
        # What waits here has not been taken by the gateway.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # The test is over.
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rb") as file:
                self.serve(connection, file)
        except OSError:
            self.dropped.set()

    def note(self, path, size):
        with self.moved:
            self.sent[path] += size
            self.moved.notify_all()

    def stand_still(self):
        """Waits until nothing moves; how much was sent of each slow answer."""
        with self.moved:
            while self.moved.wait(STILL):
                pass
            return [size for path, size in self.sent.items() if path.startswith("/slow")]


class Http1Lambda(Lambda):
    protocol = "http1"

    def serve(self, connection, file):
        while line := file.readline():
            assert line.startswith(b"POST "), line
            headers = http.client.parse_headers(file)
            path = json.loads(file.read(int(headers["content-length"])))["rawPath"]
            head = f"HTTP/1.1 200 OK\r\ncontent-type: {self.content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
            connection.sendall(head.encode())
            for frame in frames_of(path):
                connection.sendall(b"%x\r\n%s\r\n" % (len(frame), frame))
                self.note(path, len(frame))
            connection.sendall(b"0\r\n\r\n")


class Http2Lambda(Lambda):
    protocol = "http2"
    HEAD = bytes([http2.STATUS_200]) + http2.field(b"content-type", Lambda.content_type.encode())

    def serve(self, connection, file):
        peer = Peer(connection)
        assert file.read(len(http2.PREFACE)) == http2.PREFACE
        bodies = collections.defaultdict(bytes)
        while read := http2.read_frame(file):
            kind, flags, stream, payload = read
            if kind == http2.DATA:
                bodies[stream] += payload
                if payload:
                    peer.send(http2.window_update(0, len(payload)))
                if flags & http2.END_STREAM:
                    path = json.loads(bodies.pop(stream))["rawPath"]
                    threading.Thread(target=self._answer, args=(peer, stream, path), daemon=True).start()
            elif kind == http2.RST_STREAM:
                self.dropped.set()
            else:
                peer.take(kind, flags, stream, payload)

    def _answer(self, peer, stream, path):
        try:
            peer.send(http2.frame(http2.HEADERS, http2.END_HEADERS, stream, self.HEAD))
            for frame in frames_of(path):
                peer.send_data(stream, frame, lambda size: self.note(path, size))
            peer.send(http2.frame(http2.DATA, http2.END_STREAM, stream))
        except OSError:
            pass


class Peer:
    """What the other end of a connection lets us send."""

    def __init__(self, connection):
        self.connection = connection
        self.sending = threading.Lock()
        self.opened = threading.Condition()
        self.windows = collections.Counter({0: http2.WINDOW})
        self.initial = http2.WINDOW
        self.send(http2.frame(http2.SETTINGS))

    def send(self, data):
        with self.sending:
            self.connection.sendall(data)

    def take(self, kind, flags, stream, payload):
        if kind == http2.PING and not flags & http2.ACK:
            self.send(http2.frame(http2.PING, http2.ACK, 0, payload))
        elif kind == http2.SETTINGS and not flags & http2.ACK:
            settings = dict(struct.iter_unpack(">HI", payload))
            with self.opened:
                self.initial = settings.get(http2.INITIAL_WINDOW, self.initial)
                self.opened.notify_all()
            self.send(http2.frame(http2.SETTINGS, http2.ACK))
        elif kind == http2.WINDOW_UPDATE:
            with self.opened:
                self.windows[stream] += int.from_bytes(payload, "big")
                self.opened.notify_all()

    def send_data(self, stream, data, note):
        """As the windows of the stream and of the connection let it."""
        while data:
            with self.opened:
                while (room := min(self.windows[0], self.windows[stream] + self.initial, PIECE)) <= 0:
                    self.opened.wait()
                part, data = data[:room], data[room:]
                for window in (0, stream):
                    self.windows[window] -= len(part)
            self.send(http2.frame(http2.DATA, 0, stream, part))
            note(len(part))


def connect(address):
    connection = socket.socket()
    connection.settimeout(DEADLINE)
    # Before the connection is there, or it is promised more.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE)
    host, port = address.rsplit(":", 1)
    connection.connect((host, int(port)))
    return connection


class Http1Clients:
    """A connection for each answer."""

    def __init__(self, case, address):
        self.case, self.address = case, address

    def open(self, path):
        connection = http.client.HTTPConnection("gateway.test")
        connection.sock = connect(self.address)
        self.case.addCleanup(connection.close)
        connection.request("GET", path)
        answer = connection.getresponse()
        self.case.assertEqual(answer.status, 200)
        return answer

    def read(self, answer, size):
        return answer.read(size)


class Http2Clients(http2.Client):
    """One connection for all."""

    def __init__(self, case, address):
        super().__init__(case, connect(address))

    def open(self, path):
        stream = super().open(path)
        self.case.assertEqual(self.heads[stream][0], http2.STATUS_200)
        return stream


class SlowClients(unittest.TestCase):
    def test_http1_to_http1(self):
        self.check(Http1Clients, Http1Lambda)

    def test_http1_to_http2(self):
        self.check(Http1Clients, Http2Lambda)

    def test_http2_to_http1(self):
        self.check(Http2Clients, Http1Lambda)

    def test_http2_to_http2(self):
        self.check(Http2Clients, Http2Lambda)

    def gateway(self, fake):
        return start(
            self,
            "gateway",
            f"""
            lambridge: 1
            listeners: [{{ address: 127.0.0.1:0, http2: cleartext }}]
            aws:
              region: us-east-1
              endpoint: http://{fake.address}
              credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: secret }}
              connections: {{ protocol: {fake.protocol} }}
            functions: {{ f: {{ invoke: stream, timeout: {DEADLINE}s }} }}
            routes: [{{ match: {{ path_prefix: / }}, function: f }}]
            """,
        )

    def test_one_that_goes_takes_its_call_with_it(self):
        for fake in (Http1Lambda, Http2Lambda):
            with self.subTest(f"{fake.protocol}, the connection ends"):
                called = fake(self)
                gateway = self.gateway(called)
                with connect(gateway.gateway) as connection:
                    connection.sendall(b"GET /slow/0 HTTP/1.1\r\nhost: h\r\n\r\n")
                    self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 200 "))
                self.assertTrue(called.dropped.wait(DEADLINE), "Lambda is still read from")
                gateway.await_line(" GET /slow/0 200 reason=client_gone ")
            with self.subTest(f"{fake.protocol}, one of many ends"):
                called = fake(self)
                gateway = self.gateway(called)
                clients = Http2Clients(self, gateway.gateway)
                stream = clients.open("/slow/0")
                clients.connection.sendall(http2.frame(http2.RST_STREAM, 0, stream, struct.pack(">I", 8)))
                self.assertTrue(called.dropped.wait(DEADLINE), "Lambda is still read from")
                self.assertEqual(clients.read(clients.open("/quick"), 100), b"quick")

    def check(self, clients, fake):
        fake = fake(self)
        gateway = self.gateway(fake)
        clients, pid = clients(self, gateway.gateway), gateway.process.pid
        self.assertEqual(clients.read(clients.open("/quick"), 100), b"quick")
        before = memory(pid)
        forget_most_memory(pid)

        answers = [clients.open(f"/slow/{stream}") for stream in range(SLOW)]
        for stream, answer in enumerate(answers):
            self.assertEqual(clients.read(answer, PIECE), piece(stream, 0))
        taken = fake.stand_still()
        for _ in range(20):
            self.assertEqual(clients.read(clients.open("/quick"), 100), b"quick")
            self.assertEqual(request(gateway.gateway, "GET", "/quick").body, b"quick")
        held = memory(pid, "VmHWM") - before
        mib = [size / 2**20 for size in (max(taken), held / SLOW)]
        print(f"{type(clients).__name__}, {fake.protocol} to Lambda: {mib[0]:.1f} MiB taken, {mib[1]:.2f} MiB held for each")
        self.assertEqual(len(taken), SLOW)
        self.assertLess(max(taken), TAKEN)
        self.assertEqual(fake.stand_still(), taken)

        for index in range(1, PIECES):
            for stream, answer in enumerate(answers):
                got = clients.read(answer, PIECE)
                if got != piece(stream, index):
                    self.fail(f"piece {index} of stream {stream} is {got[:40]}")
        for answer in answers:
            self.assertEqual(clients.read(answer, 1), b"")
        self.assertLess(memory(pid, "VmHWM") - before, SLOW * GROWTH)
        lines = gateway.await_line(rf" GET /slow/\d 200 request_id=.*bytes_out={PIECE * PIECES}", SLOW)
        self.assertEqual(len(lines), SLOW, gateway.said())


if __name__ == "__main__":
    unittest.main()

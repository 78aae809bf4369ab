"""HTTP/1.1 read and written by hand, so that a row can send what no library would, and see what a library would hide.

A server here is a listener and a thread for each connection; what a handler returns is written as it is. Nothing outlives
its `Server`: closing it closes every connection, and whoever waits in a handler is woken.
"""

import socket
import threading
from dataclasses import dataclass, field

# Of a head, and of a line between chunks; the programs under test send less.
LONGEST_LINE = 1 << 20


@dataclass
class Request:
    """A request as it came: names and values as bytes on the wire say, in their order."""

    method: str
    target: str
    headers: list
    body: bytes = b""
    # The pieces of a chunked body, and the fields after it.
    chunks: list = field(default_factory=list)
    trailers: list = field(default_factory=list)
    # Whether the body ended as its head announced.
    whole: bool = True

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name]

    def one(self, name):
        return next(iter(self.all(name)), None)


class Closed(Exception):
    """The other side, or the test, ended the connection."""


class Connection:
    """One accepted connection."""

    def __init__(self, stream):
        self.stream = stream
        self.buffer = b""

    def request(self, begun=None, arrived=None):
        """The next request, or `None` at the end. `begun` is told the request when its head is here, `arrived` each
        piece of a chunked body."""
        try:
            head = self._until(b"\r\n\r\n")
        except Closed:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        request = Request(method, target, fields(lines))
        if begun:
            begun(request)
        try:
            if "chunked" in (request.one("transfer-encoding") or ""):
                self._chunked(request, arrived)
            else:
                request.body = self.exactly(int(request.one("content-length") or 0))
        except Closed:
            request.body += self.buffer
            request.whole = False
        return request

    def _chunked(self, request, arrived):
        while size := int(self._until(b"\r\n").split(b";")[0], 16):
            piece = self.exactly(size)
            self._until(b"\r\n")
            request.body += piece
            request.chunks.append(piece)
            if arrived:
                arrived(piece)
        while line := self._until(b"\r\n"):
            request.trailers += fields([line.decode("latin-1")])

    def send(self, data):
        try:
            self.stream.sendall(data)
        except OSError:
            raise Closed from None

    def reset(self):
        """Ends it as a crash does: with RST, so that what was sent may be lost."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raise Closed

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        part, self.buffer = self.buffer.split(mark, 1)
        return part

    def exactly(self, size):
        """So many bytes."""
        while len(self.buffer) < size:
            self._more()
        part, self.buffer = self.buffer[:size], self.buffer[size:]
        return part

    def _more(self):
        try:
            data = self.stream.recv(65536)
        except OSError:
            data = b""
        if not data or len(self.buffer) > LONGEST_LINE * 16:
            raise Closed
        self.buffer += data


class Server:
    """Accepts until it is closed; `serve(connection)` runs once a connection, on a thread of its own."""

    def __init__(self, serve, path=None):
        self.serve = serve
        if path is None:
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            self.port = self.listener.getsockname()[1]
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            self.listener.listen(64)
        self.lock = threading.Lock()
        self.streams = []
        self.closed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            if stream.family == socket.AF_INET:
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.streams.append(stream)
            threading.Thread(target=self._run, args=(stream,), daemon=True).start()

    def _run(self, stream):
        try:
            self.serve(Connection(stream))
        except Closed:
            pass
        finally:
            stream.close()

    def close(self):
        self.closed.set()
        # A plain close would leave the accept of the other thread waiting.
        for end in (lambda: self.listener.shutdown(socket.SHUT_RDWR), self.listener.close):
            try:
                end()
            except OSError:
                pass
        with self.lock:
            for stream in self.streams:
                try:
                    stream.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def fields(lines):
    pairs = [line.partition(":") for line in lines if line]
    return [(name, value.strip(" \t")) for name, _, value in pairs]


def answer(status=200, headers=(), body=b"", reason="X"):
    """An answer with its length; `headers` are pairs, or bytes as they are to stand there."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} {reason}".encode()]
    for header in headers:
        lines.append(header if isinstance(header, bytes) else f"{header[0]}: {header[1]}".encode())
    lines.append(f"content-length: {len(body)}".encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body

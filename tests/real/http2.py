"""As much of HTTP/2 as tests say by hand, frame by frame: what a library would mend, or not do."""

import collections
import struct

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
UNKNOWN = 77
END_STREAM, END_HEADERS = 1, 4
ACK = 1
# SETTINGS_INITIAL_WINDOW_SIZE, and what it is before anyone says so: RFC 9113 section 6.5.2.
INITIAL_WINDOW, WINDOW = 4, 65_535
# RFC 7541, appendix A: `:status: 200` is number 8 of the static table.
STATUS_200 = 0x88
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, payload=b""):
    """RFC 9113 section 4.1."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def field(name, value):
    """RFC 7541 section 6.2.1: a literal that enters the dynamic table, where the last one is number 62."""
    return b"\x40" + b"".join(number(len(text)) + text for text in (name, value))


def number(value):
    if value < 127:
        return bytes([value])
    out, value = [127], value - 127
    while value >= 128:
        out.append(value % 128 | 128)
        value //= 128
    return bytes([*out, value])


def window_update(stream, size):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", size))


def read_frame(file):
    """Kind, flags, stream and payload of the next frame; `None` at the end."""
    head = file.read(9)
    if len(head) < 9:
        return None
    kind, flags, stream = struct.unpack(">BBI", head[3:])
    return kind, flags, stream, file.read(int.from_bytes(head[:3], "big"))


class Client:
    """A client without TLS, of one connection: the window of an answer opens as it is read, that of the connection is open."""

    def __init__(self, case, connection):
        self.case, self.connection = case, connection
        case.addCleanup(connection.close)
        self.file = connection.makefile("rb")
        case.addCleanup(self.file.close)
        self.last = -1
        self.heads, self.bodies = {}, collections.defaultdict(bytearray)
        self.ended = set()
        connection.sendall(PREFACE + frame(SETTINGS) + window_update(0, (1 << 31) - 1 - WINDOW))

    def open(self, path):
        """Asks, and waits for the head; the stream of the answer."""
        self.last += 2
        fields = ((b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"h"), (b":path", path.encode()))
        block = b"".join(field(*pair) for pair in fields)
        self.connection.sendall(frame(HEADERS, END_HEADERS | END_STREAM, self.last, block))
        while self.last not in self.heads:
            self._take()
        return self.last

    def read(self, stream, size):
        """So many bytes of an answer, less only at its end."""
        body = self.bodies[stream]
        while len(body) < size and stream not in self.ended:
            self._take()
        taken = bytes(body[:size])
        del body[:size]
        if taken:
            self.connection.sendall(window_update(stream, len(taken)) + window_update(0, len(taken)))
        return taken

    def _take(self):
        read = read_frame(self.file)
        if read is None:
            self.case.fail("the connection ended")
        kind, flags, stream, payload = read
        if kind == HEADERS:
            self.heads[stream] = payload
        elif kind == DATA:
            self.bodies[stream] += payload
        elif kind in (RST_STREAM, GOAWAY):
            self.case.fail(f"frame {kind}: {payload}")
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.ended.add(stream)

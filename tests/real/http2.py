"""As much of HTTP/2 as tests say by hand, frame by frame: what a library would mend, or not do."""

import struct

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
UNKNOWN = 77
END_STREAM, END_HEADERS = 1, 4
ACK = 1
# SETTINGS_INITIAL_WINDOW_SIZE, and what it is before anyone says so: RFC 9113 section 6.5.2.
INITIAL_WINDOW, WINDOW = 4, 65_535
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

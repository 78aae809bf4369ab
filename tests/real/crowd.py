"""Clients in a process of their own, since each takes a descriptor: `crowd.py ADDRESS IDLE SLOW`.

Connects so many that ask nothing, and so many that have sent a part of a head; says `ready`. Then, for each line of its
input: `step` sends a byte more from each slow one; `end` completes their heads and lets every tenth of the idle ones ask.
Every answer has to be a 200, and no connection may have ended before.
"""

import socket
import sys

from support import DEADLINE


def main(address, idle, slow):
    sleepers = [connect(address) for _ in range(int(idle))]
    dawdlers = [connect(address) for _ in range(int(slow))]
    for client in dawdlers:
        client.sendall(b"GET /slow HTTP/1.1\r\nhost: lo")
    print("ready", flush=True)
    for line in sys.stdin:
        if line == "step\n":
            for client in dawdlers:
                client.sendall(b"c")
            print("stepped", flush=True)
        elif line == "end\n":
            break
    ask(dawdlers, b"\r\n\r\n")
    assert all(is_open(client) for client in sleepers), "an idle connection has ended"
    ask(sleepers[::10], b"GET /idle HTTP/1.1\r\nhost: h\r\n\r\n")
    print("ended", flush=True)


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), DEADLINE)


def ask(clients, message):
    """All of them at once; each gets its answer."""
    for client in clients:
        client.sendall(message)
    for client in clients:
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = client.recv(4096)
            assert piece, "it ended without an answer"
            answer += piece
        assert answer.startswith(b"HTTP/1.1 200 "), answer


def is_open(client):
    client.setblocking(False)
    try:
        client.recv(1)
        return False
    except BlockingIOError:
        return True
    finally:
        client.settimeout(DEADLINE)


if __name__ == "__main__":
    main(*sys.argv[1:])

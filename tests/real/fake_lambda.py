"""A Lambda that does what a test tells it: the Invoke API over HTTP/1.1, many calls at once, in the test's own event loop."""

import asyncio


class FakeLambda:
    """`answer(target, headers, body)` gives status, headers and body of each call; it may take its time."""

    def __init__(self, answer):
        self.answer = answer
        self.server = None

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096)
        return self

    async def __aexit__(self, *_):
        # Connections end with their clients.
        self.server.close()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer):
        try:
            while head := await head_of(reader):
                (line, *_), headers = head
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                status, fields, body = await self.answer(line.split(" ")[1], headers, body)
                lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
                writer.write(f"HTTP/1.1 {status} -\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # The gateway's connections end when it pleases, and all others with the test.
        finally:
            writer.close()


async def head_of(reader):
    """The words of the first line and the headers of what comes next; `None` where nothing does."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as ended:
        if ended.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    return (first, *first.split(" ")), dict(line.lower().split(": ", 1) for line in lines if line)


async def answer_of(reader):
    """Status, headers and body of an answer."""
    head = await head_of(reader)
    assert head is not None, "the connection ended without an answer"
    (_, _, status, *_), headers = head
    return int(status), headers, await reader.readexactly(int(headers.get("content-length", 0)))

"""A web application that sends server-sent events: the second when the test has the first."""

import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = b"""<!doctype html><meta charset="utf-8"><title>events</title><link rel="icon" href="data:,"><script>
const seen = []
const source = new EventSource('/events' + location.search)
source.onmessage = event => seen.push(event.data)
source.addEventListener('last', event => { seen.push(event.data); source.close() })
</script>"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if url.path not in ("/events", "/half"):
            return self.begin("text/html", [("Content-Length", str(len(PAGE)))], PAGE)
        self.begin("text/event-stream", [("Transfer-Encoding", "chunked"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        self.chunk(b"data: one\n\n")
        host, port = query["meet"][0].rsplit(":", 1)
        with socket.create_connection((host, int(port)), 30) as connection:
            connection.recv(1)
        if url.path == "/half":
            self.close_connection = True
            return None
        self.chunk(b"event: last\ndata: two\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def begin(self, kind, headers, body=b""):
        self.send_response(200)
        for name, value in [("Content-Type", kind), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()

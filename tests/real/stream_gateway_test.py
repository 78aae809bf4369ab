"""Server-sent events of a web application, through adapter, emulator and gateway: each is there before the next is sent,
for a client that reads piece by piece, for curl, and for the EventSource of a real browser."""

import http.client
import shutil
import socket
import subprocess
import unittest

from browser import Browser
from support import DEADLINE, FUNCTIONS, PYTHON, Meeting, start


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = start(
            cls,
            "dev",
            f"""
            lambridge: 1
            listeners: [{{ address: 127.0.0.1:0 }}]
            emulator: {{ address: 127.0.0.1:0 }}
            functions:
              events:
                invoke: stream
                run:
                  web: {PYTHON} events.py
                  dir: {FUNCTIONS}
                  env: {{ AWS_LWA_INVOKE_MODE: response_stream }}
                  instances: 4
              hasty:
                name: events
                invoke: stream
                idle_timeout: 500ms
            routes:
              - {{ match: {{ path: /hasty }}, function: hasty, rewrite: {{ path: /events }} }}
              - {{ match: {{ path_prefix: / }}, function: events }}
            """,
        )
        cls.address = cls.program.gateway

    def setUp(self):
        self.meeting = Meeting(self)

    def url(self, path):
        return f"http://{self.address}{path}?meet={self.meeting.address}"

    def open(self, path):
        host, port = self.address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        self.addCleanup(connection.close)
        connection.request("GET", f"{path}?meet={self.meeting.address}")
        return connection, connection.getresponse()

    def test_event_by_event(self):
        connection, answer = self.open("/events")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/event-stream"))
        self.assertEqual(answer.headers.get_all("set-cookie"), ["a=1", "b=2"])
        self.assertEqual(answer.read1(), b"data: one\n\n")
        self.meeting.let_go()
        self.assertEqual(answer.read(), b"event: last\ndata: two\n\n")
        # The connection is there for the next request, and the log knows the stream's length.
        connection.request("GET", "/")
        self.assertIn(b"EventSource", connection.getresponse().read())
        self.program.await_line(r"GET /events\?meet=\S+ 200 .*bytes_out=34")

    def test_an_application_that_breaks_off(self):
        _, answer = self.open("/half")
        self.assertEqual(answer.read1(), b"data: one\n\n")
        self.meeting.let_go()
        with self.assertRaises(http.client.IncompleteRead):
            answer.read()
        self.program.await_line(r"GET /half\?meet=\S+ 200 reason=function_error ")

    def test_an_application_that_pauses_for_too_long(self):
        _, answer = self.open("/hasty")
        self.assertEqual(answer.read1(), b"data: one\n\n")
        with self.meeting.accept(), self.assertRaises(http.client.IncompleteRead):
            answer.read()
        self.program.await_line(r"GET /hasty\?meet=\S+ 200 reason=timeout ")

    def test_a_client_that_goes(self):
        connection, answer = self.open("/events")
        answer.read1()
        with self.meeting.accept() as app:
            # `close` would wait for the rest of the answer's file.
            answer.fp.raw._sock.shutdown(socket.SHUT_RDWR)
            answer.close()
            connection.close()
            self.program.await_line(r"GET /events\?meet=\S+ 200 reason=client_gone ")
            app.sendall(b".")

    def test_curl(self):
        curl = shutil.which("curl")
        if curl is None:
            self.skipTest("no curl")
        command = [curl, "-sN", "--max-time", str(DEADLINE), self.url("/events")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            self.assertEqual(process.stdout.read1(), b"data: one\n\n")
            self.meeting.let_go()
            self.assertEqual(process.stdout.read(), b"event: last\ndata: two\n\n")
        self.assertEqual(process.returncode, 0)

    def test_browser(self):
        browser = Browser(type(self))
        browser.open(self.url("/"))
        browser.wait_for("typeof seen != 'undefined' && seen.length == 1")
        self.meeting.let_go()
        browser.wait_for("seen.length == 2")
        self.assertEqual(browser.run("seen"), ["one", "two"])
        self.assertEqual(browser.complaints, [])


if __name__ == "__main__":
    unittest.main()

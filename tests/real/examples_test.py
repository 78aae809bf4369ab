"""The examples, run as their READMEs say: what a browser sees is what the application answered.

The web applications of `Web` have the same pages, so one set of expectations holds for all of them; each runs behind the
adapter, on the emulator, behind the gateway.
"""

import hashlib
import json
import os
import unittest
from urllib.parse import urlencode

from boto3_test import client_of
from support import example, request

MEGABYTE = 1024 * 1024


class Web:
    """The expectations; a subclass names the example."""

    @classmethod
    def setUpClass(cls):
        cls.program = example(cls, cls.folder)

    def ask(self, method, target, headers=(), body=None):
        return request(self.program.gateway, method, target, headers, body)

    def test_page(self):
        answer = self.ask("GET", "/")
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.one("content-type").startswith("text/html"))
        self.assertIn(b"<h1>Hello from", answer.body)
        self.assertEqual(answer.one("content-length"), str(len(answer.body)))

    def test_head(self):
        answer = self.ask("HEAD", "/")
        self.assertEqual((answer.status, answer.body), (200, b""))

    def test_json(self):
        answer = self.ask("GET", "/json?x=1&x=a%20b&x=%C3%BC", [("host", "shop.example.com")])
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(
            json.loads(answer.body), {"path": "/json", "args": ["1", "a b", "ü"], "host": "shop.example.com"}
        )

    def test_form(self):
        body = urlencode([("name", "grüße & co"), ("many", "1"), ("many", "2")]).encode()
        answer = self.ask("POST", "/form", [("content-type", "application/x-www-form-urlencoded")], body)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(json.loads(answer.body), {"name": ["grüße & co"], "many": ["1", "2"]})

    def test_upload_and_back(self):
        for name, kind, body in [
            ("every byte", "application/octet-stream", bytes(range(256)) * 40),
            ("looks like text", "application/octet-stream", b"plain"),
            ("text that is not UTF-8", "text/plain", b"caf\xe9 \xff\x00"),
            ("JSON with escapes", "application/json", '{"a": "\\u0000 \u2028 ü \\\\ \\""}'.encode()),
            ("random image", "image/png", os.urandom(100_000)),
            ("empty", "application/octet-stream", b""),
        ]:
            with self.subTest(name):
                answer = self.ask("POST", "/echo", [("content-type", kind)], body)
                self.assertEqual(answer.status, 200, answer.status)
                self.assertEqual(hashlib.sha256(answer.body).digest(), hashlib.sha256(body).digest())
                self.assertTrue(answer.one("content-type").startswith(kind))

    def test_download(self):
        for size in [0, 1, 255, 65_537, 3 * MEGABYTE]:
            with self.subTest(size):
                answer = self.ask("GET", f"/download/{size}")
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.body, (bytes(range(256)) * (size // 256 + 1))[:size])

    def test_repeated_headers(self):
        answer = self.ask("GET", "/headers", [("x-many", "a"), ("x-many", "b")])
        self.assertEqual(answer.status, 200, answer)
        # Event format 2.0 joins repeated headers with commas, both ways: a list by RFC 9110 either way.
        self.assertEqual(",".join(json.loads(answer.body)).replace(" ", ""), "a,b")
        self.assertEqual(",".join(answer.all("x-repeated")).replace(" ", ""), "one,two")

    def test_two_cookies(self):
        answer = self.ask("GET", "/cookies", [("cookie", "a=1; b=2")])
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(json.loads(answer.body), {"a": "1", "b": "2"})
        cookies = answer.all("set-cookie")
        self.assertEqual([cookie.split("=")[0] for cookie in cookies], ["first", "second"])
        self.assertIn("Wed, 21 Oct 2037 07:28:00 GMT", cookies[1])

    def test_not_found_is_the_applications(self):
        answer = self.ask("GET", "/nowhere")
        self.assertEqual(answer.status, 404)
        self.assertNotIn("problem+json", answer.one("content-type"))

    def test_redirect(self):
        answer = self.ask("GET", "/redirect")
        self.assertEqual((answer.status, answer.one("location")), (302, "/json"))

    def test_no_content(self):
        answer = self.ask("DELETE", "/nothing")
        self.assertEqual((answer.status, answer.body, answer.all("content-length")), (204, b"", []))

    def test_five_megabytes(self):
        self.assertEqual(self.ask("GET", f"/text/{5 * MEGABYTE}").body, b"x" * (5 * MEGABYTE))
        body = b"y" * (5 * MEGABYTE)
        answer = self.ask("POST", "/echo", [("content-type", "text/plain")], body)
        self.assertEqual((answer.status, answer.body == body), (200, True))

    def test_seven_megabytes_are_refused_before_any_call(self):
        answer = self.ask("POST", "/echo", [("content-type", "text/plain")], b"y" * (7 * MEGABYTE))
        self.assertEqual(answer.status, 413, answer)
        self.assertIn(answer.reason, ["body_too_large", "event_too_large"])
        self.assertEqual(self.ask("GET", "/").status, 200)

    def test_crash(self):
        """The adapter, whose connection breaks, sees it first; that the process ended is what counts."""
        answer = self.ask("GET", "/crash")
        self.assertEqual((answer.status, answer.reason), (502, "function_error"))
        self.assertEqual(self.ask("GET", "/").status, 200, self.program.said())


class Flask(Web, unittest.TestCase):
    folder = "flask"


class FastApi(Web, unittest.TestCase):
    folder = "fastapi"


class Django(Web, unittest.TestCase):
    folder = "django"


class Express(Web, unittest.TestCase):
    folder = "express"


class Functions(unittest.TestCase):
    def check(self, folder, name):
        program = example(self, folder)
        answer = request(program.gateway, "GET", "/a%2Fb?x=1")
        self.assertEqual(answer.status, 200, f"{answer}\n{program.said()}")
        body = json.loads(answer.body)
        self.assertEqual((body["hello"], body["event"]["rawPath"]), (name, "/a%2Fb"))
        # The same function, called by an AWS client with the key pair of the file.
        client = client_of(program.emulator, "AKIDEXAMPLE", "example")
        answer = client.invoke(FunctionName=folder.split("-")[0], Payload=b'{"key": "value"}')
        self.assertEqual(json.loads(json.loads(answer["Payload"].read())["body"])["event"], {"key": "value"})

    def test_python(self):
        self.check("python-function", "Python")

    def test_rust(self):
        self.check("rust-function", "Rust")


if __name__ == "__main__":
    unittest.main()

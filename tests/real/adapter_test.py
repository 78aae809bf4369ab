"""The two ways in which AWS Lambda Web Adapter is packed, as an image and as a layer: gateway, emulator, adapter, application.

All of it once with our adapter, and once with AWS's own: to the application, and to whoever asks, they are the same.
"""

import json
import unittest

from boto3_test import client_of
from support import ADAPTER, AWS_ADAPTER, example, request


class Packed:
    """A subclass names the adapter."""

    @classmethod
    def setUpClass(cls):
        cls.program = example(cls, "lambda-web-adapter", cls.adapter)

    def ask(self, method, target, body=None, headers=()):
        answer = request(self.program.gateway, method, target, headers, body)
        self.assertEqual(answer.status, 200, f"{answer}\n{self.program.said()}")
        return answer

    def test_get(self):
        for path in ["/", "/zip/", "/zip"]:
            with self.subTest(path):
                answer = self.ask("GET", path)
                self.assertEqual(answer.body, b"<h1>Hello from Lambda Web Adapter</h1>\n")
                self.assertEqual(answer.one("content-type"), "text/html; charset=utf-8")

    def test_post(self):
        # The zip's application stands under a base path, which the adapter takes away.
        for function, base in [("image", ""), ("zip", "/zip")]:
            with self.subTest(function):
                body = '{"key": "grüße"}'.encode()
                answer = self.ask("POST", f"{base}/a%2Fb?x=1&x=%20", body, [("content-type", "application/json")])
                seen = json.loads(answer.body)
                self.assertRegex(seen.pop("requestId"), r"^[0-9a-f-]{36}$")
                self.assertEqual(
                    seen,
                    {"method": "POST", "url": "/a%2Fb?x=1&x=%20", "body": body.decode(), "function": function},
                )

    def test_an_event_that_is_no_request(self):
        client = client_of(self.program.emulator, "AKIDEXAMPLE", "example")
        for function in ["image", "zip"]:
            with self.subTest(function):
                answer = client.invoke(FunctionName=function, Payload=b'{"Records": []}')
                seen = json.loads(answer["Payload"].read())
                self.assertEqual((seen["method"], seen["url"], seen["body"]), ("POST", "/events", '{"Records": []}'))

    def test_the_end(self):
        """Lambda's last words reach the application of either way."""
        program = example(self, "lambda-web-adapter", self.adapter)
        for path in ["/", "/zip"]:
            self.assertEqual(request(program.gateway, "GET", path).status, 200, program.said())
        self.assertEqual(program.stop(), 0, program.said())
        program.reader.join()
        ends = [line for line in program.lines if "SIGTERM: no more requests" in line]
        self.assertEqual(len(ends), 2, program.said())


class Ours(Packed, unittest.TestCase):
    adapter = ADAPTER


class Theirs(Packed, unittest.TestCase):
    adapter = AWS_ADAPTER


if __name__ == "__main__":
    unittest.main()

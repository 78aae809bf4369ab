"""Function URLs of the emulator: a function on AWS's runtime client and a web application behind the adapter."""

import json
import re
import unittest

from boto3_test import RIC
from support import FUNCTIONS, PYTHON, ROOT, request, start


class Urls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = start(
            cls,
            "emulator",
            f"""
            lambridge: 1
            emulator: {{ address: 127.0.0.1:0 }}
            functions:
              web:
                run: {{ command: {RIC} functions.web, dir: {FUNCTIONS}, timeout: 2s, url: {{ address: 127.0.0.1:0 }} }}
              flask:
                run:
                  web: {PYTHON} -m gunicorn app:app
                  dir: {ROOT}/examples/flask
                  url: {{ address: 127.0.0.1:0, invoke_mode: buffered }}
            """,
        )
        lines = cls.program.await_line("^URL of ", 2)
        cls.urls = dict(re.search(r"URL of `(\w+)`: http://(\S+)", line).groups() for line in lines)

    def ask(self, function, target, method="GET", headers=(), body=None):
        return request(self.urls[function], method, target, headers, body)

    def test_function(self):
        answer = self.ask("web", "/?id=a%20b")
        self.assertEqual((answer.status, answer.one("content-type")), (200, "application/json"))
        self.assertEqual(json.loads(answer.body)["id"], "a b")
        self.assertRegex(answer.one("x-amzn-requestid"), "^[0-9a-f-]{36}$")

    def test_function_that_fails(self):
        for path in ["/raise", "/crash", "/hang", "/status", "/large"]:
            with self.subTest(path):
                answer = self.ask("web", path)
                self.assertEqual((answer.status, answer.body), (502, b"Internal Server Error"))
        self.assertEqual(self.ask("web", "/").status, 200)

    def test_inferred_answer(self):
        answer = self.ask("web", "/list")
        self.assertEqual((answer.status, answer.body), (200, b'["not","an","answer"]'))

    def test_web_application(self):
        answer = self.ask("flask", "/json?x=1&x=a%20b", headers=[("host", "shop.example.com:81")])
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(json.loads(answer.body)["args"], ["1", "a b"])
        body = bytes(range(256)) * 100
        answer = self.ask("flask", "/echo", "POST", [("content-type", "application/octet-stream")], body)
        self.assertEqual((answer.status, answer.body), (200, body))
        cookies = self.ask("flask", "/cookies", headers=[("cookie", "a=1; b=2")])
        self.assertEqual(json.loads(cookies.body), {"a": "1", "b": "2"})
        self.assertEqual(len(cookies.all("set-cookie")), 2)
        answer = self.ask("flask", "/nothing", "DELETE")
        self.assertEqual((answer.status, answer.body), (204, b""))
        answer = self.ask("flask", "/", "HEAD")
        self.assertEqual((answer.status, answer.body), (200, b""))


if __name__ == "__main__":
    unittest.main()

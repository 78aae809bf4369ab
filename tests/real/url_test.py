"""Function URLs of the emulator: a function on AWS's runtime client and a web application behind the adapter; who may call,
by AWS's own signer, and from which pages.
"""

import json
import re
import unittest

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

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


class Guarded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = start(
            cls,
            "emulator",
            f"""
            lambridge: 1
            emulator: {{ address: 127.0.0.1:0, credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: right }} }}
            functions:
              echo:
                run:
                  command: {RIC} functions.echo
                  dir: {FUNCTIONS}
                  url:
                    address: 127.0.0.1:0
                    auth_type: aws_iam
                    cors: {{ allow_origins: ["https://a.example"], allow_methods: [GET], max_age: 1h }}
            """,
        )
        [line] = cls.program.await_line("^URL of ")
        cls.url = re.search(r"http://(\S+)", line)[1]

    def ask(self, secret, headers=()):
        signed = AWSRequest("GET", f"http://{self.url}/a%20b?x=1", headers=dict(headers))
        if secret:
            SigV4Auth(Credentials("AKIDEXAMPLE", secret), "lambda", "eu-west-1").add_auth(signed)
        return request(self.url, "GET", "/a%20b?x=1", list(signed.headers.items()))

    def test_who_may_call(self):
        answer = self.ask("right")
        self.assertEqual(answer.status, 200, f"{answer}\n{self.program.said()}")
        context = json.loads(answer.body)["event"]["requestContext"]
        iam = context["authorizer"]["iam"]
        self.assertEqual((context["accountId"], iam["accountId"], iam["accessKey"]), ("000000000000", "000000000000", "AKIDEXAMPLE"))
        for secret, error in [("wrong", "InvalidSignatureException"), (None, "AccessDeniedException")]:
            with self.subTest(error):
                answer = self.ask(secret)
                self.assertEqual((answer.status, answer.one("x-amzn-errortype")), (403, error))

    def test_from_which_pages(self):
        answer = self.ask("right", [("origin", "https://a.example")])
        self.assertEqual(answer.one("access-control-allow-origin"), "https://a.example")
        self.assertEqual(self.ask("right", [("origin", "https://b.example")]).all("access-control-allow-origin"), [])
        # Browsers do not sign what they ask beforehand.
        asked = [("origin", "https://a.example"), ("access-control-request-method", "GET")]
        answer = request(self.url, "OPTIONS", "/", asked)
        self.assertEqual((answer.status, answer.one("access-control-allow-methods"), answer.one("access-control-max-age")), (200, "GET", "3600"))


if __name__ == "__main__":
    unittest.main()

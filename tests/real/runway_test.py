"""runway's Lambda backend, by its document: the example's own files, through the binary and AWS's Python client."""

import json
import pathlib
import subprocess
import tempfile
import textwrap
import unittest

from support import LAMBRIDGE, dev, laid_out, request

JSON = [("Content-Type", "application/json")]
# The ports that the files leave to their defaults.
PORTS = (8080, 8081, 9000)


def example(case):
    """`lambridge dev -c runway.yaml -c functions.yaml` in a copy of the example, on free ports; gives it and its admin address."""
    program = dev(case, laid_out(case, "runway"), "runway.yaml", "functions.yaml", ports=PORTS)
    admin = program.await_line(r"admin on http://")[0].split("http://")[1].split()[0]
    return program, admin


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program, cls.admin = example(cls)

    def got(self, method, target, headers=JSON, body=None):
        """The payload that the function got."""
        answer = request(self.program.gateway, method, target, headers, body)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.one("content-type"), "application/json")
        return json.loads(answer.body)["got"]

    def test_get(self):
        got = self.got("GET", "/api/compute/data?key=value&key=second&a=b+c")
        self.assertEqual(list(got), ["headers", "httpMethod", "path", "pathParameters", "queryParameters"])
        self.assertEqual(got["httpMethod"], "GET")
        self.assertEqual(got["path"], "/api/compute/data")
        self.assertEqual(got["queryParameters"], {"a": ["b c"], "key": ["value", "second"]})
        self.assertEqual(got["pathParameters"], {})
        self.assertEqual(got["headers"]["Content-Type"], "application/json")
        self.assertIn("X-Request-Id", got["headers"])
        self.assertNotIn("Host", got["headers"])

    def test_every_other_method(self):
        body = '{"name": "example", "html": "<b>&"}'
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]:
            with self.subTest(method):
                got = self.got(method, "/api/compute/data?key=value", body=body.encode())
                self.assertEqual(list(got), ["body", "headers", "httpMethod", "path", "pathParameters"])
                self.assertEqual(got["httpMethod"], method)
                self.assertEqual(got["body"], body)
        self.assertEqual(self.got("DELETE", "/api/compute")["body"], "")

    def test_head(self):
        answer = request(self.program.gateway, "HEAD", "/api/compute/data")
        self.assertEqual((answer.status, answer.body), (200, b""))

    def test_function_errors(self):
        answer = request(self.program.gateway, "GET", "/api/compute/fail")
        self.assertEqual(answer.status, 502)
        self.assertEqual(answer.one("content-type"), "application/json")
        error = json.loads(answer.body)
        self.assertEqual((error["errorType"], error["errorMessage"]), ("ValueError", "this path always fails"))

    def test_no_route(self):
        for target in ["/", "/api/computer", "/api"]:
            with self.subTest(target):
                answer = request(self.program.gateway, "GET", target)
                self.assertEqual(answer.status, 404)
                self.assertEqual(answer.one("content-type"), "application/json")
                self.assertEqual(answer.body, b'{"code":404,"message":"Not Found"}\n')

    def test_too_large(self):
        answer = request(self.program.gateway, "POST", "/api/compute", JSON, b"x" * (7 << 20))
        self.assertEqual(answer.status, 413)
        self.assertEqual(json.loads(answer.body)["message"], "Request Entity Too Large")


class ConvertedDocument(Document):
    converted = True


class Numbers(unittest.TestCase):
    def test_lambda_of_the_admin_address(self):
        program, admin = example(self)

        def numbers():
            answer = request(admin, "GET", "/lambda")
            self.assertEqual((answer.status, answer.one("content-type")), (200, "application/json"))
            self.assertTrue(answer.body.endswith(b"}\n"))
            return json.loads(answer.body)

        route = {"function_name": "my-api-handler", "total_requests": 0, "total_errors": 0, "total_invokes": 0}
        self.assertEqual(numbers(), {"serverless-api": route})
        request(program.gateway, "GET", "/api/compute/data")
        request(program.gateway, "POST", "/api/compute/data", body=b"{}")
        request(program.gateway, "GET", "/api/compute/fail")
        request(program.gateway, "GET", "/elsewhere")
        route |= {"total_requests": 3, "total_errors": 1, "total_invokes": 3}
        self.assertEqual(numbers(), {"serverless-api": route})


class ConvertedNumbers(Numbers):
    converted = True


class Unreachable(unittest.TestCase):
    def test_a_function_that_is_not_there(self):
        folder = laid_out(self, "runway")
        program = dev(self, folder, "runway.yaml", ports=PORTS)
        answer = request(program.gateway, "GET", "/api/compute")
        self.assertEqual((answer.status, answer.body), (502, b"lambda: invoke failed\n"))
        self.assertEqual(answer.one("content-type"), "text/plain; charset=utf-8")
        self.assertEqual(answer.one("x-content-type-options"), "nosniff")


class ConvertedUnreachable(Unreachable):
    converted = True


class Validation(unittest.TestCase):
    def check(self, text, *expect):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "runway.yaml")
            file.write_text(textwrap.dedent(text))
            done = subprocess.run(
                [LAMBRIDGE, "check", "-c", file], capture_output=True, text=True, timeout=30, check=False
            )
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode == 0, not expect, said)
        for line in expect:
            self.assertIn(line, said)

    def test_the_document(self):
        self.check("routes: [{ id: a, path: /a, lambda: { enabled: true, function_name: a } }]")

    def test_function_name_is_required(self):
        self.check(
            "routes: [{ id: a, path: /a, lambda: { enabled: true } }]", "route a: lambda.function_name is required"
        )

    def test_mutual_exclusions(self):
        others = {
            "backends": '[{ url: "http://127.0.0.1:1" }]',
            "service": "{ name: s }",
            "upstream": "u",
            "echo": "true",
            **dict.fromkeys(["static", "fastcgi", "sequential", "aggregate", "amqp", "pubsub"], "{ enabled: true }"),
        }
        for key, value in others.items():
            with self.subTest(key):
                self.check(
                    f"""\
                    routes:
                      - id: a
                        path: /a
                        {key}: {value}
                        lambda: {{ enabled: true, function_name: a }}
                    """,
                    f"route a: lambda is mutually exclusive with {key}",
                )


if __name__ == "__main__":
    unittest.main()

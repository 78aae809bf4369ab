"""runway's Lambda backend, by its document: the example's own files, through the binary and AWS's Python client.

What the document says, and where it is held to that:

| | says | test |
| --- | --- | --- |
| R1 | without `lambda.enabled` the route's own backend answers | Backends.test_lambda_is_off_unless_it_is_turned_on |
| R2 | `function_name` is required | Validation.test_function_name_is_required |
| R3 | `region` is us-east-1 when absent | Calls.test_where_calls_go |
| R4 | `max_retries` is 0 when absent | Calls.test_attempts |
| R5 | `function_name` is a name or an ARN | Calls.test_where_calls_go |
| R6 | nothing else answers beside `lambda` | Validation.test_mutual_exclusions |
| R7 | the document's own example loads | Validation.test_the_document, Document |
| R8 | a GET's payload | Document.test_get |
| R9 | every other method's payload | Document.test_every_other_method, test_head |
| R10 | headers: one value each, with the request's id, as changed on the way | Document.test_get, Middleware.test_headers |
| R11 | `path` is the client's, whatever is rewritten | Middleware.test_the_path_is_the_clients |
| R12 | `pathParameters`, of exact paths and of prefixes | Document.test_get, Middleware.test_parameters |
| R13 | keys in alphabetical order, HTML escaped | Document.test_get, Middleware.test_html |
| R14 | an answer is 200, JSON, as the function gave it | Document.test_get, Middleware.test_any_payload |
| R15 | a function's error is 502 with its payload | Document.test_function_errors |
| R16 | what came of a call otherwise is 502 with a line of text | Unreachable, Calls.test_attempts |
| R17 | a call that takes too long is 502 too | Middleware.test_timeout |
| R18 | AWS's default chain of credentials | Calls.test_where_calls_go (environment); credentials_test.py |
| R19 | `GET /lambda` on the admin address | Numbers |
| R20 | what is counted when | Numbers, Middleware.test_refused_requests_are_not_counted |
| R21 | all middleware of the route applies, or is refused by name | Middleware.test_rate_limit, test_body_size, test_headers; Requests; Validation.test_middleware_is_never_passed_over |
"""

import json
import pathlib
import subprocess
import tempfile
import textwrap
import unittest

from support import LAMBRIDGE, Service, dev, laid_out, request, start

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


FUNCTION = """\
import time

def handler(event, context):
    path = event["path"]
    if path.endswith("/slow"):
        time.sleep(30)
    if path.endswith("/list"):
        return ["<a>&", 1, None]
    return {"got": event}
"""


class Middleware(unittest.TestCase):
    """What runway does around a call."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="lambridge-runway-"))
        cls.folder = folder
        (folder / "app.py").write_text(FUNCTION)
        (folder / "functions.yaml").write_text(
            "lambridge: 1\nfunctions: { f: { run: { command: "
            + json.dumps(f"{laid_out(cls, 'runway')}/.venv/bin/python -m awslambdaric app.handler")
            + ", dir: . } } }\n"
        )
        (folder / "runway.yaml").write_text(
            textwrap.dedent(
                """\
                routes:
                  - id: tenants
                    path: /tenants/{tenant}
                    path_prefix: true
                    lambda: { enabled: true, function_name: f }
                    strip_prefix: true
                    rewrite: { host: nobody.example.com }
                    max_body_size: 16
                    timeout_policy: { request: 2s }
                    transform:
                      request: { headers: { set: { X-Set: new }, add: { X-Added: a }, remove: [X-Gone] } }
                      response: { headers: { set: { X-Answer: b } } }
                  - id: one
                    path: /users/{id}
                    lambda: { enabled: true, function_name: f }
                  - id: limited
                    path: /limited
                    lambda: { enabled: true, function_name: f }
                    rate_limit: { enabled: true, rate: 2, period: 1h }
                  - id: keyed
                    path: /keyed
                    lambda: { enabled: true, function_name: f }
                    rate_limit: { enabled: true, rate: 1, period: 1h, key: "header:X-Key" }
                """
            )
        )
        cls.program = dev(cls, folder, "runway.yaml", "functions.yaml", ports=PORTS)
        cls.admin = cls.program.await_line(r"admin on http://")[0].split("http://")[1].split()[0]

    def ask(self, target, headers=JSON, method="GET", body=None):
        return request(self.program.gateway, method, target, headers, body)

    def got(self, *arguments, **named):
        answer = self.ask(*arguments, **named)
        self.assertEqual(answer.status, 200, answer)
        return json.loads(answer.body)["got"]

    def test_parameters(self):
        self.assertEqual(self.got("/users/7")["pathParameters"], {"id": "7"})
        for target in ["/tenants/acme", "/tenants/acme/a/b", "/tenants/acme/"]:
            with self.subTest(target):
                self.assertEqual(self.got(target)["pathParameters"], {"tenant": "acme"})
        self.assertEqual(self.ask("/tenants").status, 404)

    def test_the_path_is_the_clients(self):
        self.assertEqual(self.got("/tenants/acme/a")["path"], "/tenants/acme/a")

    def test_headers(self):
        sent = [*JSON, ("X-Set", "old"), ("X-Gone", "1")]
        answer = self.ask("/tenants/acme", headers=sent)
        headers = json.loads(answer.body)["got"]["headers"]
        self.assertEqual((headers["X-Set"], headers["X-Added"]), ("new", "a"))
        self.assertNotIn("X-Gone", headers)
        self.assertEqual(answer.one("x-answer"), "b")

    def test_html(self):
        answer = self.ask("/users/7?a=%3Cb%3E%26")
        self.assertEqual(json.loads(answer.body)["got"]["queryParameters"], {"a": ["<b>&"]})

    def test_any_payload(self):
        answer = self.ask("/users/list")
        self.assertEqual((answer.status, answer.one("content-type")), (200, "application/json"))
        self.assertEqual(json.loads(answer.body), ["<a>&", 1, None])

    def test_timeout(self):
        answer = self.ask("/tenants/acme/slow")
        self.assertEqual((answer.status, answer.body), (502, b"lambda: invoke failed\n"))

    def test_body_size(self):
        self.assertEqual(self.got("/tenants/acme", method="POST", body=b"x" * 16)["body"], "x" * 16)
        answer = self.ask("/tenants/acme", method="POST", body=b"x" * 17)
        self.assertEqual(answer.status, 413)
        self.assertEqual(json.loads(answer.body)["message"], "Request Entity Too Large")
        self.assertEqual(len(self.got("/users/7", method="POST", body=b"x" * 100)["body"]), 100)

    def test_rate_limit(self):
        for left in ["1", "0"]:
            answer = self.ask("/limited")
            self.assertEqual((answer.status, answer.one("x-ratelimit-remaining")), (200, left))
            self.assertEqual(answer.one("x-ratelimit-limit"), "2")
        answer = self.ask("/limited")
        self.assertEqual((answer.status, answer.one("content-type")), (429, "application/json"))
        error = json.loads(answer.body)
        self.assertEqual((error["code"], error["message"]), (429, "Too Many Requests"))
        self.assertGreater(int(answer.one("retry-after")), 0)
        self.assertEqual(answer.one("x-ratelimit-remaining"), "0")
        for key, status in [("a", 200), ("b", 200), ("a", 429)]:
            self.assertEqual(self.ask("/keyed", headers=[("X-Key", key)]).status, status, key)

    def test_refused_requests_are_not_counted(self):
        def calls():
            return json.loads(request(self.admin, "GET", "/lambda").body)["tenants"]["total_invokes"]

        before = calls()
        self.ask("/tenants/acme", method="POST", body=b"x" * 17)
        self.assertEqual(calls(), before)


class ConvertedMiddleware(Middleware):
    converted = True


class Calls(unittest.TestCase):
    """What leaves for AWS, seen by a server that stands for it."""

    def gateway(self, aws, routes, env=None):
        env = (env or {}) | {
            "AWS_ENDPOINT_URL_LAMBDA": f"http://{aws.address}",
            "AWS_ACCESS_KEY_ID": "AKIDENVIRONMENT",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "eu-north-1",
        }
        head = "listeners: [{ address: '127.0.0.1:0' }]\nadmin: { enabled: false }\nroutes:\n"
        return start(self, "gateway", head + textwrap.indent(routes, "  "), env=env)

    def test_where_calls_go(self):
        aws = Service(self, lambda _: (200, {}, b"{}"))
        arn = "arn:aws:lambda:eu-west-1:123456789012:function:g"
        program = self.gateway(
            aws,
            "- { id: a, path: /a, lambda: { enabled: true, function_name: f } }\n"
            "- { id: b, path: /b, lambda: { enabled: true, function_name: f, region: ap-south-1 } }\n"
            f'- {{ id: c, path: /c, lambda: {{ enabled: true, function_name: "{arn}" }} }}\n',
        )
        for path, region, name in [("/a", "us-east-1", "f"), ("/b", "ap-south-1", "f"), ("/c", "eu-west-1", arn)]:
            with self.subTest(path):
                self.assertEqual(request(program.gateway, "GET", path).status, 200)
                asked = aws.requests[-1]
                self.assertIn(f"Credential=AKIDENVIRONMENT/", asked.headers["authorization"])
                self.assertIn(f"/{region}/lambda/aws4_request", asked.headers["authorization"])
                self.assertIn(name, asked.path.replace("%3A", ":"))

    def test_values_from_elsewhere(self):
        aws = Service(self, lambda _: (200, {}, b"{}"))
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("from-a-file\n")
            file.flush()
            program = self.gateway(
                aws,
                "- { id: a, path: /a, lambda: { enabled: true, function_name: '${FUNCTION}', region: '${env:PLACE}' } }\n"
                f"- {{ id: b, path: /b, lambda: {{ enabled: true, function_name: '${{file:{file.name}}}' }} }}\n",
                {"FUNCTION": "from-a-variable", "PLACE": "ap-south-1"},
            )
        for path, region, name in [("/a", "ap-south-1", "from-a-variable"), ("/b", "us-east-1", "from-a-file")]:
            self.assertEqual(request(program.gateway, "GET", path).status, 200)
            asked = aws.requests[-1]
            self.assertIn(f"/{region}/lambda/aws4_request", asked.headers["authorization"])
            self.assertEqual(asked.path, f"/2015-03-31/functions/{name}/invocations")

    def test_attempts(self):
        aws = Service(self, lambda _: (500, {"x-amzn-ErrorType": "ServiceException"}, b"{}"))
        program = self.gateway(
            aws,
            "- { id: a, path: /a, lambda: { enabled: true, function_name: f } }\n"
            "- { id: b, path: /b, lambda: { enabled: true, function_name: f, max_retries: 2 } }\n",
        )
        for path, attempts in [("/a", 1), ("/b", 3)]:
            with self.subTest(path):
                before = len(aws.requests)
                answer = request(program.gateway, "POST", path, body=b"{}")
                self.assertEqual((answer.status, answer.body), (502, b"lambda: invoke failed\n"))
                self.assertEqual(len(aws.requests) - before, attempts)


class Backends(unittest.TestCase):
    """Routes that runway proxies."""

    def setUp(self):
        self.server = Service(self, lambda _: (201, {"x-powered-by": "app"}, b"made"))
        self.program = start(
            self,
            "gateway",
            f"""\
            listeners: [{{ address: "127.0.0.1:0" }}]
            admin: {{ enabled: false }}
            upstreams: {{ pool: {{ backends: [{{ url: "http://{self.server.address}/base" }}] }} }}
            routes:
              - id: own
                path: /api
                path_prefix: true
                backends: [{{ url: "http://{self.server.address}" }}]
                strip_prefix: true
                transform: {{ response: {{ headers: {{ remove: [X-Powered-By] }} }} }}
              - {{ id: named, path: /v1, path_prefix: true, upstream: pool, rewrite: {{ prefix: /v2, host: in.example }} }}
              - id: off
                path: /off
                lambda: {{ enabled: false, function_name: f }}
                backends: [{{ url: "http://{self.server.address}" }}]
              - {{ id: down, path: /down, backends: [{{ url: "http://127.0.0.1:1" }}] }}
              - {{ id: mocked, path: /mocked, mock_response: {{ enabled: true, status_code: 418, body: tea }} }}
            """,
        )

    def test_requests_pass(self):
        answer = request(self.program.gateway, "POST", "/api/a%2Fb?x=1", [("Host", "out.example")], b"body")
        self.assertEqual((answer.status, answer.body), (201, b"made"))
        self.assertEqual(answer.all("x-powered-by"), [])
        asked = self.server.requests[-1]
        self.assertEqual((asked.command, asked.path, asked.body), ("POST", "/a%2Fb?x=1", b"body"))
        self.assertEqual(asked.headers["host"], self.server.address)
        self.assertEqual(asked.headers["x-forwarded-host"], "out.example")
        request(self.program.gateway, "GET", "/v1/users")
        asked = self.server.requests[-1]
        self.assertEqual((asked.path, asked.headers["host"]), ("/base/v2/users", "in.example"))

    def test_lambda_is_off_unless_it_is_turned_on(self):
        self.assertEqual(request(self.program.gateway, "GET", "/off").body, b"made")
        self.assertEqual(self.server.requests[-1].path, "/off")

    def test_a_backend_that_is_not_there(self):
        answer = request(self.program.gateway, "GET", "/down")
        self.assertEqual((answer.status, json.loads(answer.body)["message"]), (502, "Bad Gateway"))

    def test_an_answer_of_the_routes_own(self):
        answer = request(self.program.gateway, "GET", "/mocked")
        self.assertEqual((answer.status, answer.body), (418, b"tea"))


class Requests(unittest.TestCase):
    """Which requests come in, and to which route."""

    def gateway(self, text):
        head = "listeners: [{ address: '127.0.0.1:0' }]\nadmin: { enabled: false }\n"
        return start(self, "gateway", head + textwrap.dedent(text))

    def test_conditions(self):
        program = self.gateway(
            """\
            routes:
              - id: pattern
                path: /a
                match: { headers: [{ name: X-Version, regex: "^v[0-9]" }], query: [{ name: page, present: true }] }
                mock_response: { enabled: true, body: pattern }
              - { id: part, path: /a, match: { query: [{ name: q, regex: "b+" }] }, mock_response: { enabled: true, body: part } }
              - id: absent
                path: /a
                match: { headers: [{ name: X-Debug, present: false }] }
                mock_response: { enabled: true, body: absent }
            """
        )
        for target, headers, expect in [
            ("/a?page=", [("X-Version", "v2-beta")], b"pattern"),
            ("/a?page=1", [("X-Version", "a v2"), ("X-Debug", "")], None),
            ("/a", [("X-Version", "v2")], b"absent"),
            ("/a?q=abbc", [("X-Debug", "1")], b"part"),
            ("/a?q=ac", [("X-Debug", "1")], None),
        ]:
            with self.subTest(target=target, headers=headers):
                answer = request(program.gateway, "GET", target, headers)
                self.assertEqual((answer.status, answer.body) if expect else answer.status, (200, expect) if expect else 404)

    def test_allowed_hosts_and_https_redirect(self):
        program = self.gateway(
            """\
            allowed_hosts: { enabled: true, hosts: [api.example.com, "*.example.org"] }
            https_redirect: { enabled: true, port: 8443, permanent: true }
            trusted_proxies: { cidrs: [127.0.0.1] }
            routes: [{ id: a, path: /a, mock_response: { enabled: true, body: in } }]
            """
        )
        secure = ("X-Forwarded-Proto", "https")
        for host in ["API.example.com:80", "x.example.org"]:
            self.assertEqual(request(program.gateway, "GET", "/a", [("Host", host), secure]).body, b"in")
        for headers in [[("Host", "example.org")], [("Host", "127.0.0.1"), secure]]:
            answer = request(program.gateway, "GET", "/a", headers)
            self.assertEqual((answer.status, answer.one("content-type")), (421, "application/json"))
            self.assertEqual(answer.body, b'{"error":"misdirected_request","message":"Host not allowed"}')
        answer = request(program.gateway, "GET", "/nowhere?b=1", [("Host", "api.example.com:8080")])
        self.assertEqual((answer.status, answer.one("location")), (301, "https://api.example.com:8443/nowhere?b=1"))


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


    def test_middleware_is_never_passed_over(self):
        for key, value in {"auth": "{ required: true }", "cors": "{ enabled: true }", "cache": "{ enabled: true }"}.items():
            with self.subTest(key):
                text = f"routes: [{{ id: a, path: /a, {key}: {value}, lambda: {{ enabled: true, function_name: a }} }}]"
                self.check(text, f"`{key}`", "is not supported yet")


if __name__ == "__main__":
    unittest.main()

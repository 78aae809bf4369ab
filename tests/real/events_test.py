"""Events that the gateway writes, through the binary: what the function is given, and what a client is told when there is none."""

import json
import pathlib
import tempfile
import unittest

from aws_parts import Lambda
from support import Service, command, request, start

KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.called = Lambda(cls)
        cls.program = start(
            cls,
            "gateway",
            f"""
            lambridge: 1
            listeners: [{{ address: 127.0.0.1:0 }}]
            aws: {{ region: eu-west-1, endpoint: '{cls.called.url}' }}
            trace: {{ from: anyone }}
            functions:
              lattice: {{ event: lattice_v2 }}
              order:
                event: template
                template: |
                  {{ "id": {{{{ params.id }}}}, "note": "{{{{ method }}}} of {{{{ headers['x-who'] }}}}",
                    "debug": {{{{ query.debug | default(false) }}}},
                    "skus": [{{% for line in json.lines %}}{{{{ line.sku }}}}{{% if not loop.last %}}, {{% endif %}}{{% endfor %}}] }}
              broken: {{ event: template, template: '{{{{ method }}}} {{{{ path }}}}' }}
              echo: {{ event: template, template: '{{{{ json }}}}' }}
              tenant: {{ tenant_id: {{ header: x-tenant }}, event: body }}
              later: {{ invoke: async, event: body }}
            routes:
              - {{ match: {{ path_prefix: /lattice }}, function: lattice }}
              - {{ match: {{ path: '/orders/{{id}}' }}, function: order }}
              - {{ match: {{ path: /broken }}, function: broken }}
              - {{ match: {{ path: /echo }}, function: echo }}
              - {{ match: {{ path: /tenant }}, function: tenant }}
              - {{ match: {{ path: /later }}, function: later }}
            """,
            env=KEYS,
        )

    def setUp(self):
        self.called.requests.clear()

    def ask(self, method, target, headers=(), body=None):
        return request(self.program.gateway, method, target, headers, body)

    def event(self, *words, **more):
        """What the one call of a request carries."""
        answer = self.ask(*words, **more)
        self.assertEqual((answer.status, answer.body), (200, b"ok"), self.program.said())
        [call] = self.called.requests
        return json.loads(call.body)

    def refused(self, status, reason, *words, **more):
        answer = self.ask(*words, **more)
        self.assertEqual((answer.status, answer.reason), (status, reason), answer)
        self.assertEqual(self.called.requests, [], "nothing is called")
        return self.program.await_line(answer.one("x-request-id"))[0]

    def test_lattice(self):
        event = self.event("POST", "/lattice/a%20b?x=1&x=2", [("x-a", "1"), ("x-a", "2")], b"\xff")
        self.assertEqual((event["version"], event["method"], event["path"]), ("2.0", "POST", "/lattice/a%20b"))
        self.assertEqual(event["queryStringParameters"], {"x": ["1", "2"]})
        self.assertEqual(event["headers"]["x-a"], ["1", "2"])
        self.assertEqual((event["body"], event["isBase64Encoded"]), ("/w==", True))
        self.assertEqual(event["requestContext"]["region"], "eu-west-1")

    def test_template(self):
        body = json.dumps({"lines": [{"sku": "a"}, {"sku": 'b"],"x":["'}]}).encode()
        event = self.event("PUT", "/orders/7%22%7D?debug=%22yes", [("x-who", 'me", "admin": "true')], body)
        self.assertEqual(
            event,
            {"id": '7"}', "note": 'PUT of me", "admin": "true', "debug": '"yes', "skus": ["a", 'b"],"x":["']},
        )

    def test_what_the_request_lacks(self):
        for headers, body in [((), b'{"lines": []}'), ([("x-who", "me")], b"{"), ([("x-who", "me")], b"")]:
            with self.subTest(headers=headers, body=body):
                line = self.refused(400, "bad_request", "PUT", "/orders/1", headers=headers, body=body)
                self.assertIn("the event's template", line)

    def test_what_the_template_gets_wrong(self):
        self.assertIn("no JSON", self.refused(500, "template_error", "GET", "/broken"))
        # And the connection is as good as before.
        self.assertEqual(self.event("POST", "/echo", body=b'{"b": 1, "a": [true]}'), {"b": 1, "a": [True]})

    def test_an_event_that_is_too_large(self):
        body = json.dumps(["\0" * 2_000_000]).encode()
        self.refused(413, "body_too_large", "POST", "/echo", body=body)
        body = json.dumps([1.5e300] * 300_000).encode()
        self.assertEqual(len(self.event("POST", "/echo", body=body)), 300_000)
        self.called.requests.clear()
        # A body that fits, and whose base64 does not.
        self.refused(413, "event_too_large", "POST", "/lattice", body=b"\xff" * 5_000_000)

    def test_an_event_for_later_has_a_limit_of_its_own(self):
        body = b'"%s"' % (b"x" * (2**20 - 2))
        self.assertEqual(self.ask("POST", "/later", body=body).status, 202)
        [call] = self.called.requests
        self.assertEqual((call.headers["x-amz-invocation-type"], call.body), ("Event", body))
        self.called.requests.clear()
        self.refused(413, "event_too_large", "POST", "/later", body=body + b" ")

    def test_tenant(self):
        answer = self.ask("POST", "/tenant", [("x-tenant", "blue"), ("x-amz-tenant-id", "red")], b"{}")
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.called.requests[0].headers["x-amz-tenant-id"], "blue")
        self.called.requests.clear()
        self.refused(400, "bad_request", "POST", "/tenant", headers=[("x-amz-tenant-id", "red")], body=b"{}")

    def test_trace(self):
        """In either form, for Lambda and for the function."""
        w3c = "00-67891233abcdef012345678912345678-53995c3f42cd8ad8-01"
        xray = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"
        for sent in [("traceparent", w3c), ("x-amzn-trace-id", xray)]:
            with self.subTest(sent):
                self.called.requests.clear()
                headers = self.event("GET", "/lattice", [sent])["headers"]
                self.assertEqual((headers["traceparent"], headers["x-amzn-trace-id"]), ([w3c], [xray]))
                self.assertEqual(self.called.requests[0].headers["x-amzn-trace-id"], xray)


class Formats(unittest.TestCase):
    """Each source's own event, and its own rules for the answer."""

    FORMATS = ["http_v2", "rest_v1", "alb", "alb_multi_value", "lattice_v2", "body", "runway", "krakend"]

    @classmethod
    def setUpClass(cls):
        cls.payload = ""
        cls.called = Service(cls, lambda _: (200, {"content-type": "application/json"}, cls.payload))
        functions = "".join(f"  {name}: {{ event: {name} }}\n" for name in cls.FORMATS)
        routes = "".join(f"  - {{ match: {{ path: '/{name}/{{id}}' }}, function: {name} }}\n" for name in cls.FORMATS)
        cls.program = start(
            cls,
            "gateway",
            f"lambridge: 1\nlisteners: [{{ address: 127.0.0.1:0 }}]\n"
            f"aws: {{ region: eu-west-1, endpoint: '{cls.called.url}' }}\nfunctions:\n{functions}routes:\n{routes}",
            env=KEYS,
        )

    def ask(self, name, payload):
        type(self).payload = payload
        self.called.requests.clear()
        headers = [("x-a", "1"), ("x-a", "2"), ("cookie", "a=1"), ("content-type", "application/json")]
        answer = request(self.program.gateway, "POST", f"/{name}/7?q=1&q=2", headers, b'{"k": 1}')
        [call] = self.called.requests
        return json.loads(call.body), answer

    def test_events(self):
        for name, expect in {
            "http_v2": {
                "version": "2.0",
                "rawPath": "/http_v2/7",
                "rawQueryString": "q=1&q=2",
                "routeKey": "POST /http_v2/{id}",
                "pathParameters": {"id": "7"},
                "queryStringParameters": {"q": "1,2"},
                "cookies": ["a=1"],
                "headers.x-a": "1,2",
                "requestContext.http.method": "POST",
                "body": '{"k": 1}',
            },
            "rest_v1": {
                "resource": "/rest_v1/{id}",
                "path": "/rest_v1/7",
                "httpMethod": "POST",
                "multiValueQueryStringParameters": {"q": ["1", "2"]},
                "queryStringParameters": {"q": "2"},
                "pathParameters": {"id": "7"},
                "stageVariables": None,
                "multiValueHeaders.x-a": ["1", "2"],
                "headers.x-a": "2",
                "requestContext.resourcePath": "/rest_v1/{id}",
                "isBase64Encoded": False,
            },
            "alb": {"path": "/alb/7", "httpMethod": "POST", "headers.x-a": "2", "queryStringParameters": {"q": "2"}},
            "alb_multi_value": {
                "path": "/alb_multi_value/7",
                "multiValueHeaders.x-a": ["1", "2"],
                "multiValueQueryStringParameters": {"q": ["1", "2"]},
            },
            "lattice_v2": {"version": "2.0", "path": "/lattice_v2/7", "headers.x-a": ["1", "2"]},
            "body": {"k": 1},
            "runway": {"httpMethod": "POST", "path": "/runway/7", "headers.X-A": "1", "body": '{"k": 1}'},
            "krakend": {"id": "7"},
        }.items():
            with self.subTest(name):
                event, _ = self.ask(name, '{"statusCode":200}')
                for path, value in expect.items():
                    found = event
                    for key in path.split("."):
                        found = found.get(key)
                    self.assertEqual(found, value, f"{path} of {event}")

    def test_answers(self):
        """Status, or reason; body; fields."""
        multi = '{"statusCode":201,"multiValueHeaders":{"x-b":["1","2"]},"headers":{"x-b":"3"},"body":"b"}'
        cookies = '{"statusCode":201,"cookies":["a=1","b=2"],"body":"b"}'
        strange = '{"statusCode":200,"wrongValue":1,"body":"b"}'
        base64 = '{"statusCode":200,"isBase64Encoded":true,"body":"aGk="}'
        for name, payload, expect in [
            ("http_v2", '"text"', (200, b"text")),
            ("http_v2", '{"a": [1]}', (200, b'{"a":[1]}')),
            ("http_v2", '{"statusCode":"418","body":"b"}', (418, b"b")),
            ("http_v2", multi, (201, b"b", ["3"])),
            ("http_v2", cookies, (201, b"b", [], ["a=1", "b=2"])),
            ("http_v2", strange, (200, b"b")),
            ("http_v2", '{"statusCode":600}', (502, "malformed_answer")),
            ("http_v2", '{"statusCode":205,"body":"b"}', (205, b"")),
            ("rest_v1", '"text"', (502, "malformed_answer")),
            ("rest_v1", '{"headers":{"x-b":"3"}}', (200, b"", ["3"])),
            ("rest_v1", multi, (201, b"b", ["1", "2", "3"])),
            ("rest_v1", strange, (502, "malformed_answer")),
            ("rest_v1", base64, (200, b"hi")),
            ("alb", '{"body":"b"}', (502, "malformed_answer")),
            ("alb", multi, (201, b"b", ["3"])),
            ("alb_multi_value", multi, (201, b"b", ["1", "2"])),
            ("lattice_v2", base64, (200, b"hi")),
            ("lattice_v2", "[]", (502, "malformed_answer")),
        ]:
            with self.subTest(name=name, payload=payload):
                _, answer = self.ask(name, payload)
                shown = answer.reason if answer.status == 502 else answer.body
                found = (answer.status, shown, answer.all("x-b"), answer.all("set-cookie"))
                self.assertEqual(found[: len(expect)], expect)


class Check(unittest.TestCase):
    """Where `check` says that a template is wrong."""

    def check(self, template, place, message):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        file = folder / "lambridge.yaml"
        file.write_text(f"lambridge: 1\nfunctions:\n  f:\n    event: template\n    template: {template}\n")
        ran = command("check", "-c", "lambridge.yaml", cwd=folder)
        self.assertEqual(ran.returncode, 1, ran)
        self.assertTrue(ran.stdout.startswith(f"lambridge.yaml:{place}: error: {message}"), ran.stdout)
        return ran.stdout.splitlines()

    def test_in_a_block(self):
        lines = self.check('|\n      { "a": 1,\n        "b": {{ jsn }} }', "7:17", "the template: `jsn` is no name of a request")
        self.assertEqual(lines[1:3], ['7 |         "b": {{ jsn }} }', "  |                 ^"])

    def test_in_quotes(self):
        self.check("'{{ method | uper }}'", "5:28", "the template: unknown filter: filter uper is unknown")

    def test_in_a_folded_text(self):
        self.check(">\n      [\n      {{ jsn }}]", "6:7", "line 1, column 6 of the template: `jsn` is no name")


if __name__ == "__main__":
    unittest.main()

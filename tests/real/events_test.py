"""Events that the gateway writes, through the binary: what the function is given, and what a client is told when there is none."""

import json
import pathlib
import tempfile
import unittest

from aws_parts import Lambda
from support import command, request, start

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
            routes:
              - {{ match: {{ path_prefix: /lattice }}, function: lattice }}
              - {{ match: {{ path: '/orders/{{id}}' }}, function: order }}
              - {{ match: {{ path: /broken }}, function: broken }}
              - {{ match: {{ path: /echo }}, function: echo }}
              - {{ match: {{ path: /tenant }}, function: tenant }}
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

    def test_tenant(self):
        answer = self.ask("POST", "/tenant", [("x-tenant", "blue"), ("x-amz-tenant-id", "red")], b"{}")
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.called.requests[0].headers["x-amz-tenant-id"], "blue")
        self.called.requests.clear()
        self.refused(400, "bad_request", "POST", "/tenant", headers=[("x-amz-tenant-id", "red")], body=b"{}")


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

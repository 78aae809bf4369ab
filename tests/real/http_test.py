"""HTTP services, redirects, rewrites, limits and HTTP/2 of the native configuration, through the binary."""

import json
import pathlib
import signal
import subprocess
import tempfile
import textwrap
import unittest

from support import Service, command, request, start


def repeat(asked):
    """What was asked, as JSON."""
    told = {"method": asked.command, "target": asked.path, "body": asked.body.decode()}
    told["headers"] = {name.lower(): value for name, value in asked.headers.items()}
    return 200, {"content-type": "application/json", "x-powered-by": "python"}, json.dumps(told)


def configuration(address):
    return f"""\
        lambridge: 1
        listeners: [{{ address: "127.0.0.1:0", http2: cleartext }}]
        routes:
          - id: app
            match: {{ path_prefix: "/app/{{tenant}}" }}
            upstream: {{ url: "http://{address}", timeout: 20s }}
            rewrite: {{ prefix: /base }}
            request_headers: {{ set: {{ X-Gateway: lambridge, X-Forwarded-Prefix: /app }} }}
            answer_headers: {{ remove: [X-Powered-By] }}
            limits: {{ body: 16 }}
          - id: item
            match: {{ path: "/item/{{id}}" }}
            upstream: {{ endpoints: [{{ url: "http://{address}" }}], host: upstream }}
            rewrite: {{ path: "/items/{{id}}" }}
          - {{ id: old, match: {{ path_prefix: /old }}, redirect: {{ scheme: https, prefix: /new, status: 308 }} }}
          - {{ id: down, match: {{ path: /down }}, upstream: {{ url: "http://127.0.0.1:1" }} }}
          - id: limited
            match: {{ path: /limited }}
            static: {{ body: fine }}
            rate_limit: {{ rate: 1, period: 1h, header: x-key }}
        """


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(cls, repeat)
        cls.gateway = start(cls, "gateway", configuration(cls.service.address)).gateway

    def ask(self, target, headers=(), method="GET", body=None):
        return request(self.gateway, method, target, list(headers), body)

    def test_services(self):
        sent = [("Host", "shop.example"), ("X-Forwarded-Prefix", "/evil"), ("Connection", "x-gateway, x-forwarded-prefix")]
        answer = self.ask("/app/acme/a%2Fb?x=1", sent, "POST", b"body")
        self.assertEqual((answer.status, answer.all("x-powered-by")), (200, []))
        told = json.loads(answer.body)
        self.assertEqual((told["method"], told["target"], told["body"]), ("POST", "/base/a%2Fb?x=1", "body"))
        self.assertEqual((told["headers"]["host"], told["headers"]["x-gateway"]), ("shop.example", "lambridge"))
        self.assertEqual(told["headers"]["x-forwarded-prefix"], "/app")
        told = json.loads(self.ask("/item/7?x=1", [("X-Forwarded-Prefix", "/evil")]).body)
        self.assertNotIn("x-forwarded-prefix", told["headers"])
        self.assertEqual((told["target"], told["headers"]["host"]), ("/items/7?x=1", self.service.address))
        self.assertEqual(self.ask("/app/acme", method="POST", body=b"x" * 17).status, 413)
        answer = self.ask("/down")
        self.assertEqual(answer.status, 502)
        self.assertTrue(json.loads(answer.body)["type"].endswith("upstream_error"))

    def test_redirects(self):
        answer = self.ask("/old/a?x=1", [("Host", "shop.example:8080")])
        self.assertEqual((answer.status, answer.one("location")), (308, "https://shop.example/new/a?x=1"))

    def test_limits(self):
        for key, status in [("a", 200), ("b", 200), ("a", 429)]:
            answer = self.ask("/limited", [("X-Key", key)])
            self.assertEqual(answer.status, status, key)
        self.assertTrue(json.loads(answer.body)["type"].endswith("rate_limited"))
        self.assertGreater(int(answer.one("retry-after")), 0)

    def test_http2(self):
        curl = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=False)
        if "HTTP2" not in curl.stdout:
            self.skipTest("this curl does not speak HTTP/2; the gateway's own tests do, frame by frame")
        done = subprocess.run(
            [
                *["curl", "--silent", "--show-error", "--http2-prior-knowledge", "--data", "body"],
                *["--write-out", "\n%{http_version} %{http_code}", f"http://{self.gateway}/app/acme/x"],
            ],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        body, _, last = done.stdout.rpartition("\n")
        self.assertEqual(last, "2 200", done.stderr)
        self.assertEqual(json.loads(body)["body"], "body")


class Explained(unittest.TestCase):
    def test_what_a_route_does(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "a.yaml").write_text(textwrap.dedent(configuration("127.0.0.1:3000")))
            said = command("explain", "-c", "a.yaml", "GET", "/app/acme/x", cwd=folder)
        for line in ["the HTTP service at http://127.0.0.1:3000", "`/base` in place of the prefix", "at most 16 bytes"]:
            self.assertIn(line, said.stdout + said.stderr)


ONE_LISTENER = """\
lambridge: 1
listeners: [{ address: 127.0.0.1:0 }]
routes: [{ id: all, match: { path: / }, static: {} }]
"""


class Listeners(unittest.TestCase):
    def test_conditions_and_hosts(self):
        program = start(
            self,
            "gateway",
            """\
            lambridge: 1
            listeners: [{ address: "127.0.0.1:0", hosts: ["*.example.com"] }]
            routes:
              - match: { path: /a, headers: { x-version: { regex: "v[0-9]+" } }, query: { page: { present: true } } }
                static: { body: whole }
              - { match: { path: /a, headers: { x-version: { present: false } } }, static: { body: absent } }
            """,
        )
        for target, headers, expect in [
            ("/a?page=1", [("X-Version", "v10")], (200, b"whole")),
            ("/a?page=1", [("X-Version", "xv10")], (404, None)),
            ("/a", [("X-Version", "v10")], (404, None)),
            ("/a", [], (200, b"absent")),
        ]:
            with self.subTest(target=target, headers=headers):
                answer = request(program.gateway, "GET", target, [("Host", "a.example.com"), *headers])
                self.assertEqual((answer.status, answer.body if expect[1] else None), expect)
        answer = request(program.gateway, "GET", "/a")
        self.assertEqual((answer.status, json.loads(answer.body)["type"]), (421, "urn:lambridge:problem:misdirected"))

    def test_one_that_a_reload_brings(self):
        program = start(self, "gateway", ONE_LISTENER)
        program.file.write_text(ONE_LISTENER.replace("listeners: [", "listeners: [{ address: 127.0.0.2:0 }, "))
        program.await_line("listening on", 2)
        program.process.send_signal(signal.SIGHUP)
        program.await_line("configuration reloaded", 2)
        # What stays is not printed again.
        first, second = (line.split("//")[1] for line in program.await_line("listening on"))
        self.assertEqual(first, program.gateway)
        for address in [first, second]:
            self.assertEqual(request(address, "GET", "/").status, 200, address)

    def test_https_redirect(self):
        listener = '{ address: "127.0.0.1:0", https_redirect: { port: 8443, status: 308 } }'
        program = start(self, "gateway", f"lambridge: 1\nlisteners: [{listener}]\n")
        # Who is no trusted proxy cannot say that TLS was there.
        headers = [("Host", "a.example.com:80"), ("X-Forwarded-Proto", "https")]
        answer = request(program.gateway, "POST", "/a?b=c", headers, b"body")
        self.assertEqual((answer.status, answer.one("location")), (308, "https://a.example.com:8443/a?b=c"))


if __name__ == "__main__":
    unittest.main()

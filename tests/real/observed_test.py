"""What operators see of what happened: each request is counted and written down once, as it was, whatever a client sends; and
an access log that no one takes holds no request up."""

import base64
import collections
import concurrent.futures
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import textwrap
import threading
import time
import unittest

from support import DEADLINE, LAMBRIDGE, clean, cleanup, free_port, request, start

CONFIG = """
    lambridge: 1
    listeners: [{{ address: 127.0.0.1:0 }}]
    admin: {{ address: 127.0.0.1:0 }}
    log: {{ format: json }}
    trace: {{ generate: true }}
    aws:
      region: us-east-1
      endpoint: http://{fake}
      credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: hush-key }}
    functions:
      throttled: {{ retries: {{ max: 1 }} }}
      broken: {{}}
      slow: {{ concurrency: {{ max: 1, queue: 1, wait: 30s }} }}
      tail: {{ log_tail: true, prices: {{ gb_second: 0.0000166667, request: 0.0000002 }} }}
      any: {{}}
    routes:
      - {{ id: throttled, match: {{ path: /throttled }}, function: throttled }}
      - {{ id: broken, match: {{ path: /broken }}, function: broken }}
      - {{ id: slow, match: {{ path_prefix: /slow }}, function: slow }}
      - {{ id: tail, match: {{ path: /tail }}, function: tail }}
      - {{ id: named, match: {{ path: "/named/{{name}}" }}, function_from: {{ path: name, function: any, allow: ["*"] }} }}
      - {{ id: plain, match: {{ path_prefix: /plain }}, upstream: {{ url: "http://{fake}" }} }}
"""

THROTTLE = "ReservedFunctionConcurrentInvocationLimitExceeded"
# What would end a line, or a string in it.
LUCK = 'no "luck"\r\n\x1b[31m\u2028\\'
OK = json.dumps({"statusCode": 200, "headers": {"set-cookie": "session=hush-answer"}, "body": "ok"}).encode()


class Fake(http.server.ThreadingHTTPServer):
    """Lambda, where each function has a fault of its own; and an HTTP service under `/plain`."""

    daemon_threads = True

    def __init__(self):
        self.calls, self.began, self.go_on = collections.Counter(), threading.Event(), threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, b"plain")

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        name = re.match(r"/2015-03-31/functions/([^/]+)/invocations", self.path)[1]
        self.server.calls[name] += 1
        is_first = self.server.calls[name] == 1
        if name == "throttled" and is_first:
            body = json.dumps({"Reason": THROTTLE, "Type": "User", "message": "Rate Exceeded."}).encode()
            self.answer(429, body, {"x-amzn-ErrorType": "TooManyRequestsException"})
        elif name == "broken":
            self.answer(200, json.dumps({"errorMessage": LUCK}).encode(), {"X-Amz-Function-Error": "Unhandled"})
        elif name == "tail":
            init = "\tInit Duration: 100.00 ms" if is_first else ""
            report = f"REPORT RequestId: r\tDuration: 1.20 ms\tBilled Duration: 1000 ms\tMemory Size: 1024 MB\tMax Memory Used: 65 MB{init}\t\n"
            self.answer(200, OK, {"X-Amz-Log-Result": base64.b64encode(report.encode()).decode()})
        else:
            if name == "slow":
                self.server.began.set()
                self.server.go_on.wait(DEADLINE)
            self.answer(200, OK)

    def answer(self, status, body, fields={}):
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), "x-amzn-RequestId": "aws-1", **fields}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def fake(case):
    server = Fake()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cleanup(case, server.server_close)
    cleanup(case, server.shutdown)
    return server


class Counted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fake = fake(cls)
        cls.program = start(cls, "gateway", CONFIG.format(fake=f"127.0.0.1:{cls.fake.server_address[1]}"))
        cls.admin = cls.program.await_line(r"admin on http://")[0].rsplit("/", 1)[1]

    def ask(self, target, status, method="GET", headers=()):
        answer = request(self.program.gateway, method, target, headers)
        self.assertEqual(answer.status, status, f"{target}: {answer}")
        return answer

    def metrics(self):
        lines = request(self.admin, "GET", "/metrics").body.decode().splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return {series: float(value) for series, value in pairs}

    def check(self, **expect):
        """Series by their family, and what they are to say."""
        found = self.metrics()
        for family, series in expect.items():
            for labels, value in series.items():
                self.assertEqual(found.get(f"lambridge_{family}{{{labels}}}"), value, f"{family} {labels}")

    def line(self, target):
        """The one line of the log on this target."""
        lines = self.program.await_line(re.escape(json.dumps(target)[:-1]))
        self.assertEqual(len(lines), 1, lines)
        return json.loads(lines[0])

    def test_throttles_and_retries(self):
        self.ask("/throttled", 200)
        self.check(
            requests_total={'route="throttled",method="GET",status="2xx"': 1},
            throttles_total={f'function="throttled",reason="{THROTTLE}"': 1},
            retries_total={'function="throttled"': 1},
            invokes_total={'function="throttled",outcome="ok"': 1, 'function="throttled",outcome="throttled"': 1},
            invoke_duration_seconds_count={'function="throttled"': 2},
            request_duration_seconds_count={'route="throttled"': 1},
        )
        line = self.line("/throttled")
        self.assertEqual((line["attempts"], line["function"], line["lambda_request_id"]), (2, "throttled", "aws-1"))
        self.assertGreaterEqual(line["total_us"], line["invoke_us"])
        self.assertRegex(line["trace_id"], "^[0-9a-f]{32}$")

    def test_function_errors(self):
        answer = self.ask("/broken", 502)
        self.assertEqual(answer.reason, "function_error")
        self.check(
            requests_total={'route="broken",method="GET",status="5xx"': 1},
            problems_total={'route="broken",reason="function_error"': 1},
            invokes_total={'function="broken",outcome="function_error"': 1},
        )
        line = self.line("/broken")
        self.assertEqual((line["reason"], line["request_id"]), ("function_error", answer.one("x-request-id")))
        self.assertIn(json.dumps(LUCK), line["detail"])
        counts = json.loads(request(self.admin, "GET", "/lambda").body)
        self.assertIn("broken", json.dumps(counts))

    def test_queue(self):
        label = 'function="slow"'
        with concurrent.futures.ThreadPoolExecutor() as pool:
            first = pool.submit(self.ask, "/slow/1", 200)
            self.assertTrue(self.fake.began.wait(DEADLINE))
            second = pool.submit(self.ask, "/slow/2", 200)
            deadline = time.monotonic() + DEADLINE
            while self.metrics()[f"lambridge_queue_length{{{label}}}"] < 1:
                self.assertLess(time.monotonic(), deadline)
            limits = {"concurrency_limit": {label: 1}, "queue_limit": {label: 1}}
            self.check(calls_in_flight={label: 1}, **limits)
            self.assertEqual(self.ask("/slow/3", 503).reason, "overloaded")
            self.fake.go_on.set()
            first.result(), second.result()
        self.check(
            calls_in_flight={label: 0},
            queue_length={label: 0},
            queue_wait_seconds_count={label: 1},
            problems_total={'route="slow",reason="overloaded"': 1},
        )
        self.assertGreater(self.line("/slow/2")["queue_us"], 0)
        self.assertNotIn("invoke_us", self.line("/slow/3"))

    def test_cold_starts_and_cost(self):
        self.ask("/tail", 200)
        self.ask("/tail", 200)
        label = 'function="tail"'
        self.check(
            cold_starts_total={label: 1},
            reports_total={label: 2},
            init_seconds_total={label: 0.1},
            billed_seconds_total={label: 2},
            billed_gigabyte_seconds_total={label: 2},
            function_memory_bytes={label: 1 << 30},
            function_memory_used_max_bytes={label: 65 << 20},
        )
        cost = self.metrics()['lambridge_cost_dollars_total{route="tail"}']
        self.assertAlmostEqual(cost, 2 * 0.0000166667 + 2 * 0.0000002)
        lines = [json.loads(line) for line in self.program.await_line('"/tail"', 2)]
        self.assertEqual([line.get("init_us") for line in lines], [100_000, None])
        self.assertEqual((lines[0]["billed_ms"], lines[0]["memory_used_mb"]), (1000, 65))

    def test_an_http_service_is_named(self):
        self.ask("/plain/x", 200)
        line = self.line("/plain/x")
        self.assertEqual(line["upstream"], f"http://127.0.0.1:{self.fake.server_address[1]}")
        self.assertGreater(line["invoke_us"], 0)

    def test_a_client_makes_no_series(self):
        def provoke(count):
            for index in range(count):
                self.ask(f"/unknown/{index}", 404)
                self.ask(f"/named/f{index}", 200)
                self.ask("/unknown", 404, f"METHOD{index}")

        provoke(1)
        before = set(self.metrics())
        provoke(20)
        # The other tests of this class add series of their own routes and functions.
        ours = {name for name in self.metrics() if re.search('route="(named)?"|function="any"', name)}
        self.assertEqual(ours - before, set())
        self.assertEqual(self.line("/named/f7")["invoked"], "f7")
        self.check(invokes_total={'function="any",outcome="ok"': 21})

    def test_secrets_are_not_written_down(self):
        secrets = [("authorization", "Bearer hush-token"), ("cookie", "session=hush-cookie"), ("x-api-key", "hush-header")]
        self.ask("/plain/secret?a=1&access_token=hush-query&X-Amz-Signature=hush-sign", 200, headers=secrets)
        self.ask("/named/secret", 200, headers=secrets)
        target = "/plain/secret?a=1&access_token=REDACTED&X-Amz-Signature=REDACTED"
        self.assertEqual(self.line("/plain/secret")["target"], target)
        self.line("/named/secret")
        pages = [request(self.admin, "GET", path).body.decode() for path in ["/metrics", "/config", "/routes", "/functions", "/lambda"]]
        for text in [self.program.said(), *pages]:
            self.assertNotIn("hush", text)


SILENT = """
    lambridge: 1
    listeners: [{ address: 127.0.0.1:PORT }]
    admin: { address: 127.0.0.1:ADMIN }
    routes: [{ id: all, match: { path_prefix: / }, static: { status: 200, body: ok } }]
"""


class Unread(unittest.TestCase):
    """Standard output that takes nothing."""

    def gateway(self, output):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="lambridge-"))
        cleanup(self, shutil.rmtree, folder, True)
        ports = [free_port(), free_port()]
        file = folder / "lambridge.yaml"
        file.write_text(textwrap.dedent(SILENT).replace("PORT", str(ports[0])).replace("ADMIN", str(ports[1])))
        errors = open(folder / "errors", "w+")
        cleanup(self, errors.close)
        program = subprocess.Popen([LAMBRIDGE, "gateway", "-c", str(file)], env=clean(), stdout=output, stderr=errors)
        cleanup(self, program.wait)
        cleanup(self, program.kill)
        address, admin = (f"127.0.0.1:{port}" for port in ports)
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                self.assertEqual(request(admin, "GET", "/readyz").status, 200)
                return program, address, admin, folder / "errors"
            except ConnectionError:
                self.assertIsNone(program.poll(), (folder / "errors").read_text())
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)

    def serves_and_ends(self, program, address, admin, requests=1):
        target = "/" + "x" * 8000
        for _ in range(requests):
            self.assertEqual(request(address, "GET", target).body, b"ok")
        deadline = time.monotonic() + DEADLINE
        while re.search(r"^lambridge_log_lines_lost_total 0$", request(admin, "GET", "/metrics").body.decode(), re.MULTILINE):
            self.assertLess(time.monotonic(), deadline)
        program.send_signal(signal.SIGTERM)
        self.assertEqual(program.wait(DEADLINE), 0)

    def test_no_one_reads(self):
        read, write = os.pipe()
        cleanup(self, os.close, read)
        program, address, admin, errors = self.gateway(write)
        os.close(write)
        # More than the pipe and the gateway hold.
        self.serves_and_ends(program, address, admin, 400)
        self.assertEqual(errors.read_text(), "")

    def test_the_reader_is_gone(self):
        read, write = os.pipe()
        program, address, admin, errors = self.gateway(write)
        os.close(write)
        os.close(read)
        self.serves_and_ends(program, address, admin)
        self.assertIn("Broken pipe", errors.read_text())

    def test_the_disk_is_full(self):
        with open("/dev/full", "w") as full:
            program, address, admin, errors = self.gateway(full)
        self.serves_and_ends(program, address, admin, 3)
        self.assertEqual(errors.read_text().count("No space left on device"), 1)


if __name__ == "__main__":
    unittest.main()

"""A Lambda in trouble, through the binary: what is tried again and what is not, how many calls there are, who is asked instead;
and which of two versions a client gets.

The Lambda is the test's own, and does for each function what the test has written down for its next calls.
"""

import collections
import concurrent.futures
import json
import re
import signal
import threading
import time
import unittest

from aws_parts import Lambda
from support import DEADLINE, Service, closed_port, request, start

OK = (200, {"x-amzn-RequestId": "aws-1"}, '{"statusCode":200,"body":"ok"}')
# It takes the call, and closes the connection.
CUT = None


def throttle(after=None):
    headers = {"x-amzn-ErrorType": "TooManyRequestsException"}
    return 429, headers | ({} if after is None else {"retry-after": after}), "{}"


def failure(status, kind):
    return status, {"x-amzn-ErrorType": kind}, "{}"


FAULT = (200, {"X-Amz-Function-Error": "Unhandled"}, '{"errorMessage":"no"}')


class Case(unittest.TestCase):
    functions, routes, more = "", "", ""

    def setUp(self):
        self.script = collections.defaultdict(collections.deque)
        self.calls = []
        self.fake = Service(self, self.answer)
        self.program = start(
            self,
            "gateway",
            f"lambridge: 1\nlisteners: [{{ address: 127.0.0.1:0 }}]\nadmin: {{ address: 127.0.0.1:0 }}\n{self.more}"
            f"aws: {{ region: us-east-1, endpoint: '{self.fake.url}',"
            " credentials: { access_key_id: AKIDEXAMPLE, secret_access_key: secret } }\n"
            f"functions:\n{self.functions}routes:\n{self.routes}",
        )
        self.admin = self.program.await_line(r"admin on http://")[0].rsplit("/", 1)[1]

    def answer(self, asked):
        name = re.match(r"/2015-03-31/functions/([^/]+)/invocations", asked.path)[1]
        self.calls.append((name, time.monotonic()))
        step = self.script[name].popleft() if self.script[name] else OK
        return step() if callable(step) else step

    def ask(self, method, target, headers=(), address=None):
        return request(address or self.program.gateway, method, target, headers, b"x" if method == "POST" else None)

    def verdict(self, *words):
        answer = self.ask(*words)
        return answer.status, answer.reason if answer.status >= 400 else None

    def page(self, path):
        return self.ask("GET", path, address=self.admin).body.decode()


class Retries(Case):
    functions = """\
  f: { timeout: 10s, retries: { max: 2 } }
  frugal: { retries: { max: 5, budget: { ratio: 0%, min_per_second: 0 } } }
"""
    routes = """\
  - { match: { path: /frugal }, function: frugal }
  - { match: { path: /nobody }, functions: [{ name: f, weight: 0 }] }
  - { match: { path: /script }, function: f, scripts: { pre: "error('no')" } }
  - { match: { path_prefix: / }, function: f }
"""

    def test_only_what_was_surely_not_executed_or_may_be_twice(self):
        for method, steps, verdict, calls in [
            ("POST", [throttle()], (200, None), 2),
            ("POST", [throttle(), throttle()], (200, None), 3),
            ("POST", [throttle()] * 3, (503, "throttled"), 3),
            ("POST", [CUT], (502, "unreachable"), 1),
            ("GET", [CUT], (200, None), 2),
            ("POST", [failure(500, "ServiceException")], (502, "service_error"), 1),
            ("PUT", [failure(500, "ServiceException")], (200, None), 2),
            ("GET", [failure(502, "EC2AccessDeniedException")], (502, "service_error"), 1),
            ("GET", [failure(404, "ResourceNotFoundException")], (502, "not_found"), 1),
            ("GET", [failure(400, "InvalidRequestContentException")], (502, "invalid_request"), 1),
            ("POST", [failure(409, "ResourceConflictException")], (200, None), 2),
            ("GET", [FAULT], (502, "function_error"), 1),
        ]:
            with self.subTest(method=method, steps=steps):
                self.calls.clear()
                self.script["f"].extend(steps)
                found = self.verdict(method, "/")
                self.script["f"].clear()
                self.assertEqual((found, len(self.calls)), (verdict, calls))

    def test_a_time_that_lambda_names(self):
        self.script["f"].append(throttle("1"))
        self.assertEqual(self.verdict("POST", "/"), (200, None))
        [(_, first), (_, second)] = self.calls
        self.assertGreater(second - first, 0.9)
        # One that ends after the deadline is not waited for, and told.
        self.script["f"].append(throttle("3600"))
        answer = self.ask("POST", "/")
        self.assertEqual((answer.status, answer.reason, answer.one("retry-after")), (503, "throttled", "3600"))
        self.assertEqual(len(self.calls), 3)

    def test_what_is_refused_before_any_call(self):
        self.assertEqual(self.verdict("GET", "/nobody"), (503, "no_target"))
        self.assertEqual(self.verdict("GET", "/script"), (500, "script_error"))
        self.assertEqual(self.calls, [])

    def test_an_outage_is_not_multiplied(self):
        self.script["frugal"].extend([throttle()] * 20)
        for _ in range(10):
            self.assertEqual(self.verdict("GET", "/frugal"), (503, "throttled"))
        self.assertEqual(len(self.calls), 10)


class Bounds(Case):
    functions = """\
  f: { timeout: 60s, retries: { max: 0 }, concurrency: { max: 50, queue: 50, wait: 60s, adaptive: true } }
  b: { retries: { max: 0 }, breaker: { errors: 50%, over: 1h, min_calls: 3, open: 100ms } }
"""
    routes = """\
  - { match: { path: /b }, function: b }
  - { match: { path_prefix: / }, function: f }
"""

    def test_throttles_lower_the_calls_in_flight(self):
        go_on, began = threading.Event(), threading.Semaphore(0)
        self.addCleanup(go_on.set)

        def held():
            began.release()
            go_on.wait(DEADLINE)
            return OK

        self.script["f"].extend([held] * 10)
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            asked = [pool.submit(self.verdict, "GET", "/") for _ in range(10)]
            for _ in range(10):
                self.assertTrue(began.acquire(timeout=DEADLINE))
            self.script["f"].append(throttle())
            self.assertEqual(self.verdict("GET", "/"), (503, "throttled"))
            [row] = [row for row in json.loads(self.page("/functions")) if row["key"] == "f"]
            self.assertEqual((row["in_flight"], row["limit"]), (10, 7), "seven tenths of eleven")
            go_on.set()
            self.assertEqual([one.result(DEADLINE) for one in asked], [(200, None)] * 10)

    def test_a_breaker_opens_and_closes(self):
        self.script["b"].extend([failure(500, "ServiceException")] * 3)
        for _ in range(3):
            self.assertEqual(self.verdict("GET", "/b"), (502, "service_error"))
        # The first call that it lets through works, whenever that is.
        deadline = time.monotonic() + DEADLINE
        while (found := self.verdict("GET", "/b")) != (200, None):
            self.assertEqual(found, (503, "circuit_open"))
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(len(self.calls), 4)
        self.assertIn('"breaker":"closed"', self.page("/functions"))


class Failover(Case):
    routes = "  - { match: { path_prefix: / }, function: f }\n"

    def setUp(self):
        self.spare = Lambda(self)
        place = f"{{ region: ap-south-1, endpoint: '{self.spare.url}', name: spare }}"
        self.functions = (
            f"  f: {{ region: eu-west-1, endpoint: 'http://{closed_port()}', retries: {{ max: 0 }}, failover: [{place}] }}\n"
        )
        super().setUp()

    def test_another_region_is_asked_and_signed_for(self):
        self.assertEqual(self.verdict("POST", "/"), (200, None))
        self.assertEqual(self.spare.callers(), [("AKIDEXAMPLE", "ap-south-1")])
        [call] = self.spare.requests
        self.assertIn("/functions/spare/", call.path)
        self.program.await_line(r" POST / 200 .*region=ap-south-1 .*attempts=2 ")


class Canaries(Case):
    functions = "  old: {}\n  new: {}\n"
    routes = """\
  - id: cookie
    match: { path: /cookie }
    functions: &both [{ name: old, weight: 50 }, { name: new, weight: 50 }]
    sticky: { cookie: version, max_age: 1h }
  - { id: header, match: { path: /header }, functions: *both, sticky: { header: x-user } }
  - id: shop
    match: { path_prefix: / }
    functions: [{ name: old, weight: 1 }, { name: new, weight: 1000 }]
    override: { header: x-canary }
    rollback: { function: new, errors: 50%, over: 1h, min_calls: 4 }
"""

    def called(self, target, headers=()):
        answer = self.ask("GET", target, headers)
        self.assertEqual(answer.status, 200, answer)
        return self.calls[-1][0], answer

    def test_a_cookie_keeps_a_client_where_it_is(self):
        seen = set()
        while seen != {"old", "new"}:
            first, answer = self.called("/cookie")
            pair, _, attributes = answer.one("set-cookie").partition("; ")
            self.assertEqual(attributes, "Path=/; Max-Age=3600; HttpOnly; SameSite=Lax")
            for _ in range(3):
                again, answer = self.called("/cookie", [("Cookie", f"a=b; {pair}")])
                self.assertEqual((again, answer.all("set-cookie")), (first, []))
            seen.add(first)

    def test_a_header_keeps_a_user_where_it_is(self):
        users = [[("x-user", str(user))] for user in range(32)]
        first = [self.called("/header", user)[0] for user in users]
        self.assertEqual(set(first), {"old", "new"})
        self.assertEqual([self.called("/header", user)[0] for user in users], first)

    def test_one_that_fails_is_rolled_back(self):
        shown = 'lambridge_rolled_back{route="shop",function="new"}'
        # Throttles say nothing about the function.
        self.script["new"].extend([FAULT, OK, throttle(), throttle(), throttle(), FAULT, FAULT])
        tester = [("x-canary", "new")]
        self.assertIn(f"{shown} 0\n", self.page("/metrics"))
        for status in [502, 200, 503, 502, 502]:
            self.assertEqual(self.ask("GET", "/", tester).status, status)
        self.program.await_line("rolled back")
        self.assertIn(f"{shown} 1\n", self.page("/metrics"))
        self.assertEqual([self.called("/")[0] for _ in range(20)], ["old"] * 20, "it had a thousand times the share")
        self.assertEqual(self.called("/", tester)[0], "new", "a tester still reaches it")


class Drain(Case):
    more = "drain: { delay: 2s, deadline: 30s }\n"
    functions = "  f: {}\n"
    routes = "  - { match: { path_prefix: / }, function: f }\n"

    def test_it_is_not_ready_first_and_served_meanwhile(self):
        self.assertEqual(self.ask("GET", "/readyz", address=self.admin).status, 200)
        self.program.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + DEADLINE
        while self.ask("GET", "/readyz", address=self.admin).status != 503:
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.ask("GET", "/healthz", address=self.admin).status, 200)
        self.assertEqual(self.ask("GET", "/").status, 200, "listeners are open for the delay")
        self.assertEqual(self.program.process.wait(DEADLINE), 0)


if __name__ == "__main__":
    unittest.main()

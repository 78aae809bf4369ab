"""What goes wrong, one row each: the client gets the status and the reason of ARCHITECTURE.md's table, it is logged
once, nothing of the inside shows, and the next request works."""

import json
import os
import shutil
import signal
import socket
import tempfile
import threading
import unittest

from aws_parts import gateway_to
from support import FUNCTIONS, LAMBRIDGE, PYTHON, RIC, Meeting, alive, await_gone, closed_port, request, start


class Dev(unittest.TestCase):
    """Faults of functions, in `lambridge dev`."""

    @classmethod
    def setUpClass(cls):
        cls.program = start(
            cls,
            "dev",
            f"""
            lambridge: 1
            listeners: [{{ address: 127.0.0.1:0 }}]
            emulator: {{ address: 127.0.0.1:0 }}
            functions:
              web:
                run: {{ command: {RIC} functions.web, dir: {FUNCTIONS}, timeout: 20s }}
              slow:
                timeout: 1s
                run: {{ command: {RIC} functions.web, dir: {FUNCTIONS}, timeout: 4s }}
              short:
                run: {{ command: {RIC} functions.web, dir: {FUNCTIONS}, timeout: 1s }}
              no-json:
                run: {{ command: {PYTHON} no_json.py, dir: {FUNCTIONS} }}
              no-program:
                run: {{ command: /nowhere/at/all, dir: {FUNCTIONS} }}
              no-app:
                run: {{ web: /nowhere/at/all, dir: {FUNCTIONS} }}
              meet:
                run: {{ command: {RIC} functions.meet, dir: {FUNCTIONS}, queue: 0 }}
                event: body
                answer: raw
                retries: {{ max: 0 }}
              nobody: {{}}
            routes:
              - {{ match: {{ host: web.test, path_prefix: / }}, function: web }}
              - {{ match: {{ host: slow.test, path_prefix: / }}, function: slow }}
              - {{ match: {{ host: short.test, path_prefix: / }}, function: short }}
              - {{ match: {{ host: no-json.test, path_prefix: / }}, function: no-json }}
              - {{ match: {{ host: no-program.test, path_prefix: / }}, function: no-program }}
              - {{ match: {{ host: no-app.test, path_prefix: / }}, function: no-app }}
              - {{ match: {{ host: meet.test, path_prefix: / }}, function: meet }}
              - {{ match: {{ host: nobody.test, path_prefix: / }}, function: nobody }}
              - {{ match: {{ host: get.test, path: /only, methods: [GET] }}, function: web }}
            """,
        )

    def check(self, host, target, status, reason, method="GET"):
        marker = f"fault={self.id()}"
        answer = request(self.program.gateway, method, f"{target}?{marker}", [("host", host)])
        self.assertEqual(answer.status, status, f"{answer}\n{self.program.said()}")
        self.assertEqual(answer.reason, reason)
        problem = json.loads(answer.body)
        self.assertEqual(problem["status"], status)
        self.assertNotIn(b"secret detail", answer.body)
        self.assertNotIn(b"arn:aws", answer.body)
        request_id = answer.one("x-request-id")
        self.assertIn(request_id, answer.body.decode())
        logged = [line for line in self.program.await_line(request_id) if reason in line]
        self.assertEqual(len(logged), 1, logged)
        after = request(self.program.gateway, "GET", "/?id=after", [("host", "web.test")])
        self.assertEqual((after.status, json.loads(after.body)["id"]), (200, "after"), after)
        return answer

    def test_function_crashes(self):
        self.check("web.test", "/crash", 502, "function_error")

    def test_function_raises(self):
        self.check("web.test", "/raise", 502, "function_error")

    def test_function_hangs_past_its_timeout(self):
        self.check("short.test", "/hang", 502, "function_error")
        after = request(self.program.gateway, "GET", "/", [("host", "short.test")])
        self.assertEqual(after.status, 200, after)

    def test_deadline_of_the_gateway(self):
        self.check("slow.test", "/hang", 504, "timeout")

    def test_answer_that_is_no_json(self):
        self.check("no-json.test", "/", 502, "malformed_answer")

    def test_answer_with_a_wrong_status(self):
        self.check("web.test", "/status", 502, "malformed_answer")

    def test_answer_that_is_too_large(self):
        self.check("web.test", "/large", 502, "answer_too_large")

    def test_program_does_not_exist(self):
        self.check("no-program.test", "/", 502, "function_error")

    def test_app_does_not_exist(self):
        self.check("no-app.test", "/", 502, "function_error")

    def test_function_does_not_exist(self):
        self.check("nobody.test", "/", 502, "not_found")

    def test_no_route(self):
        self.check("elsewhere.test", "/", 404, "no_route")

    def test_wrong_method(self):
        answer = self.check("get.test", "/only", 405, "method_not_allowed", method="DELETE")
        self.assertIn("GET", answer.one("allow"))

    def test_throttled(self):
        meeting = Meeting(self)
        event = json.dumps({"meet": meeting.address}).encode()
        headers = [("host", "meet.test"), ("content-type", "application/json")]
        first = []
        caller = threading.Thread(
            target=lambda: first.append(request(self.program.gateway, "POST", "/", headers, event))
        )
        caller.start()
        with meeting.accept() as connection:
            answer = request(self.program.gateway, "POST", "/", headers, event)
            self.assertEqual((answer.status, answer.reason), (503, "throttled"))
            self.assertGreaterEqual(int(answer.one("retry-after")), 1)
            connection.sendall(b".")
        caller.join(30)
        self.assertEqual((first[0].status, first[0].body), (200, b'"met"'))


class Replaced(unittest.TestCase):
    def test_its_file_goes_while_it_runs(self):
        """An upgrade, or a build: children that start later are still of the version that runs."""
        folder = tempfile.mkdtemp(prefix="lambridge-")
        self.addCleanup(shutil.rmtree, folder, True)
        binary = shutil.copy2(LAMBRIDGE, folder)
        program = start(
            self,
            "dev",
            f"""
            lambridge: 1
            listeners: [{{ address: 127.0.0.1:0 }}]
            emulator: {{ address: 127.0.0.1:0 }}
            functions:
              web:
                run: {{ command: {RIC} functions.web, dir: {FUNCTIONS} }}
              app:
                run: {{ web: node {FUNCTIONS}/app.mjs, dir: {FUNCTIONS} }}
            routes:
              - {{ match: {{ path_prefix: /app }}, function: app }}
              - {{ match: {{ path_prefix: / }}, function: web }}
            """,
            binary=binary,
        )
        os.unlink(binary)
        self.assertEqual(request(program.gateway, "GET", "/crash").status, 502)
        for target in ("/", "/app"):
            answer = request(program.gateway, "GET", target)
            self.assertEqual(answer.status, 200, f"{answer}\n{program.said()}")


class Gateway(unittest.TestCase):
    """Faults between a gateway and what it calls."""

    def start_gateway(self, endpoint, secret, scheme="http"):
        return gateway_to(self, f"{scheme}://{endpoint}", secret)

    def start_emulator(self, address="127.0.0.1:0"):
        return start(
            self,
            "emulator",
            f"""
            lambridge: 1
            emulator:
              address: {address}
              credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: right }}
            functions:
              web:
                run: {{ command: {RIC} functions.web, dir: {FUNCTIONS} }}
            """,
        )

    def test_connection_refused(self):
        gateway = self.start_gateway(closed_port(), "right")
        for _ in range(2):
            answer = request(gateway.gateway, "GET", "/")
            self.assertEqual((answer.status, answer.reason), (502, "unreachable"))

    def test_a_handshake_without_end(self):
        """Who answers there takes the connection and says nothing: not for as long as a call may last."""
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        gateway = self.start_gateway("127.0.0.1:%d" % silent.getsockname()[1], "right", scheme="https")
        answer = request(gateway.gateway, "GET", "/")
        self.assertEqual((answer.status, answer.reason), (502, "unreachable"))
        [line] = gateway.await_line(r" GET / 502 reason=unreachable ")
        self.assertIn("the TLS handshake has no end", line)

    def test_lambda_goes_and_comes_back(self):
        emulator = self.start_emulator()
        address = emulator.emulator
        gateway = self.start_gateway(address, "right")
        self.assertEqual(request(gateway.gateway, "GET", "/").status, 200)
        emulator.kill()
        answer = request(gateway.gateway, "GET", "/")
        self.assertEqual((answer.status, answer.reason), (502, "unreachable"))
        self.start_emulator(address)
        self.assertEqual(request(gateway.gateway, "GET", "/").status, 200)

    def test_signatures(self):
        emulator = self.start_emulator().emulator
        gateway = self.start_gateway(emulator, "wrong")
        answer = request(gateway.gateway, "GET", "/")
        self.assertEqual((answer.status, answer.reason), (502, "access_denied"))
        self.assertNotIn("wrong", gateway.said())
        gateway = self.start_gateway(emulator, "right")
        self.assertEqual(request(gateway.gateway, "GET", "/").status, 200)


class Ends(unittest.TestCase):
    """How the program ends, and that nothing is left of its children."""

    def start_with_child(self):
        program = start(
            self,
            "dev",
            f"""
            lambridge: 1
            listeners: [{{ address: 127.0.0.1:0 }}]
            emulator: {{ address: 127.0.0.1:0 }}
            functions:
              web:
                run: {{ command: {RIC} functions.web, dir: {FUNCTIONS}, instances: 1 }}
              app:
                run: {{ web: node {FUNCTIONS}/app.mjs, dir: {FUNCTIONS} }}
            routes:
              - {{ match: {{ path_prefix: /app }}, function: app }}
              - {{ match: {{ path_prefix: / }}, function: web }}
            """,
        )
        pids = [json.loads(request(program.gateway, "GET", target).body)["pid"] for target in ("/", "/app")]
        self.assertTrue(all(alive(pid) for pid in pids), pids)
        return program, pids

    def test_sigterm(self):
        program, pids = self.start_with_child()
        self.assertEqual(program.stop(), 0, program.said())
        await_gone(pids)

    def test_sigint(self):
        program, pids = self.start_with_child()
        program.process.send_signal(signal.SIGINT)
        self.assertEqual(program.process.wait(30), 0, program.said())
        await_gone(pids)

    def test_sigkill(self):
        program, pids = self.start_with_child()
        # The program alone, not its group: what is left has to notice by itself.
        os.kill(program.process.pid, signal.SIGKILL)
        program.process.wait(30)
        await_gone(pids)


if __name__ == "__main__":
    unittest.main()

"""A process with one core has another runtime below, which must do all that the usual one does."""

import os
import signal
import unittest

from support import DEADLINE, FUNCTIONS, RIC, request, start

CONFIG = f"""
    lambridge: 1
    listeners: [{{ address: 127.0.0.1:0 }}]
    emulator: {{ address: 127.0.0.1:0 }}
    functions:
      web: {{ run: {{ command: {RIC} functions.web, dir: {FUNCTIONS} }} }}
    routes:
      - {{ id: web, match: {{ path: "/web/{{name}}" }}, function: web }}
      - {{ id: static, match: {{ path: /static }}, static: {{}} }}
"""


class OneCore(unittest.TestCase):
    def test_it_calls_reloads_and_drains(self):
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(allowed)})
        try:
            program = start(self, "dev", CONFIG)
        finally:
            os.sched_setaffinity(0, allowed)
        for _ in range(2):
            self.assertEqual(request(program.gateway, "GET", "/static").status, 200)
            self.assertEqual(request(program.gateway, "GET", "/web/a").status, 200)
            program.process.send_signal(signal.SIGHUP)
        program.await_line("configuration reloaded", 2)
        program.process.send_signal(signal.SIGTERM)
        self.assertEqual(program.process.wait(DEADLINE), 0)


if __name__ == "__main__":
    unittest.main()

"""What `lambridge dev` warns of: what is different on one machine, and what a reload cannot change. All else goes on."""

import re
import signal
import unittest

from support import FUNCTIONS, RIC, request, start

ROLE = "arn:aws:iam::123456789012:role/r"
CONFIG = f"""\
lambridge: 1
listeners: [{{ address: 127.0.0.1:0 }}]
emulator: {{ address: 127.0.0.1:0 }}
functions:
  away: {{}}
  role:
    credentials: {{ assume_role: {{ arn: "{ROLE}" }} }}
    failover: [{{ region: eu-west-1 }}]
    run: {{ command: {RIC} functions.web, dir: {FUNCTIONS} }}
routes:
  - {{ match: {{ path: /away }}, function: away }}
  - {{ match: {{ path_prefix: / }}, function: role }}
"""


class Warnings(unittest.TestCase):
    def setUp(self):
        self.program = start(self, "dev", CONFIG)

    def ask(self, target, status):
        answer = request(self.program.gateway, "GET", target)
        self.assertEqual(answer.status, status, f"{answer}\n{self.program.said()}")
        return answer

    def warned(self):
        return sorted(line for line in self.program.lines if line.startswith("warning: "))

    def test_what_is_different_on_one_machine(self):
        self.assertEqual(
            self.warned(),
            [
                "warning: function `away` has no `run`, so it does not exist on this machine",
                "warning: function `role`: no other region is called on one machine",
                "warning: function `role`: roles are not assumed on one machine",
            ],
        )
        self.assertEqual(self.ask("/away", 502).reason, "not_found")
        self.ask("/", 200)

    def test_what_a_reload_cannot_change(self):
        for before, after, warning in [
            ("dir: ", "timeout: 5s, dir: ", "warning: `run` of a function changed; restart to run it as written now"),
            (
                "emulator: { ",
                "emulator: { credentials: { access_key_id: A, secret_access_key: b }, ",
                "warning: `emulator` changed; restart to have it as written now",
            ),
        ]:
            with self.subTest(warning):
                self.assertNotIn(warning, self.warned())
                self.program.file.write_text(CONFIG.replace(before, after))
                self.program.process.send_signal(signal.SIGHUP)
                self.program.await_line(re.escape(warning))
                self.ask("/", 200)


if __name__ == "__main__":
    unittest.main()

"""The page of `lambridge dev`, in a real browser: a request is shown at each station of its way, with times, and
nothing goes wrong in the console."""

import base64
import json
import re
import tempfile
import unittest

from browser import Browser
from support import Program, cleanup

TIME = r"\d+\.\d\d ms"


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser(cls)
        folder = tempfile.TemporaryDirectory(prefix="lambridge-page-")
        cleanup(cls, folder.cleanup)
        # Without a file: the built-in sample.
        cls.program = Program(["dev", "--address", "127.0.0.1:0"], folder.name, None, 1, True)
        cleanup(cls, cls.program.kill)

    def setUp(self):
        self.browser.complaints.clear()
        self.browser.answers.clear()
        self.browser.open(f"http://{self.program.gateway}/")
        self.browser.wait_for("document.getElementById('s3')?.textContent")

    def text(self, id):
        return self.browser.run(f"document.getElementById('{id}').innerText")

    def assert_stations(self, method, target, body_bytes):
        http, event, app = self.text("s1"), json.loads(self.text("s2")), self.text("s3")
        self.assertTrue(http.startswith(f"{method} {target}\n"), http)
        self.assertIn("\n→ 200 by route ", http)
        self.assertIn(f"host: {self.program.gateway}", http)
        context = event["requestContext"]
        self.assertEqual((context["http"]["method"], event["version"]), (method, "2.0"))
        self.assertEqual(event["rawPath"] + (f"?{event['rawQueryString']}" if "?" in target else ""), target)
        self.assertTrue(app.startswith(f"{method} {target}\n"), app)
        self.assertIn("x-amzn-request-context: ", app)
        self.assertRegex(app, rf"\n{body_bytes} body bytes, answered in {TIME}$")
        # Every station has its time, the parts make the whole, and the bar shows each.
        parts = [self.text(id) for id in ("t1", "t2", "t3")]
        for part in parts:
            self.assertRegex(part, rf"^{TIME}$")
        legend = self.text("legend")
        names = re.findall(rf"(gateway|Invoke call|instance and app) ({TIME})", legend)
        self.assertEqual([time for _, time in names], parts, legend)
        total = float(re.search(r"total (\d+\.\d\d) ms", legend)[1])
        self.assertAlmostEqual(sum(float(part.split()[0]) for part in parts), total, delta=0.05)
        self.assertGreater(total, 0)
        widths = "[...document.querySelectorAll('#bar span')].map(part => part.getBoundingClientRect().width)"
        self.assertEqual([width >= 4 for width in self.browser.run(widths)], [True] * 3)
        return event

    def assert_quiet(self):
        self.assertEqual(self.browser.complaints, [])
        # All of it came from the gateway.
        self.assertTrue(self.browser.answers)
        for status, url in self.browser.answers:
            self.assertTrue(url.startswith(f"http://{self.program.gateway}/"), url)
            self.assertIn(status, (200, 204), url)

    def test_the_page_shows_its_own_request(self):
        event = self.assert_stations("GET", "/", 0)
        # It is this very request, by the id that the gateway gave it.
        self.assertEqual(
            event["requestContext"]["requestId"], self.browser.run("document.body.dataset.request")
        )
        self.assertIn("Chrome", event["headers"]["user-agent"])
        self.assert_quiet()

    def test_other_requests_at_a_click(self):
        for method, target, body in [("GET", "/json?x=1&x=2", None), ("POST", "/form", "name=ada&note=caf%C3%A9")]:
            with self.subTest(target):
                path = target.split("?")[0]
                self.browser.run(f"document.querySelector('[data-send^=\"{path}\"]').click()")
                self.browser.wait_for(
                    f"document.getElementById('s3').textContent.startsWith('{method} {target}\\n')"
                )
                event = self.assert_stations(method, target, len(body or ""))
                sent = event.get("body", "")
                # Forms are no text to a function URL.
                sent = base64.b64decode(sent).decode() if event["isBase64Encoded"] else sent
                self.assertEqual(sent, body or "")
        self.assert_quiet()

    def test_what_goes_wrong_is_noticed(self):
        """The other tests are worth something only if the browser's complaints get here."""
        for script, complaint in [
            ("setTimeout(() => { throw new Error('thrown') })", "thrown"),
            ("console.error('said')", "said"),
            ("fetch('/missing').then(() => 0)", "404"),
            ("fetch('http://127.0.0.1:1/').catch(() => 0)", "network: "),
        ]:
            with self.subTest(script):
                self.browser.complaints.clear()
                self.browser.run(script)
                self.browser.run("new Promise(done => setTimeout(done, 20))")
                self.assertTrue(any(complaint in one for one in self.browser.complaints), self.browser.complaints)


if __name__ == "__main__":
    unittest.main()

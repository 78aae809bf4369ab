"""A headless Chromium, driven through its DevTools pipe: NUL-ended JSON on two descriptors, so that no driver, no port
and no library is needed.

Everything that a person would see in red in the console is kept in `complaints`.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from support import DEADLINE, cleanup

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What a test has no use for, and what would ask for a machine's GPU, user or network.
SWITCHES = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
)


def find():
    """The browser's path. Without one the tests are skipped, loudly, but where a browser was promised they fail."""
    names = [name for name in (os.environ.get("LAMBRIDGE_CHROMIUM"), *NAMES) if name]
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        message = f"NO BROWSER: none of {', '.join(names)} is installed, and the page was NOT tested"
        if os.environ.get("LAMBRIDGE_BROWSER") == "required":
            raise AssertionError(message)
        print(f"\n*** {message} ***", flush=True)
        raise unittest.SkipTest(message)
    return found


class Browser:
    """One page of a running Chromium, until the end of `case`."""

    def __init__(self, case):
        profile = tempfile.mkdtemp(prefix="lambridge-browser-")
        cleanup(case, shutil.rmtree, profile, True)
        to_browser, self.commands = os.pipe()
        self.events, from_browser = os.pipe()
        # The pipe's ends must be descriptors 3 and 4 there; high numbers first, so that neither is overwritten. Not by
        # `sh`: there a descriptor to copy has one digit, and late in a run of all tests these have two.
        script = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(
            ["bash", "-c", script, find(), *SWITCHES, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        cleanup(case, self.kill)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.count, self.session = b"", 0, None
        self.complaints, self.answers = [], []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable")

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.commands)
        os.close(self.events)

    def open(self, url):
        failed = self.call("Page.navigate", url=url).get("errorText")
        assert not failed, f"{url}: {failed}"

    def run(self, script):
        """The value of a script; a promise is waited for."""
        outcome = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in outcome, outcome["exceptionDetails"]
        return outcome["result"].get("value")

    def wait_for(self, condition):
        """Waits until a script is true in the page, which may be just loading."""
        deadline = time.monotonic() + DEADLINE
        while not self.run(condition):
            shown = self.run("document.body ? document.body.innerText : ''")
            assert time.monotonic() < deadline, f"`{condition}` is not so; complaints {self.complaints}; page:\n{shown}"
            # One frame of the page, then again.
            self.run("new Promise(done => setTimeout(done, 20))")

    def call(self, method, **parameters):
        self.count += 1
        own = self.count
        command = {"id": own, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + DEADLINE
        while True:
            message = self._read(method, deadline)
            if message.get("id") == own:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self._note(message.get("method"), message.get("params", {}))

    def _read(self, method, deadline):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.events], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"the browser does not answer {method}"
            more = os.read(self.events, 1 << 16)
            assert more, f"the browser ended before it answered {method}"
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event, parameters):
        if event == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(f"console: {parameters['args']}")
        elif event == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"log: {parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        # What the page itself breaks off, as a closed EventSource, is no failure.
        elif event == "Network.loadingFailed" and not parameters.get("canceled"):
            self.complaints.append(f"network: {parameters['errorText']}")
        elif event == "Network.responseReceived":
            answer = parameters["response"]
            self.answers.append((answer["status"], answer["url"]))
            if answer["status"] >= 400:
                self.complaints.append(f"status {answer['status']} of {answer['url']}")

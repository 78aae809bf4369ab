"""The Telemetry API of the emulator, as an extension sees it that listens inside the sandbox."""

import json
import pathlib
import re
import shutil
import tempfile
import time
import unittest

from support import DEADLINE, RIC, free_port, request, start

# Subscribes as it is told, and writes down what it is told then: one line an event, in the order of arrival.
LISTENER = """#!/usr/bin/env python3
import http.client, http.server, json, os, socketserver, threading
api, folder = os.environ["AWS_LAMBDA_RUNTIME_API"], os.environ["NOTES"]
port = int(os.environ["LISTENER_PORT"])

def call(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(api)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer, answer.read().decode()

def note(name, line):
    with open(f"{folder}/{name}", "a") as notes:
        notes.write(line + "\\n")

deliveries = 0

class Take(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global deliveries
        deliveries += 1
        events = json.loads(self.rfile.read(int(self.headers["content-length"])))
        note("deliveries", f"{self.path} {self.headers['host']} {self.headers['content-type']}")
        # What is refused comes again.
        if deliveries > 1:
            for event in events:
                note("events", json.dumps(event))
        self.send_response(500 if deliveries == 1 else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            note("events", line.decode().strip())

tcp = os.environ.get("PROTOCOL") == "TCP"
server = socketserver.TCPServer(("127.0.0.1", port), Lines) if tcp else http.server.HTTPServer(("127.0.0.1", port), Take)
threading.Thread(target=server.serve_forever, daemon=True).start()

name = {"Lambda-Extension-Name": os.path.basename(__file__)}
answer, _ = call("POST", "/2020-01-01/extension/register", json.dumps({"events": ["INVOKE", "SHUTDOWN"]}), name)
own = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}

def subscribe(body, headers=own, path="/2022-07-01/telemetry"):
    answer, text = call("PUT", path, json.dumps(body), headers)
    note("answers", f"{answer.status} {json.loads(text) if answer.status == 200 else json.loads(text)['errorType']}")

place = {"protocol": "TCP", "port": port} if tcp else {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{port}/here"}
right = {"schemaVersion": "2022-12-13", "types": ["platform", "function", "extension"], "buffering": {"timeoutMs": 25}, "destination": place}
subscribe(right | {"buffering": {"maxItems": 1}})
subscribe(right | {"destination": {"protocol": "HTTP", "URI": "http://example.com:80"}})
subscribe(right, {})
subscribe(right, path="/2020-08-15/logs")
subscribe(right)
print("the extension has subscribed", flush=True)
while True:
    _, event = call("GET", "/2020-01-01/extension/event/next", None, own)
    event = json.loads(event)
    if event["eventType"] == "SHUTDOWN":
        note("answers", "SHUTDOWN")
        break
    if event["requestId"]:
        subscribe(right)
"""

FUNCTION = """
def handler(event, context):
    print("hello from", event["rawPath"])
    if event["rawPath"] == "/raise":
        raise ValueError("no luck")
    return "up"
"""


class Telemetry(unittest.TestCase):
    def start(self, protocol):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="lambridge-telemetry-"))
        self.addCleanup(shutil.rmtree, folder, True)
        (folder / "opt/extensions").mkdir(parents=True)
        listener = folder / "opt/extensions/listener"
        listener.write_text(LISTENER)
        listener.chmod(0o755)
        (folder / "app.py").write_text(FUNCTION)
        self.folder = folder
        self.program = start(
            self,
            "emulator",
            f"""
            lambridge: 1
            emulator: {{ address: 127.0.0.1:0 }}
            functions:
              f:
                run:
                  command: {RIC} app.handler
                  dir: {folder}
                  opt: {folder}/opt
                  memory: 256
                  env: {{ NOTES: {folder}, LISTENER_PORT: {free_port()}, PROTOCOL: {protocol} }}
                  url: {{ address: 127.0.0.1:0 }}
            """,
        )
        [line] = self.program.await_line("^URL of ")
        self.url = re.search(r"http://(\S+)", line)[1]

    def lines(self, name):
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def await_reports(self, count):
        deadline = time.monotonic() + DEADLINE
        while sum('"platform.report"' in line for line in self.lines("events")) < count:
            self.assertLess(time.monotonic(), deadline, self.program.said())
            time.sleep(0.02)

    def run_all(self, protocol):
        self.start(protocol)
        self.assertEqual(request(self.url, "GET", "/one").body, b"up", self.program.said())
        self.assertEqual(request(self.url, "GET", "/raise").status, 502)
        self.await_reports(2)
        self.assertEqual(self.program.stop(), 0)
        answers = ["400 ValidationError", "400 ValidationError", "403 Extension.MissingExtensionIdentifier", "202 Logs.NotSupported", "200 OK"]
        closed = ["403 Telemetry.SubscriptionClosed"] * 2
        # 202 has an errorType too.
        self.assertEqual(self.lines("answers"), [*answers, *closed, "SHUTDOWN"], self.program.said())
        return [json.loads(line) for line in self.lines("events")]

    def check(self, events):
        for event in events:
            self.assertEqual(set(event), {"time", "type", "record"})
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        platform = [(event["type"].removeprefix("platform."), event["record"]) for event in events if event["type"].startswith("platform.")]
        self.assertEqual(
            [name for name, _ in platform],
            ["initStart", "telemetrySubscription", "initRuntimeDone", "extension", "initReport"]
            + ["start", "runtimeDone", "report"] * 2,
        )
        records = dict(reversed(platform))
        self.assertEqual((records["initStart"]["functionName"], records["initStart"]["instanceMaxMemory"]), ("f", 256))
        subscribed = {"name": "listener", "state": "Subscribed", "types": ["platform", "function", "extension"]}
        self.assertEqual(records["telemetrySubscription"], subscribed)
        self.assertEqual(records["extension"], {"name": "listener", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]})
        self.assertEqual((records["initReport"]["status"], records["initReport"]["phase"]), ("success", "init"))
        done = [record for name, record in platform if name == "runtimeDone"]
        self.assertEqual([record["status"] for record in done], ["success", "error"])
        self.assertEqual((done[1]["errorType"], done[0]["metrics"]["producedBytes"]), ("ValueError", 4))
        started = [record["requestId"] for name, record in platform if name == "start"]
        self.assertEqual([record["requestId"] for record in done], started)
        report = next(record for name, record in platform if name == "report")
        self.assertGreaterEqual(report["metrics"]["billedDurationMs"], report["metrics"]["durationMs"])
        self.assertEqual(report["metrics"]["memorySizeMB"], 256)
        printed = [event["record"] for event in events if event["type"] == "function"]
        self.assertEqual([line for line in printed if line.startswith("hello")], ["hello from /one", "hello from /raise"])
        self.assertEqual([event["record"] for event in events if event["type"] == "extension"], ["the extension has subscribed"])

    def test_over_http(self):
        events = self.run_all("HTTP")
        self.check(events)
        # The first was refused, so that what it brought has come twice.
        self.assertGreater(len(self.lines("deliveries")), 1)
        for line in self.lines("deliveries"):
            self.assertRegex(line, r"^/here sandbox\.localdomain:\d+ application/json$")

    def test_over_tcp(self):
        self.check(self.run_all("TCP"))


if __name__ == "__main__":
    unittest.main()

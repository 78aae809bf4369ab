"""Streamed answers of the emulator, read piece by piece by AWS's Python SDK and through a function URL."""

import http.client
import json
import unittest

from boto3_test import RIC, client_of
from support import DEADLINE, FUNCTIONS, PYTHON, Meeting, start

PRELUDE = "application/vnd.awslambda.http-integration-response"


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = start(
            cls,
            "emulator",
            f"""
            lambridge: 1
            emulator:
              address: 127.0.0.1:0
              credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: secret }}
            functions:
              stream:
                run:
                  command: {PYTHON} streaming.py
                  dir: {FUNCTIONS}
                  url: {{ address: 127.0.0.1:0, invoke_mode: response_stream }}
              fail:
                run: {{ command: {RIC} functions.fail, dir: {FUNCTIONS}, timeout: 1s }}
            """,
        )
        cls.url = cls.program.await_line("^URL of `stream`: ")[0].split("//")[1]
        cls.client = client_of(cls.program.emulator)

    def invoke(self, name, event, **more):
        answer = self.client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event), **more)
        self.assertEqual((answer["StatusCode"], answer["ExecutedVersion"]), (200, "$LATEST"))
        self.assertEqual(answer["ResponseStreamContentType"], "application/vnd.amazon.eventstream")
        return iter(answer["EventStream"])

    def rest(self, events):
        payload, complete = b"", None
        for event in events:
            self.assertIsNone(complete, "nothing follows the end")
            payload += event.get("PayloadChunk", {}).get("Payload", b"")
            complete = event.get("InvokeComplete")
        return payload, complete

    def test_piece_by_piece(self):
        meeting = Meeting(self)
        events = self.invoke("stream", {"meet": meeting.address, "more": 300_000}, LogType="Tail")
        self.assertEqual(next(events)["PayloadChunk"]["Payload"], b"one")
        meeting.let_go()
        payload, complete = self.rest(events)
        self.assertEqual((len(payload), payload[-5:]), (300_004, b"xlast"))
        self.assertNotIn("ErrorCode", complete)
        self.assertIn("LogResult", complete)

    def test_error_after_the_first_piece(self):
        meeting = Meeting(self)
        events = self.invoke("stream", {"meet": meeting.address, "fail": True})
        meeting.let_go()
        payload, complete = self.rest(events)
        self.assertEqual((payload, complete["ErrorCode"]), (b"onelast", "Runtime.Half"))
        self.assertEqual(json.loads(complete["ErrorDetails"])["errorMessage"], "half")

    def test_function_that_does_not_stream(self):
        self.assertEqual(self.rest(self.invoke("fail", {"how": "not"})), (b'"well"', {}))
        for how, code in [("raise", "ValueError"), ("exit", "Runtime.ExitError"), ("hang", "Sandbox.Timedout")]:
            with self.subTest(how):
                payload, complete = self.rest(self.invoke("fail", {"how": how}))
                self.assertEqual((payload, complete["ErrorCode"]), (b"", code))

    def test_refused(self):
        with self.assertRaises(self.client.exceptions.ResourceNotFoundException):
            self.client.invoke_with_response_stream(FunctionName="nobody")

    def test_url(self):
        meeting = Meeting(self)
        head = json.dumps({"statusCode": 201, "headers": {"content-type": "text/html"}, "cookies": ["a=1", "b=2"]})
        event = {"meet": meeting.address, "type": PRELUDE, "head": head + "\0" * 8}
        host, port = self.url.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        self.addCleanup(connection.close)
        connection.request("POST", "/", json.dumps(event), {"content-type": "application/json"})
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.headers["content-type"]), (201, "text/html"))
        self.assertEqual(answer.headers.get_all("set-cookie"), ["a=1", "b=2"])
        self.assertEqual(answer.read1(100), b"one")
        meeting.let_go()
        self.assertEqual(answer.read(), b"last")


if __name__ == "__main__":
    unittest.main()

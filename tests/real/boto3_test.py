"""AWS's Python SDK against the emulator: what it parses, it parses as from Lambda."""

import base64
import json
import threading
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from support import FUNCTIONS, RIC, RUST_FUNCTION, Meeting, request, start


def client_of(address, key="AKIDEXAMPLE", secret="secret"):
    return boto3.client(
        "lambda",
        endpoint_url=f"http://{address}",
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=30, connect_timeout=5),
    )


class Emulator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = start(
            cls,
            "emulator",
            f"""
            lambridge: 1
            emulator: {{ address: 127.0.0.1:0 }}
            functions:
              echo:
                run:
                  command: {RIC} functions.echo
                  dir: {FUNCTIONS}
                  instances: 2
                  memory: 256
                  env: {{ GREETING: hi }}
              fail:
                run: {{ command: {RIC} functions.fail, dir: {FUNCTIONS}, timeout: 1s }}
              meet:
                run: {{ command: {RIC} functions.meet, dir: {FUNCTIONS}, instances: 1, queue: 0 }}
              rust:
                run: {{ command: {RUST_FUNCTION}, dir: {FUNCTIONS} }}
              missing-program:
                run: {{ command: /nowhere/at/all, dir: {FUNCTIONS} }}
              versions:
                run:
                  command: {RIC} functions.echo
                  dir: {FUNCTIONS}
                  env: {{ GREETING: latest }}
                  versions:
                    "1": {{ command: {RIC} functions.echo, dir: {FUNCTIONS}, env: {{ GREETING: one }} }}
                    "2": {{ command: {RIC} functions.echo, dir: {FUNCTIONS}, env: {{ GREETING: two }} }}
                  aliases: {{ live: "2", old: "1" }}
            """,
        )
        cls.client = client_of(cls.program.emulator)

    def invoke(self, name, event, **more):
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **more)
        return answer, json.loads(answer["Payload"].read() or "null")

    def refused(self, code, status, **call):
        with self.assertRaises(ClientError) as caught:
            self.client.invoke(**call)
        answer = caught.exception.response
        self.assertEqual(answer["Error"]["Code"], code, answer)
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], status, answer)
        return answer

    def test_sync(self):
        event = {"text": "grüße", "list": [1, None, True]}
        answer, payload = self.invoke("echo", event)
        self.assertEqual(answer["StatusCode"], 200)
        self.assertEqual(answer["ExecutedVersion"], "$LATEST")
        self.assertNotIn("FunctionError", answer)
        self.assertNotIn("LogResult", answer)
        self.assertEqual(payload["event"], event)
        self.assertEqual(payload["request_id"], answer["ResponseMetadata"]["RequestId"])
        self.assertRegex(payload["arn"], r"^arn:aws:lambda:us-east-1:\d{12}:function:echo$")
        self.assertEqual(int(payload["memory"]), 256)
        self.assertTrue(0 < payload["left_ms"] <= 30_000, payload)
        self.assertEqual(
            payload["environment"], {"AWS_LAMBDA_FUNCTION_NAME": "echo", "AWS_REGION": "us-east-1", "GREETING": "hi"}
        )

    def test_names(self):
        arn = "arn:aws:lambda:us-east-1:000000000000:function:echo"
        for name in ["echo", arn, "000000000000:function:echo", "echo:$LATEST", arn + ":$LATEST"]:
            with self.subTest(name):
                _, payload = self.invoke(name, name)
                self.assertEqual(payload["event"], name)
        _, payload = self.invoke("echo", 1, Qualifier="$LATEST")
        self.assertEqual(payload["event"], 1)

    def test_no_payload_is_an_empty_object(self):
        answer = self.client.invoke(FunctionName="echo")
        self.assertEqual(json.loads(answer["Payload"].read())["event"], {})

    def test_client_context(self):
        context = base64.b64encode(json.dumps({"custom": {"a": "b"}}).encode()).decode()
        _, payload = self.invoke("echo", {}, ClientContext=context)
        self.assertEqual(payload["custom"], {"a": "b"})

    def test_log_tail(self):
        answer, _ = self.invoke("echo", {}, LogType="Tail")
        log = base64.b64decode(answer["LogResult"]).decode()
        request_id = answer["ResponseMetadata"]["RequestId"]
        for part in [f"START RequestId: {request_id}", "a line of log", f"END RequestId: {request_id}"]:
            self.assertIn(part, log)
        self.assertIn("REPORT RequestId", log)
        self.assertLessEqual(len(log.encode()), 4096)

    def test_event(self):
        meeting = Meeting(self)
        answer, payload = self.invoke("meet", {"meet": meeting.address}, InvocationType="Event")
        self.assertEqual((answer["StatusCode"], payload), (202, None))
        meeting.let_go()

    def test_dry_run(self):
        answer, payload = self.invoke("echo", {}, InvocationType="DryRun")
        self.assertEqual((answer["StatusCode"], payload), (204, None))

    def test_throttle(self):
        meeting = Meeting(self)
        event = {"meet": meeting.address}
        first = []
        caller = threading.Thread(target=lambda: first.append(self.invoke("meet", event)[1]))
        caller.start()
        with meeting.accept() as connection:
            answer = self.refused("TooManyRequestsException", 429, FunctionName="meet", Payload=json.dumps(event))
            self.assertIn("Rate Exceeded", answer["Error"]["Message"])
            connection.sendall(b".")
        caller.join(30)
        self.assertEqual(first, ["met"])

    def test_unknown_function(self):
        answer = self.refused("ResourceNotFoundException", 404, FunctionName="nobody")
        arn = "arn:aws:lambda:us-east-1:000000000000:function:nobody"
        self.assertIn(f"Function not found: {arn}", answer["Error"]["Message"])
        self.refused("ResourceNotFoundException", 404, FunctionName="echo", Qualifier="9")

    def test_request_that_is_no_json(self):
        self.refused("InvalidRequestContentException", 400, FunctionName="echo", Payload=b"{ no json")

    def test_request_too_large(self):
        payload = json.dumps("x" * (6 * 1024 * 1024 + 200))
        self.refused("RequestTooLargeException", 413, FunctionName="echo", Payload=payload)
        self.assertEqual(self.invoke("echo", 1)[1]["event"], 1)

    def test_six_megabytes_pass(self):
        event = "x" * (5 * 1024 * 1024)
        self.assertEqual(self.invoke("echo", event)[1]["event"], event)

    def test_bad_invocation_type(self):
        answer = request(
            self.program.emulator,
            "POST",
            "/2015-03-31/functions/echo/invocations",
            [("x-amz-invocation-type", "Sometimes")],
            b"{}",
        )
        self.assertEqual(answer.status, 400, answer)

    def test_function_error(self):
        answer, payload = self.invoke("fail", {"how": "raise"})
        self.assertEqual((answer["StatusCode"], answer["FunctionError"]), (200, "Unhandled"))
        self.assertEqual((payload["errorType"], payload["errorMessage"]), ("ValueError", "no good"))
        self.assertEqual(self.invoke("fail", {"how": "not"})[1], "well")

    def test_timeout(self):
        answer, payload = self.invoke("fail", {"how": "hang"})
        self.assertEqual((answer["StatusCode"], answer["FunctionError"]), (200, "Unhandled"))
        self.assertIn("Task timed out after 1.00 seconds", payload["errorMessage"])
        self.assertEqual(self.invoke("fail", {"how": "not"})[1], "well")

    def test_exit(self):
        answer, payload = self.invoke("fail", {"how": "exit"})
        self.assertEqual((answer["StatusCode"], answer["FunctionError"]), (200, "Unhandled"))
        self.assertEqual(payload["errorType"], "Runtime.ExitError")
        self.assertIn("exit status 3", payload["errorMessage"])
        self.assertEqual(self.invoke("fail", {"how": "not"})[1], "well")

    def test_program_that_does_not_start(self):
        answer, payload = self.invoke("missing-program", {})
        self.assertEqual(answer["FunctionError"], "Unhandled")
        self.assertIn("errorType", payload)

    def test_versions_and_aliases(self):
        arn = "arn:aws:lambda:us-east-1:000000000000:function:versions"
        processes = set()
        for call, version, greeting in [
            ({"FunctionName": "versions"}, "$LATEST", "latest"),
            ({"FunctionName": "versions", "Qualifier": "$LATEST"}, "$LATEST", "latest"),
            ({"FunctionName": "versions", "Qualifier": "1"}, "1", "one"),
            ({"FunctionName": "versions:old"}, "1", "one"),
            ({"FunctionName": "versions", "Qualifier": "live"}, "2", "two"),
            ({"FunctionName": f"{arn}:live"}, "2", "two"),
            ({"FunctionName": arn, "Qualifier": "2"}, "2", "two"),
        ]:
            with self.subTest(**call):
                answer, payload = self.invoke(call.pop("FunctionName"), {}, **call)
                self.assertEqual(answer["ExecutedVersion"], version)
                self.assertEqual(payload["environment"]["GREETING"], greeting)
                processes.add((version, payload["pid"]))
        self.assertEqual(len(processes), 3, "each version runs in a process of its own")
        answer = self.refused("ResourceNotFoundException", 404, FunctionName="versions", Qualifier="beta")
        self.assertEqual(answer["Error"]["Message"], f"Function not found: {arn}:beta")

    def test_list_functions(self):
        """Pages of two, followed by the SDK's own paginator."""
        pages = list(
            self.client.get_paginator("list_functions").paginate(
                FunctionVersion="ALL", PaginationConfig={"PageSize": 2}
            )
        )
        listed = [(entry["FunctionName"], entry["Version"]) for page in pages for entry in page["Functions"]]
        self.assertEqual(
            listed,
            [("echo", "$LATEST"), ("fail", "$LATEST"), ("meet", "$LATEST"), ("missing-program", "$LATEST")]
            + [("rust", "$LATEST"), ("versions", "$LATEST"), ("versions", "1"), ("versions", "2")],
        )
        self.assertEqual([len(page["Functions"]) for page in pages], [2, 2, 2, 2])
        entry = self.client.list_functions(MaxItems=1)["Functions"][0]
        self.assertRegex(entry["FunctionArn"], r"^arn:aws:lambda:us-east-1:\d{12}:function:echo$")
        self.assertEqual((entry["MemorySize"], entry["Timeout"]), (256, 30))

    def test_list_aliases(self):
        pages = self.client.get_paginator("list_aliases").paginate(
            FunctionName="versions", PaginationConfig={"PageSize": 1}
        )
        listed = [(entry["Name"], entry["FunctionVersion"]) for page in pages for entry in page["Aliases"]]
        self.assertEqual(listed, [("live", "2"), ("old", "1")])
        with self.assertRaises(self.client.exceptions.ResourceNotFoundException):
            self.client.list_aliases(FunctionName="nobody")

    def test_operation_that_is_not_there(self):
        with self.assertRaises(ClientError) as caught:
            self.client.get_function(FunctionName="echo")
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 501)
        self.assertIn("`GetFunction` is not emulated", caught.exception.response["Error"]["Message"])

    def test_rust_runtime(self):
        answer, payload = self.invoke("rust", {"a": "b"})
        body = json.loads(payload["body"])
        self.assertEqual((payload["statusCode"], body["hello"], body["event"]), (200, "Rust", {"a": "b"}))
        self.assertEqual(body["request_id"], answer["ResponseMetadata"]["RequestId"])
        answer, payload = self.invoke("rust", {"fail": True})
        self.assertEqual((answer["FunctionError"], payload["errorMessage"]), ("Unhandled", "asked to fail"))


class Signatures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = start(
            cls,
            "emulator",
            f"""
            lambridge: 1
            emulator:
              address: 127.0.0.1:0
              credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: right }}
            functions:
              echo:
                run: {{ command: {RIC} functions.echo, dir: {FUNCTIONS} }}
            """,
        )

    def check(self, key, secret, code):
        client = client_of(self.program.emulator, key, secret)
        with self.assertRaises(ClientError) as caught:
            client.invoke(FunctionName="echo", Payload=b"{}")
        answer = caught.exception.response
        self.assertEqual(answer["Error"]["Code"], code)
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 403)

    def test_right(self):
        client = client_of(self.program.emulator, "AKIDEXAMPLE", "right")
        for name in ["echo", "arn:aws:lambda:us-east-1:000000000000:function:echo"]:
            answer = client.invoke(FunctionName=name, Qualifier="$LATEST", Payload=b"{}")
            self.assertEqual(answer["StatusCode"], 200)
        pages = client.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 1})
        self.assertEqual([len(page["Functions"]) for page in pages], [1])
        self.assertEqual(client.list_aliases(FunctionName="echo", FunctionVersion="$LATEST")["Aliases"], [])

    def test_wrong_secret(self):
        self.check("AKIDEXAMPLE", "wrong", "InvalidSignatureException")

    def test_unknown_key(self):
        self.check("AKIDSOMEBODY", "right", "UnrecognizedClientException")

    def test_no_signature(self):
        answer = request(self.program.emulator, "POST", "/2015-03-31/functions/echo/invocations", body=b"{}")
        kind = answer.one("x-amzn-errortype").split(":")[0]
        self.assertEqual((answer.status, kind), (403, "MissingAuthenticationTokenException"))


if __name__ == "__main__":
    unittest.main()

"""The examples that show one thing each, run as their READMEs say: streams, queues, agents, contexts, zips."""

import base64
import http.client
import json
import os
import pathlib
import shutil
import unittest
from urllib.parse import urlencode

from boto3_test import client_of
from built_examples import ASKED
from support import DEADLINE, ROOT, example, request


class Feature(unittest.TestCase):
    """A subclass names the example."""

    folder = None

    @classmethod
    def setUpClass(cls):
        if cls.folder is None:
            raise unittest.SkipTest("the expectations of a subclass")
        cls.program = example(cls, cls.folder)

    def ask(self, method, target, headers=(), body=None):
        return request(self.program.gateway, method, target, headers, body)

    def json(self, method, target, body=None, status=200, headers=()):
        body = None if body is None else json.dumps(body).encode()
        answer = self.ask(method, target, [("content-type", "application/json"), *headers], body)
        self.assertEqual(answer.status, status, f"{answer}\n{self.program.said()}")
        return json.loads(answer.body)

    def invoke(self, function, event):
        client = client_of(self.program.emulator, "AKIDEXAMPLE", "example")
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    def open(self, target):
        """An answer that is read piece by piece."""
        host, port = self.program.gateway.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        self.addCleanup(connection.close)
        connection.request("GET", target)
        return connection.getresponse()


class FastApiStreaming(Feature):
    folder = "fastapi-streaming"

    def test_story(self):
        answer = self.open("/")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/plain; charset=utf-8"))
        self.assertEqual(answer.read().split()[-1], b"torrents.")

    def test_each_piece_causes_the_next(self):
        """A message is said only when the one before was heard: nothing on the way keeps it back."""
        heard = self.open("/rooms/kitchen")
        self.assertEqual(heard.headers["content-type"].split(";")[0], "text/event-stream")
        self.assertEqual(heard.readline() + heard.readline(), b"data: welcome\n\n")
        for message in ["one", "zwölf", "bye"]:
            said = self.ask("POST", "/rooms/kitchen", body=message.encode())
            self.assertEqual(said.status, 204, said)
            self.assertEqual(heard.readline() + heard.readline(), f"data: {message}\n\n".encode())
        self.assertEqual(heard.read(), b"")


class FastApiBackgroundTasks(Feature):
    folder = "fastapi-background-tasks"

    def test_order(self):
        placed = self.json("POST", "/orders", {"item": "tea", "amount": 3}, 202)
        self.assertEqual(self.json("GET", f"/orders/{placed['order']}")["state"], "packed: 3 x tea")
        self.json("GET", "/orders/none", status=404)
        self.json("POST", "/orders", {}, 422)


class FastHtml(Feature):
    folder = "fasthtml"

    def test_page_and_form(self):
        answer = self.ask("GET", "/")
        self.assertEqual((answer.status, answer.one("content-type")), (200, "text/html; charset=utf-8"))
        self.assertIn(b"Hello from FastHTML", answer.body)
        form = [("content-type", "application/x-www-form-urlencoded")]
        self.assertIn(
            "<li>Grüße</li>".encode(), self.ask("POST", "/guests", form, urlencode({"name": "Grüße"}).encode()).body
        )

    def test_stream(self):
        answer = self.open("/count?upto=20")
        self.assertEqual(answer.read().count(b"<p>"), 20)


class BedrockAgent(Feature):
    folder = "bedrock-agent-fastapi"

    def test_browser(self):
        self.assertEqual(self.json("GET", "/claims/claim-1/documents"), ["licence", "photos"])
        self.assertIn("/claims/{claim}/documents", self.json("GET", "/openapi.json")["paths"])

    def test_agent(self):
        asked = json.loads((ROOT / "examples/bedrock-agent-fastapi/event.json").read_text())
        for path, method, parameters, status, body in [
            ("/claims", "GET", {}, 200, ["claim-1", "claim-2"]),
            ("/claims/{claim}/documents", "GET", {"claim": "claim-1"}, 200, ["licence", "photos"]),
            ("/claims/{claim}/documents", "GET", {"claim": "none"}, 404, {"detail": "no such claim"}),
            ("/reminders", "POST", {"claim": "claim-2"}, 200, {"claim": "claim-2", "reminded": True}),
        ]:
            with self.subTest(path, parameters=parameters):
                given = [{"name": name, "type": "string", "value": value} for name, value in parameters.items()]
                event = asked | {"apiPath": path, "httpMethod": method, "parameters": given}
                error, answer = self.invoke("claims", event)
                self.assertIsNone(error, answer)
                self.assertEqual(answer["messageVersion"], "1.0")
                response = answer["response"]
                self.assertEqual((response["apiPath"], response["httpMethod"]), (path, method))
                self.assertEqual(response["httpStatusCode"], status)
                self.assertEqual(json.loads(response["responseBody"]["application/json"]["body"]), body)


class SqsExpress(Feature):
    folder = "sqs-express"

    def test_partial_batch_responses(self):
        """Of three records the second cannot be done: a queue gives it again, a stream goes back to it."""
        orders = [{"item": "tea", "amount": 3}, {"item": "milk"}, {"item": "sugar", "amount": 1}]
        texts = [json.dumps(order) for order in orders]
        event = json.loads((ROOT / "examples/sqs-express/event.json").read_text())
        self.assertEqual([json.loads(record["body"]) for record in event["Records"]], orders)
        kinesis = [
            {"sequenceNumber": f"4959033{n}", "data": base64.b64encode(text.encode()).decode(), "partitionKey": "1"}
            for n, text in enumerate(texts)
        ]
        dynamodb = [
            {"SequenceNumber": f"11100{n}", "NewImage": {"message": {"S": text}}, "StreamViewType": "NEW_IMAGE"}
            for n, text in enumerate(texts)
        ]
        for source, records, failed, done in [
            ("aws:sqs", event["Records"], "m-2", ["tea", "sugar"]),
            (
                "aws:kinesis",
                [{"eventSource": "aws:kinesis", "kinesis": record} for record in kinesis],
                "49590331",
                ["tea"],
            ),
            (
                "aws:dynamodb",
                [{"eventSource": "aws:dynamodb", "dynamodb": record} for record in dynamodb],
                "111001",
                ["tea"],
            ),
        ]:
            with self.subTest(source):
                before = len(self.json("GET", "/done"))
                error, answer = self.invoke("orders", {"Records": records})
                self.assertEqual((error, answer), (None, {"batchItemFailures": [{"itemIdentifier": failed}]}))
                self.assertEqual([order["item"] for order in self.json("GET", "/done")[before:]], done)

    def test_nothing_failed(self):
        record = {"messageId": "m", "eventSource": "aws:sqs", "body": '{"amount": 1}'}
        self.assertEqual(self.invoke("orders", {"Records": [record]}), (None, {"batchItemFailures": []}))

    def test_a_batch_that_breaks_the_application(self):
        """Express answers 500, which `AWS_LWA_ERROR_STATUS_CODES` makes a failed invocation: all of it comes again."""
        error, answer = self.invoke("orders", {"Records": [{"eventSource": "aws:none"}]})
        self.assertEqual((error, answer["errorType"]), ("Unhandled", "Function.ErrorStatusCode"))


class RequestContext(Feature):
    folder = "request-context"

    def test_who_asks(self):
        for function in ["fastapi", "express"]:
            with self.subTest(function):
                known = self.json(
                    "GET", f"/{function}", headers=[("x-customer", "blue"), ("x-amz-tenant-id", "forged")]
                )
                self.assertEqual((known["tenant"], known["client"], known["function"]), ("blue", "127.0.0.1", function))
                self.assertRegex(known["invocation"], r"^[0-9a-f-]{36}$")
                self.assertTrue(known["request"])
                self.assertGreater(known["deadline"], 1_500_000_000_000)

    def test_no_tenant(self):
        self.assertEqual(self.ask("GET", "/fastapi").status, 400)


class Zip(Feature):
    folder = "zip"

    def test_each_starts_from_its_handler(self):
        for path, found in [
            ("/fastapi", b"Hello from FastAPI"),
            ("/fasthtml", b"Hello from FastHTML"),
            ("/flask", b"Hello from Flask"),
            ("/express", b"Hello from Express"),
            ("/claims-api/claims", b"claim-1"),
            ("/streaming", b"torrents."),
        ]:
            with self.subTest(path):
                answer = self.ask("GET", path)
                self.assertEqual(answer.status, 200, f"{answer}\n{self.program.said()}")
                self.assertIn(found, answer.body)


class Installed(Feature):
    """Programs of the system: tested where they are installed."""

    def test_nginx(self):
        self.check("nginx", "nginx")

    def test_php(self):
        self.check("php", "nginx", "php-fpm", "php-fpm8.2", "php-fpm8.4")

    @classmethod
    def setUpClass(cls):
        pass

    def check(self, folder, program, *one_of):
        if not shutil.which(program) or one_of and not any(map(shutil.which, one_of)):
            self.skipTest(
                f"{program} is not installed, or one of {one_of}" if one_of else f"{program} is not installed"
            )
        self.program = example(self, folder)
        for method, target, headers, body, status, part in ASKED[folder]:
            with self.subTest(f"{method} {target}"):
                answer = self.ask(method, target, headers, body)
                self.assertEqual(answer.status, status, f"{answer}\n{self.program.said()}")
                self.assertIn(part, answer.body)


class Table(unittest.TestCase):
    def test_every_example_has_its_row(self):
        examples = ROOT / "examples"
        folders = {entry.name for entry in os.scandir(examples) if entry.is_dir()}
        text = (examples / "README.md").read_text()
        for folder in sorted(folders):
            with self.subTest(folder):
                self.assertIn(f"({folder})", text)
                self.assertTrue(pathlib.Path(examples, folder, "README.md").exists())


if __name__ == "__main__":
    unittest.main()

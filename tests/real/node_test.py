"""AWS's Node runtime client: the functions that the documents of KrakenD, kgateway and Gloo Edge print, byte for byte.

Each example folder has them as they stand there; here they run in the emulator, called by AWS's Python SDK.
"""

import json
import unittest

from boto3_test import client_of
from botocore.exceptions import ClientError
from support import example_functions


class Document:
    """A subclass names the example."""

    @classmethod
    def setUpClass(cls):
        cls.program = example_functions(cls, cls.folder)
        cls.client = client_of(cls.program.emulator)

    def invoke(self, name, payload, **more):
        answer = self.client.invoke(FunctionName=name, Payload=payload, **more)
        text = answer["Payload"].read().decode()
        self.assertNotIn("FunctionError", answer, text)
        return answer, text


class KrakenD(Document, unittest.TestCase):
    folder = "krakend"

    def test_hello_world(self):
        for payload in [b"{}", b'{"lambda":"my-lambda"}', b"[1]", b""]:
            with self.subTest(payload):
                answer, text = self.invoke("myLambdaFunction", payload)
                self.assertEqual((answer["StatusCode"], text), (200, '{"message":"Hello World"}'))

    def test_the_name_of_the_url(self):
        _, text = self.invoke("my-lambda", b'{"lambda":"my-lambda"}')
        self.assertEqual(json.loads(text), {"message": "Hello World"})

    def test_the_versions_of_the_canary(self):
        event = {"function_name": "my-function:3"}
        arn = "arn:aws:lambda:us-west-2:123456789012:function:my-function"
        for name, more, version in [
            ("my-function:3", {}, "3"),
            ("my-function:2", {}, "2"),
            ("my-function:v1", {}, "1"),
            ("my-function", {"Qualifier": "2"}, "2"),
            ("my-function", {"Qualifier": "v1"}, "1"),
            ("my-function", {}, "$LATEST"),
            (arn, {}, "$LATEST"),
            (arn + ":3", {}, "3"),
            ("123456789012:function:my-function", {}, "$LATEST"),
        ]:
            with self.subTest(name, **more):
                answer, text = self.invoke(name, json.dumps(event), **more)
                self.assertEqual(answer["ExecutedVersion"], version)
                self.assertEqual(json.loads(text), {"message": f"Hello from version {version}", "event": event})

    def test_a_version_that_is_none(self):
        for name in ["my-function:4", "my-function:live", "My-lambda"]:
            with self.subTest(name), self.assertRaises(ClientError) as caught:
                self.client.invoke(FunctionName=name)
            self.assertEqual(caught.exception.response["Error"]["Code"], "ResourceNotFoundException")


class Kgateway(Document, unittest.TestCase):
    folder = "kgateway"

    def test_the_answer_of_the_document(self):
        _, text = self.invoke("echo", b'{"key1":"value1", "key2":"value2"}', Qualifier="$LATEST")
        said = r"Here's the request you just sent me: {\"key1\":\"value1\",\"key2\":\"value2\"}"
        self.assertEqual(text, f'{{"statusCode":200,"body":"Response from AWS Lambda. {said}"}}')


class Gloo(Document, unittest.TestCase):
    folder = "gloo"

    def test_what_comes_goes(self):
        document = {
            "body": "gloo edge is inserting this body",
            "headers": {"test-header-key": "test-header-value"},
            "statusCode": 201,
        }
        for event in [document, {"ü": ["\u2028", '"\\', None, 1.5, {}]}, [], "text", "x" * 3_000_000]:
            with self.subTest(str(event)[:40]):
                _, text = self.invoke("echo", json.dumps(event))
                self.assertEqual(json.loads(text), event)


if __name__ == "__main__":
    unittest.main()

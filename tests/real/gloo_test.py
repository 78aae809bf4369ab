"""Gloo Edge's document of Lambda, followed step by step with our binary: its commands, objects, function and request."""

import json
import os
import pathlib
import re
import subprocess
import unittest

from support import DEADLINE, LAMBRIDGE, dev, laid_out, request

FORM = [("content-type", "application/x-www-form-urlencoded")]
BODY = (
    b'{"body": "gloo edge is inserting this body", "headers": {"test-header-key": "test-header-value"}, '
    b'"statusCode": 201}'
)
TEXT = b"gloo edge is inserting this body"


def run(*arguments):
    """A command that ends by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run([LAMBRIDGE, *arguments], capture_output=True, text=True, timeout=DEADLINE, env=environment)


def secret(folder):
    """The Secret of the document's command."""
    words = "create secret aws --name aws-creds --namespace gloo-system --access-key AKIAEXAMPLE --secret-key s3cr3t"
    made = run(*words.split())
    assert made.returncode == 0, made.stderr
    (folder / "manifests/secret.yaml").write_text(made.stdout)


def headers(answer):
    return {name.lower(): value for name, value in answer.headers}


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = laid_out(cls, "gloo")
        secret(cls.folder)
        cls.program = dev(cls, cls.folder, "manifests", "functions.yaml")

    def test_the_request_of_the_document(self):
        answer = request(self.program.gateway, "POST", "/", FORM, BODY)
        self.assertEqual((answer.status, answer.body), (201, TEXT), self.program.said())
        found = headers(answer)
        self.assertEqual(found["test-header-key"], "test-header-value")
        self.assertEqual(found["content-length"], "32")
        self.assertNotIn("content-type", found)
        self.assertFalse([name for name in found if name.startswith("x-amz")])

    def test_what_the_rule_cannot_read(self):
        answer = request(self.program.gateway, "POST", "/", FORM, b'{"statusCode": "201"}')
        self.assertEqual(answer.status, 500)
        self.assertEqual(answer.body, b"500: cannot parse non unsigned integer status code")
        self.assertEqual(request(self.program.gateway, "POST", "/other", FORM, BODY).status, 404)

    def test_create_upstream(self):
        readme = (self.folder / "README.md").read_text()
        command = re.search(r"lambridge (create upstream aws .+?)```", readme.replace("\\\n", " "), re.S)[1]
        made = run(*command.replace("'", "").split())
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(made.stdout, (self.folder / "manifests/upstream.yaml").read_text())

    def test_proxy_url(self):
        said = run("proxy", "url", "-c", str(self.folder / "manifests"))
        self.assertEqual((said.returncode, said.stdout), (0, "http://localhost:8080\n"), said.stderr)
        self.assertEqual(run("proxy", "url", "--port", "https", "-c", str(self.folder / "manifests")).returncode, 1)

    def test_get_upstream(self):
        manifests = str(self.folder / "manifests")
        words = ["get", "upstream", "-n", "gloo-system", "aws-upstream", "-c", manifests]
        endpoint = ["--endpoint-url", f"http://{self.program.emulator}"]
        said = run(*words, *endpoint, "-o", "json")
        aws = json.loads(said.stdout)["spec"]["aws"]
        entry = {"lambdaFunctionName": "echo", "logicalName": "echo", "qualifier": "$LATEST"}
        self.assertEqual(aws["lambdaFunctions"], [entry], said.stderr)
        said = run(*words, *endpoint)
        for part in ["| aws-upstream | AWS Lambda | Accepted |", "region: us-east-1", "- echo"]:
            self.assertIn(part, said.stdout)
        # A list that cannot be had is a note.
        said = run(*words, "--endpoint-url", "http://127.0.0.1:1", "-o", "yaml")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("were not listed", said.stderr)
        self.assertIn("region: us-east-1", said.stdout)


class ConvertedDocument(Document):
    converted = True


class Variants(unittest.TestCase):
    def variant(self, change):
        folder = laid_out(self, "gloo")
        secret(folder)
        path = pathlib.Path(folder / "manifests/virtualservice.yaml")
        path.write_text(change(path.read_text()))
        return dev(self, folder, "manifests", "functions.yaml")

    def test_unwrap_as_alb(self):
        program = self.variant(lambda text: text.replace("unwrapAsApiGateway", "unwrapAsAlb"))
        answer = request(program.gateway, "POST", "/", FORM, BODY)
        self.assertEqual((answer.status, answer.body), (201, TEXT), program.said())
        self.assertEqual(headers(answer)["content-type"], "application/json")

    def test_without_a_rule_the_payload_is_the_answer(self):
        program = self.variant(lambda text: text.replace("unwrapAsApiGateway: true", "unwrapAsApiGateway: false"))
        answer = request(program.gateway, "POST", "/", FORM, BODY)
        self.assertEqual((answer.status, json.loads(answer.body)), (200, json.loads(BODY)), program.said())

    def test_what_lambda_does_not_list_is_not_called(self):
        program = self.variant(lambda text: text.replace("logicalName: echo", "logicalName: other"))
        answer = request(program.gateway, "POST", "/", FORM, BODY)
        self.assertGreaterEqual(answer.status, 500)
        # The log is written behind a buffer.
        program.await_line("reason=not_found .*the function is not listed")


class ConvertedVariants(Variants):
    converted = True


if __name__ == "__main__":
    unittest.main()

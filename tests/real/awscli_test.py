"""AWS's command line against the emulator: the call of KrakenD's document as it stands there, its other ways to invoke, and its lists."""

import base64
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from support import DEADLINE, PYTHON, cleanup, closed_port, example_functions


class Cli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = example_functions(cls, "krakend")
        folder = tempfile.TemporaryDirectory(prefix="lambridge-awscli-")
        cleanup(cls, folder.cleanup)
        cls.folder = pathlib.Path(folder.name)

    def aws(self, command, *more, endpoint=None):
        """Runs a command line as one types it, in an empty folder; gives exit code, both outputs and the result file."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_MAX_ATTEMPTS": "1",
        }
        program, *words = command.split()
        self.assertEqual(program, "aws")
        result = self.folder / "result.json"
        result.unlink(missing_ok=True)
        done = subprocess.run(
            [PYTHON, "-m", "awscli", *words, *more, "--endpoint-url", f"http://{endpoint or self.program.emulator}"],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=4 * DEADLINE,
        )
        return done.returncode, done.stdout, done.stderr, result.read_text() if result.exists() else None

    def answered(self, command, *more):
        code, out, err, result = self.aws(command, *more)
        self.assertEqual((code, err), (0, ""), self.program.said())
        return json.loads(out), result

    def refused(self, message, command, *more, endpoint=None):
        # Version 1 of the command line ends with 255 whatever went wrong; version 2 knows 254 for an error that AWS sent.
        code, out, err, _ = self.aws(command, *more, endpoint=endpoint)
        self.assertEqual((code, out), (255, ""), err)
        self.assertIn(message, err)

    def test_as_typed_in_the_document(self):
        head, result = self.answered(
            "aws lambda invoke --region us-east-1 --function-name myLambdaFunction --output json result.json"
        )
        self.assertEqual(head, {"StatusCode": 200, "ExecutedVersion": "$LATEST"})
        self.assertEqual(result, '{"message":"Hello World"}')

    def test_qualifier(self):
        command = "aws lambda invoke --region us-east-1 --function-name my-function --output json result.json"
        for qualifier, version in [("2", "2"), ("3", "3"), ("v1", "1"), ("$LATEST", "$LATEST")]:
            with self.subTest(qualifier):
                head, result = self.answered(command, "--qualifier", qualifier, "--payload", '{"a": 1}')
                self.assertEqual(head, {"StatusCode": 200, "ExecutedVersion": version})
                self.assertEqual(json.loads(result), {"message": f"Hello from version {version}", "event": {"a": 1}})

    def test_event(self):
        head, result = self.answered(
            "aws lambda invoke --region us-east-1 --function-name myLambdaFunction --invocation-type Event"
            " --output json result.json"
        )
        self.assertEqual((head, result), ({"StatusCode": 202}, ""))

    def test_dry_run(self):
        head, result = self.answered(
            "aws lambda invoke --region us-east-1 --function-name myLambdaFunction --invocation-type DryRun"
            " --output json result.json"
        )
        self.assertEqual((head, result), ({"StatusCode": 204}, ""))

    def test_log_tail(self):
        head, result = self.answered(
            "aws lambda invoke --region us-east-1 --function-name myLambdaFunction --log-type Tail --output json result.json"
        )
        self.assertEqual(result, '{"message":"Hello World"}')
        log = base64.b64decode(head["LogResult"]).decode()
        self.assertRegex(log, r"START RequestId: [0-9a-f-]{36} Version: \$LATEST\n")
        self.assertRegex(log, r"REPORT RequestId: [0-9a-f-]{36}\t")

    def test_lists(self):
        listed, _ = self.answered("aws lambda list-functions --region us-east-1 --output json")
        names = sorted(function["FunctionName"] for function in listed["Functions"])
        self.assertEqual(names, ["my-function", "my-lambda", "myLambdaFunction"])
        listed, _ = self.answered("aws lambda list-functions --region us-east-1 --output json --function-version ALL")
        versions = [one["Version"] for one in listed["Functions"] if one["FunctionName"] == "my-function"]
        self.assertEqual(sorted(versions), ["$LATEST", "1", "2", "3"])
        listed, _ = self.answered("aws lambda list-aliases --region us-east-1 --output json --function-name my-function")
        self.assertEqual([(one["Name"], one["FunctionVersion"]) for one in listed["Aliases"]], [("v1", "1")])

    def test_a_function_that_is_not_there(self):
        self.refused(
            "An error occurred (ResourceNotFoundException) when calling the Invoke operation: "
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody",
            "aws lambda invoke --region us-east-1 --function-name nobody --output json result.json",
        )

    def test_a_payload_that_is_no_json(self):
        self.refused(
            "An error occurred (InvalidRequestContentException) when calling the Invoke operation",
            "aws lambda invoke --region us-east-1 --function-name myLambdaFunction --output json result.json",
            "--payload",
            "{no json",
        )

    def test_nobody_listens(self):
        self.refused(
            "Could not connect to the endpoint URL",
            "aws lambda invoke --region us-east-1 --function-name myLambdaFunction --output json result.json",
            endpoint=closed_port(),
        )


if __name__ == "__main__":
    unittest.main()

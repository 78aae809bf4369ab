"""`lambridge gateway` and `lambridge explain` with the files of other systems.

The gateway calls a double of Lambda that knows AWS's own signer: each call is signed for the region of the file with the
keys that it or the environment names, and carries the function and the payload that the system's document promises.
"""

import base64
import json
import unittest
from urllib.parse import unquote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support import Asked, Program, Service, command, laid_out, paths_of, request

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "of the environment"}
JSON = [("content-type", "application/json")]
FORM = [("content-type", "application/x-www-form-urlencoded")]
SECRET = {"accessKey": "AKIDSECRET", "secretKey": "of+the/Secret", "sessionToken": "its+token/"}



def with_secret(folder, namespace):
    """The Secret that the manifests of the example refer to, with keys that are not those of the environment."""
    (folder / "manifests/secret.json").write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "aws-creds", "namespace": namespace},
                "data": {name: base64.b64encode(value.encode()).decode() for name, value in SECRET.items()},
            }
        )
    )
    return folder


class Call(Asked):
    @property
    def function(self):
        """What the path names, and the qualifier."""
        parts = urlsplit(self.path)
        before, name, after = parts.path.rpartition("/invocations")[0].rpartition("/")
        assert (before + name, after != "") == ("/2015-03-31/functions/", True), self.path
        return unquote(after) + (f" {parts.query}" if parts.query else "")

    def signature(self, access, secret, token=None):
        """What AWS's signer makes of this call, and what it came with."""
        words = self.headers["authorization"].replace(",", " ").split()
        assert words[0] == "AWS4-HMAC-SHA256", words
        given = dict(word.split("=", 1) for word in words[1:])
        key, date, region, service, end = given["Credential"].split("/")
        assert (key, service, end) == (access, "lambda", "aws4_request"), given
        assert self.headers.get("x-amz-security-token") == token, self.headers
        assert self.headers["x-amz-date"].startswith(date), self.headers
        names = given["SignedHeaders"].split(";")
        assert {"host", "x-amz-date"} <= set(names) and (token is None or "x-amz-security-token" in names), names
        again = AWSRequest(self.command, f"http://{self.headers['host']}{self.path}", data=self.body)
        for name in names:
            again.headers[name] = self.headers[name]
        again.context["timestamp"] = self.headers["x-amz-date"]
        signer = SigV4Auth(Credentials(access, secret, token), service, region)
        text = signer.string_to_sign(again, signer.canonical_request(again))
        return region, given["Signature"], signer.signature(text, again)


class Lambda(Service):
    """The Invoke API: keeps every call, and answers `answer`."""

    # What ListFunctions finds, for Upstreams that discover.
    LISTED = json.dumps({"Functions": [{"FunctionName": "echo", "Version": "$LATEST"}]})

    def __init__(self, case):
        self.answer = b"{}"
        headers = {"x-amz-executed-version": "$LATEST", "content-type": "application/json"}
        super().__init__(case, lambda asked: (200, headers, self.answer if asked.command == "POST" else self.LISTED))

    @property
    def calls(self):
        return [Call(**vars(asked)) for asked in list(self.requests) if asked.command == "POST"]


class Signed(unittest.TestCase):
    def serve(self, folder, *files, ports=(8080,), env=KEYS):
        """`lambridge gateway` with these files as they stand."""
        self.aws = Lambda(self)
        binds = [word for port in ports for word in ("--bind", f"{port}=127.0.0.1:0")]
        env = env | {"AWS_ENDPOINT_URL_LAMBDA": self.aws.url}
        self.program = Program(["gateway", *paths_of(files), *binds], folder, env, 1, False)
        self.addCleanup(self.program.kill)

    def check(self, method, target, body, function, region, keys=tuple(KEYS.values()), headers=JSON):
        """Sends one request; gives the answer and the one call that came of it."""
        before = len(self.aws.calls)
        answer = request(self.program.gateway, method, target, headers, body)
        self.assertEqual(len(self.aws.calls), before + 1, f"{answer}\n{self.program.said()}")
        call = self.aws.calls[-1]
        if function is not None:
            self.assertEqual(call.function, function)
        signed_for, came, due = call.signature(*keys)
        self.assertEqual((signed_for, came), (region, due), call)
        self.assertNotIn(keys[1], self.program.said())
        return answer, call

    def test_runway(self):
        self.serve(laid_out(self, "runway"), "runway.yaml", ports=(8080, 8081))
        self.aws.answer = b'{"any": ["thing"]}'
        answer, call = self.check(
            "POST", "/api/compute/data?key=value", b'{"name": "example"}', "my-api-handler", "us-west-2"
        )
        self.assertEqual((answer.status, answer.body), (200, self.aws.answer))
        payload = json.loads(call.body)
        self.assertEqual((payload["httpMethod"], payload["path"]), ("POST", "/api/compute/data"))
        self.assertEqual(payload["body"], '{"name": "example"}')

    def test_kgateway(self):
        self.serve(with_secret(laid_out(self, "kgateway"), "kgateway-system"), "manifests")
        self.aws.answer = b'{"statusCode":201,"body":"as it is"}'
        body = b'{"key1":"value1", "key2":"value2"}'
        answer, call = self.check(
            "POST", "/echo", body, "echo Qualifier=%24LATEST", "us-east-1", tuple(SECRET.values()), FORM
        )
        self.assertEqual((answer.status, answer.body, call.body), (200, self.aws.answer, body))

    def test_krakend_fixed(self):
        self.serve(laid_out(self, "krakend"), "fixed.json")
        self.aws.answer = b'{"message": "Hello World"}'
        answer, call = self.check("GET", "/call-a-lambda?never=passed", None, "myLambdaFunction", "us-east-1")
        self.assertEqual((answer.status, answer.body), (200, b'{"message":"Hello World"}'))
        self.assertEqual(json.loads(call.body), {})

    def test_krakend_from_the_url(self):
        self.serve(laid_out(self, "krakend"), "from-url.json")
        arn = "arn:aws:lambda:us-west-2:123456789012:function:my-function"
        partial = "123456789012:function:my-lambda"
        for name, function in [
            ("my-lambda", "my-lambda"),
            ("my-lambda:v1", "my-lambda Qualifier=v1"),
            (partial, partial),
            (arn, arn),
            (arn + ":3", arn + " Qualifier=3"),
        ]:
            with self.subTest(name):
                # The file's region, misspelt as it is there, even for the ARN of another: so KrakenD's client does.
                _, call = self.check("GET", f"/call-a-lambda/{name}", None, function, "us-west1")
                self.assertEqual(json.loads(call.body), {"lambda": name})

    def test_krakend_canary(self):
        self.serve(laid_out(self, "krakend"), "canary.json")
        for _ in range(5):
            _, call = self.check("GET", "/call-a-lambda", None, None, "eu-west-1")
            named = json.loads(call.body)
            self.assertIn(named, [{"function_name": "my-function:2"}, {"function_name": "my-function:3"}])
            self.assertEqual(call.function, named["function_name"].replace(":", " Qualifier="))

    def test_gloo(self):
        self.serve(with_secret(laid_out(self, "gloo"), "gloo-system"), "manifests")
        event = {"body": "gloo edge is inserting this body", "statusCode": 201, "headers": {"test-header-key": "v"}}
        self.aws.answer = json.dumps(event).encode()
        answer, call = self.check("POST", "/", self.aws.answer, "echo", "us-east-1", tuple(SECRET.values()))
        self.assertEqual((answer.status, answer.body), (201, event["body"].encode()))
        self.assertEqual((answer.one("test-header-key"), call.body), ("v", self.aws.answer))


class Explained(unittest.TestCase):
    def check(self, folder, files, method, target, route, *said):
        explained = command("explain", *paths_of(files), method, target, "--format", "json", cwd=folder)
        self.assertEqual(explained.returncode, 0 if route else 1, explained)
        found = json.loads(explained.stdout)
        self.assertEqual(found["route"] and found["route"]["id"], route)
        for part in said:
            self.assertIn(part, "\n".join(found["does"]))

    def test_runway(self):
        folder, files = laid_out(self, "runway"), ["runway.yaml"]
        does = ["my-api-handler", "signed for us-west-2", "event runway"]
        self.check(folder, files, "GET", "/api/compute/data?key=value", "serverless-api", *does)
        self.check(folder, files, "DELETE", "/api/compute", "serverless-api", *does)
        self.check(folder, files, "GET", "/api/computer", None)
        self.check(folder, [*files, "functions.yaml"], "GET", "/api/compute", "serverless-api", *does)

    def test_kgateway(self):
        folder, route = with_secret(laid_out(self, "kgateway"), "kgateway-system"), "HTTPRoute kgateway-system/lambda"
        self.check(folder, ["manifests"], "POST", "/echo", route, "echo, qualifier $LATEST, ", "signed for us-east-1")
        self.check(folder, ["manifests"], "POST", "/echo/more", route)
        self.check(folder, ["manifests"], "POST", "/echoes", None)

    def test_krakend(self):
        folder, route = laid_out(self, "krakend"), "krakend/GET /call-a-lambda"
        self.check(folder, ["fixed.json"], "GET", "/call-a-lambda", route, "myLambdaFunction, ", "signed for us-east-1")
        self.check(folder, ["fixed.json"], "GET", "/call-a-lambda/more", None)
        self.check(folder, ["canary.json"], "GET", "/call-a-lambda", route, "`Function_name`", "signed for eu-west-1")
        route += "/{lambda}"
        self.check(folder, ["from-url.json"], "GET", "/call-a-lambda/my-lambda", route, "`Lambda`", "signed for us-west1")

    def test_gloo(self):
        folder, route = with_secret(laid_out(self, "gloo"), "gloo-system"), "VirtualService gloo-system/aws-route"
        self.check(folder, ["manifests"], "POST", "/", route, "echo, ", "at https://lambda.us-east-1.amazonaws.com, signed for us-east-1")
        self.check(folder, ["manifests"], "POST", "/more", None)


if __name__ == "__main__":
    unittest.main()

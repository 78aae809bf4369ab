"""AWS Lambda Web Adapter and ours side by side: every setting of its document, every kind of event, the same answers.

Each row is a function that runs twice in the emulator, with either adapter in `/opt/extensions`, before an application that
shows what reached it.
"""

import base64
import gzip
import json
import pathlib
import shutil
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

from boto3_test import client_of
from support import ADAPTER, AWS_ADAPTER, FUNCTIONS, cleanup, free_port, start

ADAPTERS = {"ours": ADAPTER, "theirs": AWS_ADAPTER}

# What a function has in its environment; `{a}` and `{b}` are free ports. The application answers 503 wherever ANSWERS says.
SETTINGS = {
    "plain": {"PORT": "{a}"},
    "port": {"AWS_LWA_PORT": "{a}", "PORT": "1", "LISTEN": "{a}"},
    "host": {"PORT": "{a}", "AWS_LWA_HOST": "localhost"},
    "old-host": {"PORT": "{a}", "HOST": "localhost"},
    "ready-path": {"PORT": "{a}", "ANSWERS": "/=503,/ready=200", "AWS_LWA_READINESS_CHECK_PATH": "/ready?x=1"},
    "old-ready-path": {"PORT": "{a}", "ANSWERS": "/=503,/ready=200", "READINESS_CHECK_PATH": "/ready"},
    "ready-port": {"PORT": "{a}", "LISTEN": "{a},{b}", "AWS_LWA_READINESS_CHECK_PORT": "{b}"},
    "old-ready-port": {"PORT": "{a}", "LISTEN": "{a},{b}", "READINESS_CHECK_PORT": "{b}"},
    "ready-tcp": {"PORT": "{a}", "ANSWERS": "/=503", "AWS_LWA_READINESS_CHECK_PROTOCOL": "tcp"},
    "old-ready-tcp": {"PORT": "{a}", "ANSWERS": "/=503", "READINESS_CHECK_PROTOCOL": "TCP"},
    "healthy": {"PORT": "{a}", "ANSWERS": "/=503", "AWS_LWA_READINESS_CHECK_HEALTHY_STATUS": "200,500-503"},
    "old-healthy": {"PORT": "{a}", "ANSWERS": "/=503", "AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS": "504"},
    "base": {"PORT": "{a}", "AWS_LWA_REMOVE_BASE_PATH": "/orders"},
    "old-base": {"PORT": "{a}", "REMOVE_BASE_PATH": "/orders"},
    "pass-through": {"PORT": "{a}", "AWS_LWA_PASS_THROUGH_PATH": "/queue"},
    "authorization": {"PORT": "{a}", "AWS_LWA_AUTHORIZATION_SOURCE": "X-App-Authorization"},
    "error-codes": {"PORT": "{a}", "AWS_LWA_ERROR_STATUS_CODES": "500,502-504"},
    "compress": {"PORT": "{a}", "AWS_LWA_ENABLE_COMPRESSION": "true"},
    "async": {"PORT": "{a}", "AWS_LWA_ASYNC_INIT": "true"},
    "managed": {"PORT": "{a}"},
    "proxy": {"PORT": "{a}", "PROXY": "{b}", "AWS_LWA_LAMBDA_RUNTIME_API_PROXY": "http://127.0.0.1:{b}"},
    "stream": {"PORT": "{a}", "AWS_LWA_INVOKE_MODE": "response_stream"},
}


def http_v2(method="GET", target="/", headers=(), body=None):
    """An HTTP API's event, which is also a function URL's."""
    path, _, query = target.partition("?")
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "api.example.com", **dict(headers)},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
        "isBase64Encoded": False,
    }
    if body is not None:
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return event


REST = {
    "resource": "/{proxy+}",
    "path": "/users/1",
    "httpMethod": "POST",
    "headers": {"Accept": "*/*", "Host": "api.example.com"},
    "multiValueHeaders": {"Accept": ["*/*"], "Host": ["api.example.com"]},
    "queryStringParameters": {"x": "1"},
    "multiValueQueryStringParameters": {"x": ["1"]},
    "pathParameters": {"proxy": "users/1"},
    "stageVariables": None,
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "api-id",
        "httpMethod": "POST",
        "identity": {"sourceIp": "192.0.2.1", "userAgent": "agent"},
        "path": "/prod/users/1",
        "protocol": "HTTP/1.1",
        "requestId": "id",
        "requestTimeEpoch": 1583348638390,
        "resourceId": "abc",
        "resourcePath": "/{proxy+}",
        "stage": "prod",
    },
    "body": '{"a":1}',
    "isBase64Encoded": False,
}

ALB = {
    "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/1"}},
    "httpMethod": "PUT",
    "path": "/users/1",
    "queryStringParameters": {"x": "1"},
    "headers": {"accept": "*/*", "host": "lb.example.com", "x-forwarded-for": "192.0.2.1"},
    "body": "text",
    "isBase64Encoded": False,
}


class Settings(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="lambridge-settings-"))
        cleanup(cls, shutil.rmtree, folder, True)
        functions = {}
        for who, adapter in ADAPTERS.items():
            (folder / who / "extensions").mkdir(parents=True)
            (folder / who / "extensions/lambda-adapter").symlink_to(adapter)
            for name, setting in SETTINGS.items():
                ports = {"a": free_port(), "b": free_port()}
                env = {key: value.format(**ports) for key, value in setting.items()}
                run = {"command": "node mirror.mjs", "dir": FUNCTIONS, "opt": str(folder / who), "env": env}
                functions[f"{name}-{who}"] = {"run": run | ({"concurrency": 4} if name == "managed" else {})}
        config = {"lambridge": 1, "emulator": {"address": "127.0.0.1:0"}, "functions": functions}
        cls.program = start(cls, "emulator", json.dumps(config))
        cls.client = client_of(cls.program.emulator)

    def both(self, name, event, **more):
        """What the application saw and what came back, from ours; theirs must be the same."""
        ours, theirs = (self.one(f"{name}-{who}", event, **more) for who in ADAPTERS)
        self.assertEqual(ours, theirs)
        return ours

    def one(self, function, event, **more):
        answer = self.client.invoke(FunctionName=function, Payload=json.dumps(event), **more)
        text = answer["Payload"].read().decode()
        self.assertNotIn("FunctionError", answer, f"{text}\n{self.program.said()}")
        head, found, body = text.partition("\0" * 8)
        answer = json.loads(head)
        if "statusCode" not in answer:
            return {"seen": seen(answer)}
        if not found:
            body = answer.pop("body")
        if answer.pop("isBase64Encoded", False):
            body = base64.b64decode(body)
        if answer.get("headers", {}).get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return {"seen": seen(json.loads(body)), "streamed": bool(found), **headed(answer)}

    def test_every_start(self):
        for name, before in {
            "plain": ["GET /"],
            "port": ["GET /"],
            "host": ["GET /"],
            "old-host": ["GET /"],
            "ready-path": ["GET /ready?x=1"],
            "old-ready-path": ["GET /ready"],
            "ready-port": ["GET / at the second port"],
            "old-ready-port": ["GET / at the second port"],
            "ready-tcp": [],
            "old-ready-tcp": [],
            "healthy": ["GET /"],
            "old-healthy": ["GET /"],
            "async": ["GET /"],
        }.items():
            with self.subTest(name):
                answer = self.both(name, http_v2())
                self.assertEqual((answer["seen"]["url"], answer["seen"]["before"]), ("/", before))

    def test_kinds_of_events(self):
        for event, method, url, body in [
            (http_v2("GET", "/a%2Fb?x=1&x=%20&y"), "GET", "/a%2Fb?x=1&x=%20&y", b""),
            (http_v2("POST", "/", {"a": "b", "content-type": "text/plain"}, b"\x00\xff"), "POST", "/", b"\x00\xff"),
            (REST, "POST", "/users/1?x=1", b'{"a":1}'),
            (ALB, "PUT", "/users/1?x=1", b"text"),
        ]:
            with self.subTest(url):
                answer = self.both("plain", event)
                saw = answer["seen"]
                self.assertEqual((saw["method"], saw["url"], saw["body"]), (method, url, body))
                self.assertEqual((answer["status"], len(answer["cookies"])), (200, 2))
                context = saw["headers"]["x-amzn-request-context"]
                self.assertEqual(context, without_nulls(event["requestContext"]))

    def test_other_events(self):
        event = {"Records": [{"eventSource": "aws:sqs", "body": "ü"}]}
        for name, url in [("plain", "/events"), ("pass-through", "/queue")]:
            with self.subTest(name):
                saw = self.both(name, event)["seen"]
                self.assertEqual((saw["method"], saw["url"], json.loads(saw["body"])), ("POST", url, event))

    def test_answers(self):
        for target, status in [("/status/404", 404), ("/status/500", 500), ("/x.bin", 200)]:
            with self.subTest(target):
                self.assertEqual(self.both("plain", http_v2("GET", target))["status"], status)

    def test_compression(self):
        for accept, coding in [("gzip", "gzip"), ("br;q=0.5, gzip", "gzip"), ("identity", None), ("gzip;q=0", None)]:
            with self.subTest(accept):
                answer = self.both("compress", http_v2("GET", "/x", {"accept-encoding": accept}))
                self.assertEqual(answer["headers"].get("content-encoding"), coding)
                self.assertEqual(answer["headers"]["vary"], "accept-encoding")

    def test_base_path(self):
        for name in ["base", "old-base"]:
            for path, url in [("/orders/1?x=1", "/1?x=1"), ("/orders", "/"), ("/other", "/other")]:
                with self.subTest(name, path=path):
                    self.assertEqual(self.both(name, http_v2("GET", path))["seen"]["url"], url)

    def test_authorization(self):
        headers = {"authorization": "AWS4-HMAC-SHA256 x", "x-app-authorization": "Bearer y"}
        saw = self.both("authorization", http_v2("GET", "/", headers))["seen"]["headers"]
        self.assertEqual(saw["authorization"], "Bearer y")
        self.assertNotIn("x-app-authorization", saw)

    def test_context(self):
        client = {
            "client": {
                "installationId": "i",
                "appTitle": "t",
                "appVersionName": "1",
                "appVersionCode": "2",
                "appPackageName": "p",
            },
            "custom": {"a": "b"},
            "environment": {"locale": "de"},
        }
        context = base64.b64encode(json.dumps(client).encode()).decode()
        saw = self.both("plain", http_v2(), ClientContext=context)["seen"]["headers"]["x-amzn-lambda-context"]
        self.assertEqual(saw["client_context"], client)
        self.assertEqual((saw["env_config"]["memory"], saw["env_config"]["version"]), (128, "$LATEST"))

    def test_tenant(self):
        saw = self.both("plain", http_v2(), TenantId="blue")["seen"]["headers"]
        self.assertEqual(saw["x-amz-tenant-id"], "blue")
        self.assertEqual(saw["x-amzn-lambda-context"]["tenant_id"], "blue")
        self.assertNotIn("x-amz-tenant-id", self.both("plain", http_v2())["seen"]["headers"])

    def test_statuses_that_are_errors(self):
        for who in ADAPTERS:
            for status, failed in [(500, True), (501, False), (503, True), (505, False)]:
                with self.subTest(who, status=status):
                    event = json.dumps(http_v2("GET", f"/status/{status}"))
                    answer = self.client.invoke(FunctionName=f"error-codes-{who}", Payload=event)
                    self.assertEqual("FunctionError" in answer, failed)

    def test_managed_instances(self):
        """Four invocations at once in one instance: each is answered when all four have reached the application."""
        for who in ADAPTERS:
            with self.subTest(who), ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda n: self.one(f"managed-{who}", http_v2("GET", f"/meet/4?{n}")), range(4)))
                self.assertEqual([answer["seen"]["url"] for answer in answers], [f"/meet/4?{n}" for n in range(4)])

    def test_proxy_before_the_runtime_api(self):
        # Theirs registers as an extension through the proxy too, in the version that crates.io has, and does not start.
        saw = self.one("proxy-ours", http_v2("GET", "/x"))["seen"]
        self.assertEqual((saw["url"], saw["headers"]["x-marked"]), ("/x", "by the proxy"))

    def test_where_they_differ(self):
        """The differences of docs/compatibility/lambda-web-adapter.md, from both sides."""

        def check(event, ours, theirs, look):
            event = json.dumps(event)
            for who, expect in {"ours": ours, "theirs": theirs}.items():
                with self.subTest(event, who=who):
                    answer = self.client.invoke(FunctionName=f"plain-{who}", Payload=event)
                    payload = json.loads(answer["Payload"].read())
                    self.assertEqual("failed" if "FunctionError" in answer else look(payload), expect, payload)

        def body(answer):
            return base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()

        def url(answer):
            return json.loads(answer["body"])["url"]

        def cookie(answer):
            return json.loads(answer["body"])["headers"]["cookie"]

        check(http_v2("GET", "/bytes/efbbbf61"), b"\xef\xbb\xbfa", b"a", body)
        check(http_v2("GET", "/bytes/636166e9"), b"caf\xe9", "caf\ufffd".encode(), body)
        check(http_v2("GET", "/bytes/61"), "a, b", "a", lambda answer: answer["headers"]["x-many"])
        check(http_v2("GET", '/x?a="b"'), "/x?a=%22b%22", "failed", url)
        check(http_v2("GET", "/a/../b/%2E%2e/c"), "/a/../b/%2E%2e/c", "/c", url)
        check(http_v2("GET", "/x") | {"cookies": ["a=1", "b=2"]}, "a=1; b=2", "a=1;b=2", cookie)

    def test_streamed(self):
        answer = self.both("stream", http_v2("POST", "/status/201", {}, b"body"))
        self.assertTrue(answer["streamed"])
        self.assertEqual((answer["status"], answer["seen"]["body"]), (201, b"body"))
        self.assertEqual(len(answer["cookies"]), 2)


def seen(shown):
    """What the application saw, without what differs from run to run, and without two habits of theirs.

    Those are a `content-length: 0` on a GET, and members of the request's context that are null because the event has none.
    """
    headers = shown["headers"]
    context = json.loads(headers["x-amzn-lambda-context"])
    if headers.get("content-length") == "0":
        del headers["content-length"]
    trace = headers.pop("x-amzn-trace-id")
    assert context.pop("xray_trace_id") == trace, context
    for name in ["request_id", "deadline", "invoked_function_arn"]:
        assert context.pop(name), name
    assert context["env_config"].pop("function_name")
    headers["x-amzn-lambda-context"] = context
    headers["x-amzn-request-context"] = without_nulls(json.loads(headers["x-amzn-request-context"]))
    places = [part.split(" ") for part in shown["before"]]
    port = str(shown["port"])
    before = [f"{method} {url}" + ("" if at == port else " at the second port") for method, at, url in places]
    body = base64.b64decode(shown["body"])
    return {"method": shown["method"], "url": shown["url"], "headers": headers, "body": body, "before": before}


def headed(answer):
    """Status, headers and cookies, whichever map they are in, without the hop's own headers that theirs sends on."""
    headers = answer.get("headers") or {name: values[0] for name, values in answer["multiValueHeaders"].items()}
    cookies = answer.get("cookies")
    if cookies is None:
        many = answer.get("multiValueHeaders", {}).get("set-cookie")
        # A balancer that takes one value a header gets the second cookie from ours under another spelling of the name.
        cookies = many or [value for name, value in headers.items() if name.lower() == "set-cookie"]
    hop = ["connection", "keep-alive", "date", "set-cookie"]
    kept = {name: value for name, value in headers.items() if name.lower() not in hop}
    return {"status": answer["statusCode"], "headers": kept, "cookies": cookies}


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return value


if __name__ == "__main__":
    unittest.main()

"""KrakenD's Lambda backend, by its document: the fragments as they stand there, through the binary and AWS's Node client."""

import json
import socket
import threading
import time
import unittest

import http2
from support import DEADLINE, cleanup, connect, dev, laid_out, request

VERSION = "Version 2.13.8"
JSON = "application/json; charset=utf-8"
HELLO = b'{"message":"Hello World"}'


# Beside those of the example, by what their handler does.
HANDLERS = {
    "throws": 'throw new Error("no stock")',
    "slow": "await new Promise(() => setInterval(() => {}, 1000))",
    "list": "return [1, 2]",
}


def example(case, document, text=None):
    """`lambridge dev -c DOCUMENT -c functions.yaml` in a copy of the example; `text` becomes the document."""
    folder = laid_out(case, "krakend")
    files = [document, "functions.yaml"]
    if text is not None:
        (folder / document).write_text(text)
        functions = {}
        for name, code in HANDLERS.items():
            (folder / f"{name}.js").write_text(f"exports.handler = async () => {{ {code} }};\n")
            functions[name] = {"run": {"command": f"node_modules/.bin/aws-lambda-ric {name}.handler"}}
        (folder / "more.json").write_text(json.dumps({"lambridge": 1, "functions": functions}))
        files.append("more.json")
    return dev(case, folder, *files)


def warm(program, *targets):
    """Until each function has answered once: the files leave KrakenD's 2 s, in which Node may not have started yet."""
    for target in targets:
        deadline = time.monotonic() + DEADLINE
        while request(program.gateway, "GET", target).status == 500:
            assert time.monotonic() < deadline, f"{target} never answered; it said:\n{program.said()}"


def endpoint(path, function, method="GET", backend=None, **more):
    """An endpoint as the document writes it; `function` is its `backend/lambda`."""
    backend = {"host": ["ignore"], "url_pattern": "/ignore", **(backend or {})}
    backend["extra_config"] = {**backend.get("extra_config", {}), "backend/lambda": function}
    return {"endpoint": path, "method": method, "timeout": "20s", "backend": [backend], **more}


class KrakenD:
    def told(self, answer, status, completed, body):
        self.assertEqual((answer.status, answer.body), (status, body), answer)
        self.assertEqual(answer.one("x-krakend"), VERSION)
        self.assertEqual(answer.one("x-krakend-completed"), completed)

    def get(self, target, **more):
        return request(self.program.gateway, "GET", target, **more)


class Fixed(KrakenD, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = example(cls, "fixed.json")
        warm(cls.program, "/call-a-lambda")

    def test_hello_world(self):
        answer = self.get("/call-a-lambda")
        self.told(answer, 200, "true", HELLO)
        self.assertEqual(answer.one("content-type"), JSON)
        self.assertEqual(answer.one("x-amz-executed-version"), "$LATEST")
        self.assertEqual(answer.all("cache-control"), [])

    def test_http2_without_tls_is_for_those_who_ask_for_it(self):
        with connect(self.program.gateway) as connection:
            connection.sendall(http2.PREFACE)
            self.assertEqual(connection.recv(12), b"HTTP/1.1 400")

    def test_no_such_endpoint(self):
        answer = self.get("/nowhere")
        self.told(answer, 404, "false", b"404 page not found")
        self.assertEqual(answer.one("content-type"), "text/plain")

    def test_another_method(self):
        answer = request(self.program.gateway, "POST", "/call-a-lambda", body=b"{}")
        self.told(answer, 405, "false", b"405 method not allowed")

    def test_health(self):
        self.assertEqual(json.loads(self.get("/__health").body)["status"], "ok")


class ConvertedFixed(Fixed):
    converted = True


class FromUrl(KrakenD, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = example(cls, "from-url.json")
        versions = ["", ":1", ":2", ":3"]
        warm(cls.program, "/call-a-lambda/my-lambda", *[f"/call-a-lambda/my-function{one}" for one in versions])

    def test_the_name_keeps_its_case(self):
        self.told(self.get("/call-a-lambda/my-lambda"), 200, "true", HELLO)
        # The document says that this one is called for `my-lambda`; KrakenD's code does not.
        self.told(self.get("/call-a-lambda/My-lambda"), 404, "false", b"")

    def test_the_four_forms_of_a_name(self):
        arn = "arn:aws:lambda:us-west-2:123456789012:function:my-function"
        for name, version in [
            ("my-function", "$LATEST"),
            ("my-function:v1", "1"),
            ("my-function%3Av1", "1"),
            (arn, "$LATEST"),
            (arn + ":3", "3"),
            ("123456789012:function:my-function", "$LATEST"),
        ]:
            with self.subTest(name):
                answer = self.get(f"/call-a-lambda/{name}?query=never&passes=on", headers=[("x-never", "passes")])
                self.assertEqual(answer.status, 200, answer)
                said = json.loads(answer.body)
                self.assertEqual(said["message"], f"Hello from version {version}")
                self.assertEqual(said["event"], {"lambda": name.replace("%3A", ":")})
                self.assertEqual(answer.body, json.dumps(said, separators=(",", ":"), sort_keys=True).encode())

    def test_what_is_no_name(self):
        for name in ["absent", "my-function:4", "a%20b"]:
            with self.subTest(name):
                self.told(self.get(f"/call-a-lambda/{name}"), 404, "false", b"")


class ConvertedFromUrl(FromUrl):
    converted = True


class Canary(KrakenD, unittest.TestCase):
    def test_a_fifth_goes_to_the_new_version(self):
        program = example(self, "canary.json")
        # Either version is met in so many calls, but for one time in a thousand million.
        warm(program, *["/call-a-lambda"] * 100)
        calls, threads, counts, lock = 1010, 8, {"2": 0, "3": 0}, threading.Lock()
        left = iter(range(calls))

        def caller():
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                answer = request(program.gateway, "GET", "/call-a-lambda")
                said = json.loads(answer.body)
                version = said["message"].removeprefix("Hello from version ")
                assert said["event"] == {"function_name": f"my-function:{version}"}, said
                with lock:
                    counts[version] += 1

        running = [threading.Thread(target=caller) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        self.assertEqual(sum(counts.values()), calls, program.said())
        # 20 of the numbers from 0 to 100: 200 of 1,010, with a deviation of 12.7; five of them to either side.
        self.assertTrue(136 <= counts["3"] <= 264, counts)


class ConvertedCanary(Canary):
    converted = True


class Everything(KrakenD, unittest.TestCase):
    """What the document says beside its examples."""

    @classmethod
    def setUpClass(cls):
        cls.dummy = socket.create_server(("127.0.0.1", 0))
        cleanup(cls, cls.dummy.close)
        host = f"http://127.0.0.1:{cls.dummy.getsockname()[1]}"
        function, echo = {"function_name": "my-function"}, {"function_name": "my-function:3"}
        lua = {"pre": "local r = request.load() r:body('[\"' .. r:body() .. '\"]')"}
        refuse = {"pre": "custom_error('not today', 418)"}
        document = {
            "version": 3,
            "use_h2c": True,
            "endpoints": [
                endpoint("/host", {"function_name": "myLambdaFunction"}, backend={"host": [host]}),
                endpoint("/post", echo, "POST", {"host": [host]}, input_headers=["*"], cache_ttl="300s"),
                endpoint("/body-of-a-get", echo, backend={"method": "POST"}),
                endpoint("/parameters-of-a-post/{Id}", echo, "POST", {"method": "GET"}),
                endpoint("/nobody/{lambda}", {"function_param_name": "lambda"}),
                endpoint("/parameters/{userId}/{Id}", echo),
                endpoint("/shaped", function, backend={"target": "event", "group": "g"}),
                endpoint("/allowed", function, backend={"allow": ["message"], "mapping": {"message": "content"}},
                         output_encoding="string", cache_ttl="300s"),
                endpoint("/no-op", function, output_encoding="no-op"),
                endpoint("/collection", function, backend={"mapping": {"event": "collection"}},
                         output_encoding="json-collection"),
                endpoint("/lua", echo, "POST", {"extra_config": {"modifier/lua-backend": lua}}),
                endpoint("/refused", echo, backend={"extra_config": {"modifier/lua-backend": refuse}}),
                endpoint("/throws", {"function_name": "throws"}, cache_ttl="300s"),
                endpoint("/slow", {"function_name": "slow"}, timeout="50ms"),
                endpoint("/list", {"function_name": "list"}),
            ],
        }
        if getattr(cls, "converted", False):
            # A name that no parameter gives: KrakenD's file may have it, and answers 500; a native file may not.
            document["endpoints"] = [one for one in document["endpoints"] if one["endpoint"] != "/nobody/{lambda}"]
        cls.program = example(cls, "everything.json", json.dumps(document))

    def said(self, method, target, body=None):
        answer = request(self.program.gateway, method, target, body=body)
        self.assertEqual(answer.status, 200, answer)
        return json.loads(answer.body)["event"]

    def test_http2_without_tls(self):
        client = http2.Client(self, connect(self.program.gateway))
        stream = client.open("/host")
        self.assertEqual((client.heads[stream][0], client.read(stream, 1000)), (http2.STATUS_200, HELLO))

    def test_the_host_is_never_contacted(self):
        self.told(self.get("/host"), 200, "true", HELLO)
        self.assertEqual(self.said("POST", "/post", b"{}"), {})
        self.dummy.settimeout(0)
        with self.assertRaises(BlockingIOError):
            self.dummy.accept()

    def test_other_methods_send_the_body_as_it_is(self):
        for body in [b'{"a": [1, "\\u003c"]}', b"[]", b'"text"', b"7"]:
            with self.subTest(body):
                self.assertEqual(self.said("POST", "/post?query=never", body), json.loads(body))
        answer = request(self.program.gateway, "POST", "/post", body=b"{}")
        self.assertEqual(answer.one("cache-control"), "public, max-age=300")
        # Lambda takes JSON only.
        self.told(request(self.program.gateway, "POST", "/post", body=b"{"), 400, "false", b"")

    def test_the_method_of_the_backend_decides(self):
        self.assertEqual(self.said("GET", "/body-of-a-get", b'{"a":1}'), {"a": 1})
        self.assertEqual(self.said("POST", "/parameters-of-a-post/7", b'{"a":1}'), {"id": "7"})

    def test_parameters(self):
        self.assertEqual(self.said("GET", "/parameters/A%20b/2?c=3"), {"id": "2", "userid": "A b"})

    def test_no_name(self):
        self.told(self.get("/nobody/my-lambda"), 500, "false", b"")

    def test_answers_are_shaped(self):
        self.told(self.get("/shaped"), 200, "true", b'{"g":{}}')
        answer = self.get("/allowed")
        self.told(answer, 200, "true", b"Hello from version $LATEST")
        self.assertEqual(answer.one("content-type"), "text/plain; charset=utf-8")
        self.assertEqual(answer.one("cache-control"), "public, max-age=300")
        self.told(self.get("/no-op"), 200, "true", b"")
        self.told(self.get("/collection"), 200, "true", b"{}")

    def test_lua_changes_the_body(self):
        self.assertEqual(self.said("POST", "/lua", b"text"), ["text"])

    def test_lua_refuses(self):
        self.told(self.get("/refused"), 418, "false", b"")

    def test_errors(self):
        # KrakenD says 200 here, and lets it be cached.
        answer = self.get("/throws")
        self.told(answer, 500, "false", b"")
        self.assertEqual(answer.all("cache-control"), [])
        self.told(self.get("/slow"), 500, "false", b"")
        self.told(self.get("/list"), 500, "false", b"")


class ConvertedEverything(Everything):
    converted = True

    def test_no_name(self):
        self.told(self.get("/nobody/my-lambda"), 404, "false", b"404 page not found")


if __name__ == "__main__":
    unittest.main()

"""A runtime for the tests: polls, and does what each event says."""
import http.client, json, os, signal, sys, threading, time

api = os.environ["AWS_LAMBDA_RUNTIME_API"]
base = "/2018-06-01/runtime"


def call(connection, method, path, body=None, headers={}):
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def note(line):
    path = os.environ.get("NOTES")
    if path:
        with open(path, "a") as notes:
            notes.write(line + "\n")


def handle(connection, event, head):
    id = head["Lambda-Runtime-Aws-Request-Id"]
    answer = f"{base}/invocation/{id}/response"
    do = event.get("do") if isinstance(event, dict) else None
    if isinstance(event, dict) and event.get("version") == "2.0":
        # Behind a function URL, the path says what to do; the body of a POST to `/say` is the answer.
        do = event["rawPath"].strip("/")
        if do == "stream":
            event = json.loads(event["body"])
            do = "slow-stream"
        if do == "say":
            import base64
            body = event.get("body", "")
            return call(connection, "POST", answer, base64.b64decode(body) if event["isBase64Encoded"] else body.encode())
    if do == "raise":
        body = json.dumps({"errorMessage": "no luck", "errorType": "Luck", "stackTrace": []})
        return call(connection, "POST", f"{base}/invocation/{id}/error", body, {"Lambda-Runtime-Function-Error-Type": "Function.Luck"})
    if do == "hang":
        time.sleep(60)
    if do == "exit":
        os._exit(event["code"])
    if do == "signal":
        os.kill(os.getpid(), event["signal"])
        time.sleep(60)
    if do == "flood":
        return note(str(call(connection, "POST", answer, b"x" * (7 << 20))[0]))
    if do == "answer-and-exit":
        call(connection, "POST", answer, "1")
        os._exit(3)
    if do == "wrong-id":
        status, _, body = call(connection, "POST", f"{base}/invocation/nobody/response", "1")
        return call(connection, "POST", answer, json.dumps({"status": status, "body": json.loads(body)}))
    if do == "wrong-mode":
        status, _, body = call(connection, "POST", answer, "1", {"Lambda-Runtime-Function-Response-Mode": "x"})
        return call(connection, "POST", answer, json.dumps({"status": status, "body": json.loads(body)}))
    if do == "next-twice":
        status, _, body = call(connection, "GET", f"{base}/invocation/next")
        return call(connection, "POST", answer, json.dumps({"status": status, "body": json.loads(body)}))
    if do == "stale":
        status, _, body = call(connection, "POST", answer, "1", {"Lambda-Runtime-Invocation-Id": "old"})
        return call(connection, "POST", answer, json.dumps({"status": status, "body": json.loads(body)}))
    if do == "stream":
        parts = [b'{"a":', b"1", b"}"]
        headers = {"Lambda-Runtime-Function-Response-Mode": "streaming", "Transfer-Encoding": "chunked"}
        connection.request("POST", answer, iter(parts), headers, encode_chunked=True)
        return connection.getresponse().read()
    if do == "slow-stream":
        # The first piece, then the rest once the test has seen it.
        def pieces():
            yield bytes(event["first"], "latin-1")
            while not os.path.exists(event["until"]):
                time.sleep(0.01)
            yield b"x" * event.get("more", 0) + b"last"
            if event.get("die"):
                os._exit(3)
        headers = {"Lambda-Runtime-Function-Response-Mode": "streaming", "Transfer-Encoding": "chunked", "Content-Type": event.get("type", "text/plain")}
        connection.request("POST", answer, pieces(), headers, encode_chunked=True)
        return connection.getresponse().read()
    if do == "broken-stream":
        import base64, socket
        host, port = api.split(":")
        report = base64.b64encode(b'{"errorType":"Runtime.Half","errorMessage":"half"}').decode()
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall((f"POST {answer} HTTP/1.1\r\nHost: x\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"
                "Transfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
                "4\r\nhalf\r\n0\r\nLambda-Runtime-Function-Error-Type: Runtime.Half\r\n"
                f"Lambda-Runtime-Function-Error-Body: {report}\r\n\r\n").encode())
            raw.recv(4096)
        return
    if do == "blame":
        # The adapter's part when an application dies: by the time the connection breaks, the memory has gone.
        if event["app"] != os.getppid():
            with open(f"/proc/{event['app']}/statm") as memory:
                os.kill(event["app"], signal.SIGKILL)
                try:
                    while not memory.read().startswith("0 "):
                        memory.seek(0)
                except ProcessLookupError:
                    pass
        if event.get("large"):
            broke_off = {"proxy-status": "lambda-adapter; error=http_response_incomplete"}
            half = {"isBase64Encoded": True, "body": "aGFs" * 9000, "statusCode": 502, "headers": broke_off}
            return call(connection, "POST", answer, json.dumps(half))
        problem = json.dumps({"type": "urn:lambridge:problem:upstream_error"})
        return call(connection, "POST", answer, json.dumps({"statusCode": 502, "body": problem}))
    if do == "head":
        return call(connection, "POST", answer, json.dumps({name.lower(): value for name, value in head.items()}))
    if do == "environment":
        return call(connection, "POST", answer, json.dumps(dict(os.environ)))
    if do == "pid":
        return call(connection, "POST", answer, str(os.getpid()))
    if do == "print":
        print("first\nsecond", flush=True)
        print("third", end="", file=sys.stderr, flush=True)
    if do == "print-much":
        print("y" * 10000, flush=True)
    if do == "fail-until":
        note(id)
        with open(os.environ["NOTES"]) as notes:
            if len(notes.readlines()) < event["tries"]:
                return call(connection, "POST", f"{base}/invocation/{id}/error", "{}")
    if do == "wait":
        # Says that it has begun, then waits to be let go.
        note("begun")
        while not os.path.exists(event["until"]):
            time.sleep(0.01)
    call(connection, "POST", answer, json.dumps(event))


def register(name, events):
    connection = http.client.HTTPConnection(api)
    headers = {"Lambda-Extension-Name": name, "Lambda-Extension-Accept-Feature": "accountId"}
    return call(connection, "POST", "/2020-01-01/extension/register", json.dumps({"events": events}), headers)


def events(identifier):
    connection = http.client.HTTPConnection(api)
    while True:
        status, head, body = call(connection, "GET", "/2020-01-01/extension/event/next", None, {"Lambda-Extension-Identifier": identifier})
        if status != 200:
            return
        event = json.loads(body)
        note(event["eventType"] + " " + event.get("shutdownReason", event.get("requestId", "")))
        if event["eventType"] == "SHUTDOWN":
            os._exit(0)


def poll():
    connection = http.client.HTTPConnection(api)
    while True:
        status, head, body = call(connection, "GET", f"{base}/invocation/next")
        if status == 403:
            note("next refused")
        if status != 200:
            sys.exit(9)
        handle(connection, json.loads(body), head)
        connection.close()


mode = sys.argv[1] if len(sys.argv) > 1 else "plain"
if mode == "init-error":
    body = json.dumps({"errorMessage": "cannot start", "errorType": "Start"})
    call(http.client.HTTPConnection(api), "POST", f"{base}/init/error", body)
    sys.exit(1)
if mode == "init-exit":
    sys.exit(int(sys.argv[2]))
if mode == "init-once":
    # Fails at its first start only.
    if not os.path.exists(sys.argv[2]):
        open(sys.argv[2], "w").close()
        sys.exit(1)
if mode == "init-hang":
    time.sleep(60)
if mode == "internal":
    status, head, body = register("inside", ["INVOKE"])
    note(f"registered {status} {json.loads(body)['accountId']}")
    note(f"shutdown {register('other', ['SHUTDOWN'])[0]}")
    note(f"unknown {register('other', ['DANCE'])[0]}")
    threading.Thread(target=events, args=(head["Lambda-Extension-Identifier"],), daemon=True).start()
    connection = http.client.HTTPConnection(api)
    status, _, body = call(connection, "PUT", "/2022-07-01/telemetry", "{}")
    note(f"telemetry {status}")
    status, _, body = call(connection, "GET", "/2018-06-01/ping")
    note(f"ping {body.decode()}")
    status, _, body = call(connection, "POST", f"{base}/invocation/x/response", "1")
    note(f"early {status}")
if mode == "extension-error":
    # What the event says is reported as an extension's own end; `init` at once.
    status, head, body = register("inside", ["INVOKE"])
    identifier = head["Lambda-Extension-Identifier"]

    def report(what, headers={}):
        everything = {"Lambda-Extension-Identifier": identifier, "Lambda-Extension-Function-Error-Type": "Extension.Sad"} | headers
        kept = {name: value for name, value in everything.items() if value}
        connection = http.client.HTTPConnection(api)
        status, _, body = call(connection, "POST", f"/2020-01-01/extension/{what}/error", "why", kept)
        note(f"{what} {status} {json.loads(body).get('errorType', '')}")

    report("init", {"Lambda-Extension-Identifier": ""})
    report("init", {"Lambda-Extension-Identifier": "nobody"})
    report("init", {"Lambda-Extension-Identifier": "00000000-0000-4000-8000-000000000000"})
    report("init", {"Lambda-Extension-Function-Error-Type": ""})
    if sys.argv[2] == "init":
        report("init")
        connection = http.client.HTTPConnection(api)
        note(f"after {call(connection, 'GET', '/2020-01-01/extension/event/next', None, {'Lambda-Extension-Identifier': identifier})[0]}")
        time.sleep(60)
    threading.Thread(target=events, args=(identifier,), daemon=True).start()
    connection = http.client.HTTPConnection(api)
    call(connection, "GET", f"{base}/invocation/next")
    report("exit")
    time.sleep(60)
if mode == "adapter":
    # The web adapter's part: external extension and runtime in one.
    status, head, body = register("lambda-adapter", ["SHUTDOWN"])
    port = os.environ.get("AWS_LWA_PORT") or os.environ["AWS_LAMBDA_HTTP_ENDPOINT"]
    note(f"adapter {os.getpid()} {port} {'_HANDLER' in os.environ}")
    threading.Thread(target=events, args=(head["Lambda-Extension-Identifier"],), daemon=True).start()
if mode == "watcher":
    # An external extension that is no runtime.
    status, head, body = register("watcher", ["SHUTDOWN"])
    note(f"watcher {os.getpid()} {json.loads(body)['handler']}")
    events(head["Lambda-Extension-Identifier"])
    time.sleep(600)
if mode == "app":
    signal.signal(signal.SIGTERM, lambda *_: (note("app SIGTERM"), os._exit(0)))
    port = os.environ.get("PORT") or os.environ["AWS_LAMBDA_HTTP_ENDPOINT"]
    names = " ".join(name for name in ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LWA_PORT"] if name in os.environ)
    note(f"environment {os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']} {names}".strip())
    note(f"app {os.getpid()} {port}")
    time.sleep(600)
if mode == "managed":
    for _ in range(int(os.environ["AWS_LAMBDA_MAX_CONCURRENCY"])):
        threading.Thread(target=poll).start()
else:
    poll()

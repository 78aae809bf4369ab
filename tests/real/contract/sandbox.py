"""What stands around an adapter on Lambda: the Runtime and Extensions APIs on one side, the application on the other.

Both are made by hand, record what reached them, and answer as a row says. One sandbox is one process of one adapter, so
that what a row breaks stays broken for that row only.
"""

import os
import queue
import signal
import subprocess
import tempfile
import threading
import time

from support import DEADLINE

from .wire import Closed, Server, answer

REGISTER = "/2020-01-01/extension/register"
EVENT = "/2020-01-01/extension/event/next"
RUNTIME = "/2018-06-01/runtime"
NEXT = f"{RUNTIME}/invocation/next"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"

# What Lambda sets for every function.
LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "f",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/21/[$LATEST]1",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
}


class Runtime:
    """The Runtime API and the Extensions API at one address, as on Lambda."""

    def __init__(self):
        # (what, request), in the order in which they came; also as a queue of what was posted.
        self.seen = []
        self.posted = queue.Queue()
        self.changed = threading.Condition()
        self.events = queue.Queue()
        self.given = 0
        # Answers other than the usual ones, by path; each is used once. A function gives one when it is time.
        self.instead = {}
        # Answers that are sent when the head of a request is here, by path.
        self.early = {}
        # Whether chunks of a streamed answer are told one by one.
        self.pieces = queue.Queue()
        self.server = Server(self._serve)
        self.address = f"127.0.0.1:{self.server.port}"

    def give(self, event, headers=()):
        """An invocation for whoever asks next."""
        self.given += 1
        usual = {
            "Lambda-Runtime-Aws-Request-Id": f"8476a536-e9f4-11e8-9739-2dfe598c3f{self.given:02x}",
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60_000),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1",
            "Content-Type": "application/json",
        }
        for name, value in dict(headers).items():
            usual[name] = value
        self.events.put(answer(200, [pair for pair in usual.items() if pair[1] is not None], event))

    def count(self, what):
        return sum(1 for name, _ in list(self.seen) if name == what)

    def first(self, what):
        return next((request for name, request in list(self.seen) if name == what), None)

    def wait(self, what, count, patience=DEADLINE, ended=lambda: False):
        """Waits until `what` came `count` times; gives whether it did before the process ended."""
        deadline = time.monotonic() + patience
        with self.changed:
            while self.count(what) < count:
                if ended() or time.monotonic() > deadline:
                    return self.count(what) >= count
                self.changed.wait(0.05)
        return True

    def _note(self, what, request):
        with self.changed:
            self.seen.append((what, request))
            self.changed.notify_all()

    def _serve(self, connection):
        def begun(request):
            if data := self.early.get(request.target):
                connection.send(data)

        while request := connection.request(begun, self.pieces.put):
            path = request.target
            if path in self.early:
                self._note("posted", request)
                self.posted.put(request)
                continue
            if instead := self.instead.get(path):
                self._note({REGISTER: "register", EVENT: "event"}.get(path, path), request)
                data = instead.pop(0)
                connection.send(data() if callable(data) else data)
                continue
            if path == REGISTER:
                self._note("register", request)
                connection.send(answer(200, [("Lambda-Extension-Identifier", "id-1")], '{"functionName": "f"}'))
            elif path == EVENT:
                self._note("event", request)
                self.server.closed.wait()
            elif path == NEXT:
                self._note("next", request)
                event = self.events.get()
                if event is None:
                    raise Closed
                connection.send(event)
            elif path == f"{RUNTIME}/restore/next":
                self._note("restore", request)
                connection.send(answer(200))
            else:
                self._note("posted", request)
                self.posted.put(request)
                connection.send(answer(202, body='{"status": "OK"}\n'))

    def close(self):
        self.server.close()
        for _ in range(16):
            self.events.put(None)


class Application:
    """The web application: `serve(request)` gives the bytes of its answer, or `None` when it wrote them itself to the
    connection, which is its second argument."""

    def __init__(self, serve, ready, listeners):
        self.serve, self.ready = serve, ready
        self.requests, self.before = queue.Queue(), []
        self.arrived, self.connections = 0, 0
        self.lock = threading.Lock()
        self.servers = [
            Server(lambda connection, where=where: self._serve(connection, where))
            for where in ["", " at the second port"][:listeners]
        ]

    def _serve(self, connection, where):
        with self.lock:
            self.connections += 1
        while request := connection.request(self._begun):
            if not any(request.one(name) for name in ("x-amzn-lambda-context", "lambda-web-request-id")):
                self.before.append(f"{request.method} {request.target}{where}")
                data = self.ready(request)
            else:
                self.requests.put(request)
                data = self.serve(request, connection)
            if data is not None:
                connection.send(data)

    def _begun(self, request):
        with self.lock:
            self.arrived += 1

    def close(self):
        for server in self.servers:
            server.close()


class Sandbox:
    """A running adapter with all that stands around it; use it with `with`."""

    def __init__(self, binary, settings=(), serve=None, ready=None, second=False, runtime=None):
        self.runtime = runtime or Runtime()
        serve = serve or (lambda request, connection: answer(200, [("content-type", "text/plain")], "hello"))
        self.app = Application(serve, ready or (lambda request: answer(200)), 2 if second else 1)
        ports = [server.port for server in self.app.servers]
        self.port = ports[0]
        names = {"port": ports[0], "second": ports[-1], "runtime": self.runtime.address}
        environment = {"AWS_LAMBDA_RUNTIME_API": self.runtime.address, "AWS_LWA_PORT": str(self.port), **LAMBDA}
        for name, value in dict(settings).items():
            if value is None:
                environment.pop(name, None)
            else:
                environment[name] = value.format(**names)
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [binary], env=environment, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.runtime.close()
        self.app.close()
        self.output.close()

    def ended(self):
        return self.process.poll() is not None

    def said(self):
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def await_posted(self, patience=DEADLINE):
        """What the adapter posts next, or `None` when it ended or the patience did."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                return self.runtime.posted.get(timeout=0.05)
            except queue.Empty:
                if self.ended():
                    break
        try:
            return self.runtime.posted.get_nowait()
        except queue.Empty:
            return None

    def await_end(self, patience=DEADLINE):
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            return None

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def then(self, asked):
        """What follows an answer: the next event is asked for, which makes `asked` times, or the process ends."""
        if self.runtime.wait("next", asked, ended=self.ended):
            return "takes the next event"
        code = self.await_end()
        return "hangs" if code is None else "ends" if code >= 0 else f"ends by signal {-code}"


def path_of(binary):
    assert os.access(binary, os.X_OK), f"`{binary}` is missing: `cargo xtask parts` installs it"
    return binary

"""Settings, the start, and what happens around invocations."""

import pathlib
import queue
import re
import shutil
import tempfile
import threading
import time

from support import DEADLINE

from .events import SOURCES, v2
from .observe import observe
from .row import NEVER, Row, plain, written
from .sandbox import EVENT, NEXT, REGISTER, RUNTIME, Runtime, Sandbox
from .wire import Server, answer


def first(sandbox, shown=()):
    """The first invocation, and how the application was asked whether it is up."""
    sandbox.runtime.give(written(v2("GET", "/orders/1?x=1", [("authorization", "AWS4"), ("x-app", "Bearer y")])))
    posted = sandbox.await_posted()
    then = sandbox.then(2)
    try:
        request = sandbox.app.requests.get_nowait()
    except queue.Empty:
        request = None
    return observe(sandbox, request, posted, then, shown) | {
        "asked before": ", ".join(dict.fromkeys(sandbox.app.before))
    }


def setting(name, settings, expect, why=None, ready=None, second=False, **more):
    """A row that starts with these settings; what the application answers when it is asked whether it is up."""

    def scenario(binary, patience):
        with Sandbox(binary, {"AWS_LWA_PORT": None, **settings}, ready=ready, second=second) as sandbox:
            return first(sandbox)

    return Row(name, scenario=scenario, expect=expect, why=why, **more)


PORT = {"PORT": "{port}"}
UP = {"outcome": "200"}


def sick(request):
    return answer(200 if request.target.startswith("/ready") else 503)


SETTINGS = [
    setting("`PORT`", PORT, {**UP, "asked before": "GET /"}),
    setting("`AWS_LWA_PORT` before `PORT`", {"AWS_LWA_PORT": "{port}", "PORT": "1"}, UP),
    setting("`AWS_LWA_HOST`", {**PORT, "AWS_LWA_HOST": "localhost"}, UP),
    setting("`HOST`", {**PORT, "HOST": "localhost"}, UP),
    setting(
        "`AWS_LWA_READINESS_CHECK_PATH`",
        {**PORT, "AWS_LWA_READINESS_CHECK_PATH": "/ready?x=1"},
        {**UP, "asked before": "GET /ready?x=1"},
        ready=sick,
    ),
    setting(
        "`READINESS_CHECK_PATH`",
        {**PORT, "READINESS_CHECK_PATH": "/ready"},
        {**UP, "asked before": "GET /ready"},
        ready=sick,
    ),
    setting(
        "`AWS_LWA_READINESS_CHECK_PORT`",
        {**PORT, "AWS_LWA_READINESS_CHECK_PORT": "{second}"},
        {**UP, "asked before": "GET / at the second port"},
        second=True,
    ),
    setting(
        "`READINESS_CHECK_PORT`",
        {**PORT, "READINESS_CHECK_PORT": "{second}"},
        {**UP, "asked before": "GET / at the second port"},
        second=True,
    ),
    setting(
        "`AWS_LWA_READINESS_CHECK_PROTOCOL=tcp`",
        {**PORT, "AWS_LWA_READINESS_CHECK_PROTOCOL": "tcp"},
        {**UP, "asked before": ""},
        ready=sick,
    ),
    setting(
        "`READINESS_CHECK_PROTOCOL=TCP`",
        {**PORT, "READINESS_CHECK_PROTOCOL": "TCP"},
        {**UP, "asked before": ""},
        ready=sick,
    ),
    setting(
        "`AWS_LWA_READINESS_CHECK_HEALTHY_STATUS`",
        {**PORT, "AWS_LWA_READINESS_CHECK_HEALTHY_STATUS": "200,500-503"},
        UP,
        ready=sick,
    ),
    setting(
        "`AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS`",
        {**PORT, "AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS": "504"},
        UP,
        ready=sick,
    ),
    setting(
        "`AWS_LWA_READINESS_CHECK_PATH` without a slash",
        {**PORT, "AWS_LWA_READINESS_CHECK_PATH": "ready"},
        {**UP, "asked before": "GET /ready"},
        why="what is meant is plain",
    ),
    setting("404 is healthy", PORT, UP, ready=lambda request: answer(404)),
    setting(
        "`AWS_LWA_ASYNC_INIT`, an application that is quick",
        {**PORT, "AWS_LWA_ASYNC_INIT": "true"},
        {**UP, "asked before": "GET /"},
    ),
    setting("`AWS_LWA_REMOVE_BASE_PATH`", {**PORT, "AWS_LWA_REMOVE_BASE_PATH": "/orders"}, {"target": "/1?x=1"}),
    setting("`REMOVE_BASE_PATH`", {**PORT, "REMOVE_BASE_PATH": "/orders"}, {"target": "/1?x=1"}),
    setting(
        "`AWS_LWA_AUTHORIZATION_SOURCE`",
        {**PORT, "AWS_LWA_AUTHORIZATION_SOURCE": "X-App"},
        {"header authorization": "Bearer y", "header x-app": None},
    ),
    setting(
        "`AWS_LWA_AUTHORIZATION_SOURCE`, absent from the request",
        {**PORT, "AWS_LWA_AUTHORIZATION_SOURCE": "x-none"},
        {"header authorization": "AWS4"},
    ),
    setting(
        "`AWS_LWA_AUTHORIZATION_SOURCE`, empty",
        {**PORT, "AWS_LWA_AUTHORIZATION_SOURCE": ""},
        {"header authorization": "AWS4"},
    ),
    setting("`AWS_LWA_INVOKE_MODE`, a typo", {**PORT, "AWS_LWA_INVOKE_MODE": "stream"}, {**UP, "mode": None}),
    setting(
        "no `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`",
        {**PORT, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": None},
        {**UP, "then": "takes the next event"},
        why="emulators leave it out",
    ),
    setting(
        "no `AWS_LAMBDA_FUNCTION_NAME`",
        {**PORT, "AWS_LAMBDA_FUNCTION_NAME": None},
        {**UP, "then": "takes the next event"},
        why="emulators leave it out",
    ),
]

BASES = [
    Row(
        f"base path {base}: {path}",
        v2("GET", path),
        settings={"AWS_LWA_REMOVE_BASE_PATH": base},
        expect={"target": target},
        why=why,
    )
    for base, path, target, why in [
        ("/api", "/api/x", "/x", None),
        ("/api", "/api", "/", None),
        ("/api", "/api/", "/", None),
        ("/api", "/api/api/x", "/api/x", "taken off once, as on AWS's main branch"),
        ("/api", "/apiorder", "/apiorder", "taken off at a segment's end, as on AWS's main branch"),
        ("/api", "/x/api", "/x/api", None),
        ("/api/", "/api/x", "/x", None),
    ]
]

PASS = [
    Row(
        "`AWS_LWA_PASS_THROUGH_PATH`",
        SOURCES["SQS"],
        settings={"AWS_LWA_PASS_THROUGH_PATH": "/queue"},
        expect={"target": "/queue"},
    ),
    Row(
        "`AWS_LWA_PASS_THROUGH_PATH` without a slash",
        SOURCES["SQS"],
        settings={"AWS_LWA_PASS_THROUGH_PATH": "queue"},
        expect={"target": "/queue"},
    ),
]


def booleans():
    """`AWS_LWA_ENABLE_COMPRESSION` in the spellings of true, seen by its work."""
    event = v2(headers=[("accept-encoding", "gzip")])
    return [
        Row(
            f"`AWS_LWA_ENABLE_COMPRESSION={value}`",
            event,
            plain(b"x" * 100),
            {"AWS_LWA_ENABLE_COMPRESSION": value},
            expect={"answer content-encoding": "gzip"},
            why=None if value == "true" else "what is meant is plain",
        )
        for value in ["true", "True", "1", "yes"]
    ]


def warned(name, settings, pattern, why=None):
    """Whether a warning names what is wrong."""

    def scenario(binary, patience):
        with Sandbox(binary, settings) as sandbox:
            seen = first(sandbox)
            said = re.search(pattern, sandbox.said(), re.IGNORECASE)
            return seen | {"a warning": "yes" if said else "no"}

    return Row(name, scenario=scenario, expect={**UP, "a warning": "yes"}, why=why)


WARNINGS = [
    *(
        warned(f"`{old}` is deprecated", {old: value}, f"{old}.*{new}")
        for old, new, value in [
            ("HOST", "AWS_LWA_HOST", "127.0.0.1"),
            ("READINESS_CHECK_PATH", "AWS_LWA_READINESS_CHECK_PATH", "/"),
            ("READINESS_CHECK_PROTOCOL", "AWS_LWA_READINESS_CHECK_PROTOCOL", "http"),
            ("REMOVE_BASE_PATH", "AWS_LWA_REMOVE_BASE_PATH", "/x"),
            ("ASYNC_INIT", "AWS_LWA_ASYNC_INIT", "true"),
        ]
    ),
    warned(
        "compression with streaming",
        {"AWS_LWA_ENABLE_COMPRESSION": "true", "AWS_LWA_INVOKE_MODE": "response_stream"},
        "compression",
    ),
    warned("an invoke mode that is none", {"AWS_LWA_INVOKE_MODE": "stream"}, "AWS_LWA_INVOKE_MODE", why="a typo shows"),
    warned(
        "a protocol that is none",
        {"AWS_LWA_READINESS_CHECK_PROTOCOL": "udp"},
        "AWS_LWA_READINESS_CHECK_PROTOCOL",
        why="a typo shows",
    ),
    warned("a boolean that is none", {"AWS_LWA_ASYNC_INIT": "maybe"}, "AWS_LWA_ASYNC_INIT", why="a typo shows"),
    warned("an error status that is none", {"AWS_LWA_ERROR_STATUS_CODES": "500,x"}, "x"),
]


def registration(binary, patience):
    """What the Extensions API is asked."""
    with Sandbox(binary) as sandbox:
        seen = first(sandbox)
        sandbox.runtime.wait("event", 1)
        request = sandbox.runtime.first("register")
        return {
            "outcome": seen["outcome"],
            "then": seen["then"],
            "asked": f"{request.method} {request.target}",
            "name": request.one("lambda-extension-name"),
            "body": request.body.decode().replace(" ", ""),
            "registers": str(sandbox.runtime.count("register")),
            "identifier of /event/next": sandbox.runtime.first("event").one("lambda-extension-identifier"),
        }


def ends(name, prepare, expect, settings=(), **more):
    """A row whose process is expected to end or not to; `prepare` breaks the Runtime API first."""

    def scenario(binary, patience):
        runtime = Runtime()
        prepare(runtime)
        with Sandbox(binary, settings, runtime=runtime) as sandbox:
            # What comes of the registration first: some serve meanwhile, and end in the middle of it.
            runtime.wait("event", 1, ended=sandbox.ended)
            runtime.give(written(v2()))
            posted = sandbox.await_posted()
            code = sandbox.await_end() if posted is None or "init" in posted.target else None
            request = None if sandbox.app.requests.empty() else sandbox.app.requests.get()
            then = "takes the next event" if code is None else f"ends with {code}"
            return observe(sandbox, request, posted, then) | {"registers": str(runtime.count("register"))}

    return Row(name, scenario=scenario, expect=expect, **more)


def instead(path, *answers):
    def prepare(runtime):
        runtime.instead[path] = list(answers)

    return prepare


def unregistered(binary, patience):
    """Lambda is slow to register the extension; no event is asked for before, whose answer would end the init phase."""
    told = threading.Event()

    def register():
        told.wait(DEADLINE)
        return answer(200, [("Lambda-Extension-Identifier", "id-1")], "{}")

    runtime = Runtime()
    runtime.instead[REGISTER] = [register]
    with Sandbox(binary, runtime=runtime) as sandbox:
        early = runtime.wait("next", 1, NEVER, sandbox.ended)
        told.set()
        return first(sandbox) | {"an event before it is registered": "yes" if early else "no"}


FAULT = answer(500, body="{}")
REFUSED = {"then": "ends with 1", "outcome": "init fails"}
START = [
    Row(
        "registration",
        scenario=registration,
        expect={
            "asked": f"POST {REGISTER}",
            "name": "lambda-adapter",
            "body": '{"events":[]}',
            "identifier of /event/next": "id-1",
            "registers": "1",
        },
    ),
    ends(
        "registration is refused",
        instead(REGISTER, *[FAULT] * 9),
        REFUSED,
        why="tried five times, as AWS's main branch does, and then Lambda is told",
    ),
    ends(
        "registration is refused once",
        instead(REGISTER, FAULT),
        {**UP, "then": "takes the next event"},
        why="tried again, as AWS's main branch does",
    ),
    ends(
        "registration without an identifier",
        instead(REGISTER, *[answer(200)] * 9),
        REFUSED,
        why="tried five times, as AWS's main branch does, and then Lambda is told",
    ),
    ends(
        "`AWS_LAMBDA_RUNTIME_API` with `http://`",
        lambda runtime: None,
        {**UP, "then": "takes the next event"},
        {"AWS_LAMBDA_RUNTIME_API": "http://{runtime}"},
        why="what is meant is plain",
    ),
    Row(
        "registration takes its time",
        scenario=unregistered,
        slow=True,
        expect={**UP, "an event before it is registered": "no"},
        why="the init phase is over when all have asked, and a function that is not registered gets no SIGTERM",
    ),
    ends("/next fails once", instead(NEXT, FAULT), {**UP, "then": "takes the next event"}, why="tried again"),
    ends(
        "/next answers what is no HTTP",
        instead(NEXT, b"nonsense\r\n\r\n"),
        {**UP, "then": "takes the next event"},
        why="tried again",
    ),
    ends("/event/next fails", instead(EVENT, FAULT), {**UP, "then": "takes the next event"}),
]


def late(binary, patience):
    """An application that comes up on the twentieth try; the adapter asks until then, and for no event before."""
    tries = []

    def ready(request):
        tries.append(sandbox.runtime.count("next"))
        return answer(200 if len(tries) > 20 else 503)

    with Sandbox(binary, ready=ready) as sandbox:
        return first(sandbox) | {"tries": str(len(tries)), "events asked for before": str(max(tries))}


def silent(sandbox_settings):
    """An application that accepts, and answers only when it is told to."""

    def scenario(binary, patience):
        up = threading.Event()
        with Sandbox(binary, sandbox_settings, ready=lambda request: up.wait(DEADLINE) and answer(200)) as sandbox:
            sandbox.runtime.give(written(v2()))
            begun = sandbox.runtime.wait("next", 1, 20, sandbox.ended)
            up.set()
            posted = sandbox.await_posted()
            seen = observe(sandbox, None, posted, "")
            return {
                "outcome": seen["outcome"],
                "then": sandbox.then(2),
                "an event before it is up": "yes" if begun else "no",
            }

    return scenario


def not_up(settings):
    """With these settings an application that is never up ends the start."""

    def scenario(binary, patience):
        with Sandbox(binary, settings, ready=lambda request: answer(503)) as sandbox:
            posted = sandbox.await_posted(patience)
            code = sandbox.await_end(NEVER)
            return observe(sandbox, None, posted, "waits" if code is None else f"ends with {code}")

    return scenario


def unreadable(binary, patience):
    """No status of the list of healthy ones can be read."""
    with Sandbox(binary, {"AWS_LWA_READINESS_CHECK_HEALTHY_STATUS": "ok"}) as sandbox:
        sandbox.runtime.give(written(v2()))
        posted = sandbox.await_posted(patience)
        return observe(sandbox, None, posted, sandbox.then(2) if posted else "waits")


def no_such_port(binary, patience):
    """By TCP at port 80, where nobody listens here; whoever asks goes on asking."""
    settings = {"AWS_LWA_READINESS_CHECK_PORT": "80", "AWS_LWA_READINESS_CHECK_PROTOCOL": "tcp"}
    with Sandbox(binary, settings) as sandbox:
        code = sandbox.await_end(NEVER)
        return {"outcome": "no answer", "then": "asks again" if code is None else f"ends with {code}"}


def around_a_snapshot(failing=None):
    """What the application and Lambda see around a snapshot; the hook of this path fails."""

    def ready(request):
        return answer(500 if request.target == failing else 200)

    def scenario(binary, patience):
        settings = {
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
            "AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH": "/before",
            "AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH": "/after",
        }
        with Sandbox(binary, settings, ready=ready) as sandbox:
            sandbox.runtime.give(written(v2()))
            posted = sandbox.await_posted()
            then = f"ends with {sandbox.await_end()}" if "invocation" not in posted.target else sandbox.then(2)
            return observe(sandbox, None, posted, then) | {
                "asked before": ", ".join(sandbox.app.before),
                "asks to be restored": str(sandbox.runtime.count("restore")),
            }

    return scenario


def proxy(prefix):
    """The runtime API behind another address; registration is not to go there."""

    def scenario(binary, patience):
        runtime, behind = Runtime(), Runtime()
        settings = {"AWS_LWA_LAMBDA_RUNTIME_API_PROXY": f"{prefix}{behind.address}"}
        try:
            with Sandbox(binary, settings, runtime=runtime) as sandbox:
                deadline = time.monotonic() + DEADLINE
                while not (runtime.count("event") or behind.count("event") or sandbox.ended()):
                    assert time.monotonic() < deadline, "no registration"
                    runtime.wait("event", 1, 0.05)
                behind.give(written(v2("GET", "/by-proxy")))
                while behind.posted.empty() and not sandbox.ended() and time.monotonic() < deadline:
                    behind.wait("posted", 1, 0.1, sandbox.ended)
                posted = None if behind.posted.empty() else behind.posted.get()
                request = None if sandbox.app.requests.empty() else sandbox.app.requests.get()
                where = [name for name, api in [("Lambda", runtime), ("the proxy", behind)] if api.count("register")]
                code = sandbox.await_end(1) if posted is None else None
                seen = observe(sandbox, request, posted, "serves" if code is None else f"ends with {code}")
                return seen | {"registers with": ", ".join(where) or "nobody"}
        finally:
            behind.close()

    return scenario


def swallowed(binary, patience):
    """An application that takes the first question whether it is up, and never answers it."""
    asked, over = [], threading.Event()

    def ready(request):
        asked.append(request)
        if len(asked) == 1:
            over.wait(DEADLINE)
        return answer(200)

    with Sandbox(binary, ready=ready) as sandbox:
        sandbox.runtime.give(written(v2()))
        posted = sandbox.await_posted(patience)
        over.set()
        return observe(sandbox, None, posted, sandbox.then(2) if posted else "waits")


READY = [
    Row(
        "an application that swallows the first readiness check",
        scenario=swallowed,
        slow=True,
        never=True,
        expect=UP,
        why="given up after ten seconds, and asked again",
    ),
    Row(
        "an application that is slow to come up",
        scenario=late,
        expect={**UP, "tries": "21", "events asked for before": "0"},
    ),
    Row(
        "`AWS_LWA_ASYNC_INIT`, an application that is slow",
        scenario=silent({"AWS_LWA_ASYNC_INIT": "true"}),
        slow=True,
        expect={**UP, "an event before it is up": "yes"},
    ),
    Row(
        "`AWS_LWA_READINESS_CHECK_TIMEOUT_SECONDS`",
        scenario=not_up({"AWS_LWA_READINESS_CHECK_TIMEOUT_SECONDS": "0.3"}),
        expect={"outcome": "init fails", "then": "ends with 1"},
        never=True,
        why="of AWS's main branch, after 1.0.0",
    ),
    Row(
        "a healthy status that is none",
        scenario=unreadable,
        never=True,
        expect=UP,
        why="the default is used: no status would ever be healthy",
    ),
    Row(
        "readiness by TCP at port 80",
        scenario=no_such_port,
        slow=True,
        expect={"then": "asks again"},
        why="it is a port like others",
    ),
    Row(
        "SnapStart hooks",
        scenario=around_a_snapshot(),
        expect={**UP, "asked before": "GET /, POST /before, POST /after, GET /", "asks to be restored": "1"},
        why="of AWS's main branch, after 1.0.0",
    ),
    Row(
        "a SnapStart hook that fails before the snapshot",
        scenario=around_a_snapshot("/before"),
        expect={"outcome": "init fails", "then": "ends with 1", "asks to be restored": "0"},
        why="of AWS's main branch, after 1.0.0",
    ),
    Row(
        "a SnapStart hook that fails after the restore",
        scenario=around_a_snapshot("/after"),
        expect={"outcome": "restore fails", "then": "ends with 1", "asks to be restored": "1"},
        why="of AWS's main branch, after 1.0.0",
    ),
    Row(
        "a port that is no number",
        scenario=not_up({"AWS_LWA_PORT": "http"}),
        expect={"outcome": "init fails", "then": "ends with 1"},
        never=True,
        why="Lambda is told which setting it is",
    ),
    Row(
        "`AWS_LWA_LAMBDA_RUNTIME_API_PROXY=http://…`",
        scenario=proxy("http://"),
        expect={**UP, "target": "/by-proxy", "registers with": "Lambda"},
        why="as AWS's documents say; 1.0.1 mends it too",
    ),
    Row(
        "`AWS_LWA_LAMBDA_RUNTIME_API_PROXY` without `http://`",
        scenario=proxy(""),
        expect={**UP, "target": "/by-proxy", "registers with": "Lambda"},
        why="as AWS's documents say; 1.0.1 mends it too",
    ),
]


def several(binary, patience):
    """Four invocations one after another over one connection to the application."""
    with Sandbox(binary) as sandbox:
        outcomes = []
        for _ in range(4):
            sandbox.runtime.give(written(v2()))
            outcomes.append(observe(sandbox, None, sandbox.await_posted(), "")["outcome"])
        then = sandbox.then(5)
        # The check whether it is up may have its own.
        kept = "kept" if sandbox.app.connections <= 2 else f"{sandbox.app.connections} connections"
        return {"outcome": ", ".join(outcomes), "then": then, "connection to the application": kept}


def idle(seconds):
    """How many connections three invocations take whose connection lies idle in between."""

    def scenario(binary, patience):
        with Sandbox(binary, {"AWS_LWA_POOL_IDLE_TIMEOUT_SECONDS": seconds}) as sandbox:
            outcomes = []
            for n in range(3):
                sandbox.runtime.wait("next", n + 1, ended=sandbox.ended)
                asked = sandbox.app.connections if n == 0 else asked
                sandbox.runtime.give(written(v2()))
                outcomes.append(observe(sandbox, None, sandbox.await_posted(), "")["outcome"])
                time.sleep(2 * float(seconds))
            seen = {"outcome": ", ".join(outcomes), "then": sandbox.then(4)}
            # The first may go over that of the readiness check.
            count = sandbox.app.connections - asked
            return seen | {"connections": "one each" if count == 3 else "kept"}

    return scenario


def stays_away(binary, patience):
    """How often four workers ask a Runtime API that fails for a second, and that they serve afterwards."""
    runtime = Runtime()
    faults = runtime.instead[NEXT] = [FAULT] * 1_000_000
    with Sandbox(binary, {"AWS_LAMBDA_MAX_CONCURRENCY": "4"}, runtime=runtime) as sandbox:
        runtime.wait(NEXT, 4, ended=sandbox.ended)
        time.sleep(1)
        asked = runtime.count(NEXT)
        faults.clear()
        sandbox.runtime.give(written(v2()))
        seen = observe(sandbox, None, sandbox.await_posted(patience), sandbox.then(4))
        return seen | {"asks within a second": "a few times" if asked < 100 else "without a pause"}


def stale(binary, patience):
    """The application closes the kept connection while the sandbox is idle; the next request must not meet that."""
    closed = threading.Event()

    def serve(request, connection):
        connection.send(plain(b"hello"))
        connection.stream.close()
        closed.set()

    with Sandbox(binary, serve=serve) as sandbox:
        outcomes = []
        for n in range(3):
            sandbox.runtime.give(written(v2()))
            outcomes.append(observe(sandbox, None, sandbox.await_posted(), "")["outcome"])
            closed.wait(DEADLINE)
            closed.clear()
            sandbox.runtime.wait("next", n + 2, ended=sandbox.ended)
        return {"outcome": ", ".join(outcomes), "then": sandbox.then(4)}


def down(event):
    """Nobody listens on the application's port any more."""

    def scenario(binary, patience):
        with Sandbox(binary) as sandbox:
            sandbox.runtime.give(written(v2()))
            sandbox.await_posted()
            sandbox.runtime.wait("next", 2)
            sandbox.app.close()
            sandbox.runtime.give(written(event))
            return observe(sandbox, None, sandbox.await_posted(), sandbox.then(3))

    return scenario


def together(binary, patience):
    """Four invocations at once: the application answers none before it has all."""
    barrier = threading.Barrier(4)

    def serve(request, connection):
        barrier.wait(DEADLINE)
        return plain(b"hello")

    with Sandbox(binary, {"AWS_LAMBDA_MAX_CONCURRENCY": "4"}, serve) as sandbox:
        for _ in range(4):
            sandbox.runtime.give(written(v2()))
        outcomes = [observe(sandbox, None, sandbox.await_posted(), "")["outcome"] for _ in range(4)]
        return {"outcome": ", ".join(outcomes), "then": sandbox.then(8)}


def refused(status, body):
    """Lambda does not take an answer; the next invocation is served."""

    def scenario(binary, patience):
        with Sandbox(binary) as sandbox:
            sandbox.runtime.instead[f"{RUNTIME}/invocation/8476a536-e9f4-11e8-9739-2dfe598c3f01/response"] = [
                answer(status, [("content-type", "application/json")], body)
            ]
            sandbox.runtime.give(written(v2()))
            sandbox.runtime.give(written(v2("GET", "/second")))
            posted = sandbox.await_posted()
            return observe(sandbox, None, posted, sandbox.then(3))

    return scenario


def terminated(binary, patience):
    """SIGTERM while an invocation is under way: Lambda leaves two seconds for its answer."""
    arrived, told = threading.Event(), threading.Event()

    def serve(request, connection):
        arrived.set()
        told.wait(DEADLINE)
        return plain(b"hello")

    with Sandbox(binary, serve=serve) as sandbox:
        sandbox.runtime.give(written(v2()))
        arrived.wait(DEADLINE)
        sandbox.terminate()
        # Whoever dies of it does so now; whoever drains has a second and a half.
        sandbox.await_end(0.05)
        told.set()
        posted = sandbox.await_posted()
        code = sandbox.await_end()
        return observe(sandbox, None, posted, "hangs" if code is None else "ends")


def idle_end(binary, patience):
    """SIGTERM while nothing is under way."""
    with Sandbox(binary) as sandbox:
        sandbox.runtime.wait("next", 1)
        sandbox.terminate()
        code = sandbox.await_end()
        return {
            "outcome": "none",
            "then": f"ends with {code}" if code is None or code >= 0 else "is ended by the signal",
        }


def hung(binary, patience):
    """An application that does not answer before Lambda's deadline."""
    told = threading.Event()
    with Sandbox(binary, serve=lambda request, connection: told.wait(DEADLINE) and None) as sandbox:
        sandbox.runtime.give(written(v2()), {"Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 1000)})
        posted = sandbox.await_posted(patience)
        seen = observe(sandbox, None, posted, "takes the next event" if posted else "waits")
        told.set()
        return seen


def logged(settings, pattern):
    """Whether the log has such a line after one invocation that failed."""

    def scenario(binary, patience):
        with Sandbox(binary, settings, lambda request, connection: connection.reset()) as sandbox:
            sandbox.runtime.give(written(SOURCES["SQS"]))
            sandbox.await_posted()
            then = sandbox.then(2)
            found = any(re.search(pattern, line) for line in sandbox.said().splitlines())
            return {"outcome": "fails", "then": then, "such a line": "yes" if found else "no"}

    return scenario


def hook(binary, patience):
    """The path of a SnapStart hook is closed to clients."""
    settings = {"AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH": "/restored"}
    with Sandbox(binary, settings) as sandbox:
        sandbox.runtime.give(written(v2("POST", "/%72estored")))
        posted = sandbox.await_posted()
        return observe(sandbox, None, posted, sandbox.then(2))


def nameless(binary, patience):
    """An event that nobody can answer, and then one that somebody can."""
    with Sandbox(binary) as sandbox:
        sandbox.runtime.give(written(v2()), {"Lambda-Runtime-Aws-Request-Id": None})
        sandbox.runtime.give(written(v2("GET", "/second")))
        posted = sandbox.await_posted(patience)
        return observe(sandbox, None, posted, sandbox.then(3))


def worker_lost(binary, patience):
    """Two invocations at once still go when one before them had an odd answer."""
    barrier = threading.Barrier(2)

    def serve(request, connection):
        if request.target == "/odd":
            return plain(headers=[b"x-name: caf\xe9"])
        try:
            barrier.wait(DEADLINE)
        except threading.BrokenBarrierError:
            pass
        return plain()

    with Sandbox(binary, {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}, serve) as sandbox:
        sandbox.runtime.give(written(v2("GET", "/odd")))
        sandbox.runtime.wait("next", 2)
        sandbox.await_posted(1)
        for _ in range(2):
            sandbox.runtime.give(written(v2()))
        outcomes = [observe(sandbox, None, sandbox.await_posted(patience), "")["outcome"] for _ in range(2)]
        barrier.abort()
        return {"outcome": ", ".join(outcomes), "then": "runs"}


def told_of_the_wait(binary, patience):
    """The log line that people look for when an application does not come up."""
    up = threading.Event()
    with Sandbox(binary, ready=lambda request: answer(200 if up.is_set() else 503)) as sandbox:
        deadline = time.monotonic() + DEADLINE
        while "app is not ready after 2000ms" not in sandbox.said() and time.monotonic() < deadline:
            time.sleep(0.1)
        found = "app is not ready after 2000ms" in sandbox.said()
        told = re.search("it answers 503", sandbox.said())
        up.set()
        return first(sandbox) | {
            "app is not ready after 2000ms": "in the log" if found else "not in the log",
            "and why": "yes" if told else "no",
        }


def secrets(binary, patience):
    """What the most talkative log has of a client's secrets."""
    with Sandbox(binary, {"AWS_LAMBDA_LOG_LEVEL": "TRACE"}) as sandbox:
        event = v2("POST", "/", [("authorization", "Bearer 5ecr3t"), ("cookie", "session=5ecr3t")], "5ecr3t")
        sandbox.runtime.give(written(event))
        seen = observe(sandbox, None, sandbox.await_posted(), sandbox.then(2))
        return seen | {"secrets in the log": "yes" if "5ecr3t" in sandbox.said() else "no"}


def over_a_socket(binary, patience):
    """The application listens on a Unix socket, and on nothing else."""
    folder = tempfile.mkdtemp(prefix="lambridge-contract-")
    app = None
    try:
        with Sandbox(binary, {"AWS_LWA_HOST": f"unix:{folder}/app"}) as sandbox:
            app = Server(lambda connection: serve_all(connection, sandbox.app), f"{folder}/app")
            sandbox.runtime.give(written(v2("GET", "/x")))
            posted = sandbox.await_posted(patience)
            code = None if posted else sandbox.await_end(NEVER)
            then = "takes the next event" if posted else "waits" if code is None else f"ends with {code}"
            request = None if sandbox.app.requests.empty() else sandbox.app.requests.get()
            return observe(sandbox, request, posted, then)
    finally:
        if app:
            app.close()
        shutil.rmtree(folder, ignore_errors=True)


def serve_all(connection, application):
    while request := connection.request():
        if request.one("x-amzn-lambda-context"):
            application.requests.put(request)
        connection.send(plain(b"hello"))


def threads(binary, patience):
    with Sandbox(binary) as sandbox:
        seen = first(sandbox)
        status = pathlib.Path(f"/proc/{sandbox.process.pid}/status").read_text()
        return {"outcome": seen["outcome"], "then": seen["then"], "threads": re.search(r"Threads:\s+(\d+)", status)[1]}


def lines(settings, pattern):
    """Whether an invocation that went well leaves such a line."""

    def scenario(binary, patience):
        with Sandbox(binary, settings) as sandbox:
            seen = first(sandbox)
            found = any(re.search(pattern, line) for line in sandbox.said().splitlines())
            return {"outcome": seen["outcome"], "then": seen["then"], "such a line": "yes" if found else "no"}

    return scenario


WEB_FUNCTION = {"AWS_LWA_WEB_FUNCTION": "true", "AWS_LAMBDA_HTTP_ENDPOINT": "0.0.0.0:{port}"}
FIRST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3f01"
FORGED = [
    ("lambda-web-request-id", "forged"),
    ("x-real-ip", "1"),
    ("x-http-method-override", "DELETE"),
    ("proxy-authorization", "p"),
    ("x-forwarded-for", "198.51.100.9"),
]

AROUND = [
    Row(
        "`AWS_LWA_WEB_FUNCTION`",
        v2("GET", "/x", FORGED),
        settings=WEB_FUNCTION,
        expect={
            "outcome": "200",
            "header lambda-web-request-id": FIRST_ID,
            "header lambda-web-endpoint-name": "f",
            "header x-forwarded-for": "198.51.100.9, 192.0.2.1",
            **{f"header {name}": None for name in ["x-real-ip", "x-http-method-override", "proxy-authorization"]},
            "lambda context deadline": None,
            "request context apiId": None,
            "answer lambda-web-request-id": FIRST_ID,
            "answer lambda-web-logstream": "2026/11/21/[$LATEST]1",
        },
        why="an addition",
    ),
    Row(
        "`AWS_LWA_WEB_FUNCTION`, a method that those do not take",
        v2("PURGE", "/x"),
        settings=WEB_FUNCTION,
        expect={"outcome": "400", "target": None},
        why="an addition",
    ),
    Row(
        "an application on a Unix socket",
        scenario=over_a_socket,
        never=True,
        expect={"outcome": "200", "target": "/x"},
        why="an addition",
    ),
    Row(
        "threads",
        scenario=threads,
        expect={"threads": "1"},
        why="between two sockets there is nothing to do at once",
        instead="threads: one a processor, and one",
    ),
    Row(
        "`AWS_LWA_ACCESS_LOG=true`",
        scenario=lines({"AWS_LWA_ACCESS_LOG": "true"}, r'"path":"/orders/1"'),
        expect={"such a line": "yes"},
        why="an addition",
    ),
    Row(
        "`AWS_LWA_METRICS_NAMESPACE`",
        scenario=lines({"AWS_LWA_METRICS_NAMESPACE": "shop"}, r'"CloudWatchMetrics".*"shop"'),
        expect={"such a line": "yes"},
        why="an addition",
    ),
    Row(
        "an event without a request id, and one behind it",
        scenario=nameless,
        expect=UP,
        why="what is missing costs that event, not the process",
    ),
    Row(
        "an odd answer, and then two invocations at once",
        scenario=worker_lost,
        never=True,
        expect={"outcome": "200, 200"},
        why="on Managed Instances each such answer costs one of the places, until none is left",
    ),
    Row(
        "a wait for the application, in the log",
        scenario=told_of_the_wait,
        slow=True,
        expect={"app is not ready after 2000ms": "in the log", "and why": "yes"},
        why="whoever waits wants to know what for",
    ),
    Row(
        "a client's secrets, in the log of level TRACE",
        scenario=secrets,
        expect={"secrets in the log": "no"},
        why="a log is read by more people than may have them",
    ),
    Row(
        "four invocations in a row",
        scenario=several,
        expect={"outcome": "200, 200, 200, 200", "connection to the application": "kept"},
    ),
    Row(
        "`AWS_LWA_POOL_IDLE_TIMEOUT_SECONDS=0`",
        scenario=idle("0"),
        expect={"outcome": "200, 200, 200", "connections": "one each"},
        why="of AWS's main branch, after 1.0.0",
    ),
    Row(
        "`AWS_LWA_POOL_IDLE_TIMEOUT_SECONDS=0.2`, and longer pauses",
        scenario=idle("0.2"),
        expect={"outcome": "200, 200, 200", "connections": "one each"},
        why="of AWS's main branch, after 1.0.0",
    ),
    Row(
        "/next fails for a second, to four workers",
        scenario=stays_away,
        expect={**UP, "asks within a second": "a few times"},
        why="tried again, with longer pauses each time",
    ),
    Row(
        "`Lambda-Runtime-Invocation-Id`",
        v2(),
        invocation={"Lambda-Runtime-Invocation-Id": "nonce-1"},
        shown=("invocation id",),
        expect={"invocation id": "nonce-1"},
        why="Lambda tells by it that an answer is not an earlier one's",
    ),
    Row("an application that closes its connections", scenario=stale, expect={"outcome": "200, 200, 200"}),
    Row(
        "an application that is gone, HTTP",
        scenario=down(v2()),
        expect={"outcome": "502", "then": "takes the next event"},
        why="a client can read a status",
    ),
    Row(
        "an application that is gone, an event",
        scenario=down(SOURCES["SQS"]),
        expect={"outcome": "fails", "then": "takes the next event"},
    ),
    Row(
        "an application that does not answer in time",
        scenario=hung,
        never=True,
        expect={"outcome": "504"},
        why="a client can read a status, shortly before Lambda's deadline",
    ),
    Row("four invocations at once", scenario=together, expect={"outcome": "200, 200, 200, 200"}),
    Row(
        "Lambda refuses an answer as too large",
        scenario=refused(413, '{"errorType":"RequestEntityTooLarge"}'),
        expect={"outcome": "200", "then": "takes the next event"},
    ),
    Row("Lambda refuses an answer as too late", scenario=refused(410, "{}"), expect={"then": "takes the next event"}),
    Row(
        "SIGTERM while an invocation is under way",
        scenario=terminated,
        expect={"outcome": "200", "then": "ends"},
        why="Lambda leaves two seconds, which are enough for most",
    ),
    Row(
        "SIGTERM while idle",
        scenario=idle_end,
        expect={"then": "ends with 0"},
        why="an end that was asked for is none that failed",
    ),
    Row(
        "a client asks for the path of a SnapStart hook",
        scenario=hook,
        expect={"outcome": "403"},
        why="of AWS's main branch, after 1.0.0",
    ),
    Row("a failure in the log, text", scenario=logged({}, "ERROR"), expect={"such a line": "yes"}),
    Row(
        "a failure in the log, JSON",
        scenario=logged({"AWS_LAMBDA_LOG_FORMAT": "JSON"}, r'^\{.*"ERROR".*\}$'),
        expect={"such a line": "yes"},
    ),
    Row(
        "a time in the log, JSON",
        scenario=logged({"AWS_LAMBDA_LOG_FORMAT": "JSON"}, r'"timestamp":"20\d\d-\d\d-\d\dT[\d:]{8}\.\d{3}Z","level":"ERROR"'),
        expect={"such a line": "yes"},
        why="Lambda takes a line without a time for one of level INFO, and drops it where errors alone are wanted",
    ),
    Row(
        "`RUST_LOG=off` beside `AWS_LAMBDA_LOG_LEVEL=ERROR`",
        scenario=logged({"AWS_LAMBDA_LOG_LEVEL": "ERROR", "RUST_LOG": "off"}, "ERROR"),
        expect={"such a line": "yes"},
        why="as AWS's documents say",
    ),
]

ROWS = {
    "Settings": SETTINGS + PASS + booleans() + WARNINGS,
    "Base path": BASES,
    "The start": START + READY,
    "Around invocations": AROUND,
}

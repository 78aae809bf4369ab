"""Starts the built programs for the tests, and ends them.

Every program gets port 0, and says on its standard output what it was given. All waits have a deadline, nothing sleeps,
and the whole process group is killed at the end, whatever happened.
"""

import http.client
import http.server
import json
import os
import pathlib
import queue
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import textwrap
import threading
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAMBRIDGE = os.environ.get("LAMBRIDGE_BIN", str(ROOT / "target/debug/lambridge"))
ADAPTER = os.environ.get("LAMBDA_ADAPTER_BIN", str(ROOT / "target/debug/lambda-adapter"))
AWS_ADAPTER = os.environ.get("AWS_ADAPTER_BIN", str(ROOT / "target/tools/bin/lambda-adapter"))
ENVIRONMENT = pathlib.Path(os.environ.get("LAMBRIDGE_TEST_ENV", ROOT / "target/test-env"))
PYTHON = str(ENVIRONMENT / "venv/bin/python")
# AWS's Python runtime client; a module and a function of FUNCTIONS follow.
RIC = f"{PYTHON} -m awslambdaric"
RUST_FUNCTION = os.environ.get("LAMBRIDGE_RUST_FUNCTION", str(ENVIRONMENT / "rust/debug/rust-function"))
FUNCTIONS = str(ROOT / "tests/real")

# Ports that were given away.
GIVEN = set()
# A debug build on a busy machine; a test that works takes a fraction of it.
DEADLINE = 30


class Program:
    """A running `lambridge`."""

    def __init__(self, arguments, cwd, env, listeners, emulator, binary=LAMBRIDGE):
        self.lines = []
        self.arrived = queue.Queue()
        self.process = subprocess.Popen(
            [binary, *arguments],
            cwd=cwd,
            env=clean(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.gateways, self.emulator = [], None
        try:
            self._wait(listeners, emulator)
        except BaseException:
            self.kill()
            raise

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self.arrived.put(line)
        self.arrived.put(None)

    def _wait(self, listeners, emulator):
        deadline = time.monotonic() + DEADLINE
        while len(self.gateways) < listeners or (emulator and self.emulator is None):
            try:
                line = self.arrived.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no address in {DEADLINE} s; it said:\n{self.said()}") from None
            if line is None:
                raise AssertionError(f"it ended with {self.process.wait()}; it said:\n{self.said()}")
            if found := re.search(r"listening on https?://(\S+)", line):
                self.gateways.append(found[1])
            elif found := re.search(r"emulator on http://(\S+)", line):
                self.emulator = found[1]

    @property
    def gateway(self):
        return self.gateways[0]

    def said(self):
        return "\n".join(self.lines)

    def await_line(self, pattern, count=1):
        """Waits until `count` lines of output match; gives all that do."""
        deadline = time.monotonic() + DEADLINE
        while True:
            found = [line for line in list(self.lines) if re.search(pattern, line)]
            if len(found) >= count:
                return found
            try:
                self.arrived.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {count} lines with `{pattern}`; it said:\n{self.said()}") from None

    def stop(self):
        """Asks it to end as an operator does; gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(DEADLINE)
        finally:
            self.kill()

    def kill(self):
        """Ends it and all it started. Asked first: what a function's own children become is told to them only then."""
        try:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.reader.join(DEADLINE)
        self.process.stdout.close()


def start(case, command, config, *, env=None, listeners=None, emulator=None, binary=LAMBRIDGE):
    """Runs `lambridge COMMAND -c FILE` with this text as the file, until the end of `case` (a test or a test class)."""
    folder = tempfile.mkdtemp(prefix="lambridge-")
    cleanup(case, shutil.rmtree, folder, True)
    file = pathlib.Path(folder, "lambridge.yaml")
    file.write_text(textwrap.dedent(config))
    wanted = {"gateway": (1, False), "emulator": (0, True), "dev": (1, True)}[command]
    program = Program(
        [command, "-c", str(file)],
        folder,
        env,
        wanted[0] if listeners is None else listeners,
        wanted[1] if emulator is None else emulator,
        binary,
    )
    cleanup(case, program.kill)
    program.file = file
    return program


def example(case, name, adapter=ADAPTER):
    """Copies an example, gives it the installed packages and free ports, and runs the command of its README."""
    folder = laid_out(case, name, adapter)
    file = folder / "lambridge.yaml"
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", file.read_text())
    text = re.sub(r"\bPORT: \d+", lambda _: f"PORT: {free_port()}", text)
    if "emulator:" not in text:
        text += "emulator: { address: 127.0.0.1:0 }\n"
    file.write_text(text)
    commands = re.findall(r"^lambridge (.+)$", (folder / "README.md").read_text(), re.MULTILINE)
    assert len(commands) == 1, f"the README of {name} has {len(commands)} commands for lambridge"
    program = Program(commands[0].split(), folder, None, 1, True)
    cleanup(case, program.kill)
    return program


def example_functions(case, name):
    """Runs the functions of an example, those in its `functions.yaml`, in the emulator on a free port."""
    folder = laid_out(case, name)
    (folder / "port.yaml").write_text("lambridge: 1\nemulator: { address: 127.0.0.1:0 }\n")
    program = Program(["emulator", "-c", "functions.yaml", "port.yaml"], folder, None, 0, True)
    cleanup(case, program.kill)
    return program


def dev(case, folder, *files, ports=(8080, 9000)):
    """`lambridge dev` with these files of `folder`, the ports that they name or leave to defaults moved to free ones.

    Where the case says `converted = True`, with what `lambridge convert` prints of them instead: the same answers are
    due.
    """
    if getattr(case, "converted", False):
        printed = command("convert", *paths_of(files), "-o", "converted.yaml", cwd=folder)
        assert printed.returncode == 0, printed.stderr
        assert (folder / "converted.yaml").read_text().startswith("lambridge: 1\n")
        files = ["converted.yaml"]
    binds = [word for port in ports for word in ("--bind", f"{port}=127.0.0.1:0")]
    program = Program(["dev", *paths_of(files), *binds], folder, None, 1, True)
    cleanup(case, program.kill)
    return program


def paths_of(files):
    return [word for file in files for word in ("-c", str(file))]


def command(*words, cwd=None, env=None):
    """Runs a command of `lambridge` that ends by itself."""
    return subprocess.run(
        [LAMBRIDGE, *words], cwd=cwd, env=clean(env), capture_output=True, text=True, timeout=DEADLINE, check=False
    )


def clean(env=None):
    """The environment without credentials, region or endpoint that a test did not name."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null"} | (env or {})


def laid_out(case, name, adapter=ADAPTER):
    """A copy of an example, and of those beside it that its configuration names, with the installed packages in them and
    the adapter where its README says."""
    root = pathlib.Path(tempfile.mkdtemp(prefix=f"lambridge-{name}-"))
    cleanup(case, shutil.rmtree, root, True)
    file = ROOT / "examples" / name / "lambridge.yaml"
    beside = set(re.findall(r"\.\./([\w-]+)", file.read_text())) if file.exists() else set()
    for example in {name, *beside}:
        lay_out(root / example, example, adapter)
    return root / name


def lay_out(folder, name, adapter):
    ignored = shutil.ignore_patterns("target", "extensions")
    shutil.copytree(ROOT / "examples" / name, folder, ignore=ignored)
    (folder / ".venv").symlink_to(ENVIRONMENT / "venv")
    (folder / "node_modules").symlink_to(ENVIRONMENT / "node_modules")
    if (folder / "Cargo.toml").exists():
        (folder / "target/debug").mkdir(parents=True)
        (folder / "target/debug/rust-function").symlink_to(RUST_FUNCTION)
    if (folder / "opt").exists():
        (folder / "opt/extensions").mkdir(exist_ok=True)
        (folder / "opt/extensions/lambda-adapter").symlink_to(adapter)


def free_port():
    """A port for a program that must be told one: nobody listens on it, and the kernel gives it to no connection."""
    while True:
        port = random.randrange(10_000, 32_000)
        if port in GIVEN:
            continue
        GIVEN.add(port)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def cleanup(case, function, *arguments):
    add = case.addClassCleanup if isinstance(case, type) else case.addCleanup
    add(function, *arguments)


@dataclass
class Answer:
    status: int
    headers: list
    body: bytes

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name]

    def one(self, name):
        values = self.all(name)
        assert len(values) == 1, f"{name}: {values}"
        return values[0]

    @property
    def reason(self):
        """The reason of a problem answer."""
        assert self.one("content-type").startswith("application/problem+json"), self
        return re.split(r"[/:#]", json.loads(self.body)["type"])[-1]


def request(address, method, target, headers=(), body=None, timeout=DEADLINE):
    """One request on a connection of its own; header lists keep their order and repeats both ways."""
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        own_host = any(name.lower() == "host" for name, _ in headers)
        connection.putrequest(method, target, skip_host=own_host, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders()
        if body is not None:
            try:
                connection.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # An early answer: it is read below.
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), DEADLINE)


class Meeting:
    """A socket where a function tells the test that it runs, and waits until it may go on."""

    def __init__(self, case):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE)
        cleanup(case, self.listener.close)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def accept(self):
        connection, _ = self.listener.accept()
        connection.settimeout(DEADLINE)
        return connection

    def let_go(self):
        """Waits for the function, and tells it that it may go on."""
        with self.accept() as connection:
            connection.sendall(b".")


@dataclass
class Asked:
    command: str
    path: str
    headers: object
    body: bytes


class Service:
    """An HTTP service of this process: `answer(asked)` gives status, headers and body, or nothing at all; requests are kept."""

    def __init__(self, case, answer):
        self.requests = []
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two writes, and the second must not wait for what the client says to the first.
            disable_nagle_algorithm = True

            def handle_one(inner):
                body = inner.rfile.read(int(inner.headers.get("content-length", 0)))
                # A connection has one handler for all that comes on it.
                asked = Asked(inner.command, inner.path, inner.headers, body)
                with lock:
                    self.requests.append(asked)
                answered = answer(asked)
                if answered is None:
                    inner.close_connection = True
                    return
                status, headers, body = answered
                body = body.encode() if isinstance(body, str) else body
                inner.send_response(status)
                for name, value in headers.items():
                    inner.send_header(name, value)
                inner.send_header("content-length", str(len(body)))
                inner.end_headers()
                inner.wfile.write(body)

            do_GET = do_POST = do_PUT = handle_one

            def log_message(inner, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        cleanup(case, self.server.server_close)
        cleanup(case, self.server.shutdown)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        self.url = f"http://{self.address}"


def closed_port():
    """An address that refuses connections: bound by nobody, and outside the range that the kernel gives away."""
    for port in range(1, 1024):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) != 0:
                return f"127.0.0.1:{port}"
    raise AssertionError("every port below 1024 is taken")


def alive(pid):
    """Whether a process runs; one that ended and waits for its parent does not."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def memory(pid, which="VmRSS"):
    """Bytes that a process has in memory, or had at most (`VmHWM`)."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{which}:\s+(\d+) kB", status)[1]) << 10


def forget_most_memory(pid):
    """The mark of the most so far starts again: proc(5), clear_refs."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def await_gone(pids):
    """Waits for the end of processes that are not our children."""
    deadline = time.monotonic() + DEADLINE
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            left = max(0, deadline - time.monotonic())
            ready, _, _ = select.select([handle], [], [], left)
            assert ready, f"process {pid} is still there after {DEADLINE} s"
        finally:
            os.close(handle)

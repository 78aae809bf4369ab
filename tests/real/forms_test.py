"""The forms in which functions are packed for Lambda, each started by the emulator as Lambda starts it: a container image with
the adapter in it, one of AWS's base images with another entry point, a zip with the layer, a custom runtime. And how each
ends: signals, the SHUTDOWN event and its reasons, and what is left behind.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import textwrap
import unittest
import zipfile

from packages_test import dist
from support import ADAPTER, DEADLINE, ENVIRONMENT, FUNCTIONS, LAMBRIDGE, RIC, ROOT, alive, await_gone, cleanup, free_port, request, start

EXAMPLE = ROOT / "examples/lambda-web-adapter"
NODE = shutil.which("node")


def folder_of(case):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lambridge-forms-"))
    cleanup(case, shutil.rmtree, folder, True)
    return folder


def put(root, program, at):
    """A program of this machine into an image, with the libraries that it is linked to."""
    target = root / at.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, target)
    target.chmod(0o755)
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=DEADLINE, check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", linked):
        if not (root / library.lstrip("/")).exists():
            put(root, library, library)


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    path.chmod(mode)
    return path


def image(case):
    """What the document's Dockerfile makes, as a tool like umoci unpacks it: an OCI bundle."""
    bundle = folder_of(case) / "bundle"
    root = bundle / "rootfs"
    put(root, NODE, "/usr/local/bin/node")
    put(root, ADAPTER, "/opt/extensions/lambda-adapter")
    shutil.copytree(EXAMPLE / "src", root / "var/task")
    process = {
        "args": ["node", "index.js"],
        "cwd": "/var/task",
        "env": ["PATH=/usr/local/bin:/bin", f"PORT={free_port()}"],
    }
    write(bundle / "config.json", json.dumps({"ociVersion": "1.0.0", "process": process, "root": {"path": "rootfs"}}))
    return bundle


def base_image(case, adapter=True):
    """One of AWS's base images: its entry point starts a runtime of its own, which knows nothing of the application."""
    root = folder_of(case)
    put(root, NODE, "/var/lang/bin/node")
    put(root, "/bin/sh", "/bin/sh")
    if adapter:
        put(root, ADAPTER, "/opt/extensions/lambda-adapter")
    write(root / "lambda-entrypoint.sh", "#!/bin/sh\necho 'the runtime of the image' >&2\nexit 1\n", 0o755)
    shutil.copytree(EXAMPLE / "src", root / "var/task")
    return root


def layer(case):
    """The layer, unpacked as Lambda unpacks it."""
    folder = folder_of(case)
    dist(folder / "packages", f"x86_64={ADAPTER}")
    with zipfile.ZipFile(folder / "packages/lambda-adapter-layer-x86_64.zip") as archive:
        for entry in archive.infolist():
            os.chmod(archive.extract(entry, folder / "opt"), entry.external_attr >> 16)
    write(folder / "opt/trace", "#!/bin/sh\nTRACED=yes exec \"$@\"\n", 0o755)
    return folder / "opt"


def urls(program, count):
    lines = program.await_line("^URL of ", count)
    return dict(re.search(r"URL of `(\w+)`: http://(\S+)", line).groups() for line in lines)


class Forms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        opt = layer(cls)
        task = folder_of(cls)
        # The zip of the example: the handler has lost its permission to be executed on the way.
        shutil.copytree(EXAMPLE / "src", task / "zip")
        (task / "zip/run.sh").chmod(0o644)
        # A custom runtime: its own program starts the application.
        shutil.copytree(EXAMPLE / "src", task / "custom")
        write(task / "custom/bootstrap", "#!/bin/sh\ncd \"$LAMBDA_TASK_ROOT\"\nexec node index.js\n", 0o755)
        write(task / "own/bootstrap", f"#!/bin/sh\nexec {RIC} functions.echo\n", 0o755)
        url = "url: { address: 127.0.0.1:0 }"
        wrapped = f"AWS_LAMBDA_EXEC_WRAPPER: /opt/bootstrap, AWS_LWA_EXEC_WRAPPER: {opt}/trace"
        cls.program = start(
            cls,
            "emulator",
            f"""
            lambridge: 1
            emulator: {{ address: 127.0.0.1:0 }}
            functions:
              image: {{ run: {{ image: {image(cls)}, {url} }} }}
              base: {{ run: {{ image: {base_image(cls)}, command: node index.js, env: {{ PORT: {free_port()} }}, {url} }} }}
              outside: {{ run: {{ image: {base_image(cls, adapter=False)}, web: node index.js, {url} }} }}
              zip: {{ run: {{ handler: run.sh, dir: {task}/zip, opt: {opt}, env: {{ {wrapped}, PORT: {free_port()} }}, {url} }} }}
              custom: {{ run: {{ dir: {task}/custom, opt: {opt}, env: {{ PORT: {free_port()} }}, {url} }} }}
              own: {{ run: {{ dir: {task}/own, env: {{ PYTHONPATH: {FUNCTIONS} }}, {url} }} }}
              stock: {{ run: {{ image: {base_image(cls)}, command: /lambda-entrypoint.sh app.handler, {url} }} }}
              nothing: {{ run: {{ dir: {task}, {url} }} }}
              bare: {{ run: {{ image: {base_image(cls)}, {url} }} }}
            """,
        )
        cls.urls = urls(cls.program, 9)

    def test_an_application(self):
        for function in ["image", "base", "outside", "zip", "custom"]:
            with self.subTest(function):
                answer = request(self.urls[function], "POST", "/orders?x=1", [("content-type", "text/plain")], b"gr")
                self.assertEqual(answer.status, 200, f"{answer}\n{self.program.said()}")
                seen = json.loads(answer.body)
                self.assertEqual((seen["method"], seen["url"], seen["body"]), ("POST", "/orders?x=1", "gr"))
                self.assertEqual(seen["function"], function)

    def test_a_runtime_client(self):
        answer = request(self.urls["own"], "GET", "/")
        self.assertEqual(answer.status, 200, self.program.said())
        self.assertEqual(json.loads(answer.body)["environment"]["AWS_LAMBDA_FUNCTION_NAME"], "own")

    def test_what_cannot_start(self):
        for function, line in [
            ("stock", "the runtime of the image"),
            ("nothing", "there is no `bootstrap` in `"),
            ("bare", "the image names no command: add `command`"),
        ]:
            with self.subTest(function):
                self.assertEqual(request(self.urls[function], "GET", "/").status, 502)
                self.program.await_line(re.escape(f"[{function}#0]") + ".*" + re.escape(line))

    def test_an_image_is_a_world_of_its_own(self):
        root = base_image(self)
        write(
            root / "var/task/look.js",
            """
            const fs = require('node:fs');
            const has = (path) => fs.existsSync(path);
            const seen = { at: process.cwd(), etc: has('/etc/passwd'), home: process.env.HOME ?? null,
              task: process.env.LAMBDA_TASK_ROOT, devices: has('/dev/null'), processes: has('/proc/self/status'),
              ours: Object.keys(process.env).filter((name) => name.startsWith('_LAMBRIDGE')) };
            require('node:http').createServer((_, response) => response.end(JSON.stringify(seen))).listen(process.env.PORT);
            """,
        )
        run = f"{{ image: {root}, command: node look.js, env: {{ PORT: {free_port()} }}, url: {{ address: 127.0.0.1:0 }} }}"
        program = start(self, "emulator", f"lambridge: 1\nemulator: {{ address: 127.0.0.1:0 }}\nfunctions: {{ f: {{ run: {run} }} }}")
        seen = json.loads(request(urls(program, 1)["f"], "GET", "/").body)
        expect = {"at": "/var/task", "etc": False, "home": None, "task": "/var/task", "devices": True, "processes": True, "ours": []}
        self.assertEqual(seen, expect)
        self.assertEqual(program.stop(), 0)
        mounts = pathlib.Path("/proc/self/mounts").read_text()
        self.assertNotIn(str(root), mounts, "what the image borrowed was its own affair")
        self.assertEqual(list((root / "dev").iterdir()), [])


@unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
class WithoutRoot(unittest.TestCase):
    """Who is not root enters an image by a namespace of users."""

    def test_an_image(self):
        probe = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "--user", "true"]
        if subprocess.run(probe, capture_output=True, timeout=DEADLINE, check=False).returncode:
            self.skipTest("this machine gives no namespaces to users")
        bundle = image(self)
        write(bundle / "rootfs/var/task/index.js", (EXAMPLE / "src/index.js").read_text() + "console.log('user', process.getuid());")
        # As its owner: mount points are made in it.
        for path in [bundle.parent, *bundle.parent.rglob("*")]:
            os.chown(path, 65534, 65534, follow_symlinks=False)
        # The configuration and the program have to be readable for nobody, too.
        shutil.copy(LAMBRIDGE, bundle.parent / "lambridge")
        become = f"exec setpriv --reuid=65534 --regid=65534 --clear-groups {bundle.parent}/lambridge"
        binary = write(
            bundle.parent / "start", f'#!/bin/sh\nchmod 755 . && chmod 644 lambridge.yaml && {become} "$@"\n', 0o755
        )
        run = f"{{ image: {bundle}, url: {{ address: 127.0.0.1:0 }} }}"
        config = f"lambridge: 1\nemulator: {{ address: 127.0.0.1:0 }}\nfunctions: {{ f: {{ run: {run} }} }}"
        program = start(self, "emulator", config, binary=str(binary))
        answer = request(urls(program, 1)["f"], "GET", "/")
        self.assertEqual(answer.status, 200, program.said())
        program.await_line("user 0")


# An extension that asked for the last word, and tells it. It looks whether the application still runs by then.
WATCHER = """#!/usr/bin/env python3
import http.client, json, os
api = os.environ["AWS_LAMBDA_RUNTIME_API"]

def call(method, path, body, headers):
    connection = http.client.HTTPConnection(api)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer, answer.read()

name = {"Lambda-Extension-Name": "watcher"}
answer, _ = call("POST", "/2020-01-01/extension/register", json.dumps({"events": ["SHUTDOWN"]}), name)
_, event = call("GET", "/2020-01-01/extension/event/next", None, {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]})
event = json.loads(event)
try:
    pid = open(os.environ["PID"]).read()
    state = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]
except FileNotFoundError:
    state = "X"
print("watcher saw", event["eventType"], event["shutdownReason"], "running" if state not in "ZX" else "gone", flush=True)
"""

# A web application that says goodbye, unless it is told to be deaf.
APPLICATION = """
const app = require('express')();
require('node:fs').writeFileSync(process.env.PID, String(process.pid));
app.get('/', (_, response) => response.send('up'));
const server = app.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => {
  console.log('the application heard SIGTERM');
  if (!process.env.DEAF) server.close(() => { console.log('the application has closed'); process.exit(0); });
});
"""

# A function that hears of its end, where it is told.
RUNTIME = """
import os, signal, time
open(os.environ["PID"], "w").write(str(os.getpid()))
signal.signal(signal.SIGTERM, lambda *_: (print("the runtime heard SIGTERM", flush=True), os._exit(0)))

def handler(event, context):
    if event["rawPath"] == "/hang":
        time.sleep(60)
    if event["rawPath"] == "/quit":
        os._exit(3)
    return "up"
"""


class Ends(unittest.TestCase):
    def run_one(self, run, files, env=""):
        folder = folder_of(self)
        (folder / "node_modules").symlink_to(ENVIRONMENT / "node_modules")
        for name, text, mode in files:
            write(folder / name, text, mode)
        self.pid = folder / "pid"
        return start(
            self,
            "emulator",
            f"""
            lambridge: 1
            emulator: {{ address: 127.0.0.1:0 }}
            functions:
              f: {{ run: {{ {run.replace("FOLDER", str(folder))}, dir: {folder}, env: {{ PID: {self.pid}{env} }}, url: {{ address: 127.0.0.1:0 }} }} }}
            """,
        )

    def watched(self, env=""):
        files = [("app.js", APPLICATION, 0o644), ("opt/extensions/watcher", WATCHER, 0o755)]
        return self.run_one("web: node app.js, opt: FOLDER/opt", files, env)

    def test_an_application_hears_of_its_end(self):
        program = self.watched()
        self.assertEqual(request(urls(program, 1)["f"], "GET", "/").body, b"up", program.said())
        self.assertEqual(program.stop(), 0)
        program.reader.join()
        told = [re.sub(r"^\[.*?\] ", "", line) for line in program.lines if "SIGTERM" in line or "closed" in line or "saw" in line]
        self.assertEqual(
            told, ["the application heard SIGTERM", "the application has closed", "watcher saw SHUTDOWN spindown gone"]
        )

    def test_one_that_does_not_listen_is_killed_before_the_extensions_are_told(self):
        program = self.watched(env=", DEAF: yes")
        self.assertEqual(request(urls(program, 1)["f"], "GET", "/").body, b"up", program.said())
        self.assertEqual(program.stop(), 0)
        program.await_line("the application heard SIGTERM")
        program.await_line("watcher saw SHUTDOWN spindown gone")

    def test_the_reasons(self):
        for path, reason in [("/hang", "timeout"), ("/quit", "failure")]:
            with self.subTest(reason):
                files = [("app.py", RUNTIME, 0o644), ("opt/extensions/watcher", WATCHER, 0o755)]
                program = self.run_one(f"command: {RIC} app.handler, timeout: 5s, opt: FOLDER/opt", files)
                url = urls(program, 1)["f"]
                self.assertEqual(request(url, "GET", "/").body, b"up", program.said())
                self.assertEqual(request(url, "GET", path).status, 502)
                # Told at once, not when another invocation needs the instance.
                program.await_line(f"watcher saw SHUTDOWN {reason} gone")
                self.assertEqual(request(url, "GET", "/").body, b"up", "and the next one is served")

    def test_an_application_that_dies_between_two_invocations(self):
        program = self.watched()
        url = urls(program, 1)["f"]
        self.assertEqual(request(url, "GET", "/").body, b"up", program.said())
        os.kill(int(self.pid.read_text()), signal.SIGKILL)
        program.await_line("watcher saw SHUTDOWN failure gone")
        self.assertEqual(request(url, "GET", "/").body, b"up", program.said())

    def test_without_an_extension_nobody_is_told(self):
        program = self.run_one(f"command: {RIC} app.handler", [("app.py", RUNTIME, 0o644)])
        self.assertEqual(request(urls(program, 1)["f"], "GET", "/").body, b"up", program.said())
        self.assertEqual(program.stop(), 0)
        program.reader.join()
        self.assertNotIn("SIGTERM", program.said())

    def test_what_children_started_ends_with_a_killed_emulator(self):
        script = "#!/bin/sh\nsleep 600 &\necho \"$!\" >\"$PID\"\nsleep 601 &\necho \"child $!\"\nexec node app.js\n"
        files = [("app.js", APPLICATION.replace("process.env.PID", "'app'"), 0o644), ("start.sh", script, 0o755)]
        program = self.run_one("web: ./start.sh", files)
        self.assertEqual(request(urls(program, 1)["f"], "GET", "/").body, b"up", program.said())
        [line] = program.await_line(r"child \d+")
        pids = [int(self.pid.read_text()), int(line.rsplit(" ", 1)[1])]
        self.assertTrue(all(map(alive, pids)))
        guardians = [pid for pid in children(program.process.pid) if b"guard-children" in cmdline(pid)]
        self.assertEqual(len(guardians), 1)
        # To the emulator alone: whoever ends its group with it has no need of a guardian.
        program.process.send_signal(signal.SIGKILL)
        program.process.wait(DEADLINE)
        await_gone(pids + guardians)


def children(pid):
    listed = [path.read_text().split() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for some in listed for child in some]


def cmdline(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


if __name__ == "__main__":
    unittest.main()

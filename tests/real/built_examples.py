"""The examples that must be built first: `cargo xtask examples [NAME…]`.

Each is copied below the target directory, built there by the commands of its README, and run by the last of them. What was built
from the same files is not built again. Not among the tests that every run makes: their frameworks take minutes to install.
"""

import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

from support import ADAPTER, DEADLINE, ROOT, Program, clean, cleanup, free_port, request

FOLDER = pathlib.Path(os.environ.get("LAMBRIDGE_EXAMPLES", ROOT / "target/examples"))
# Of the slowest build on a busy machine: a framework that is fetched and compiled.
PATIENCE = 1800
# Of the first answer, in seconds.
SLOWEST = 300

FORM = [("content-type", "application/x-www-form-urlencoded")]
JSON = [("content-type", "application/json")]
BYTES = bytes(range(256))
ECHO = ("POST", "/echo", [("content-type", "application/octet-stream")], BYTES, 200, BYTES)
GREET = ("GET", "/greet?name=Gr%C3%BC%C3%9Fe", [], None, 200, '"hello":"Grüße"'.encode())
SITE = ("host", "shop.example.com")

# What each is asked: method, target, headers, body; and what the answer has: its status, a part of its body.
ASKED = {
    "axum": [("GET", "/", [], None, 200, b"Hello from axum"), GREET, ECHO, ("GET", "/none", [], None, 404, b"")],
    "actix-web": [
        ("GET", "/", [], None, 200, b"Hello from Actix Web"),
        GREET,
        ECHO,
        ("GET", "/greet", [], None, 400, b""),
    ],
    "gin": [("GET", "/", [], None, 200, b"Hello from Gin"), GREET, ECHO],
    "deno": [("GET", "/", [], None, 200, b"Hello from Deno"), GREET, ECHO],
    "nginx": [
        ("GET", "/", [], None, 200, b"Hello from nginx"),
        ("GET", "/health", [], None, 200, b"up\n"),
        ("GET", "/old/page", [], None, 301, b""),
        ("GET", "/none", [], None, 404, b"nginx"),
    ],
    "php": [
        ("GET", "/", [], None, 200, b"Hello from PHP"),
        ("GET", "/greet?name=Ada", [], None, 200, b'{"hello":"Ada"}'),
        ("POST", "/greet", FORM, b"name=Grace", 200, b'{"hello":"Grace"}'),
        ECHO,
    ],
    "laravel": [
        ("GET", "/", [], None, 200, b"Hello from Laravel"),
        ("GET", "/greet?name=Ada", [], None, 200, b'{"hello":"Ada"}'),
        ("POST", "/greet", FORM, b"name=Grace", 200, b'{"hello":"Grace"}'),
        ("POST", "/greet", JSON, b'{"name": "Linus"}', 200, b'{"hello":"Linus"}'),
        ("GET", "/none", [], None, 404, b""),
        ECHO,
    ],
    "nextjs": [
        ("GET", "/?name=Ada", [SITE], None, 200, b"Hello from Ada"),
        ("GET", "/", [SITE], None, 200, b"You asked shop.example.com."),
        ("POST", "/api/echo", [("content-type", "image/png")], BYTES, 200, BYTES),
        ("GET", "/none", [], None, 404, b""),
    ],
    "remix": [
        ("GET", "/?name=Ada", [], None, 200, b"Hello from Ada"),
        ("POST", "/?index", FORM, b"name=Grace", 302, b""),
        ("GET", "/", [], None, 200, b"<li>Grace</li>"),
        ("GET", "/none", [], None, 404, b""),
    ],
    "sveltekit": [
        ("GET", "/?name=Ada", [], None, 200, b"Hello from Ada"),
        (
            "POST",
            "/",
            [*FORM, SITE, ("origin", "http://shop.example.com"), ("accept", "text/html")],
            b"name=Grace",
            200,
            b"Grace</li>",
        ),
        ("POST", "/", [*FORM, SITE, ("origin", "http://elsewhere.example.com")], b"name=Eve", 403, b""),
        ("POST", "/api/echo", [("content-type", "image/png")], BYTES, 200, BYTES),
    ],
    "spring-boot": [
        ("GET", "/?name=Ada", [], None, 200, b'{"hello":"Ada"}'),
        ("POST", "/pets-api/pets", JSON, b'{"name": "Rex", "kind": "dog"}', 201, b'"Rex"'),
        ("GET", "/pets-api/pets/Rex", [], None, 200, b'"dog"'),
        ("GET", "/pets-api/pets/none", [], None, 404, b""),
    ],
}


class Built(unittest.TestCase):
    def run_example(self, name):
        """Asks it twice: started by its own configuration, and as a zip on a managed runtime."""
        folder = build(name)
        configuration = (folder / "lambridge.yaml").read_text()
        for form, text in [("zip", zipped(folder, configuration)), ("as it stands", configuration)]:
            text = re.sub(r"127\.0\.0\.1:8080", "127.0.0.1:0", text)
            # A machine that builds something else meanwhile starts a JVM in a minute.
            text = re.sub(r"timeout: \d+s", f"timeout: {SLOWEST}s", text)
            (folder / "lambridge.yaml").write_text(text + "emulator: { address: 127.0.0.1:0 }\n")
            program = Program(commands(folder)[-1].split()[1:], folder, None, 1, True)
            cleanup(self, program.kill)
            for method, target, headers, body, status, part in ASKED[name]:
                with self.subTest(f"{form}: {method} {target}"):
                    answer = request(program.gateway, method, target, headers, body, SLOWEST)
                    self.assertEqual(answer.status, status, f"{answer}\n{program.said()}")
                    self.assertIn(part, answer.body)
            if form == "zip":
                # Both have one folder.
                program.kill()
        return program

    def open(self, program, target):
        """An answer that is read piece by piece."""
        host, port = program.gateway.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        self.addCleanup(connection.close)
        connection.request("GET", target)
        return connection.getresponse()

    def test_nextjs(self):
        """The page's first half is there before the other request lets the second come."""
        program = self.run_example("nextjs")
        answer, seen = self.open(program, "/slow"), b""
        while "Waiting…".encode() not in seen:
            piece = answer.read1(65536)
            self.assertTrue(piece, seen)
            seen += piece
        self.assertNotIn(b"Here it is", seen)
        told = request(program.gateway, "POST", "/api/go", [("content-type", "text/plain")], b"now")
        self.assertEqual(json.loads(told.body), {"waiting": 1})
        self.assertIn(b"Here it is: now.", answer.read())

    def test_spring_boot(self):
        """Each message is said only when the one before was heard."""
        program = self.run_example("spring-boot")
        heard = self.open(program, "/rooms/kitchen")
        self.assertEqual(heard.readline() + heard.readline(), b"data:welcome\n\n")
        for message in [b"one", b"two", b"bye"]:
            said = request(program.gateway, "POST", "/rooms/kitchen", [("content-type", "text/plain")], message)
            self.assertEqual(said.status, 204, said)
            self.assertEqual(heard.readline() + heard.readline(), b"data:%s\n\n" % message)
        self.assertEqual(heard.read(), b"")


def plain(name):
    def test(self):
        self.run_example(name)

    return test


def method(name):
    return f"test_{name.replace('-', '_')}"


for example in ASKED:
    if not hasattr(Built, method(example)):
        setattr(Built, method(example), plain(example))


def build(name):
    """The folder of a built example."""
    source, folder = ROOT / "examples" / name, FOLDER / name
    # What somebody who follows the README in place leaves there is not copied.
    ignored = subprocess.run(
        ["git", "ls-files", "--others", "--ignored", "--exclude-standard", "--directory"],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    leftovers = {source / line.rstrip("/") for line in ignored.stdout.splitlines()}
    files = sorted(path for path in source.rglob("*") if path.is_file() and leftovers.isdisjoint([path, *path.parents]))
    stamp = hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in files)).hexdigest()
    for path in files:
        copy = folder / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    mark = folder / ".built"
    if mark.exists() and mark.read_text() == stamp:
        return folder
    # Cargo is to build where the example's configuration looks.
    environment = {variable: value for variable, value in clean().items() if variable != "CARGO_TARGET_DIR"}
    for command in commands(folder)[:-1]:
        started = time.monotonic()
        print(f"{name}: {command}", flush=True)
        done = subprocess.run(
            ["sh", "-ec", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"`{command}` ends with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    mark.write_text(stamp)
    return folder


def zipped(folder, configuration):
    """The same application as a zip has it: the layer in `/opt`, a start-up script as the handler."""
    (folder / "opt/extensions").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "examples/lambda-web-adapter/opt/bootstrap", folder / "opt/bootstrap")
    shutil.copy(ADAPTER, folder / "opt/extensions/lambda-adapter")
    web = re.search(r"^ *web: (.*)$", configuration, re.MULTILINE)[1]
    script = folder / "run.sh"
    script.write_text(f"#!/bin/sh\nexec {web}\n")
    script.chmod(0o755)
    text = configuration.replace(f"web: {web}", "handler: run.sh\n      opt: opt")
    if "env: {" not in text:
        text = text.replace("opt: opt", "opt: opt\n      env: { }")
    return text.replace("env: {", f"env: {{ AWS_LAMBDA_EXEC_WRAPPER: /opt/bootstrap, PORT: {free_port()},")


def commands(folder):
    """The lines of the README's first block: what builds the example, and last what runs it."""
    block = re.search(r"```sh\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    lines = block[1].strip().split("\n")
    assert lines[-1].startswith("lambridge "), lines
    return lines


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(ASKED):
        sys.exit(f"no such example: {', '.join(sorted(unknown))}; there are {', '.join(ASKED)}")
    names = sys.argv[1:] or list(ASKED)
    unittest.main(argv=[sys.argv[0], "--verbose", *(f"Built.{method(name)}" for name in names)])

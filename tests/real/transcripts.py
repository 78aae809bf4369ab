"""Pages whose examples are run: a fenced block with a file's name is that file, a `console` block is what one types and sees.

````text
```yaml lambridge.yaml          written into the page's folder, and checked
```console
$ lambridge dev -c lambridge.yaml       runs until the page's end, or until the same command comes again
$ curl http://127.0.0.1:8080/           runs to its end; the lines below are its whole output
Hello
```log                          lines that the last program prints, sooner or later
````

In what is expected `…` stands for anything within a line, and alone on a line for any lines. A command that ends in `&` runs
until the page's end. Ports that stand somewhere in `127.0.0.1:PORT` are moved to free ones, in files and commands alike, and
back in what they print.
"""

import difflib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from support import ADAPTER, DEADLINE, ENVIRONMENT, LAMBRIDGE, ROOT, Program, clean, cleanup, free_port

SERVERS = ("dev", "gateway", "emulator")
# Where programs listen that a file says nothing of.
DEFAULT_PORTS = ("8080", "9000")
ADDRESS = re.compile(r"(?:127\.0\.0\.1|localhost):(\d{4,5})\b")


@dataclass
class Block:
    """A fenced block: its language, the file's name beside it, its text and the line it begins at."""

    language: str
    name: str
    text: str
    line: int


def blocks(text):
    found, lines = [], text.splitlines()
    at = 0
    while at < len(lines):
        fence = re.match(r"(\s*)(`{3,})(\S*)\s*(\S*)", lines[at])
        at += 1
        if not fence:
            continue
        begin, end = at, at
        while end < len(lines) and lines[end].strip() != fence[2]:
            end += 1
        indent = len(fence[1])
        body = "".join(line[indent:] + "\n" for line in lines[begin:end])
        found.append(Block(fence[3], fence[4], body, begin + 1))
        at = end + 1
    return found


def commands(block):
    """The commands of a `console` block, each with the lines below it and its line in the page."""
    found = []
    for offset, line in enumerate(block.text.splitlines()):
        if line.startswith("$ "):
            found.append((line[2:], [], block.line + offset))
        elif line.startswith("> ") and found and not found[-1][1]:
            words, expected, at = found.pop()
            found.append((f"{words}\n{line[2:]}", expected, at))
        else:
            assert found, f"line {block.line + offset}: a console block begins with `$ `"
            found[-1][1].append(line)
    return found


def matches(expected, found):
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line.rstrip()).replace("…", ".*") + r"\n" for line in expected
    )
    return re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in found)) is not None


class Run:
    """One page, from top to bottom, in a folder of its own."""

    def __init__(self, case, page):
        self.case, self.page = case, page
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lambridge-page-"))
        cleanup(case, shutil.rmtree, self.folder, True)
        self.ports, self.programs, self.last = {}, {}, None
        programs = self.folder / ".bin"
        programs.mkdir()
        (programs / "lambridge").symlink_to(LAMBRIDGE)
        (programs / "lambda-adapter").symlink_to(ADAPTER)
        (self.folder / "node_modules").symlink_to(ENVIRONMENT / "node_modules")
        # A terminal's curl is as quiet.
        (self.folder / ".curlrc").write_text("silent\nshow-error\n")
        path = os.pathsep.join([str(programs), str(ENVIRONMENT / "venv/bin"), os.environ["PATH"]])
        self.env = {"PATH": path, "HOME": str(self.folder), "CURL_HOME": str(self.folder), "NO_PROXY": "*"}

    def all(self):
        text = self.page.read_text()
        self.ports = {port: str(free_port()) for port in {*DEFAULT_PORTS, *ADDRESS.findall(text)}}
        for block in blocks(text):
            if block.name:
                self.write(block)
            elif block.language == "console":
                for words, expected, line in commands(block):
                    self.run(words, expected, line)
            elif block.language == "log":
                self.await_lines(block)

    def moved(self, text):
        return re.sub(r"(?<![\w.])\d{4,5}\b", lambda found: self.ports.get(found[0], found[0]), text)

    def as_written(self, text):
        back = {moved: written for written, moved in self.ports.items()}
        return re.sub(r"\b\d{4,5}\b", lambda found: back.get(found[0], found[0]), text)

    def write(self, block):
        file = self.folder / block.name
        file.parent.mkdir(parents=True, exist_ok=True)
        # Renamed into its place, as careful editors do: a reload never reads half a file.
        draft = file.with_name(f".{file.name}.draft")
        draft.write_text(self.moved(block.text))
        draft.replace(file)
        if block.language == "yaml" and "lambridge: 1" in block.text:
            self.check(block)

    def check(self, block):
        checked = self.finished(f"lambridge check -c {block.name}")
        said = f"{self.page}:{block.line}: `lambridge check`:\n{checked.stdout}"
        assert checked.returncode == 0 and "warning:" not in checked.stdout, said

    def run(self, words, expected, line):
        parts = words.split()
        if parts[0] == "lambridge" and parts[1] in SERVERS:
            self.serve(parts[1:])
            self.await_each(expected, line)
            return
        if parts[-1] == "&":
            self.leave_running(words.rstrip("& "))
            return
        if parts[0] == "export":
            self.env |= dict(part.split("=", 1) for part in parts[1:])
            return
        found = self.finished(words)
        said = self.as_written(found.stdout).splitlines()
        if expected:
            difference = "\n".join(difflib.unified_diff(expected, said, "the page", "the run", lineterm="", n=9))
            assert matches(expected, said), f"{self.page}:{line}: $ {words}\n{difference}\n\n{self.said()}"
        else:
            assert found.returncode == 0, f"{self.page}:{line}: $ {words}\n{found.stdout}\n\n{self.said()}"

    def finished(self, words):
        return subprocess.run(
            ["bash", "-c", self.moved(words)],
            cwd=self.folder,
            env=clean(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A page may start interpreters of its own, on a machine that has other things to do.
            timeout=4 * DEADLINE,
            check=False,
        )

    def leave_running(self, words):
        started = subprocess.Popen(
            ["bash", "-c", "exec " + self.moved(words)],
            cwd=self.folder,
            env=clean(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        cleanup(self.case, started.wait)
        cleanup(self.case, started.kill)

    def serve(self, parts):
        command = parts[0]
        if earlier := self.programs.pop(command, None):
            earlier.stop()
        binds = [word for port in DEFAULT_PORTS for word in ("--bind", f"{port}=127.0.0.1:{self.ports[port]}")]
        program = Program([*map(self.moved, parts), *binds], self.folder, self.env, 0, False)
        cleanup(self.case, program.kill)
        self.programs[command] = self.last = program
        program.await_line("emulator on" if command == "emulator" else "listening on")

    def await_lines(self, block):
        assert self.last, f"{self.page}:{block.line}: no program runs"
        self.await_each(block.text.splitlines(), block.line)

    def await_each(self, lines, line):
        for expected in lines:
            pattern = "^" + re.escape(self.moved(expected.strip())).replace("…", ".*") + "$"
            try:
                self.last.await_line(pattern)
            except AssertionError as error:
                raise AssertionError(f"{self.page}:{line}: {error}") from None

    def said(self):
        return "\n".join(f"{command} said:\n{program.said()}" for command, program in self.programs.items())


def pages(folder):
    """Pages for readers below a folder, by their path from the root."""
    return sorted(path for path in (ROOT / folder).rglob("*.md") if "node_modules" not in path.parts)

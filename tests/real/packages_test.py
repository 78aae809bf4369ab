"""What `cargo xtask dist` packs: the layer, its bootstrap, the image, and the templates that deploy them.

The debug build of the adapter is packed here: a static one takes minutes, and nothing in the packing looks inside. The image
is read by skopeo and umoci where they are installed.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import unittest
import zipfile

from support import ADAPTER, DEADLINE, ENVIRONMENT, ROOT

BOOTSTRAP = ROOT / "packaging/layer/bootstrap"
IMAGE = "lambda-adapter-image.tar"
LAYERS = ["lambda-adapter-layer-arm64.zip", "lambda-adapter-layer-x86_64.zip"]


def dist(out, *adapters):
    words = [word for adapter in adapters for word in ("--adapter", adapter)]
    command = [os.environ.get("CARGO", "cargo"), "xtask", "dist", *words, "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE, check=True, **options).stdout


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lambridge-packages-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        other = cls.folder / "other"
        other.write_text("another program\n")
        cls.out = cls.folder / "out"
        dist(cls.out, f"x86_64={ADAPTER}", f"arm64={other}")
        (cls.folder / "tmp").mkdir()

    def test_the_files_and_their_sums(self):
        sums = dict(reversed(line.split("  ")) for line in (self.out / "SHA256SUMS").read_text().splitlines())
        found = {path.name for path in self.out.iterdir()} - {"SHA256SUMS"}
        self.assertEqual(found, {"lambda-adapter-arm64", "lambda-adapter-x86_64", IMAGE, *LAYERS})
        self.assertEqual(sums, {name: hashlib.sha256((self.out / name).read_bytes()).hexdigest() for name in found})
        self.assertEqual((self.out / "lambda-adapter-x86_64").stat().st_mode & 0o777, 0o755)

    def test_the_layers(self):
        for name in LAYERS:
            with self.subTest(name), zipfile.ZipFile(self.out / name) as layer:
                self.assertIsNone(layer.testzip())
                modes = {entry.filename: entry.external_attr >> 16 for entry in layer.infolist()}
                self.assertEqual(modes, {"bootstrap": 0o100755, "extensions/lambda-adapter": 0o100755})
                self.assertEqual(layer.read("bootstrap"), BOOTSTRAP.read_bytes())

    def test_packed_again_they_are_the_same(self):
        # The same two programs, in another order.
        again = self.folder / "again"
        dist(again, f"arm64={self.folder / 'other'}", f"x86_64={ADAPTER}")
        self.assertEqual((again / "SHA256SUMS").read_text(), (self.out / "SHA256SUMS").read_text())

    def blob(self, image, descriptor):
        data = image.extractfile("blobs/" + descriptor["digest"].replace(":", "/")).read()
        self.assertEqual((len(data), "sha256:" + hashlib.sha256(data).hexdigest()), (descriptor["size"], descriptor["digest"]))
        return data

    def test_the_image(self):
        with tarfile.open(self.out / IMAGE) as image:
            self.assertEqual(json.load(image.extractfile("oci-layout")), {"imageLayoutVersion": "1.0.0"})
            [entry] = json.load(image.extractfile("index.json"))["manifests"]
            self.assertRegex(entry["annotations"]["org.opencontainers.image.ref.name"], r"^\d+\.\d+\.\d+$")
            index = json.loads(self.blob(image, entry))
            seen = {}
            for descriptor in index["manifests"]:
                manifest = json.loads(self.blob(image, descriptor))
                config = json.loads(self.blob(image, manifest["config"]))
                [layer] = manifest["layers"]
                self.blob(image, layer)
                self.assertEqual(config["architecture"], descriptor["platform"]["architecture"])
                seen[config["architecture"]] = config["rootfs"]["diff_ids"]
            self.assertEqual(set(seen), {"amd64", "arm64"})

    @unittest.skipUnless(shutil.which("skopeo") and shutil.which("umoci"), "skopeo and umoci are not installed")
    def test_other_tools_read_the_image(self):
        with tarfile.open(self.out / IMAGE) as image:
            [entry] = json.load(image.extractfile("index.json"))["manifests"]
        tag = entry["annotations"]["org.opencontainers.image.ref.name"]
        work = self.folder / "unpacked"
        for arch, program in [("amd64", ADAPTER), ("arm64", self.folder / "other")]:
            with self.subTest(arch):
                layout, bundle = work / arch / "layout", work / arch / "bundle"
                layout.parent.mkdir(parents=True)
                source = f"oci-archive:{self.out / IMAGE}:{tag}"
                run("skopeo", "--override-arch", arch, "--override-os", "linux", "copy", source, f"oci:{layout}:{tag}")
                run("umoci", "unpack", "--rootless", "--image", f"{layout}:{tag}", str(bundle))
                adapter = bundle / "rootfs/lambda-adapter"
                self.assertEqual(list(adapter.parent.iterdir()), [adapter], "nothing else is in it")
                self.assertEqual(adapter.read_bytes(), pathlib.Path(program).read_bytes())
                self.assertTrue(os.access(adapter, os.X_OK))


class Bootstrap(unittest.TestCase):
    """The wrapper, under the shells that a runtime's `/bin/sh` may be."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lambridge-bootstrap-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def write(self, name, text, mode=0o755):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def check(self, handler, expect, **env):
        for shell in ["sh", "bash"]:
            with self.subTest(shell):
                done = subprocess.run(
                    [shell, str(BOOTSTRAP), "/var/lang/bin/node", "index.mjs"],
                    env={"PATH": os.environ["PATH"], "LAMBDA_TASK_ROOT": str(self.folder), "_HANDLER": handler} | env,
                    capture_output=True,
                    text=True,
                    timeout=DEADLINE,
                    check=False,
                )
                if done.returncode == 0:
                    self.assertEqual(done.stdout, expect)
                else:
                    self.assertIn(expect, done.stderr)
                    self.assertTrue(done.stderr.startswith("lambda-adapter: "), done.stderr)

    def test_a_script(self):
        self.write("run.sh", "#!/bin/sh\necho \"up $# $0\"\n")
        self.check("run.sh", f"up 0 {self.folder}/run.sh\n")

    def test_a_program(self):
        shutil.copy("/bin/true", self.folder / "app")
        self.check("app", "")

    def test_lost_permissions(self):
        self.write("app.py", "#!/usr/bin/env python3\nprint('python')\n", 0o644)
        self.check("app.py", "python\n")
        self.write("app", b"\x7fELF\x00", 0o644)
        self.check("app", "may not be executed")

    def test_what_goes_wrong(self):
        self.check("index.handler", "the function's handler must name what starts the application")
        self.write("run.sh", "#!/bin/sh\r\nexec node\r\n")
        self.check("run.sh", "end as on Windows")

    def test_another_wrapper(self):
        self.write("run.sh", "#!/bin/sh\necho \"up $TRACE\"\n")
        wrapper = str(self.write("wrapper", "#!/bin/sh\nTRACE=on exec \"$@\"\n"))
        self.check("run.sh", "up on\n", AWS_LWA_EXEC_WRAPPER=wrapper)
        self.check("run.sh", "there is no program", AWS_LWA_EXEC_WRAPPER="/opt/nowhere")
        # Named a second time, this one is not started for ever.
        own = {"AWS_LWA_EXEC_WRAPPER": "/opt/bootstrap", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap"}
        self.check("run.sh", "up \n", **own)

    def test_the_example_has_it(self):
        example = ROOT / "examples/lambda-web-adapter/opt/bootstrap"
        self.assertEqual(example.read_text(), BOOTSTRAP.read_text())
        self.assertTrue(os.access(BOOTSTRAP, os.X_OK) and os.access(example, os.X_OK))


class Templates(unittest.TestCase):
    def test_cloudformation_takes_them(self):
        templates = sorted(map(str, (ROOT / "packaging/sam").glob("*.yaml")))
        self.assertEqual(len(templates), 2)
        done = subprocess.run(
            [str(ENVIRONMENT / "venv/bin/cfn-lint"), "--regions", "us-east-1", "--", *templates],
            capture_output=True,
            text=True,
            timeout=4 * DEADLINE,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()

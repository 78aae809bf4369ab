"""kgateway's document of Lambda, followed step by step with our binary: its objects, its function, its request.

The Secret is what our own `create secret aws` prints for the command of the document.
"""

import json
import pathlib
import re
import shutil
import tempfile
import unittest

from support import FUNCTIONS, RIC, cleanup, command, dev, laid_out, request

FORM = [("content-type", "application/x-www-form-urlencoded")]
BODY = b'{"key1":"value1", "key2":"value2"}'
SAID = r"Here's the request you just sent me: {\"key1\":\"value1\",\"key2\":\"value2\"}"
ANSWER = f'{{"statusCode":200,"body":"Response from AWS Lambda. {SAID}"}}'.encode()

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: http, namespace: infra }
spec:
  gatewayClassName: kgateway
  listeners: [{ name: http, port: 8080, protocol: HTTP, allowedRoutes: { namespaces: { from: All } } }]
"""


def folder_of(case, **files):
    """A folder with these manifests; `functions` is a native file."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lambridge-kgateway-"))
    cleanup(case, shutil.rmtree, folder, True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = laid_out(cls, "kgateway")
        # The command of the document, as its README has it, with a token that is not set.
        readme = (cls.folder / "README.md").read_text()
        written = re.search(r"lambridge (create secret aws .+?) >", readme.replace("\\\n", " "))[1]
        words = written.replace("${AWS_ACCESS_KEY_ID}", "AKIAEXAMPLE").replace("${AWS_SECRET_ACCESS_KEY}", "s3cr3t")
        words = words.replace("${AWS_SESSION_TOKEN}", "").replace("'", "").split()
        made = command(*words)
        assert made.returncode == 0, made.stderr
        assert "`--session-token` has no value" in made.stderr, made.stderr
        (cls.folder / "manifests/secret.yaml").write_text(made.stdout)
        cls.program = dev(cls, cls.folder, "manifests", "functions.yaml")

    def test_the_request_of_the_document(self):
        answer = request(self.program.gateway, "POST", "/echo", FORM, BODY)
        self.assertEqual((answer.status, answer.body), (200, ANSWER), self.program.said())

    def test_paths_below_the_prefix(self):
        for path, status in [("/echo/more", 200), ("/echo?a=b", 200), ("/echoes", 404), ("/", 404)]:
            with self.subTest(path):
                answer = request(self.program.gateway, "POST", path, FORM, BODY)
                self.assertEqual(answer.status, status)
                if status == 404:
                    self.assertEqual(answer.body, b"")

    def test_a_body_that_is_no_json_is_the_clients_fault(self):
        answer = request(self.program.gateway, "POST", "/echo", FORM, b"key=value")
        self.assertEqual((answer.status, answer.body), (400, b""), self.program.said())

    def test_check_finds_nothing(self):
        checked = command("check", "-c", str(self.folder / "manifests"))
        self.assertEqual((checked.returncode, checked.stdout.strip()), (0, "no problems found"))

    def test_check_without_the_secret(self):
        folder = folder_of(self)
        shutil.copytree(self.folder / "manifests", folder, dirs_exist_ok=True)
        (folder / "secret.yaml").unlink()
        checked = command("check", "-c", str(folder))
        self.assertEqual(checked.returncode, 1)
        for part in ["backend.yaml:10:13: error", "Secret `kgateway-system/aws-creds` does not exist", "create secret aws"]:
            self.assertIn(part, checked.stdout)


class ConvertedDocument(Document):
    converted = True


class Secrets(unittest.TestCase):
    def test_keys_of_the_shared_file(self):
        folder = folder_of(self)
        (folder / "credentials").write_text("[default]\naws_access_key_id=A\n[p]\naws_access_key_id=AKIAP\naws_secret_access_key=s\n")
        env = {"AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"), "AWS_PROFILE": "p"}
        made = command("create", "secret", "aws", "--name", "a", "-n", "b", "--dry-run", "-o", "json", env=env)
        self.assertEqual(made.returncode, 0, made.stderr)
        secret = json.loads(made.stdout)
        self.assertEqual(secret["metadata"], {"name": "a", "namespace": "b"})
        self.assertEqual(secret["data"]["accessKey"], "QUtJQVA=")
        self.assertEqual(secret["data"]["aws_access_key_id"], "QUtJQVA=")
        made = command("create", "secret", "aws", "--name", "a", env=env | {"AWS_PROFILE": "default"})
        self.assertEqual((made.returncode, made.stdout), (1, ""))
        self.assertIn("profile `default`", made.stderr)


def backend(name, namespace, function):
    return f"""---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {{ name: {name}, namespace: {namespace} }}
spec: {{ type: AWS, aws: {{ lambda: {{ functionName: {function}, payloadTransformMode: None }} }} }}
"""


ROUTE = """---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: r, namespace: web }
spec:
  parentRefs: [{ name: http, namespace: infra }]
  hostnames: ["*.example.com"]
  rules:
    - matches: [{ path: { type: Exact, value: /share } }]
      backendRefs:
        - { group: gateway.kgateway.dev, kind: Backend, name: a, namespace: apps, weight: 3 }
        - { group: gateway.kgateway.dev, kind: Backend, name: b, namespace: apps, weight: 1 }
        - { group: gateway.kgateway.dev, kind: Backend, name: fails, namespace: apps, weight: 0 }
    - matches: [{ path: { value: /fails } }]
      backendRefs: [{ group: gateway.kgateway.dev, kind: Backend, name: fails, namespace: apps }]
    - matches: [{ path: { value: /absent } }]
      backendRefs: [{ group: gateway.kgateway.dev, kind: Backend, name: absent, namespace: apps }]
    - matches: [{ path: { value: /nowhere } }]
"""
GRANT = """---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: web, namespace: apps }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: web }]
  to: [{ group: gateway.kgateway.dev, kind: Backend }]
"""
OBJECTS = GATEWAY + "".join(backend(name, "apps", name) for name in ["a", "b", "fails", "absent"]) + ROUTE


class Objects(unittest.TestCase):
    def test_shares_failures_and_hosts(self):
        functions = f"""
lambridge: 1
functions:
  a: {{ run: {{ command: "{RIC} functions.constant", dir: "{FUNCTIONS}", env: {{ CONSTANT: a }} }} }}
  b: {{ run: {{ command: "{RIC} functions.constant", dir: "{FUNCTIONS}", env: {{ CONSTANT: b }} }} }}
  fails: {{ run: {{ command: "{RIC} functions.fail", dir: "{FUNCTIONS}" }} }}
"""
        folder = folder_of(self, objects=OBJECTS + GRANT, functions=functions)
        program = dev(self, folder, "objects.yaml", "functions.yaml")
        host = [("host", "api.example.com")]
        found = [request(program.gateway, "POST", "/share", host, b"{}").body for _ in range(200)]
        self.assertEqual(set(found), {b'"a"', b'"b"'}, program.said())
        # 150 are expected; seven standard deviations either way.
        self.assertTrue(107 < found.count(b'"a"') < 193, found.count(b'"a"'))
        for path, status in [("/fails", 504), ("/absent", 502), ("/nowhere", 500), ("/share/", 404)]:
            with self.subTest(path):
                answer = request(program.gateway, "POST", path, host, b"{}")
                self.assertEqual((answer.status, answer.body), (status, b""), program.said())
        self.assertEqual(request(program.gateway, "GET", "/share", [("host", "example.org")]).status, 404)

    def test_no_grant(self):
        checked = command("check", "-c", str(folder_of(self, objects=OBJECTS)))
        self.assertEqual(checked.returncode, 1)
        self.assertIn("Backend `apps/a` may not be referred to by objects of kind `HTTPRoute` in `web`", checked.stdout)
        self.assertIn("add a `ReferenceGrant` in namespace `apps`", checked.stdout)


class ConvertedObjects(Objects):
    converted = True


if __name__ == "__main__":
    unittest.main()

"""Who the gateway calls as, through the binary: every source of the AWS default chain and of the configuration, its keys in
the signature that Lambda gets. STS is moto's; metadata services are scripted, since they exist only inside AWS.

No secret that a source gives may be seen in what the program says, at any level.
"""

import hashlib
import json
import os
import pathlib
import shutil
import stat
import tempfile
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

from aws_parts import Lambda, Moto, keys, metadata
from support import DEADLINE, Service, cleanup, closed_port, command, request, start

INVOKE = "arn:aws:iam::123456789012:role/invoke"


class Case(unittest.TestCase):
    """A fake Lambda, and a folder for the files of a case."""

    def setUp(self):
        self.called = Lambda(self)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lambridge-credentials-"))
        cleanup(self, shutil.rmtree, self.folder, True)

    def file(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def script(self, name, text):
        path = self.file(name, "#!/bin/sh\n" + text)
        os.chmod(path, stat.S_IRWXU)
        return path

    def config(self, credentials="", function="", region="region: eu-west-1"):
        return (
            f"lambridge: 1\nlisteners: [{{ address: 127.0.0.1:0 }}]\nlog: {{ level: debug }}\n"
            f"aws: {{ {region}{', ' if region else ''}endpoint: '{self.called.url}'"
            + (f", credentials: {credentials}" if credentials else "")
            + f" }}\nfunctions: {{ f: {{ retries: {{ max: 0 }}{', ' + function if function else ''} }} }}\n"
            "routes: [{ match: { path_prefix: / }, function: f }]\n"
        )

    def gateway(self, env=None, **config):
        program = start(self, "gateway", self.config(**config), env=env)
        self.addCleanup(lambda: self.assertNotIn("hunter2", program.said()))
        return program

    def caller(self, env=None, *, region="eu-west-1", token="hunter2-token", **config):
        """The access key of the one call that a request makes."""
        program = self.gateway(env, **config)
        answer = request(program.gateway, "GET", "/")
        self.assertEqual((answer.status, answer.body), (200, b"ok"), program.said())
        [(key, found)] = self.called.callers()
        self.assertEqual(found, region)
        if token is not ...:
            self.assertEqual(self.called.tokens(), [token])
        return key


class Chain(Case):
    """What the AWS default chain and profiles find."""

    def test_environment(self):
        env = {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "hunter2"}
        self.assertEqual(self.caller(env, token=None), "AKIDENV")

    def test_environment_with_a_token(self):
        env = {"AWS_ACCESS_KEY_ID": "ASIAENV", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_SESSION_TOKEN": "hunter2-token"}
        self.assertEqual(self.caller(env), "ASIAENV")

    def shared(self, text, name="config"):
        variable = {"config": "AWS_CONFIG_FILE", "credentials": "AWS_SHARED_CREDENTIALS_FILE"}[name]
        return {variable: self.file(name, text)}

    def test_default_profile(self):
        env = self.shared("[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = hunter2\n", "credentials")
        self.assertEqual(self.caller(env, token=None), "AKIDDEFAULT")

    def test_profile_of_the_environment(self):
        text = "[default]\naws_access_key_id = A\naws_secret_access_key = hunter2\n"
        text += "[other]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = hunter2\n"
        env = self.shared(text, "credentials") | {"AWS_PROFILE": "other"}
        self.assertEqual(self.caller(env, token=None), "AKIDOTHER")

    def test_named_profile_and_its_region(self):
        text = "[profile prod]\nregion = ap-south-1\naws_access_key_id = AKIDPROD\naws_secret_access_key = hunter2\n"
        found = self.caller(self.shared(text), token=None, region="ap-south-1", credentials="{ profile: prod }")
        self.assertEqual(found, "AKIDPROD")

    # The configuration says no region: the profile does.
    def config(self, credentials="", function="", region="region: eu-west-1"):
        return super().config(credentials, function, "" if "prod" in credentials else region)

    def test_process(self):
        given = self.file("given.json", json.dumps(keys("ASIAPROCESS", spelled="process")))
        program = self.script("program", f"cat {given}\n")
        env = self.shared(f"[default]\ncredential_process = {program}\n")
        self.assertEqual(self.caller(env), "ASIAPROCESS")

    def test_container_with_a_token_file(self):
        def answer(asked):
            if asked.headers.get("authorization") != "hunter2-pod":
                return 401, {}, "{}"
            return 200, {"content-type": "application/json"}, json.dumps(keys("ASIAPOD"))

        pod = Service(self, answer)
        env = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{pod.url}/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": self.file("token", "hunter2-pod"),
        }
        self.assertEqual(self.caller(env), "ASIAPOD")
        self.assertEqual([asked.path for asked in pod.requests], ["/v1/credentials"])

    def test_instance_metadata(self):
        service = metadata(self, "role-of-the-instance", "ASIAINSTANCE")
        env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": service.url, "AWS_EC2_METADATA_DISABLED": "false"}
        self.assertEqual(self.caller(env), "ASIAINSTANCE")
        self.assertEqual(service.requests[0].command, "PUT", "the first version is never asked")

    def test_sso(self):
        portal = Service(self, lambda asked: (200, {"content-type": "application/json"}, json.dumps(granted(asked))))

        def granted(asked):
            self.assertEqual(asked.headers["x-amz-sso_bearer_token"], "hunter2-login")
            self.assertIn("role_name=invoke", asked.path)
            end = int(time.time() + 3600) * 1000
            part = {"accessKeyId": "ASIASSO", "secretAccessKey": "hunter2", "sessionToken": "hunter2-token"}
            return {"roleCredentials": part | {"expiration": end}}

        url = "https://company.example/start"
        login = {"accessToken": "hunter2-login", "expiresAt": "2199-01-01T00:00:00Z", "region": "eu-west-1", "startUrl": url}
        self.file(f".aws/sso/cache/{hashlib.sha1(url.encode()).hexdigest()}.json", json.dumps(login))
        text = f"[profile sso]\nsso_start_url = {url}\nsso_region = eu-west-1\nsso_account_id = 123456789012\n"
        env = self.shared(text + "sso_role_name = invoke\n")
        env |= {"HOME": str(self.folder), "AWS_ENDPOINT_URL_SSO": portal.url}
        self.assertEqual(self.caller(env, credentials="{ profile: sso }"), "ASIASSO")

    def test_container_elsewhere(self):
        """Keys are not asked for in clear outside of the machine, nor is the token sent there."""
        token = {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": self.file("token", "hunter2-pod")}
        program = self.gateway({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/v1/credentials"} | token)
        answer = request(program.gateway, "GET", "/")
        self.assertEqual((answer.status, answer.reason), (502, "no_credentials"), answer)
        self.assertIn("not refer to an allowed IP address", program.await_line("no_credentials")[0])

    def test_nothing(self):
        program = self.gateway()
        answer = request(program.gateway, "GET", "/")
        self.assertEqual((answer.status, answer.reason), (502, "no_credentials"), answer)
        self.assertEqual(self.called.requests, [])

    def test_broken_sources_tell_no_secret(self):
        half = self.script("half", 'echo \'{"Version":1,"AccessKeyId":"A","SecretAccessKey":"hunter2"\'\n')
        for text in [
            f"[default]\ncredential_process = {half}\n",
            "[default]\naws_access_key_id = A\naws_session_token = hunter2\n",
            "[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = nobody\n",
            "[default\naws_secret_access_key = hunter2\n",
        ]:
            with self.subTest(text):
                program = self.gateway(self.shared(text))
                answer = request(program.gateway, "GET", "/")
                self.assertEqual((answer.status, answer.reason), (502, "no_credentials"), answer)
                program.await_line("no_credentials")


class Endpoints(Case):
    """Where Lambda is, of a configuration that does not say it."""

    def config(self, **config):
        return super().config(**config).replace(f"endpoint: '{self.called.url}'", "")

    def profile(self, more):
        """The default profile: for all services an address where nobody listens, for Lambda that of the fake."""
        text = "[default]\naws_access_key_id = AKID\naws_secret_access_key = hunter2\n"
        text += f"endpoint_url = http://{closed_port()}\nservices = here\n{more}\n"
        text += f"[services here]\nlambda =\n  endpoint_url = {self.called.url}\n"
        return {"AWS_CONFIG_FILE": self.file("config", text)}

    def test_the_profiles_services(self):
        self.assertEqual(self.caller(self.profile(""), token=None), "AKID")

    def test_the_environment_comes_first(self):
        env = self.profile("") | {"AWS_ENDPOINT_URL_LAMBDA": f"http://{closed_port()}"}
        program = self.gateway(env)
        self.assertEqual(request(program.gateway, "GET", "/").reason, "unreachable")

    def test_the_environment_says_that_the_profile_counts(self):
        env = self.profile("ignore_configured_endpoint_urls = true")
        self.assertEqual(self.caller(env | {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}, token=None), "AKID")


class Roles(Case):
    """Roles, by moto's STS."""

    @classmethod
    def setUpClass(cls):
        cls.moto = Moto(cls)

    def assumed(self, env, **config):
        key = self.caller({"AWS_ENDPOINT_URL_STS": self.moto.url} | env, token=..., **config)
        self.assertTrue(all(self.called.tokens()))
        return self.moto.identity(key)

    KEYS = {"AWS_ACCESS_KEY_ID": "AKIDBASE", "AWS_SECRET_ACCESS_KEY": "hunter2"}

    def test_role(self):
        role = f"{{ arn: '{INVOKE}', external_id: partner-42, session_name: shop-1, tags: {{ team: shop }}, transitive_tags: [team] }}"
        found = self.assumed(self.KEYS, credentials=f"{{ assume_role: {role} }}")
        self.assertEqual(found, "arn:aws:sts::123456789012:assumed-role/invoke/shop-1")

    def test_what_sts_is_asked(self):
        """moto gives a role to anybody; a partner's own STS asks for the id that was agreed on."""
        given = "".join(f"<{name}>{value}</{name}>" for name, value in keys("ASIAROLE", spelled="process").items())
        given = given.replace("<Version>1</Version>", "")
        user = "<AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>"
        result = f"<AssumeRoleResult><Credentials>{given}</Credentials>{user}</AssumeRoleResult>"
        space = "https://sts.amazonaws.com/doc/2011-06-15/"
        answer = f'<AssumeRoleResponse xmlns="{space}">{result}</AssumeRoleResponse>'
        sts = Service(self, lambda _: (200, {"content-type": "text/xml"}, answer))
        role = f"{{ arn: '{INVOKE}', external_id: partner-42, session_name: shop-1, tags: {{ team: shop }}, transitive_tags: [team] }}"
        env = self.KEYS | {"AWS_ENDPOINT_URL_STS": sts.url}
        self.assertEqual(self.caller(env, credentials=f"{{ assume_role: {role} }}"), "ASIAROLE")
        [asked] = sts.requests
        self.assertIn("Credential=AKIDBASE/", asked.headers["authorization"])
        found = dict(parse_qsl(asked.body.decode()))
        self.assertEqual((found["Action"], found["RoleArn"], found["RoleSessionName"]), ("AssumeRole", INVOKE, "shop-1"))
        self.assertEqual((found["ExternalId"], found["TransitiveTagKeys.member.1"]), ("partner-42", "team"))
        self.assertEqual((found["Tags.member.1.Key"], found["Tags.member.1.Value"]), ("team", "shop"))

    def test_chain_of_roles(self):
        via = "[{ arn: 'arn:aws:iam::123456789012:role/first' }, { arn: 'arn:aws:iam::123456789012:role/second' }]"
        role = f"{{ assume_role: {{ arn: '{INVOKE}', via: {via} }} }}"
        found = self.assumed(self.KEYS, credentials=role)
        self.assertEqual(found, "arn:aws:sts::123456789012:assumed-role/invoke/lambridge")

    def test_a_functions_own_role(self):
        role = f"credentials: {{ assume_role: {{ arn: '{INVOKE}' }} }}"
        static = "{ access_key_id: AKIDFILE, secret_access_key: hunter2 }"
        found = self.assumed({}, credentials=static, function=role)
        self.assertEqual(found, "arn:aws:sts::123456789012:assumed-role/invoke/lambridge")

    def test_profile_with_source_profiles(self):
        text = "[profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = hunter2\n"
        text += "[profile middle]\nrole_arn = arn:aws:iam::123456789012:role/middle\nsource_profile = base\n"
        text += f"[profile top]\nrole_arn = {INVOKE}\nsource_profile = middle\nrole_session_name = from-profile\n"
        env = {"AWS_CONFIG_FILE": self.file("config", text)}
        found = self.assumed(env, credentials="{ profile: top }")
        self.assertEqual(found, "arn:aws:sts::123456789012:assumed-role/invoke/from-profile")

    def web_identity(self):
        return self.file("token", "hunter2.of.kubernetes")

    def test_web_identity(self):
        env = {
            "AWS_WEB_IDENTITY_TOKEN_FILE": self.web_identity(),
            "AWS_ROLE_ARN": INVOKE,
            "AWS_ROLE_SESSION_NAME": "pod-1",
        }
        self.assertEqual(self.assumed(env), "arn:aws:sts::123456789012:assumed-role/invoke/pod-1")

    def test_web_identity_of_a_profile_then_a_role(self):
        text = f"[profile pod]\nrole_arn = arn:aws:iam::123456789012:role/pod\nweb_identity_token_file = {self.web_identity()}\n"
        env = {"AWS_CONFIG_FILE": self.file("config", text)}
        role = f"{{ profile: pod, assume_role: {{ arn: '{INVOKE}', session_name: second }} }}"
        found = self.assumed(env, credentials=role)
        self.assertEqual(found, "arn:aws:sts::123456789012:assumed-role/invoke/second")

    def test_functions_side_by_side(self):
        """Each function calls as its own; the same credentials are asked for once."""
        file = self.file("config", "[profile p]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = hunter2\n")
        config = f"""
            lambridge: 1
            listeners: [{{ address: 127.0.0.1:0 }}]
            aws: {{ region: eu-west-1, endpoint: '{self.called.url}', credentials: {{ profile: p }} }}
            functions:
              a: {{}}
              b: {{ credentials: {{ access_key_id: AKIDOWN, secret_access_key: hunter2 }} }}
              c: {{ credentials: {{ assume_role: {{ arn: '{INVOKE}', session_name: cc }} }} }}
              d: {{ credentials: {{ assume_role: {{ arn: '{INVOKE}', session_name: cc }} }} }}
              e: {{ name: 'arn:aws-cn:lambda:cn-north-1:123456789012:function:e:live' }}
              g: {{ name: '123456789012:function:g', region: us-gov-west-1, qualifier: '7' }}
            routes:
              - {{ match: {{ path: '/{{key}}' }}, function_from: {{ path: key, function: a, allow: [a] }} }}
              - {{ match: {{ path: /b }}, function: b }}
              - {{ match: {{ path: /c }}, function: c }}
              - {{ match: {{ path: /d }}, function: d }}
              - {{ match: {{ path: /e }}, function: e }}
              - {{ match: {{ path: /g }}, function: g }}
        """
        env = {"AWS_CONFIG_FILE": file, "AWS_ENDPOINT_URL_STS": self.moto.url}
        program = start(self, "gateway", config, env=env)
        for path in ["/a", "/b", "/c", "/d", "/e", "/g"]:
            self.assertEqual(request(program.gateway, "GET", path).status, 200, program.said())
        (a, b, c, d, e, g) = self.called.callers()
        self.assertEqual((a, b, c[1]), (("AKIDPROFILE", "eu-west-1"), ("AKIDOWN", "eu-west-1"), "eu-west-1"))
        self.assertEqual(c, d)
        self.assertEqual(self.moto.identity(c[0]), "arn:aws:sts::123456789012:assumed-role/invoke/cc")
        self.assertEqual((e, g), (("AKIDPROFILE", "cn-north-1"), ("AKIDPROFILE", "us-gov-west-1")))
        targets = [call.path for call in self.called.requests][4:]
        prefix = "/2015-03-31/functions/"
        self.assertEqual(
            targets,
            [
                f"{prefix}arn%3Aaws-cn%3Alambda%3Acn-north-1%3A123456789012%3Afunction%3Ae/invocations?Qualifier=live",
                f"{prefix}123456789012%3Afunction%3Ag/invocations?Qualifier=7",
            ],
        )
        self.assertNotIn("hunter2", program.said())


class Renewal(Case):
    """Keys that end: asked for in time, once for all, and kept while nobody gives new ones."""

    def setUp(self):
        super().setUp()
        self.seconds, self.fails, self.given = 3600, False, 0
        self.gate = threading.Event()
        self.gate.set()

        def answer(_):
            self.gate.wait(DEADLINE)
            if self.fails:
                return 500, {}, "{}"
            self.given += 1
            return 200, {"content-type": "application/json"}, json.dumps(keys(f"ASIA{self.given}", seconds=self.seconds))

        self.source = Service(self, answer)

    def start(self):
        return self.gateway({"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.source.url}/v1"})

    def test_one_question_for_many_requests(self):
        program = self.start()
        self.gate.clear()
        with ThreadPoolExecutor(50) as pool:
            asked = [pool.submit(request, program.gateway, "GET", "/") for _ in range(50)]
            while not self.source.requests:
                time.sleep(0.01)
            self.gate.set()
            self.assertEqual({answer.result().status for answer in asked}, {200})
        self.assertEqual(len(self.source.requests), 1)
        self.assertEqual({key for key, _ in self.called.callers()}, {"ASIA1"})

    def test_renewed_before_the_end(self):
        self.seconds = 12
        program = self.start()
        deadline = time.monotonic() + DEADLINE
        seen = []
        while len(set(seen)) < 2:
            self.assertLess(time.monotonic(), deadline, program.said())
            self.assertEqual(request(program.gateway, "GET", "/").status, 200, program.said())
            seen = [key for key, _ in self.called.callers()]
            time.sleep(0.05)
        self.assertEqual(list(dict.fromkeys(seen))[:2], ["ASIA1", "ASIA2"], "new ones, and never the old again")

    def test_kept_while_the_source_fails_then_refused_then_renewed(self):
        self.seconds = 14
        program = self.start()
        self.assertEqual(request(program.gateway, "GET", "/").status, 200)
        self.fails = True
        deadline = time.monotonic() + DEADLINE
        asked = len(self.source.requests)
        # Renewal is tried from the last fifth on, and fails; the keys at hand serve on.
        statuses, kept = [], False
        while not statuses or statuses[-1] == 200:
            self.assertLess(time.monotonic(), deadline, program.said())
            statuses.append(request(program.gateway, "GET", "/").status)
            if statuses[-1] == 200 and len(self.source.requests) > asked:
                kept = True
            time.sleep(0.05)
        self.assertTrue(kept, "no call was served while the source failed")
        self.assertEqual(statuses[-1], 502, "and none with keys that have ended")
        self.assertEqual({key for key, _ in self.called.callers()}, {"ASIA1"})
        self.fails, self.seconds = False, 3600
        while request(program.gateway, "GET", "/").status != 200:
            self.assertLess(time.monotonic(), deadline, program.said())
            time.sleep(0.05)
        self.assertEqual(self.called.callers()[-1][0], "ASIA2")


class CheckAws(Case):
    """`lambridge check --aws`."""

    @classmethod
    def setUpClass(cls):
        cls.moto = Moto(cls)

    def check(self, config, *words, env=None):
        path = self.file("lambridge.yaml", config)
        env = {"AWS_ENDPOINT_URL_STS": self.moto.url} | (env or {})
        ran = command("check", "-c", path, "--aws", *words, env=env)
        self.assertNotIn("hunter2", ran.stdout + ran.stderr)
        return ran

    def functions(self, text):
        return f"lambridge: 1\naws: {{ region: eu-west-1, endpoint: '{self.called.url}' }}\nfunctions:\n{text}"

    def test_every_source_once(self):
        role = f"credentials: {{ assume_role: {{ arn: '{INVOKE}', session_name: check }} }}"
        config = self.functions(
            "  a: {}\n  b: {}\n"
            f"  c: {{ {role} }}\n"
            f"  d: {{ {role}, region: us-west-2 }}\n"
            "  e: { credentials: { access_key_id: AKIDFILE, secret_access_key: hunter2 } }\n"
        )
        env = {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "hunter2"}
        ran = self.check(config, "--format", "json", env=env)
        self.assertEqual(ran.returncode, 0, ran)
        found = json.loads(ran.stdout)
        self.assertEqual(found["diagnostics"], [])
        user, role = "arn:aws:sts::123456789012:user/moto", "arn:aws:sts::123456789012:assumed-role/invoke/check"
        rows = [(one["functions"], one["region"], one["arn"], one["account"], one["ok"]) for one in found["aws"]]
        self.assertEqual(
            rows,
            [
                (["a", "b"], "eu-west-1", user, "123456789012", True),
                (["c"], "eu-west-1", role, "123456789012", True),
                (["d"], "us-west-2", role, "123456789012", True),
                (["e"], "eu-west-1", user, "123456789012", True),
            ],
        )
        self.assertEqual({one["endpoint"] for one in found["aws"]}, {self.called.url})
        self.assertEqual(found["aws"][1]["credentials"], f"role {INVOKE}, assumed by the AWS default chain")
        self.assertEqual(self.called.requests, [], "no function is called")
        shown = self.check(config, env=env)
        self.assertEqual(shown.returncode, 0, shown)
        for line in ["functions   a, b", f"identity    {user}", f"lambda      {self.called.url}, reached"]:
            self.assertIn(line, shown.stdout.splitlines())

    def test_what_is_wrong(self):
        nowhere = closed_port()
        profile = "credentials: { profile: nobody }"
        keys = "credentials: { access_key_id: AKIDFILE, secret_access_key: hunter2 }"
        config = self.functions(f"  a: {{ {profile} }}\n  b: {{ {keys}, endpoint: 'http://{nowhere}' }}\n")
        ran = self.check(config, "--format", "json")
        self.assertEqual(ran.returncode, 1, ran)
        a, b = json.loads(ran.stdout)["aws"]
        self.assertEqual((a["ok"], a["arn"], a["reached"]), (False, None, True))
        self.assertEqual(a["identity_error"], "the shared files have no profile `nobody` with credentials")
        self.assertEqual((b["ok"], b["reached"], b["identity_error"]), (False, False, None))
        self.assertIn(nowhere, b["endpoint_error"])
        ran = self.check(config, env={"AWS_ENDPOINT_URL_STS": f"http://{nowhere}"})
        self.assertEqual(ran.returncode, 1, ran)
        self.assertIn("identity    error: STS: ", ran.stdout)

    def test_without_a_region(self):
        ran = self.check("lambridge: 1\nfunctions: { f: {} }\n", "--format", "json")
        [one] = json.loads(ran.stdout)["aws"]
        self.assertEqual((ran.returncode, one["region"], one["endpoint"], one["ok"]), (1, None, None, False))

    def test_a_wrong_configuration_is_not_asked_about(self):
        ran = self.check("lambridge: 1\nfunctions: { f: { evnt: body } }\n", "--format", "json")
        found = json.loads(ran.stdout)
        self.assertEqual((ran.returncode, len(found["diagnostics"]), found["aws"]), (1, 1, []))


if __name__ == "__main__":
    unittest.main()

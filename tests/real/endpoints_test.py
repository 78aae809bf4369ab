"""The endpoints of Lambda and STS in every region that AWS's Python SDK knows: the table that Rust's tests go by, and what
`lambridge explain` says of a function there.

`UPDATE_ENDPOINTS=1` writes the table anew.
"""

import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest

import botocore.loaders
import botocore.session
from aws_parts import metadata
from botocore.awsrequest import AWSResponse
from botocore.endpoint_provider import EndpointProvider
from support import ROOT, cleanup, command

TABLE = ROOT / "crates/invoke/src/endpoint/regions.txt"


LOADER = botocore.loaders.create_loader()
PARTITIONS = LOADER.load_data("partitions")
REGIONS = sorted(
    region for one in PARTITIONS["partitions"] for region in one["regions"] if not region.endswith("-global")
)


def rows():
    for service in ["lambda", "sts"]:
        rules = LOADER.load_service_model(service, "endpoint-rule-set-1")
        provider = EndpointProvider(rules, PARTITIONS)
        # Old SDKs ask STS at one place for the whole world.
        own = {"UseGlobalEndpoint": False} if service == "sts" else {}
        for region in REGIONS:
            for fips in [False, True]:
                for dual in [False, True]:
                    found = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual, **own)
                    host = found.url.removeprefix("https://")
                    yield f"{service} {region} {'fips' if fips else '-'} {'dualstack' if dual else '-'} {host}"


def variables(fips, dual):
    return {"AWS_USE_FIPS_ENDPOINT": str(fips), "AWS_USE_DUALSTACK_ENDPOINT": str(dual)}


class Sdk:
    """For which region the SDK signs calls of a region's functions, and where it sends them."""

    def __init__(self, session, region):
        self.client = session.create_client("lambda", region_name=region)
        # As a configured client would, were it made: an older table refuses some that the rules know.
        self.client.meta.events.register("before-endpoint-resolution", self.choose)
        self.client.meta.events.register("before-send", self.keep)

    def choose(self, builtins, **_):
        builtins.update(self.variant)

    def keep(self, request, **_):
        """Instead of sending it."""
        self.sent = request
        return AWSResponse(request.url, 200, {}, None)

    def calls(self, fips, dual):
        self.variant = {"AWS::UseFIPS": fips, "AWS::UseDualStack": dual}
        self.client.invoke(FunctionName="f")
        authorization = self.sent.headers["authorization"].decode()
        [signed] = re.findall(r"Credential=[^/]+/\d{8}/([^/]+)/lambda/", authorization)
        return signed, self.sent.url.removesuffix("/2015-03-31/functions/f/invocations")


class Endpoints(unittest.TestCase):
    def test_the_table_is_that_of_the_sdk(self):
        found = "".join(f"{row}\n" for row in rows())
        if "UPDATE_ENDPOINTS" in os.environ:
            TABLE.write_text(found)
        self.assertEqual(TABLE.read_text(), found, "UPDATE_ENDPOINTS=1 writes it anew")


class Explained(unittest.TestCase):
    """Where a function is called, as `explain` says it to a user, and where the SDK would call it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lambridge-"))
        cleanup(self, shutil.rmtree, self.folder, True)
        self.instance = metadata(self, "role", "AKID")

    def explain(self, functions, env=None, aws=""):
        """Region and endpoint of each function, or why there is none."""
        names = [f"f{at}" for at in range(len(functions))]
        keys = "".join(f"  {name}: {{ {settings} }}\n" for name, settings in zip(names, functions))
        shares = ", ".join(f"{{ name: {name} }}" for name in names)
        text = f"lambridge: 1\naws: {{ {aws} }}\nfunctions:\n{keys}"
        text += f"routes: [{{ match: {{ path: / }}, functions: [{shares}] }}]\n"
        (self.folder / "lambridge.yaml").write_text(text)
        # The instance's metadata would say a region, and is a network away.
        instance = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.instance.url}
        words = ["explain", "-c", "lambridge.yaml", "GET", "/", "--format", "json"]
        done = command(*words, cwd=self.folder, env=instance | (env or {}))
        self.assertEqual((done.returncode, self.instance.requests), (0, []), done.stderr)
        places = json.loads(done.stdout)["places"]
        self.assertEqual([place["function"] for place in places], names)
        return [place["error"] or (place["region"], place["endpoint"]) for place in places]

    def test_every_region_and_variant(self):
        session = botocore.session.Session()
        session.set_credentials("AKIDEXAMPLE", "secret")
        sdks = [Sdk(session, region) for region in REGIONS]
        regions = [f"region: {region}" for region in REGIONS]
        partitions = {region: one["id"] for one in PARTITIONS["partitions"] for region in one["regions"]}
        arns = [f"name: 'arn:{partitions[region]}:lambda:{region}:123456789012:function:f'" for region in REGIONS]
        for fips in (False, True):
            for dual in (False, True):
                with self.subTest(fips=fips, dual=dual):
                    expect = [sdk.calls(fips, dual) for sdk in sdks]
                    said = f"use_fips: {fips}, use_dualstack: {dual}".lower()
                    told = variables(fips, dual)
                    self.assertEqual(self.explain(regions, variables(not fips, not dual), said), expect)
                    self.assertEqual(self.explain([f"{region}, {said}" for region in regions]), expect)
                    self.assertEqual(self.explain(regions, told), expect)
                    self.assertEqual(self.explain(arns, told), expect)

    def test_settings(self):
        usual = ("eu-west-1", "https://lambda.eu-west-1.amazonaws.com")
        own = ("eu-west-1", "http://h:1")
        region = {"AWS_REGION": "eu-west-1"}
        asked = variables(True, True)
        for function, env, expect in [
            ("", {}, "no region is configured"),
            ("", region, usual),
            ("", region | asked, ("eu-west-1", "https://lambda-fips.eu-west-1.api.aws")),
            ("use_fips: false, use_dualstack: false", region | asked, usual),
            ("", region | {"AWS_ENDPOINT_URL": "http://h:1"}, own),
            ("", region | {"AWS_ENDPOINT_URL": "http://h:2", "AWS_ENDPOINT_URL_LAMBDA": "http://h:1"}, own),
            ("endpoint: 'http://h:1'", region | {"AWS_ENDPOINT_URL_LAMBDA": "http://h:2"}, own),
            ("", region | asked | {"AWS_ENDPOINT_URL_LAMBDA": "http://h:1"}, own),
            ("", region | {"AWS_ENDPOINT_URL": "http://h:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, usual),
        ]:
            with self.subTest(function=function, env=env):
                self.assertEqual(self.explain([function], env), [expect])
        conflict = "`use_fips` does not go with an endpoint of one's own"
        self.assertEqual(self.explain(["use_fips: true"], region | {"AWS_ENDPOINT_URL": "http://h:1"}), [conflict])


if __name__ == "__main__":
    unittest.main()

"""The endpoints of Lambda and STS in every region that AWS's Python SDK knows: the table that Rust's tests go by.

`UPDATE_ENDPOINTS=1` writes it anew.
"""

import os
import unittest

import botocore.loaders
from botocore.endpoint_provider import EndpointProvider
from support import ROOT

TABLE = ROOT / "crates/invoke/src/endpoint/regions.txt"


def rows():
    loader = botocore.loaders.create_loader()
    partitions = loader.load_data("partitions")
    regions = [region for one in partitions["partitions"] for region in one["regions"] if not region.endswith("-global")]
    for service in ["lambda", "sts"]:
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        provider = EndpointProvider(rules, partitions)
        # Old SDKs ask STS at one place for the whole world.
        own = {"UseGlobalEndpoint": False} if service == "sts" else {}
        for region in sorted(regions):
            for fips in [False, True]:
                for dual in [False, True]:
                    found = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual, **own)
                    host = found.url.removeprefix("https://")
                    yield f"{service} {region} {'fips' if fips else '-'} {'dualstack' if dual else '-'} {host}"


class Endpoints(unittest.TestCase):
    def test_the_table_is_that_of_the_sdk(self):
        found = "".join(f"{row}\n" for row in rows())
        if "UPDATE_ENDPOINTS" in os.environ:
            TABLE.write_text(found)
        self.assertEqual(TABLE.read_text(), found, "UPDATE_ENDPOINTS=1 writes it anew")


if __name__ == "__main__":
    unittest.main()

"""Which function is called, through the binary: every form of a name in every partition, qualifiers, and names that a request
says itself. What counts is what a Lambda of the test's own is asked for, and for which region the call is signed."""

import re
import unittest
from urllib.parse import unquote

from aws_parts import Lambda
from support import request, start

PARTITIONS = {
    "aws": "eu-west-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-eusc": "eusc-de-east-1",
}
ACCOUNT = "123456789012"
# As configured; the name and the qualifier that Lambda is asked for; the region.
FORMS = {
    "shop": ("shop", None, "ap-south-1"),
    "shop:live": ("shop", "live", "ap-south-1"),
    "shop:7": ("shop", "7", "ap-south-1"),
    "shop:$LATEST": ("shop", "$LATEST", "ap-south-1"),
    f"{ACCOUNT}:function:shop": (f"{ACCOUNT}:function:shop", None, "ap-south-1"),
    f"us-west-2:{ACCOUNT}:function:shop:live": (f"us-west-2:{ACCOUNT}:function:shop", "live", "us-west-2"),
} | {
    f"arn:{partition}:lambda:{region}:{ACCOUNT}:function:shop:3": (
        f"arn:{partition}:lambda:{region}:{ACCOUNT}:function:shop",
        "3",
        region,
    )
    for partition, region in PARTITIONS.items()
}


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.called = Lambda(cls)
        functions = "".join(f"  f{at}: {{ name: '{name}' }}\n" for at, name in enumerate(FORMS))
        routes = "".join(f"  - {{ match: {{ path: /f{at} }}, function: f{at} }}\n" for at in range(len(FORMS)))
        cls.program = start(
            cls,
            "gateway",
            f"lambridge: 1\nlisteners: [{{ address: 127.0.0.1:0 }}]\naws: {{ endpoint: '{cls.called.url}' }}\n"
            f"functions:\n{functions}  key: {{ name: shop, qualifier: green }}\n  any: {{}}\nroutes:\n{routes}"
            "  - { match: { path: /key }, function: key }\n"
            "  - { match: { path: '/path/{name}' }, function_from: { path: name, function: any, allow: ['shop-*'] } }\n"
            "  - { match: { path: /header }, function_from: { header: x-name, function: any, allow: ['shop-*'] } }\n"
            "  - { match: { path: /query }, function_from: { query: name, function: any, allow: ['shop-*'] } }\n",
            env={"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "ap-south-1"},
        )

    def check(self, target, expect, headers=()):
        self.called.requests.clear()
        answer = request(self.program.gateway, "GET", target, headers)
        if isinstance(expect, int):
            self.assertEqual((answer.status, self.called.requests), (expect, []), target)
            return
        self.assertEqual(answer.status, 200, f"{target}: {answer}")
        [call] = self.called.requests
        found = re.fullmatch(r"/2015-03-31/functions/([^/]+)/invocations(?:\?Qualifier=(.+))?", call.path)
        name, qualifier = (part and unquote(part) for part in found.groups())
        [(_, region)] = self.called.callers()
        self.assertEqual((name, qualifier, region), expect, target)

    def test_forms(self):
        for at, expect in enumerate(FORMS.values()):
            self.check(f"/f{at}", expect)
        self.check("/key", ("shop", "green", "ap-south-1"))

    def test_names_that_a_request_says(self):
        near = "ap-south-1"
        self.check("/path/shop-cart", ("shop-cart", None, near))
        self.check("/path/shop-cart%3Alive", ("shop-cart", "live", near))
        self.check("/header", ("shop-a", None, near), [("x-name", "shop-a")])
        self.check("/query?name=shop-b", ("shop-b", None, near))
        for target in ["/path/payroll", "/path/shop-..%2Fpayroll", "/query?name=payroll"]:
            self.check(target, 404)
        for target in ["/header", "/query"]:
            self.check(target, 400)


if __name__ == "__main__":
    unittest.main()

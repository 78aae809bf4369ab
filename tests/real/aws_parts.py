"""Parts of AWS: a Lambda that remembers who called, what it streams, moto's STS, and scripted metadata services."""

import json
import re
import socket
import struct
import subprocess
import time
import zlib
from datetime import datetime, timedelta, timezone

from support import DEADLINE, PYTHON, ROOT, Service, clean, cleanup, free_port, start


class Lambda(Service):
    """Answers every call, and knows whose it was."""

    def __init__(self, case):
        super().__init__(case, lambda _: (200, {"content-type": "application/json"}, '{"statusCode":200,"body":"ok"}'))

    def callers(self):
        """Access key and region of each call, in order."""
        scope = r"Credential=([^/]+)/\d{8}/([^/]+)/lambda/aws4_request"
        return [re.search(scope, call.headers["authorization"]).groups() for call in list(self.requests)]

    def tokens(self):
        return [call.headers["x-amz-security-token"] for call in list(self.requests)]


class Moto:
    """moto's server: STS that gives keys to whoever asks, and says later whose they were."""

    def __init__(self, case):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            env=clean(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        cleanup(case, self._end)
        deadline = time.monotonic() + DEADLINE
        while True:
            assert self.process.poll() is None, "moto ended"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "moto does not listen"
                time.sleep(0.05)

    def _end(self):
        self.process.kill()
        self.process.wait()

    def identity(self, key):
        """The ARN behind an access key."""
        import boto3

        client = boto3.client(
            "sts",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key="any",
            aws_session_token="any",
        )
        return client.get_caller_identity()["Arn"]


def keys(key, *, seconds=3600, secret="hunter2-secret", token="hunter2-token", spelled=None):
    """Temporary keys as services and programs hand them out."""
    end = (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    given = {"AccessKeyId": key, "SecretAccessKey": secret, "Token": token, "Expiration": end}
    if spelled == "process":
        given = {"Version": 1, **given, "SessionToken": given.pop("Token")}
    return given


def metadata(case, role, key):
    """An instance's metadata service, version 2: without a token of its own it says nothing."""

    def answer(request):
        if request.command == "PUT" and request.path == "/latest/api/token":
            return 200, {"x-aws-ec2-metadata-token-ttl-seconds": "21600"}, "imds-token"
        if request.headers.get("x-aws-ec2-metadata-token") != "imds-token":
            return 401, {}, ""
        base = "/latest/meta-data/iam/security-credentials/"
        if request.path == base:
            return 200, {}, role
        if request.path == base + role:
            given = {"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z", **keys(key)}
            return 200, {}, json.dumps(given)
        if request.path == "/latest/meta-data/placement/region":
            return 200, {}, "ap-south-2"
        return 404, {}, ""

    return Service(case, answer)


def event_frame(kind, payload):
    """A frame of Amazon's event stream, with the fields that SDKs look at."""
    fields = b"".join(
        bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value
        for name, value in ((b":event-type", kind), (b":message-type", b"event"))
    )
    head = struct.pack(">II", 16 + len(fields) + len(payload), len(fields))
    message = head + struct.pack(">I", zlib.crc32(head)) + fields + payload
    return message + struct.pack(">I", zlib.crc32(message))


def http2_lambda(case, held, *chain):
    """`http2_lambda.mjs`, which holds so many calls, and speaks TLS with a file of key and certificate: the process, and
    its address."""
    process = subprocess.Popen(
        ["node", str(ROOT / "tests/real/http2_lambda.mjs"), str(held), *map(str, chain)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    cleanup(case, process.stdout.close)
    cleanup(case, process.stdin.close)
    cleanup(case, process.wait, DEADLINE)
    cleanup(case, process.kill)
    word, port = process.stdout.readline().split()
    assert word == "port", word
    return process, f"127.0.0.1:{port}"


ONCE = "timeout: 10s, retries: { max: 0 }"


def gateway_to(case, endpoint, secret="secret", env=None, protocol="http1", function=ONCE):
    """A gateway before the Lambda at a URL, which it asks once for each request unless `function` says otherwise."""
    return start(
        case,
        "gateway",
        f"""
        lambridge: 1
        listeners: [{{ address: 127.0.0.1:0 }}]
        aws:
          region: us-east-1
          endpoint: {endpoint}
          credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: {secret} }}
          connections: {{ protocol: {protocol} }}
        functions: {{ web: {{ {function} }} }}
        routes:
          - {{ match: {{ path_prefix: / }}, function: web }}
        """,
        env=env,
    )

"""Parts of AWS for tests of credentials: a Lambda that remembers who called, moto's STS, and scripted metadata services."""

import http.server
import json
import re
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from support import DEADLINE, PYTHON, clean, cleanup, free_port


@dataclass
class Asked:
    command: str
    path: str
    headers: object
    body: bytes


class Scripted:
    """An HTTP service of this process: `answer(request)` gives status, headers and body; requests are kept."""

    def __init__(self, case, answer):
        self.requests = []
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(inner):
                body = inner.rfile.read(int(inner.headers.get("content-length", 0)))
                # A connection has one handler for all that comes on it.
                asked = Asked(inner.command, inner.path, inner.headers, body)
                with lock:
                    self.requests.append(asked)
                status, headers, body = answer(asked)
                body = body.encode()
                inner.send_response(status)
                for name, value in headers.items():
                    inner.send_header(name, value)
                inner.send_header("content-length", str(len(body)))
                inner.end_headers()
                inner.wfile.write(body)

            do_GET = do_POST = do_PUT = handle_one

            def log_message(inner, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        cleanup(case, self.server.server_close)
        cleanup(case, self.server.shutdown)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]


class Lambda(Scripted):
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

    return Scripted(case, answer)

"""Nothing is lost and nothing is wrong while everything goes on at once.

256 connections; Lambda throttles one call in ten, one function in a hundred crashes; the configuration is written
anew five times a second, so that routes and functions are compiled, replaced and dropped under load. Each request carries an
id of its own. It is answered once, with its own id, with `function_error` if its function crashed, or with `throttled`
if Lambda refused every attempt; and its function has run exactly once, or not at all when it was throttled.

10,000 requests here; `cargo xtask soak` sends 100,000.
"""

import asyncio
import collections
import json
import os
import pathlib
import random
import textwrap
import unittest

from fake_lambda import FakeLambda, answer_of
from support import request, start

REQUESTS = int(os.environ.get("LAMBRIDGE_SOAK_REQUESTS", "10000"))
CONNECTIONS = 256
PERIOD = 0.2
# For each request on a machine that does much else; one that is quiet takes a tenth of it.
PATIENCE = 0.02


def configuration(endpoint, turn):
    """What is served stays the same; how it is written does not: every turn has a function and a route of its own."""
    return textwrap.dedent(
        f"""
        lambridge: 1
        listeners: [{{ address: 127.0.0.1:0 }}]
        admin: {{ address: 127.0.0.1:0 }}
        log: {{ level: "off" }}
        aws:
          region: us-east-1
          endpoint: http://{endpoint}
          credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: secret }}
        functions:
          work: {{ name: work, timeout: {60 + turn % 2}s, concurrency: {{ max: {CONNECTIONS} }} }}
          turn-{turn}: {{ name: other }}
        routes:
          - {{ id: work-{turn % 3}, match: {{ path_prefix: /work }}, function: work }}
          - {{ id: turn, match: {{ path: /turn }}, function: turn-{turn} }}
        """
    )


class Soak(unittest.TestCase):
    def test_nothing_is_lost_or_wrong(self):
        seen, executed = asyncio.run(asyncio.wait_for(self.run_all(), 120 + REQUESTS * PATIENCE))
        print(f"{REQUESTS} requests: {dict(seen)}")
        self.assertEqual(sum(seen.values()), REQUESTS)
        self.assertEqual(set(seen) - {"ok", "function_error", "throttled"}, set())
        self.assertEqual(max(executed.values()), 1)
        # One in ten, three times in a row.
        self.assertLess(seen["throttled"], REQUESTS // 100)
        self.assertGreater(seen["function_error"], REQUESTS // 1000)

    async def run_all(self):
        draw = random.Random(20260710)
        executed = collections.Counter()

        async def work(_target, _headers, body):
            if draw.random() < 0.1:
                reason = b'{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}'
                return 429, {"x-amzn-errortype": "TooManyRequestsException", "retry-after": "0.01"}, reason
            id = json.loads(body)["queryStringParameters"]["id"]
            executed[id] += 1
            if crashes(int(id)):
                crash = b'{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}'
                return 200, {"x-amz-function-error": "Unhandled"}, crash
            return 200, {}, json.dumps({"statusCode": 200, "body": id}).encode()

        async with FakeLambda(work) as fake:
            program = start(self, "gateway", configuration(fake.address, 0))
            file = pathlib.Path(program.process.args[-1])
            seen, done = collections.Counter(), asyncio.Event()
            rewriting = asyncio.create_task(rewrite(file, fake.address, done))
            host, port = program.gateway.rsplit(":", 1)
            ids = iter(range(REQUESTS))

            async def connection():
                reader, writer = await asyncio.open_connection(host, int(port))
                for id in ids:
                    method = "GET" if id % 2 else "POST"
                    writer.write(f"{method} /work?id={id} HTTP/1.1\r\nhost: soak.test\r\ncontent-length: 0\r\n\r\n".encode())
                    seen[judge(id, *await answer_of(reader), executed)] += 1
                writer.close()

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(CONNECTIONS):
                        group.create_task(connection())
            finally:
                done.set()
            turns = await rewriting
            await asyncio.to_thread(self.check_reloads, program, turns)
            return seen, executed

    def check_reloads(self, program, turns):
        """The configuration did change meanwhile, and was never refused."""
        admin = program.await_line(r"admin on http://")[0].rsplit("/", 1)[1]
        metrics = request(admin, "GET", "/metrics", [("host", "localhost")]).body.decode()
        reloads = {
            line.split('"')[1]: int(line.split(" ")[1])
            for line in metrics.splitlines()
            if line.startswith("lambridge_config_reloads_total{")
        }
        print(f"{turns} configurations, {reloads}")
        self.assertEqual(reloads["rejected"], 0)
        # Several changes at once are one to who watches.
        self.assertGreater(reloads["ok"], turns // 10)


def crashes(id):
    """Whether the function of this request does, at random but for every run alike."""
    return random.Random(id).random() < 0.01


def judge(id, status, headers, body, executed):
    """What an answer is; it must be the right one for its request."""
    ran = executed[str(id)]
    if status == 200:
        assert (body.decode(), ran, crashes(id)) == (str(id), 1, False), (id, body, ran)
        return "ok"
    reason = json.loads(body)["type"].rsplit(":", 1)[1]
    assert headers["content-type"] == "application/problem+json", headers
    if reason == "function_error":
        assert (status, ran, crashes(id)) == (502, 1, True), (id, status, ran)
    else:
        assert (status, reason, ran) == (503, "throttled", 0), (id, status, reason, ran)
    return reason


async def rewrite(file, endpoint, done):
    """Writes another configuration every now and then, whole at once; how many."""
    turn = 0
    while not done.is_set():
        turn += 1
        fresh = file.with_suffix(".new")
        fresh.write_text(configuration(endpoint, turn))
        fresh.rename(file)
        try:
            await asyncio.wait_for(done.wait(), PERIOD)
        except TimeoutError:
            pass
    return turn


if __name__ == "__main__":
    unittest.main()

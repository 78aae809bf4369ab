"""10,000 clients that do nothing and 1,000 that are slow with their heads are no one else's trouble.

The gateway is a process of its own, the crowd two others, so that each stays below the bound on its descriptors; and the
gateway is started with the soft bound that shells have, which it has to raise. With all of them connected, another client
is served, again and again, and hardly later than before; afterwards the idle and the slow ones get their own answers.
"""

import asyncio
import contextlib
import re
import resource
import statistics
import subprocess
import sys
import time
import unittest

from fake_lambda import FakeLambda, answer_of
from support import DEADLINE, FUNCTIONS, cleanup, memory, start

IDLE = 10_000
SLOW = 1_000
CROWDS = 2
ROUNDS = 20
# What one idle connection may cost; a debug build has larger futures.
CONNECTION_KB = 64


class Crowd(unittest.TestCase):
    def test_idle_and_slow_clients_hold_no_one_up(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < IDLE + SLOW + 500:
            self.skipTest(f"a process may have {hard} descriptors, the gateway needs more for {IDLE + SLOW} clients")
        asyncio.run(asyncio.wait_for(self.run_all(), 10 * DEADLINE))

    async def run_all(self):
        calls = []

        async def answer(_target, _headers, body):
            calls.append(re.search(rb'"rawPath":"(/\w+)"', body)[1].decode())
            return 200, {}, b'{"statusCode":200,"body":"ok"}'

        async with FakeLambda(answer) as fake:
            with soft_bound(1024):
                program = start(self, "gateway", configuration(fake.address))
            alone = await waits(program.gateway, ROUNDS, [])
            before = memory(program.process.pid)
            crowds = [self.crowd(program.gateway) for _ in range(CROWDS)]
            for crowd in crowds:
                await asyncio.to_thread(expect, crowd, "ready")
            among = await waits(program.gateway, ROUNDS, crowds)
            cost = (memory(program.process.pid) - before) / 1024 / (IDLE + SLOW)
            print(
                f"{IDLE} idle, {SLOW} slow: median {1e3 * alone:.2f} ms before, {1e3 * among:.2f} ms among them,"
                f" {cost:.1f} kB for a connection"
            )
            self.assertEqual(set(calls), {"/other"}, "nobody else was served so far")
            self.assertLess(among, 10 * alone + 0.1)
            self.assertLess(cost, CONNECTION_KB)
            await asyncio.gather(*(asyncio.to_thread(expect, crowd, "ended", "end") for crowd in crowds))
            self.assertEqual(calls.count("/slow"), SLOW)
            self.assertEqual(calls.count("/idle"), IDLE // 10)

    def crowd(self, address):
        words = [sys.executable, "crowd.py", address, str(IDLE // CROWDS), str(SLOW // CROWDS)]
        child = subprocess.Popen(words, cwd=FUNCTIONS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for close in (child.stdin.close, child.stdout.close, child.wait, child.kill):
            cleanup(self, close)
        return child


def configuration(endpoint):
    return f"""
        lambridge: 1
        listeners: [{{ address: 127.0.0.1:0 }}]
        log: {{ level: "off" }}
        limits: {{ head_timeout: 10m, idle: 10m }}
        aws:
          region: us-east-1
          endpoint: http://{endpoint}
          credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: secret }}
        functions: {{ f: {{ name: f }} }}
        routes: [{{ match: {{ path_prefix: / }}, function: f }}]
        """


@contextlib.contextmanager
def soft_bound(descriptors):
    """A bound on descriptors for what is started meanwhile, which it may raise itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def waits(address, rounds, crowds):
    """The median wait of a client with a connection of its own, while those of `crowds` go on, too."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    times = []
    for _ in range(rounds):
        for crowd in crowds:
            await asyncio.to_thread(expect, crowd, "stepped", "step")
        for _ in range(10):
            began = time.perf_counter()
            writer.write(b"GET /other HTTP/1.1\r\nhost: h\r\n\r\n")
            status, _, _ = await answer_of(reader)
            times.append(time.perf_counter() - began)
            assert status == 200, status
    writer.close()
    return statistics.median(times)


def expect(crowd, word, order=None):
    if order:
        crowd.stdin.write(f"{order}\n")
        crowd.stdin.flush()
    said = crowd.stdout.readline()
    assert said == f"{word}\n", f"the crowd ended: {said!r}"


if __name__ == "__main__":
    unittest.main()

"""When failed calls are tried again, through the binary: many requests fail at the same time, and come back at different ones,
after waits that grow; not before the time that Lambda names, and then not all at once either.

A wait is what the gateway says, from when Lambda has answered to when it is called again; what a busy machine adds can only
make it longer. So no wait may be short of its fixed half; most must be well apart, and those that are long enough within the bounds.
"""

import asyncio
import collections
import json
import statistics
import time
import unittest

from aws_parts import gateway_to
from fake_lambda import FakeLambda, answer_of
from support import DEADLINE

CLIENTS = 60
RETRIES = 5
# The longest wait before the first retry, in seconds; each further one is twice as long. Half of it is fixed.
FIRST = 0.05
THROTTLE = {"x-amzn-errortype": "TooManyRequestsException"}
# A draw that the noise of a busy machine does not drown, which only adds.
CLEAR = 0.2
# Clocks of two processes and a kernel's timers.
GRAIN = 0.002


class Backoff(unittest.TestCase):
    def waits(self, headers):
        """What CLIENTS requests waited before each of their retries: a list for each turn."""
        waits = asyncio.run(asyncio.wait_for(self.run_all(headers), 2 * DEADLINE))
        for turn, found in enumerate(waits):
            found.sort()
            least, *quarters = (f"{1000 * one:.0f}" for one in (found[0], *statistics.quantiles(found, n=4)))
            print(f"{headers}: retry {turn + 1} after {least} ms at least, {', '.join(quarters)}")
        return waits

    async def run_all(self, headers):
        calls, answered, waits = collections.Counter(), {}, [[] for _ in range(RETRIES)]
        together = asyncio.Event()

        async def answer(_target, _headers, body):
            who = json.loads(body)["rawPath"]
            if turn := calls[who]:
                waits[turn - 1].append(time.monotonic() - answered[who])
            calls[who] += 1
            if len(calls) == CLIENTS:
                together.set()
            await together.wait()
            answered[who] = time.monotonic()
            if calls[who] <= RETRIES:
                return 429, THROTTLE | headers, b"{}"
            return 200, {}, b'{"statusCode":200,"body":"ok"}'

        async with FakeLambda(answer) as fake:
            retries = f"{{ max: {RETRIES}, budget: {{ ratio: 100%, min_per_second: 1000 }} }}"
            function = f"timeout: {DEADLINE}s, retries: {retries}"
            program = gateway_to(self, f"http://{fake.address}", function=function)
            answers = await asyncio.gather(*(ask(program.gateway, f"/{client}") for client in range(CLIENTS)))
        self.assertEqual(answers, [(200, b"ok")] * CLIENTS)
        self.assertEqual([len(found) for found in waits], [CLIENTS] * RETRIES)
        return waits

    def check(self, found, fixed, drawn):
        """Of a sorted list: what is fixed, and up to so much that is drawn evenly."""
        first, _, last = statistics.quantiles(found, n=4)
        self.assertGreater(found[0], fixed - GRAIN)
        if drawn >= CLEAR:
            self.assertLess(first, fixed + drawn)
        # A half of what is drawn lies between them.
        self.assertGreater(last - first, drawn / 8, "all at once")

    def test_waits_grow_and_differ(self):
        for turn, found in enumerate(self.waits({})):
            half = FIRST * 2**turn / 2
            with self.subTest(retry=turn + 1):
                self.check(found, half, half)

    def test_a_time_that_lambda_names_is_the_least(self):
        for turn, found in enumerate(self.waits({"retry-after": "1"})):
            with self.subTest(retry=turn + 1):
                self.check(found, 1, FIRST * 2**turn / 2)


async def ask(address, path):
    reader, writer = await asyncio.open_connection(*address.rsplit(":", 1))
    writer.write(f"GET {path} HTTP/1.1\r\nhost: h\r\n\r\n".encode())
    status, _, body = await answer_of(reader)
    writer.close()
    return status, body


if __name__ == "__main__":
    unittest.main()

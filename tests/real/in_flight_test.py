"""5,000 requests in flight at once, before a Lambda that holds all of them: none fails, and each costs little memory.

What is measured is printed; the bounds leave room for other machines. A request costs its future, its event, the buffer
with which hyper notices that its client goes, and what is kept to read and write its call.
"""

import asyncio
import unittest

from aws_parts import http2_lambda
from fake_lambda import FakeLambda, answer_of
from support import memory, start

REQUESTS = 5_000
KIB = 1024
OK = (200, b"ok")


class InFlight(unittest.TestCase):
    def start_gateway(self, endpoint, protocol):
        return start(
            self,
            "gateway",
            f"""
            lambridge: 1
            listeners: [{{ address: 127.0.0.1:0 }}]
            log: {{ level: error }}
            aws:
              region: us-east-1
              endpoint: http://{endpoint}
              credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: secret }}
              connections: {{ max: {REQUESTS}, protocol: {protocol} }}
            functions:
              first: {{}}
              held: {{ timeout: 2m, concurrency: {{ max: {REQUESTS} }} }}
            routes:
              - {{ match: {{ path: /first }}, function: first }}
              - {{ match: {{ path: /held }}, function: held }}
            """,
        )

    def test_http1(self):
        async def run():
            arrived, open_gate, count = asyncio.Event(), asyncio.Event(), 0

            async def answer(target, _headers, _body):
                nonlocal count
                if "held" in target:
                    count += 1
                    if count == REQUESTS:
                        arrived.set()
                    await open_gate.wait()
                return 200, {}, b'{"statusCode":200,"body":"ok"}'

            async with FakeLambda(answer) as fake:
                gateway = self.start_gateway(fake.address, "http1")
                return await measure(gateway, arrived.wait(), open_gate.set)

        self.check("HTTP/1.1", asyncio.run(run()), 32)

    def test_http2(self):
        fake, address = http2_lambda(self, REQUESTS)
        gateway = self.start_gateway(address, "http2")
        connections = []

        async def arrived():
            connections.append(await asyncio.to_thread(fake.stdout.readline))

        def open_gate():
            fake.stdin.write("\n")
            fake.stdin.flush()

        measured = asyncio.run(measure(gateway, arrived(), open_gate))
        opened = int(connections[0].split()[1])
        self.assertLess(opened, REQUESTS // 20, "calls share connections")
        self.check(f"HTTP/2, {opened} connections", measured, 16)

    def check(self, name, measured, bound):
        connection, kib = measured
        print(f"{name}: {connection:.1f} KiB a connection, {kib:.1f} KiB a request in flight")
        self.assertLess(kib, bound)


async def measure(gateway, arrived, open_gate):
    """KiB of the gateway for each client's connection that has been used and rests, and for each request in flight
    on top of that."""
    host, port = gateway.gateway.rsplit(":", 1)
    sizes = [memory(gateway.process.pid)]
    connections = []

    async def connect():
        async with slots:
            reader, writer = await asyncio.open_connection(host, int(port))
            connections.append((reader, writer))
            assert await ask(reader, writer, "/first") == OK, gateway.said()

    async def run():
        await asyncio.gather(*(connect() for _ in range(REQUESTS)))
        sizes.append(memory(gateway.process.pid))
        asked = [asyncio.create_task(ask(*connection, "/held")) for connection in connections]
        await arrived
        sizes.append(memory(gateway.process.pid))
        open_gate()
        answers = await asyncio.gather(*asked)
        wrong = [answer for answer in answers if answer != OK]
        assert not wrong, (len(wrong), wrong[:3], gateway.said()[-2000:])
        for _, writer in connections:
            writer.close()
        return tuple((after - before) / REQUESTS / KIB for before, after in zip(sizes, sizes[1:]))

    # Not more handshakes at once than a listener's backlog takes.
    slots = asyncio.Semaphore(200)
    return await asyncio.wait_for(run(), 240)


async def ask(reader, writer, path):
    writer.write(f"GET {path} HTTP/1.1\r\nhost: strain.test\r\n\r\n".encode())
    status, _, body = await answer_of(reader)
    return status, body


if __name__ == "__main__":
    unittest.main()

"""10,000 requests at 64 connections through gateway, emulator and four instances.

Each request carries an id of its own and gets it back: no answer is lost, none is given to another's request, and each
instance does its share.
"""

import asyncio
import collections
import json
import unittest

from support import FUNCTIONS, RIC, start

REQUESTS = 10_000
CONNECTIONS = 64


class Load(unittest.TestCase):
    def test_every_answer_is_its_own(self):
        program = start(
            self,
            "dev",
            f"""
            lambridge: 1
            listeners: [{{ address: 127.0.0.1:0 }}]
            emulator: {{ address: 127.0.0.1:0 }}
            functions:
              web:
                run: {{ command: {RIC} functions.web, dir: {FUNCTIONS}, instances: 4, queue: 200 }}
            routes:
              - {{ match: {{ path_prefix: / }}, function: web }}
            """,
        )
        seen = asyncio.run(asyncio.wait_for(load(program.gateway), 120))
        self.assertEqual(sum(seen.values()), REQUESTS)
        self.assertEqual(len(seen), 4, seen)
        # A free instance is as good as another, but none may starve.
        self.assertGreater(min(seen.values()), REQUESTS // 40, seen)


async def load(address):
    host, port = address.rsplit(":", 1)
    ids = iter(range(REQUESTS))
    seen = collections.Counter()

    async def connection():
        reader, writer = await asyncio.open_connection(host, int(port))
        for id in ids:
            writer.write(f"GET /?id={id} HTTP/1.1\r\nhost: load.test\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            status, *lines = head.decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines if line)
            body = await reader.readexactly(int(headers["content-length"]))
            assert status.split(" ")[1] == "200", (status, body)
            answer = json.loads(body)
            assert answer["id"] == str(id), (answer, id)
            seen[answer["pid"]] += 1
        writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(connection())
    return seen


if __name__ == "__main__":
    unittest.main()

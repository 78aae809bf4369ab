"""HTTPS to Lambda, through the binary: a Lambda of the test's own behind Python's TLS, with certificates made for it."""

import pathlib
import shutil
import ssl
import tempfile
import unittest

from authority import DAY, Authority, pem
from aws_parts import Lambda, gateway_to, http2_lambda
from support import cleanup, request


class SecureLambda(Lambda):
    """Behind TLS, and nothing without it."""

    def __init__(self, case, chain):
        super().__init__(case)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        # The handshake is the connection's own thread's to make.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://{self.address}"
        # A client that does not like us ends the handshake, and says so itself.
        self.server.handle_error = lambda *_: None


class ToLambda(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lambridge-")
        cleanup(self, shutil.rmtree, self.folder, True)
        self.trusted = Authority("trusted")
        self.authorities = pathlib.Path(self.folder, "authorities.pem")
        self.authorities.write_bytes(pem(self.trusted.certificate))

    def ask(self, chain):
        """What a client gets, what Lambda was sent, and what the gateway said."""
        called = SecureLambda(self, chain)
        program = gateway_to(self, called.url, env={"SSL_CERT_FILE": str(self.authorities)})
        return request(program.gateway, "GET", "/hello"), called.requests, program

    def test_a_lambda_that_is_who_it_says(self):
        answer, calls, _ = self.ask(self.trusted.server(self.folder, "127.0.0.1"))
        self.assertEqual((answer.status, answer.body), (200, b"ok"))
        self.assertEqual([call.path for call in calls], ["/2015-03-31/functions/web/invocations"])

    def test_http2(self):
        _, address = http2_lambda(self, 0, self.trusted.server(self.folder, "127.0.0.1"))
        env = {"SSL_CERT_FILE": str(self.authorities)}
        program = gateway_to(self, f"https://{address}", env=env, protocol="http2")
        for _ in range(2):
            answer = request(program.gateway, "GET", "/")
            self.assertEqual((answer.status, answer.body), (200, b"ok"), program.said())
        # Whom it wants to speak HTTP/1.1 it refuses.
        program = gateway_to(self, f"https://{address}", env=env)
        self.assertEqual(request(program.gateway, "GET", "/").status, 502)

    def test_others(self):
        for what, chain in (
            ("signed by nobody we know", Authority("another").server(self.folder, "127.0.0.1")),
            ("for another host", self.trusted.server(self.folder, "127.0.0.2")),
            ("of yesterday", self.trusted.server(self.folder, "127.0.0.1", ends=-DAY)),
        ):
            with self.subTest(what):
                answer, calls, program = self.ask(chain)
                self.assertEqual(answer.status, 502, program.said())
                self.assertEqual(calls, [])
                self.assertNotIn(b"certificate", answer.body, "what is wrong is the log's to say")
                program.await_line("(?i)certificate")


if __name__ == "__main__":
    unittest.main()

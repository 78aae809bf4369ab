"""HTTPS to Lambda, through the binary: a Lambda of the test's own behind Python's TLS, with certificates made for it."""

import datetime
import ipaddress
import pathlib
import shutil
import ssl
import tempfile
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from aws_parts import Lambda, gateway_to
from support import cleanup, request

DAY = datetime.timedelta(days=1)


class Authority:
    """Signs what it is asked to."""

    def __init__(self, name):
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = self.key.public_key()
        self.certificate = self._signed(self.name, public, x509.BasicConstraints(ca=True, path_length=None))

    def _signed(self, subject, public, *extensions, ends=DAY):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * DAY)
            .not_valid_after(now + ends)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())

    def server(self, folder, address, ends=DAY):
        """A file with a server's key and certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lambda")]),
            key.public_key(),
            x509.BasicConstraints(ca=False, path_length=None),
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
            ends=ends,
        )
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        path = pathlib.Path(folder, f"server-{certificate.serial_number}.pem")
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain) + pem(certificate))
        return path


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


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

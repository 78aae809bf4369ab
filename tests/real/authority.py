"""Certificates for tests, and who signs them."""

import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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

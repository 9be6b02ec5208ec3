"""An authority of our own, and the certificates it issues: real files, real TLS."""

import contextlib
import datetime
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class IssuedFiles:
    certificate: Path
    key: Path

    def server_context(self, clients_of: Path | None = None) -> ssl.SSLContext:
        """The context of a server; with `clients_of` it asks for a certificate of that authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients_of)
        context.load_cert_chain(self.certificate, self.key)
        if clients_of is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class Authority:
    def __init__(self, folder: Path, name: str = "internal") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name} CA")])
        self._key = ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def file(self) -> Path:
        builder = self._begin(self._name, self._key, days=(-1, 30))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        path = self._folder / "ca.pem"
        path.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    def issue(self, name: str, *, days: tuple[int, int] = (-1, 30), passphrase: bytes = b"") -> IssuedFiles:
        """Issue a certificate for a host name or address, valid from and to so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            subject = x509.DNSName(name)
        builder = self._begin(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), key, days)
        builder = builder.add_extension(x509.SubjectAlternativeName([subject]), critical=False)
        files = IssuedFiles(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        issued = builder.sign(self._key, hashes.SHA256())
        files.certificate.write_bytes(issued.public_bytes(serialization.Encoding.PEM))
        protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            protection = serialization.BestAvailableEncryption(passphrase)
        files.key.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
        )
        return files

    def _begin(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: tuple[int, int]
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        return builder.not_valid_before(now + days[0] * DAY).not_valid_after(now + days[1] * DAY)


class _Ok(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


class _TlsServer(ThreadingHTTPServer):
    context: ssl.SSLContext
    block_on_close = False

    def finish_request(self, request, client_address) -> None:
        """Handshake in the connection's own thread, so that one that fails ends that connection alone.

        Read on then: closing with bytes unread would reset the connection, and the alert could get lost.
        """
        secured = self.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        with contextlib.suppress(OSError), secured:
            try:
                secured.do_handshake()
            except ssl.SSLError:
                plain = socket.socket(fileno=os.dup(secured.fileno()))
                with plain:
                    plain.settimeout(1)
                    while plain.recv(65_536):
                        pass
                raise
            _Ok(secured, client_address, self)


@contextlib.contextmanager
def https_server(context: ssl.SSLContext) -> Generator[int]:
    """Serve `ok` on loopback over TLS; yield the port."""
    server = _TlsServer(("127.0.0.1", 0), _Ok)
    server.context = context
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

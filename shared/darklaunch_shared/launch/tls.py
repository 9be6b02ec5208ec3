"""The TLS files of a launch: which authority its shadow is trusted by, and which certificate workers show it.

    --ca /etc/darklaunch/internal-ca.pem
    --client-cert /run/secrets/worker.pem --client-key @env:WORKER_TLS_KEY

A launch names its files and holds none: workers read them on their own machines, so no private key is in Redis or
Postgres. `@env:VARIABLE` is a variable of the worker's environment with the PEM text in it.
"""

import logging
import os
import re
import ssl
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from darklaunch_shared.errors import BadLaunch

from .spec import LaunchSpec

LOOK_EVERY_S: Final = 5.0
_VARIABLE: Final = re.compile(r"@env:([A-Za-z_][A-Za-z0-9_]{0,199})")
_Fingerprint = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificates of a launch are: full paths, `@env:VARIABLE`, or "" for none.

    `client_key` may be "" when the file of the certificate holds its key too.
    """

    ca: str = ""
    client_certificate: str = ""
    client_key: str = ""

    @property
    def is_empty(self) -> bool:
        """True if the system's authorities are trusted and no certificate is shown."""
        return not (self.ca or self.client_certificate)


def compile_tls_files(spec: LaunchSpec) -> TlsFiles:
    """Return the TLS files that a launch names. Raises BadLaunch for names that cannot be ones."""
    files = TlsFiles(spec.tls_ca, spec.tls_certificate, spec.tls_key)
    for option, name in (
        ("--ca", files.ca), ("--client-cert", files.client_certificate), ("--client-key", files.client_key),
    ):  # fmt: skip
        if name.startswith("@") and not _VARIABLE.fullmatch(name):
            raise BadLaunch(f"{option} {name[:80]!r} names no variable: write a file's path, or @env:VARIABLE")
        if name and not name.startswith("@") and (not name.startswith("/") or not name.isprintable()):
            raise BadLaunch(f"{option} {name[:80]!r} is not the full path of a file")
    if files.client_key and not files.client_certificate:
        raise BadLaunch("--client-key needs the certificate it belongs to: add --client-cert FILE")
    if not files.is_empty and not any(origin.startswith("https://") for origin in (spec.shadow, spec.control)):
        raise BadLaunch(f"--ca and --client-cert are for TLS, and {spec.shadow} has none: write https://")
    return files


def make_tls_context(files: TlsFiles, environment: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Return a context that trusts the launch's authority (or else the system's) and shows its certificate.

    Raises BadLaunch, naming the file and the trouble, when one cannot be used.
    """
    context = ssl.create_default_context() if not files.ca else _trust_only(files.ca, environment)
    if files.client_certificate:
        _load_certificate(context, files, environment)
    context.set_alpn_protocols(["http/1.1"])
    return context


class TlsContexts:
    """The context for a launch's connections, made again when a file has changed: certificates are renewed."""

    def __init__(self, files: TlsFiles, log: logging.Logger, environment: Mapping[str, str] = os.environ) -> None:
        """Raises BadLaunch when a file cannot be used. Later troubles are logged, and the last context stays."""
        self._files = files
        self._log = log
        self._environment = environment
        self._fingerprint = self._take_fingerprint()
        self._context = make_tls_context(files, environment)
        self._looked_s = time.monotonic()

    def get(self) -> ssl.SSLContext:
        """Return the context for a new connection. Looks at the files every five seconds at most."""
        now_s = time.monotonic()
        if self._files.is_empty or now_s - self._looked_s < LOOK_EVERY_S:
            return self._context
        self._looked_s = now_s
        fingerprint = self._take_fingerprint()
        if fingerprint != self._fingerprint:
            self._fingerprint = fingerprint
            try:
                self._context = make_tls_context(self._files, self._environment)
            except BadLaunch as error:
                self._log.error("%s; the certificate that was read before is used on", error)
        return self._context

    def _take_fingerprint(self) -> _Fingerprint:
        stats: list[tuple[int, int, int]] = []
        for name in (self._files.ca, self._files.client_certificate, self._files.client_key):
            try:
                stat = Path(name).stat() if name.startswith("/") else None
            except OSError:
                stat = None
            stats.append((stat.st_mtime_ns, stat.st_size, stat.st_ino) if stat else (0, 0, 0))
        return tuple(stats)


def _trust_only(name: str, environment: Mapping[str, str]) -> ssl.SSLContext:
    with _as_path(name, "--ca", environment) as path:
        try:
            return ssl.create_default_context(cafile=path)
        except (ssl.SSLError, ValueError):
            raise BadLaunch(f"--ca {name} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)") from None


def _load_certificate(context: ssl.SSLContext, files: TlsFiles, environment: Mapping[str, str]) -> None:
    name, key = files.client_certificate, files.client_key or files.client_certificate
    with (
        _as_path(name, "--client-cert", environment) as path,
        _as_path(key, "--client-key" if files.client_key else "--client-cert", environment) as key_path,
    ):
        asked: list[bool] = []

        def note_that_it_is_encrypted() -> str:  # without this, OpenSSL would ask for a passphrase at the terminal
            asked.append(True)
            return ""

        try:
            context.load_cert_chain(path, key_path, password=note_that_it_is_encrypted)
        except ssl.SSLError as error:
            if asked:
                raise BadLaunch(f"--client-key {key} is encrypted: write it without a passphrase") from None
            raise BadLaunch(_explain_certificate(name, key, error)) from None


def _explain_certificate(name: str, key: str, error: ssl.SSLError) -> str:
    if "KEY_VALUES_MISMATCH" in (error.reason or ""):
        return f"--client-key {key} is not the key of --client-cert {name}"
    if name == key:
        return (
            f"--client-cert {name} holds no certificate with its key in PEM form: is the key elsewhere (--client-key)?"
        )
    return f"--client-cert {name} and --client-key {key} do not hold a certificate and its key in PEM form"


@contextmanager
def _as_path(name: str, option: str, environment: Mapping[str, str]) -> Generator[str]:
    """Yield the path of a file. The text of a variable stands in one of its own until OpenSSL has read it."""
    variable = _VARIABLE.fullmatch(name)
    if variable is None:
        try:
            with Path(name).open("rb"):
                pass
        except OSError as error:
            raise BadLaunch(f"{option} {name} cannot be read: {error.strerror}") from None
        yield name
        return
    text = environment.get(variable[1], "")
    if not text:
        raise BadLaunch(f"{option} {name}: the environment variable {variable[1]} is empty or not set")
    with tempfile.NamedTemporaryFile(prefix="darklaunch-", suffix=".pem") as file:  # mode 600
        file.write(text.encode())
        file.flush()
        yield file.name

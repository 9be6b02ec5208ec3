"""What `start` and `doctor` say of a shadow they cannot talk to: which TLS trouble it is, and what to do."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from darklaunch_console.launches.shadow_probe import ProbeResult, probe_launch_origin
from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.launch.spec import LaunchSpec

from tests.support.certificates import Authority, https_server
from tests.support.cli import Cli, http_server, unwrap


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


def probe(
    port: int, *, scheme: str = "https", tls_ca: str = "", tls_certificate: str = "", tls_key: str = ""
) -> ProbeResult:
    origin = Origin(scheme, "127.0.0.1", port)
    spec = LaunchSpec(str(origin), tls_ca=tls_ca, tls_certificate=tls_certificate, tls_key=tls_key)
    return probe_launch_origin(origin, "127.0.0.1", spec, 20.0)


def test_an_internal_authority_and_a_client_certificate_are_used(authority: Authority) -> None:
    server, worker = authority.issue("127.0.0.1"), authority.issue("worker")
    with https_server(server.server_context(clients_of=authority.file)) as port:
        files = {"tls_ca": str(authority.file), "tls_certificate": str(worker.certificate), "tls_key": str(worker.key)}
        assert probe(port, **files).status == 200


@pytest.mark.parametrize(
    ("issued_for", "days", "trusted", "trouble"),
    [
        ("127.0.0.1", (-9, -2), True, "its certificate has expired"),
        ("127.0.0.1", (2, 9), True, "its certificate is not valid yet: compare the clocks"),
        ("shop.internal", (-1, 9), True, "its certificate is for another host than 127.0.0.1"),
        (
            "127.0.0.1", (-1, 9), False,
            "its certificate is from an authority that is not trusted: name the authority's with --ca FILE",
        ),
    ],
    ids=["expired", "not yet", "wrong host", "unknown authority"],
)  # fmt: skip
def test_what_is_wrong_with_the_certificate_is_named(
    authority: Authority, issued_for: str, days: tuple[int, int], trusted: bool, trouble: str
) -> None:
    with https_server(authority.issue(issued_for, days=days).server_context()) as port:
        result = probe(port, tls_ca=str(authority.file) if trusted else "")
    assert (result.trouble, result.reached) == (f"cannot be called over TLS: {trouble}", True)


def test_a_missing_client_certificate_is_named(authority: Authority) -> None:
    with https_server(authority.issue("127.0.0.1").server_context(clients_of=authority.file)) as port:
        trouble = probe(port, tls_ca=str(authority.file)).trouble
    assert trouble == ("cannot be called over TLS: it asks for a client certificate: name one with --client-cert")


def test_a_client_certificate_of_another_authority_is_named(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "other", "other").issue("worker")
    with https_server(authority.issue("127.0.0.1").server_context(clients_of=authority.file)) as port:
        files = {"tls_certificate": str(stranger.certificate), "tls_key": str(stranger.key)}
        trouble = probe(port, tls_ca=str(authority.file), **files).trouble
    assert trouble == "cannot be called over TLS: it does not know the authority of the client certificate"


def test_https_on_a_port_of_plain_http_is_named() -> None:
    with http_server() as shadow:
        trouble = probe(int(shadow.url.rpartition(":")[2])).trouble
    assert trouble == "cannot be called over TLS: it does not speak TLS there: is it http://?"


def test_plain_http_on_a_port_of_tls_is_named(authority: Authority) -> None:
    with https_server(authority.issue("127.0.0.1").server_context()) as port:
        result = probe(port, scheme="http")
    assert result.trouble.endswith(": is it https://?")
    assert result.reached


def test_a_server_that_says_something_else_does_not_speak_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 mail.example ESMTP\r\n\r\n")

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        result = probe(listener.getsockname()[1], scheme="http")
        thread.join()
    assert result.trouble == "does not speak HTTP: is it https://?"


def test_a_file_that_is_elsewhere_is_no_fault_of_the_shadow(authority: Authority) -> None:
    result = probe(9, tls_ca="/nowhere/ca.pem")
    assert result.unasked
    assert result.trouble == "cannot be asked from here: --ca /nowhere/ca.pem cannot be read: No such file or directory"


def test_start_and_doctor_name_the_trouble_and_a_launch_with_the_authority_works(
    cli: Cli, launch_name: str, authority: Authority
) -> None:
    with https_server(authority.issue("127.0.0.1").server_context()) as port:
        url = f"https://127.0.0.1:{port}"
        result = cli.run("start", launch_name, "--shadow", url)
        assert result.exit_code == 0
        trouble = "cannot be called over TLS: its certificate is from an authority that is not trusted"
        assert trouble in unwrap(result.stderr)
        checks = cli.json("doctor", code=1)["checks"]
        (found,) = [check for check in checks if check["what"].startswith(f"{launch_name}: its shadow")]
        assert trouble in found["what"]
        assert "Start it" not in found["do"]
        other = f"{launch_name}-ca"
        started = cli.json("start", other, "--shadow", url, "--ca", str(authority.file))
        assert started["shadow_answers"] is True
        assert f"tlsca:{authority.file}" in "".join(cli.ok("show", other).split())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--client-key", "/k.pem"), "--client-key needs the certificate it belongs to: add --client-cert FILE"),
        (("--ca", "@file:x"), "--ca '@file:x' names no variable: write a file's path, or @env:VARIABLE"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    cli: Cli, launch_name: str, options: tuple[str, ...], complaint: str
) -> None:
    assert complaint in cli.error("start", launch_name, "--shadow", "https://127.0.0.1:9", *options, code=2)


def test_an_authority_for_plain_http_is_refused(cli: Cli, launch_name: str) -> None:
    line = cli.error("start", launch_name, "--shadow", "http://127.0.0.1:9", "--ca", "/ca.pem", code=2)
    assert "--ca and --client-cert are for TLS, and http://127.0.0.1:9 has none: write https://" in line

"""The certificates of a launch: read on the machine that connects, and read again when they are renewed."""

import logging
from pathlib import Path

import pytest
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch import tls
from darklaunch_shared.launch.spec import LaunchSpec, pack_spec
from darklaunch_shared.launch.tls import TlsContexts, TlsFiles, compile_tls_files, make_tls_context

from tests.support.certificates import Authority

log = logging.getLogger("darklaunch.tests")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_launch_names_its_files_and_holds_none(authority: Authority) -> None:
    worker = authority.issue("worker")
    spec = LaunchSpec(
        "https://shop", tls_ca=str(authority.file), tls_certificate=str(worker.certificate), tls_key="@env:KEY"
    )
    make_tls_context(compile_tls_files(spec), {"KEY": worker.key.read_text()})
    assert b"PRIVATE" not in pack_spec(spec)
    assert b"CERTIFICATE" not in pack_spec(spec)


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        (LaunchSpec("https://s", tls_ca="ca.pem"), "--ca 'ca.pem' is not the full path of a file"),
        (LaunchSpec("https://s", tls_ca="@env:"), "--ca '@env:' names no variable"),
        (LaunchSpec("https://s", tls_ca="/a\nb"), "is not the full path"),
        (LaunchSpec("https://s", tls_key="/k"), "--client-key needs the certificate it belongs to"),
        (LaunchSpec("http://s", tls_ca="/ca"), "are for TLS, and http://s has none"),
    ],
)
def test_names_that_cannot_be_files_are_refused(spec: LaunchSpec, complaint: str) -> None:
    with pytest.raises(BadLaunch, match=complaint):
        compile_tls_files(spec)


def test_a_control_alone_may_speak_tls() -> None:
    assert compile_tls_files(LaunchSpec("http://s", control="https://c", tls_ca="/ca")).ca == "/ca"


def test_each_file_that_cannot_be_used_is_named(authority: Authority, tmp_path: Path) -> None:
    worker, other, locked = authority.issue("worker"), authority.issue("other"), authority.issue("l", passphrase=b"x")
    text = tmp_path / "text"
    text.write_text("no certificate")
    for files, complaint in (
        (TlsFiles("/nowhere/ca.pem"), "--ca /nowhere/ca.pem cannot be read: No such file or directory"),
        (TlsFiles(str(text)), f"--ca {text} holds no certificate in PEM form"),
        (TlsFiles("@env:CA"), "--ca @env:CA: the environment variable CA is empty or not set"),
        (TlsFiles("", str(worker.certificate), "/nowhere/k"), "--client-key /nowhere/k cannot be read"),
        (TlsFiles("", str(worker.certificate)), "is the key elsewhere"),
        (TlsFiles("", str(worker.certificate), str(other.key)), f"--client-key {other.key} is not the key of"),
        (TlsFiles("", str(locked.certificate), str(locked.key)), f"--client-key {locked.key} is encrypted"),
        (TlsFiles("", str(text), str(worker.key)), "do not hold a certificate and its key in PEM form"),
    ):
        with pytest.raises(BadLaunch) as caught:
            make_tls_context(files, {})
        assert complaint in str(caught.value)


def test_a_renewed_certificate_is_read_again(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "LOOK_EVERY_S", 0.0)
    worker = authority.issue("worker")
    contexts = TlsContexts(TlsFiles("", str(worker.certificate), str(worker.key)), log)
    first = contexts.get()
    assert contexts.get() is first, "nothing has changed"
    authority.issue("worker")
    assert contexts.get() is not first


def test_a_certificate_spoiled_on_renewal_leaves_the_one_before(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tls, "LOOK_EVERY_S", 0.0)
    worker = authority.issue("worker")
    contexts = TlsContexts(TlsFiles("", str(worker.certificate), str(worker.key)), log)
    first = contexts.get()
    worker.certificate.write_text("half a fi")
    assert contexts.get() is first
    assert contexts.get() is first
    assert caplog.text.count("the certificate that was read before is used on") == 1

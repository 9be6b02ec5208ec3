"""Sealing and signing in the hook: only what the launch asks for, only with a key, nothing in clear on Redis."""

from __future__ import annotations

import secrets
from base64 import b64encode
from subprocess import run
from sys import executable

import pytest
from darklaunch import CaptureMiddleware
from darklaunch_shared import keys
from darklaunch_shared.crypto.keyring import parse_keys
from darklaunch_shared.crypto.sealing import Sealer
from darklaunch_shared.crypto.signing import check_signature
from darklaunch_shared.wire.fields import pair_fields

from tests.support.asgi import answering, body, get, start
from tests.support.hook import Launch, eventually

KEY = f"k1:{b64encode(secrets.token_bytes(32)).decode()}"
HEADERS = [(b"accept", b"*/*"), (b"Cookie".lower(), b"sid=s3cr3t"), (b"authorization", b"Bearer s3cr3t")]
RESPONSE = [start(200), body(b"ok")]


@pytest.fixture
def make(valkey):
    hooks = []

    def make_hook(**options):
        hook = CaptureMiddleware(answering(*RESPONSE), redis_url=valkey.url, app_name=secrets.token_hex(4), **options)
        hooks.append(hook)
        get(hook)
        assert eventually(lambda: hook._recorder.snapshot.sampling_launches)
        return hook

    yield make_hook
    for hook in hooks:
        hook._recorder.stop(for_good=True)


def test_credentials_travel_sealed_for_the_launch_that_asks_and_not_at_all_for_another(valkey, make) -> None:
    sealing = Launch(valkey.url, "sealing").publish(seal=True)
    plain = Launch(valkey.url, "plain").publish()
    hook = make(seal_key=KEY)
    for _ in range(3):
        assert get(hook, "/me", headers=HEADERS) == RESPONSE
    assert eventually(lambda: len(sealing.exchanges()) == len(plain.exchanges()) == 3)
    for captured in sealing.exchanges():
        assert captured.request.headers[1:] == (
            ("accept", "*/*"), ("cookie", "[sealed]"), ("authorization", "[sealed]"),
        )  # fmt: skip
        opened = Sealer(parse_keys(KEY)).unseal(captured.request, captured.sealed, "sealing", captured.id)
        assert opened.headers[2:] == (("cookie", "sid=s3cr3t"), ("authorization", "Bearer s3cr3t"))
    assert [(exchange.request.headers[1:], exchange.sealed) for exchange in plain.exchanges()] == [
        ((("accept", "*/*"),), "")
    ] * 3
    everything = [
        sealing.redis.execute_command("XRANGE", keys.captures(name), "-", "+") for name in ("sealing", "plain")
    ]
    assert "s3cr3t" not in str(everything)
    assert {about["seal_key"] for about in sealing.hooks()} == {"k1"}


@pytest.mark.parametrize("options", [{}, {"seal_key": "k1:tooshort"}])
def test_without_a_key_a_launch_that_seals_is_skipped_by_name(valkey, options, caplog) -> None:
    launch = Launch(valkey.url, "sealing").publish(seal=True)
    hook = CaptureMiddleware(answering(*RESPONSE), redis_url=valkey.url, app_name=secrets.token_hex(4), **options)
    get(hook)
    if options:  # a key that cannot be used turns the hook off
        assert "darklaunch is off: seal_key: the key k1 is not 32 bytes" in caplog.text
        assert "tooshort" not in caplog.text
        return
    assert eventually(lambda: hook._recorder.snapshot.sampling_launches)
    for _ in range(5):
        assert get(hook, "/me", headers=HEADERS) == RESPONSE
    assert eventually(lambda: launch.ledger("skipped:no_seal_key") == 5)
    hook._recorder.stop(for_good=True)
    assert launch.exchanges() == []
    assert launch.ledger("sampled") == 0
    assert "it seals credentials, and this process has no usable DARKLAUNCH_SEAL_KEY" in caplog.text


def test_every_entry_is_signed_over_its_own_number(valkey, make) -> None:
    launch = Launch(valkey.url, "signed").publish()
    hook = make(signing_key=KEY)
    for _ in range(150):
        get(hook, "/me", headers=HEADERS)
    assert eventually(lambda: len(launch.exchanges()) == 150)
    for _, fields in launch.redis.execute_command("XRANGE", keys.captures("signed"), "-", "+"):
        check_signature(pair_fields(fields), parse_keys(KEY))


def test_cryptography_is_loaded_only_when_there_is_a_key() -> None:
    program = (
        "import sys, darklaunch; darklaunch.CaptureMiddleware(lambda *_: 0, redis_url='redis://h', seal_key={!r}); "
        "print('cryptography.hazmat.primitives.ciphers.aead' in sys.modules)"
    )
    for key, loaded in (("", "False"), (KEY, "True")):
        done = run([executable, "-c", program.format(key)], capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == loaded, done.stderr

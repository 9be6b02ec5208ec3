"""A shadow with an internal authority that asks for a client certificate, over both implementations."""

from pathlib import Path

import pytest
from darklaunch_shared.launch.tls import TlsFiles, make_tls_context
from darklaunch_shared.wire.replay import ShadowErrorClass
from darklaunch_workers.http import ClientKind, ShadowFailure

from tests.support.certificates import Authority, https_server
from tests.support.hostile_shadow import OK, client_of, hostile, request

pytestmark = pytest.mark.anyio


async def test_a_shadow_that_asks_for_a_client_certificate_gets_the_launchs(kind: ClientKind, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server, worker = authority.issue("127.0.0.1"), authority.issue("worker")
    context = make_tls_context(TlsFiles(str(authority.file), str(worker.certificate), str(worker.key)))
    async with (
        hostile(OK, ssl=server.server_context(clients_of=authority.file)) as shadow,
        client_of(kind, shadow.port, scheme="https", tls=lambda: context) as client,
    ):
        assert (await client.send(request(), deadline_s=20)).response.body == b"ok"


async def test_without_one_the_failure_is_that_of_tls_and_says_so(kind: ClientKind, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = make_tls_context(TlsFiles(str(authority.file)))
    with https_server(authority.issue("127.0.0.1").server_context(clients_of=authority.file)) as port:
        async with client_of(kind, port, scheme="https", tls=lambda: context) as client:
            with pytest.raises(ShadowFailure) as caught:
                await client.send(request(), deadline_s=20)
    assert caught.value.error is ShadowErrorClass.TLS
    assert "it asks for a client certificate: name one with --client-cert" in caught.value.detail

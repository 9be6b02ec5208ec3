"""Which addresses are connected to. Name resolution is replaced where a name has to lie; sockets are real."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.wire.replay import ShadowErrorClass
from darklaunch_workers.http import ClientKind, ShadowFailure, connect
from darklaunch_workers.http.connect import AddressInfo

from tests.support.hostile_shadow import OK, client_of, hostile, request

pytestmark = pytest.mark.anyio

PEM = Path(__file__).with_name("localhost.pem")
Resolving = Callable[..., list[str]]
METADATA = "169.254.169.254"


def v4(address: str, port: int) -> AddressInfo:
    return socket.AF_INET, (address, port)


@pytest.fixture
def no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail before a socket is opened towards anything but loopback."""
    really = connect._open_socket

    async def watched(family: int, address: Any) -> socket.socket:
        assert address[0] in ("127.0.0.1", "::1"), f"a packet would have gone to {address}"
        return await really(family, address)

    monkeypatch.setattr(connect, "_open_socket", watched)


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Resolving:
    """Return a function that makes names resolve to one list of addresses after the other."""

    def install(*answers: list[AddressInfo], delay_s: float = 0.0) -> list[str]:
        lookups: list[str] = []

        async def look_up(origin: Origin) -> list[AddressInfo]:
            lookups.append(origin.host)
            await asyncio.sleep(delay_s)
            return answers[min(len(lookups), len(answers)) - 1]

        monkeypatch.setattr(connect, "_look_up", look_up)
        return lookups

    return install


async def refused(kind: ClientKind, host: str, port: int = 80, **options: Any) -> ShadowFailure:
    async with client_of(kind, port, host=host, **options) as client:
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(), deadline_s=5)
    assert not caught.value.sent
    return caught.value


@pytest.mark.parametrize(
    "host",
    [
        METADATA,
        f"::ffff:{METADATA}",
        "2852039166",
        "0xA9FEA9FE",
        "169.254.43518",
        "0.0.0.0",
        "fe80::1",
        "100.100.100.200",
    ],
)
async def test_metadata_addresses_are_never_connected_to(kind: ClientKind, host: str, no_metadata: None) -> None:
    failed = await refused(kind, host)
    assert failed.error is ShadowErrorClass.FORBIDDEN
    assert "must not be called" in failed.detail


async def test_a_name_with_one_forbidden_address_is_refused(
    kind: ClientKind, no_metadata: None, resolving: Resolving
) -> None:
    async with hostile(OK) as shadow:
        resolving([v4("127.0.0.1", shadow.port), v4(METADATA, shadow.port)])
        assert (await refused(kind, "shadow.test", shadow.port)).error is ShadowErrorClass.FORBIDDEN
        assert shadow.connections == 0


async def test_a_name_that_changes_its_mind_is_refused(
    kind: ClientKind, no_metadata: None, resolving: Resolving
) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    async with hostile(once) as shadow, client_of(kind, shadow.port, host="shadow.test") as client:
        resolving([v4("127.0.0.1", shadow.port)], [v4(METADATA, 80)])
        assert (await client.send(request(), deadline_s=5)).response.status == 200
        await asyncio.sleep(0.05)
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(), deadline_s=5)
        assert caught.value.error is ShadowErrorClass.FORBIDDEN


async def test_forbidden_addresses_may_be_allowed(kind: ClientKind, resolving: Resolving) -> None:
    async with hostile(OK) as shadow:
        resolving([v4("0.0.0.0", shadow.port)])  # loopback, by a forbidden name
        async with client_of(kind, shadow.port, host="shadow.test", allow_metadata=True) as client:
            assert (await client.send(request(), deadline_s=5)).response.status == 200


async def test_the_next_address_is_tried(kind: ClientKind, resolving: Resolving) -> None:
    async with hostile(OK) as shadow:
        resolving([(socket.AF_INET6, ("::1", shadow.port, 0, 0)), v4("127.0.0.1", shadow.port)])
        async with client_of(kind, shadow.port, host="shadow.test") as client:
            assert (await client.send(request(), deadline_s=5)).response.status == 200


async def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    kind: ClientKind, resolving: Resolving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "ATTEMPT_S", 0.1)
    async with hostile(OK) as shadow:
        with FullBacklog("127.0.0.2", shadow.port):
            resolving([v4("127.0.0.2", shadow.port), v4("127.0.0.1", shadow.port)])
            async with client_of(kind, shadow.port, host="shadow.test") as client:
                assert (await client.send(request(), deadline_s=5)).response.status == 200


async def test_a_connect_that_hangs_ends_at_the_deadline_unsent(kind: ClientKind) -> None:
    with FullBacklog("127.0.0.1", 0) as port:
        async with client_of(kind, port) as client:
            with pytest.raises(ShadowFailure) as caught:
                await client.send(request(), deadline_s=0.2)
    assert caught.value.error is ShadowErrorClass.TIMEOUT
    assert not caught.value.sent
    assert "no connection" in caught.value.detail


async def test_all_who_connect_at_once_share_one_lookup_and_latency_leaves_it_out(
    kind: ClientKind, resolving: Resolving
) -> None:
    async with hostile(OK) as shadow, client_of(kind, shadow.port, host="shadow.test", slots=8) as client:
        lookups = resolving([v4("127.0.0.1", shadow.port)], delay_s=0.3)
        loop = asyncio.get_running_loop()
        began = loop.time()
        replies = await asyncio.gather(*(client.send(request(), deadline_s=5) for _ in range(8)))
        elapsed_ms = (loop.time() - began) * 1000
        assert len(lookups) == 1
        assert all(reply.response.latency_ms <= elapsed_ms - 290 for reply in replies)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_tls_is_checked_against_the_host_while_the_address_is_pinned(
    kind: ClientKind, host: str, resolving: Resolving
) -> None:
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(PEM)
    asked: list[str | None] = []
    server_tls.sni_callback = lambda _, name, __: asked.append(name)
    trusting = ssl.create_default_context(cafile=PEM)
    async with hostile(OK, ssl=server_tls) as shadow:
        resolving([v4("127.0.0.1", shadow.port)])
        async with client_of(kind, shadow.port, host=host, scheme="https", tls=lambda: trusting) as client:
            for _ in range(2):
                assert (await client.send(request(), deadline_s=5)).response.body == b"ok"
        assert shadow.connections == 1
        assert asked == [host if host == "localhost" else None]
        failed = await refused(kind, host, shadow.port, scheme="https")
        assert failed.error is ShadowErrorClass.TLS
        assert "certificate" in failed.detail or "self-signed" in failed.detail
        failed = await refused(kind, "elsewhere.test", shadow.port, scheme="https", tls=lambda: trusting)
        assert failed.error is ShadowErrorClass.TLS
        assert "elsewhere.test" in failed.detail


class FullBacklog:
    """A listening socket on which every further connect hangs."""

    def __init__(self, address: str, port: int) -> None:
        self._listening = socket.create_server((address, port), backlog=0)
        self._fill = [socket.socket() for _ in range(3)]
        for sock in self._fill:
            sock.setblocking(False)
            sock.connect_ex(self._listening.getsockname())

    def __enter__(self) -> int:
        return self._listening.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        for sock in (*self._fill, self._listening):
            sock.close()

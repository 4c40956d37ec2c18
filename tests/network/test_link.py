"""One connection, pumped: every wait ends, and every end is told apart."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.helpers.pair import Tick
from tests.helpers.peers import RawPeer, Relay
from tests.helpers.rows import each_row
from tests.helpers.tls_peer import (
    TLSPeer,
    end_at_once,
    flood,
    ignore,
    reset_at_goodbye,
    reset_at_once,
)
from tlsresume.errors import HandshakeError
from tlsresume.lab import Route
from tlsresume.network import link as linking
from tlsresume.network.broken import hints_for
from tlsresume.network.channel import Stream
from tlsresume.network.dial import dial
from tlsresume.network.link import NetworkLink
from tlsresume.results.connection import Failure
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.failures import Broken
from tlsresume.transports.interface import DATA_KEPT
from tlsresume.transports.openssl import binding_messages
from tlsresume.transports.openssl.client import TLSClient

pytestmark = pytest.mark.slow

HEAD = b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture(autouse=True)
def _nothing_is_left_open():
    """An open socket would be a ResourceWarning, and so a failed test."""
    yield
    gc.collect()
    assert binding_messages._listening == {}


def linked(
    port: int, scene: Callable[[NetworkLink], Awaitable[Any]], timeout: float = 5.0
) -> NetworkLink:
    """The link that a scene was played on, released."""

    async def play() -> NetworkLink:
        dialled = await dial(Route("127.0.0.1", port), timeout)
        assert not isinstance(dialled, Failure)
        link = NetworkLink(Stream(dialled[0], f"127.0.0.1:{port}"), timeout)
        try:
            await scene(link)
        finally:
            link.release()
        return link

    return asyncio.run(play())


async def shake(link: NetworkLink) -> None:
    """Only a handshake, which may fail, and a clean close."""
    with suppress(HandshakeError):
        await link.start_tls(ClientConfig(server_name="localhost"))
    await link.close()


def failure_of(link: NetworkLink) -> Failure:
    assert link.failure is not None
    return link.failure


# --------------------------------------------------------------------- handshakes


def test_a_handshake_and_a_clean_close(server, tls_version):
    """Both sides say close_notify."""
    peer = server(versions=(tls_version,))
    link = linked(peer.port, shake)
    assert link.failure is None
    assert link.closed == "clean"
    assert link.handshake_ms is not None
    assert link.handshake_ms > 0
    [served] = peer.wait(1)
    assert served.clean


@pytest.mark.parametrize(
    ("misdeed", "kinds", "words"),
    [
        ("closes after accept", {"closed", "reset"}, ""),
        ("closes after ClientHello", {"closed"}, "closed the connection"),
        ("plain HTTP", {"not-tls"}, "plain HTTP"),
        ("garbage", {"not-tls"}, "not TLS"),
        ("SSH banner", {"not-tls"}, "SSH"),
        ("reset after ClientHello", {"reset"}, "reset by the peer"),
        ("handshake_failure", {"alert"}, "handshake_failure"),
        ("protocol_version", {"alert"}, "protocol_version"),
    ],
)
def test_each_misdeed_is_told(misdeed, kinds, words):
    """A broken peer gives a failure of the handshake with its kind, and HandshakeError."""
    raised: list[HandshakeError] = []

    async def scene(link: NetworkLink) -> None:
        try:
            await link.start_tls(ClientConfig())
        except HandshakeError as error:
            raised.append(error)
        await link.close()

    with RawPeer(misdeed) as peer:
        link = linked(peer.port, scene)
    assert failure_of(link).step == "handshake"
    assert failure_of(link).kind in kinds
    assert words in failure_of(link).message
    assert f"127.0.0.1:{peer.port}" in failure_of(link).message
    assert [error.message for error in raised] == [failure_of(link).message]
    assert link.closed in {"failed", "by-peer"}
    assert link.handshake_ms is None


def test_a_peer_that_only_closes_may_start_in_clear():
    """PostgreSQL and LDAP close on a ClientHello without a word: STARTTLS may be what lacks."""

    async def scene(link: NetworkLink) -> None:
        with pytest.raises(HandshakeError):
            await link.start_tls(ClientConfig())
        await link.close()

    with RawPeer("closes after ClientHello") as peer:
        hints = failure_of(linked(peer.port, scene)).hints
    assert "--starttls PROTO" in hints[0]


def test_a_silent_peer_times_out():
    """Nothing comes: the deadline ends it."""
    began = time.monotonic()
    with RawPeer("silent") as peer:
        link = linked(peer.port, shake, timeout=0.2)
    assert time.monotonic() - began < 2
    assert failure_of(link).kind == "timeout"
    assert "within 0.2 s" in failure_of(link).message
    assert "0 bytes came" in failure_of(link).message
    (hint,) = failure_of(link).hints
    assert "--starttls PROTO" in hint


def test_a_dripping_peer_times_out(server, tls_version):
    """A byte now and then does not put the deadline off."""
    peer = server(versions=(tls_version,))
    began = time.monotonic()
    with Relay(peer.port, drip=0.05) as relay:
        link = linked(relay.port, shake, timeout=0.3)
    assert time.monotonic() - began < 3
    assert failure_of(link).kind == "timeout"
    assert failure_of(link).hints
    assert link.client is not None
    assert link.client.received > 0


def test_the_deadline_can_be_earlier_than_the_timeout():
    """What dialling has used up is not given again."""

    async def play() -> float:
        loop = asyncio.get_running_loop()
        dialled = await dial(Route("127.0.0.1", peer.port), 5)
        assert not isinstance(dialled, Failure)
        began = loop.time()
        link = NetworkLink(Stream(dialled[0], "x"), 60, deadline=began + 0.1)
        await shake(link)
        assert failure_of(link).kind == "timeout"
        return loop.time() - began

    with RawPeer("silent") as peer:
        assert asyncio.run(play()) < 2


# ------------------------------------------------------------------- in the clear


def test_bytes_in_clear_go_both_ways():
    """Before start_tls, send and receive carry plain bytes; the end is b""."""
    seen: list[bytes] = []

    async def scene(link: NetworkLink) -> None:
        await link.send(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00")  # an empty ClientHello
        while data := await link.receive():
            seen.append(data)

    with RawPeer("plain HTTP") as peer:
        linked(peer.port, scene)
    assert b"".join(seen).startswith(b"HTTP/1.1 400")


def test_waiting_in_clear_ends_too():
    """Neither a silent peer nor one that does not read can hold us."""

    async def listen(link: NetworkLink) -> None:
        with pytest.raises(TimeoutError):
            await link.receive()

    async def talk(link: NetworkLink) -> None:
        with pytest.raises(TimeoutError):
            await link.send(b"x" * (64 << 20))

    with RawPeer("silent") as peer:
        linked(peer.port, listen, timeout=0.1)
    with socket.create_server(("127.0.0.1", 0)) as unread:
        linked(unread.getsockname()[1], talk, timeout=0.2)


def test_bytes_inside_tls(server, tls_version):
    """After start_tls they are encrypted; receive gives what came, once."""
    answers: list[bytes] = []

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        await link.send(HEAD)
        answers.append(await link.receive())
        await link.close()
        answers.append(bytes(link.client.data) if link.client else b"?")

    peer = server(versions=(tls_version,))
    linked(peer.port, scene)
    assert answers[0].startswith(b"HTTP/1.1 200")
    assert answers[1] == b""


def test_start_tls_comes_first():
    """Asking for tickets before TLS is the caller's mistake."""

    async def scene(link: NetworkLink) -> None:
        assert not link.got_tickets
        with pytest.raises(AssertionError):
            await link.tickets(1, 1)
        await link.close()

    with RawPeer("silent") as peer:
        linked(peer.port, scene)


# ------------------------------------------------------------------------ tickets


def test_tickets_are_waited_for_and_no_longer(server):
    """With the tickets that were asked for there, nothing is waited for."""

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        await link.tickets(2, 60)
        assert link.client is not None
        assert link.client.tickets == 2
        await link.close()

    peer = server(versions=("1.3",))
    began = time.monotonic()
    linked(peer.port, scene)
    assert time.monotonic() - began < 5


def test_fewer_tickets_than_asked_settle(server):
    """After one ticket only a moment is left for another."""

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        await link.tickets(4, 60, settle=0.05)
        assert link.got_tickets
        await link.close()

    peer = server(backend="stdlib", versions=("1.3",), num_tickets=1)
    began = time.monotonic()
    linked(peer.port, scene)
    assert time.monotonic() - began < 5


def test_no_ticket_ends_with_the_wait(server):
    """A server that issues none costs the wait, not more, and is no failure."""

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        await link.tickets(1, 0.1)
        assert not link.got_tickets
        await link.close()

    peer = server(backend="stdlib", versions=("1.3",), num_tickets=0)
    link = linked(peer.port, scene)
    assert link.failure is None
    assert link.closed == "clean"


@pytest.mark.parametrize("step", ["tickets", "response", "close"])
def test_a_flood_holds_nobody(step, tls_version, monkeypatch):
    """A peer that sends without end can neither outlast a deadline nor fill our memory."""
    monkeypatch.setattr(linking, "CLOSE_WAIT", 0.2)

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        if step == "tickets" and tls_version == "1.3":
            await link.tickets(1, 0.3)
        elif step == "response":
            assert await link.response(5)
        await link.close()
        assert link.client is not None
        assert len(link.client.data) <= DATA_KEPT

    began = time.monotonic()
    with TLSPeer(flood, VERSIONS[tls_version]) as peer:
        link = linked(peer.port, scene)
    assert time.monotonic() - began < 4
    assert link.failure is None
    assert link.closed in {"peer-silent", "by-peer"}


def test_a_flood_starves_no_other_task(monkeypatch):
    """While a peer floods us, other tasks of the loop go on."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        other = asyncio.create_task(tick())
        await link.tickets(1, 0.2)
        other.cancel()
        await link.close(clean=False)

    with TLSPeer(flood) as peer:
        linked(peer.port, scene)
    assert ticks > 10


# ------------------------------------------------------------------------ closing


def test_an_unclean_close_is_a_cut(server, tls_version):
    """Without close_notify the peer sees RST."""

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        await link.close(clean=False)

    peer = server(versions=(tls_version,))
    link = linked(peer.port, scene)
    assert link.closed == "abrupt"
    [served] = peer.wait(1)
    assert not served.clean
    assert "reset" in (served.error or "").lower()


def test_a_peer_that_says_no_goodbye_is_waited_for_shortly(tls_version, monkeypatch):
    """Our close waits a bounded time for theirs."""
    monkeypatch.setattr(linking, "CLOSE_WAIT", 0.1)
    began = time.monotonic()
    with TLSPeer(ignore, VERSIONS[tls_version]) as peer:
        link = linked(peer.port, shake)
    assert time.monotonic() - began < 3
    assert link.closed == "peer-silent"
    assert link.failure is None


def test_a_fin_without_close_notify(server, tls_version):
    """A server that just closes is "by-peer", and no failure."""
    link = linked(server(versions=(tls_version,), close_notify=False).port, shake)
    assert link.closed == "by-peer"
    assert link.failure is None


def test_a_swallowed_close_notify(server, tls_version):
    """A middlebox that drops the peer's goodbye changes nothing but that word."""
    peer = server(versions=(tls_version,))
    with Relay(peer.port, swallow_close=True) as relay:
        link = linked(relay.port, shake)
    assert link.closed == "by-peer"
    assert link.failure is None


def test_an_end_before_our_goodbye(tls_version):
    """A server that ends right after the handshake leaves a good handshake behind."""

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        await link.response(5)
        await link.close()

    with TLSPeer(end_at_once, VERSIONS[tls_version]) as peer:
        link = linked(peer.port, scene)
    assert link.closed == "hung-up"
    assert link.failure is None
    assert link.handshake_ms is not None


def test_an_end_where_a_client_certificate_was_due():
    """TLS 1.3: a server that asked for a client certificate, and ends without a word when none
    comes, rejects the handshake, though ours was done; what would help is said."""

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        await link.tickets(1, 5)
        await link.close()

    with TLSPeer(end_at_once, ask_certificate=True) as peer:
        link = linked(peer.port, scene)
    assert (failure_of(link).step, failure_of(link).kind) == ("handshake", "closed")
    assert any("--cert" in hint for hint in failure_of(link).hints)


def test_an_end_after_data_that_was_read_is_no_refusal_of_a_certificate():
    """A server that has spoken has taken the handshake, also where its words were read since."""

    def greet_and_end(tls: ssl.SSLSocket, stopping: threading.Event) -> None:
        tls.sendall(b"220 ready")
        end_at_once(tls, stopping)

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        assert await link.receive() == b"220 ready"
        await link.tickets(1, 5)
        await link.close()

    with TLSPeer(greet_and_end, ask_certificate=True) as peer:
        link = linked(peer.port, scene)
    assert link.failure is None


def test_an_end_after_tickets_is_no_refusal_of_a_certificate():
    """A server that has given tickets has taken the handshake, certificate or not."""

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        await link.tickets(2, 5)
        await link.close()

    with TLSPeer(end_at_once, tickets=1, ask_certificate=True) as peer:
        link = linked(peer.port, scene)
    assert link.failure is None


@each_row(
    "broken, tickets, data, rejected",
    [
        pytest.param(Broken("alert", "", None, 42), 1, b"", True, id="judges, behind a ticket"),
        pytest.param(Broken("alert", "", None, 116), 0, b"", True, id="judges"),
        pytest.param(Broken("alert", "", None, 80), 0, b"", True, id="other alert at once"),
        pytest.param(Broken("alert", "", None, 80), 1, b"", False, id="other alert later"),
        pytest.param(Broken("alert", "", None, 42), 1, b"hello", False, id="after data"),
    ],
)
def test_a_late_alert_rejects_the_handshake_or_ends_the_talk(broken, tickets, data, rejected):
    """An alert that judges certificates rejects a handshake, also behind a ticket that was
    sent early; after data no alert does."""
    client = TLSClient(ClientConfig(), clock=Tick())
    client.established, client.tickets, client._got_data = True, tickets, bool(data)
    step = client._step_of(broken)
    client.release()
    assert (step == "handshake") is rejected


def test_rst_for_an_answer_to_our_goodbye_is_no_failure(tls_version):
    """How a server ends a connection that we have closed says nothing against it."""
    with TLSPeer(reset_at_goodbye, VERSIONS[tls_version]) as peer:
        link = linked(peer.port, shake)
    assert link.failure is None
    assert link.closed == "by-peer"


def test_rst_where_an_answer_was_due_is_a_failure(tls_version):
    """A reset before we are done is told, as of the data and not of the handshake."""

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        await link.response(5)
        await link.close()

    with TLSPeer(reset_at_once, VERSIONS[tls_version]) as peer:
        link = linked(peer.port, scene)
    # With RST in the queue before our last flight, the handshake itself is what broke.
    assert failure_of(link).kind == "reset"
    assert link.closed in {"hung-up", "failed"}


def test_release_twice(server):
    """Releasing is safe at any time."""

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        link.release()

    linked(server().port, scene)


def test_a_peer_that_does_not_read_cannot_hold_us(tls_version, monkeypatch):
    """Data that nobody takes ends with the deadline and is told."""
    monkeypatch.setattr(linking, "CLOSE_WAIT", 0.1)

    async def scene(link: NetworkLink) -> None:
        await link.start_tls(ClientConfig())
        await link.send(b"x" * (32 << 20))
        await link.close()

    with TLSPeer(ignore, VERSIONS[tls_version]) as peer:
        link = linked(peer.port, scene, timeout=0.6)
    assert failure_of(link).kind == "timeout"
    assert "does not read" in failure_of(link).message


def test_a_deadline_holds_also_when_there_is_always_something_to_read():
    """Once it has passed nothing more is read, however much is there."""

    async def play() -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            ours.setblocking(False)
            theirs.sendall(b"x" * 1000)
            loop = asyncio.get_running_loop()
            link = NetworkLink(Stream(ours, "x"), 1, deadline=loop.time() - 1)
            with pytest.raises(TimeoutError):
                await link.receive()
            link.release()

    asyncio.run(play())


@pytest.mark.parametrize(("named", "without"), [(True, True), (False, False)])
def test_a_name_is_asked_for_where_none_was_sent(named, without):
    """Alert unrecognized_name: --no-sni helps only where a name was sent."""
    (hint,) = hints_for(Broken("alert", "", alert=112), named=named)
    assert "--servername NAME" in hint
    assert ("--no-sni" in hint) is without

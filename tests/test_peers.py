"""The broken peers break what they say they break, as the stdlib's client sees it."""

from __future__ import annotations

import socket
import ssl

import pytest

from tests.peers import MISDEEDS, RawPeer, Relay, refused_port
from tests.stdlib_client import ENDED, LAST_HEAD, ask, client_context, connected, reuses

pytestmark = pytest.mark.slow

FAILURES: dict[str, tuple[type[OSError], str | None]] = {
    "closes after accept": (OSError, None),
    "silent": (TimeoutError, None),
    "plain HTTP": (ssl.SSLError, "WRONG_VERSION_NUMBER|HTTP_REQUEST"),
    "garbage": (ssl.SSLError, "WRONG_VERSION_NUMBER"),
    "SSH banner": (ssl.SSLError, "WRONG_VERSION_NUMBER"),
    "too many connections": (ssl.SSLError, "WRONG_VERSION_NUMBER"),
    "reset after ClientHello": (ConnectionResetError, None),
    "closes after ClientHello": (ssl.SSLError, ENDED),
    "handshake_failure": (ssl.SSLError, "HANDSHAKE_FAILURE"),
    "protocol_version": (ssl.SSLError, "PROTOCOL_VERSION"),
}


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_misdeeds(misdeed, tls_version):
    """Each misdeed ends the handshake in its own way."""
    error, reason = FAILURES[misdeed]
    with RawPeer(misdeed) as peer, socket.create_connection(("127.0.0.1", peer.port)) as plain:
        plain.settimeout(0.1 if misdeed == "silent" else 5)
        with pytest.raises(error, match=reason):
            client_context(tls_version).wrap_socket(plain, server_hostname="localhost")


def test_refused_port():
    """Nobody listens on a refused port."""
    with refused_port() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_relay_changes_nothing_by_itself(server, tls_version):
    """A relay told nothing lets sessions resume, and lets both sides close cleanly."""
    running = server()
    with Relay(running.port) as relay:
        assert reuses(relay.port, client_context(tls_version)) == [True, True]
        assert relay.offers == 2
    assert all(entry.clean for entry in running.wait(3))


@pytest.mark.parametrize(
    ("kill", "error", "reason"),
    [
        ("fin", ssl.SSLError, ENDED),
        ("rst", ConnectionResetError, None),
        ("alert", ssl.SSLError, "ALERT"),
        ("silence", TimeoutError, None),
    ],
)
@pytest.mark.parametrize(
    ("version", "tickets"), [("1.3", True), ("1.2", True), ("1.2", False), (None, True)]
)
def test_relay_kills_offers(server, kill, error, reason, version, tickets):
    """Only connections that offer a session die."""
    context = client_context(version, tickets=tickets)
    with Relay(server().port, kill_offers=kill) as relay:
        session = ask(relay.port, context).session
        with socket.create_connection(("127.0.0.1", relay.port)) as plain:
            plain.settimeout(0.1 if kill == "silence" else 5)
            with pytest.raises(error, match=reason):
                context.wrap_socket(plain, server_hostname="localhost", session=session)
        assert not ask(relay.port, context).reused
        assert relay.offers == 1


def test_relay_round_robin(server, tls_version):
    """Over two servers a fixed session is known at every second connection."""
    with Relay(server().port, server().port) as relay:
        seen = reuses(relay.port, client_context(tls_version), 4)
    assert seen == [False, True, False, True]


def test_relay_resets(server):
    """Each n-th connection is reset after its ClientHello."""
    with Relay(server().port, reset_every=2) as relay:
        assert ask(relay.port, client_context()).head
        with pytest.raises(ConnectionResetError):
            ask(relay.port, client_context())
        assert ask(relay.port, client_context()).head


def test_relay_resets_from_some_moment_on(server):
    """After the n-th connection each is reset."""
    with Relay(server().port, reset_after=1) as relay:
        assert ask(relay.port, client_context()).head
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                ask(relay.port, client_context())


def test_relay_drips(server, tls_version):
    """A handshake whose answer drips byte by byte completes all the same."""
    with Relay(server().port, drip=1e-5) as relay:
        assert ask(relay.port, client_context(tls_version)).head


def test_relay_delays(server):
    """A delay can outlast the client's patience."""
    with (
        Relay(server().port, delay=30) as relay,
        socket.create_connection(("127.0.0.1", relay.port)) as plain,
    ):
        plain.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client_context().wrap_socket(plain, server_hostname="localhost")


def test_relay_swallows_close(server, tls_version):
    """The answer passes, the close_notify after it does not."""
    with (
        Relay(server().port, swallow_close=True) as relay,
        connected(relay.port, client_context(tls_version)) as secure,
    ):
        secure.sendall(LAST_HEAD)
        assert secure.recv(65_536)
        with pytest.raises(ssl.SSLError, match=ENDED):
            while secure.recv(65_536):
                pass

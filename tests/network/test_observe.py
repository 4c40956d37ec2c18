"""From a connection to a Trial: nothing seen is lost, nothing unseen is claimed."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

from tests.helpers import certificates
from tests.helpers.peers import RawPeer
from tests.helpers.purposes import purpose_of
from tests.helpers.rows import each_row
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Budget, Gate, Route, Task
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.network.observe import _header
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig, Trust

PLAN = ClientConfig(server_name="localhost", verify_name="localhost", alpn=("http/1.1",))
ERRAND = Task(purpose=purpose_of("test", "full"), mechanism="psk", want_tickets=2)


def seen(
    port: int, config: ClientConfig = PLAN, session: Session | None = None, **options: Any
) -> Trial:
    lab = NetworkLab(Budget(9), Gate(), LabOptions(timeout=5, **options))
    return asyncio.run(lab.connect(Route("127.0.0.1", port), config, ERRAND, session))


def test_a_full_tls13_handshake(server, cafile):
    """Every field of an attempt that TLS 1.3 fills."""
    peer = server(versions=("1.3",), alpn=("http/1.1",), early_data=4096)
    attempt = seen(peer.port, replace(PLAN, trust=Trust(cafile=str(cafile))))
    assert attempt.tls_version is ProtocolVersion.TLSv1_3
    assert attempt.cipher is not None
    assert attempt.cipher.startswith("TLS_")
    assert attempt.group
    assert attempt.alpn == "http/1.1"
    assert attempt.server_hello_seen
    assert attempt.certificate_seen
    assert not attempt.certificate_requested
    assert not attempt.hello_retry
    assert attempt.extended_master_secret is None
    assert attempt.leaf is not None
    assert attempt.leaf_sha256 == hashlib.sha256(attempt.leaf).hexdigest()
    assert attempt.verification is not None
    assert (attempt.verification.code, attempt.verification.stored) == (0, False)
    assert len(attempt.tickets) == len(attempt.sessions) == 2
    for ticket, session in zip(attempt.tickets, attempt.sessions, strict=True):
        assert session.fields.ticket == ticket.ticket
        assert session.fields.lifetime_hint == ticket.lifetime
        assert session.fields.age_add == ticket.age_add
        assert ticket.max_early_data == 4096
        assert 42 in ticket.extensions
        assert not ticket.after_data
    assert attempt.timings.first_ticket == attempt.tickets[0].at_ms
    assert (attempt.offer, attempt.set_session, attempt.offered) == (None, None, None)
    assert attempt.early_data == "not-sent"
    assert attempt.mechanism == "psk"


def test_a_full_tls12_handshake(server):
    """Every field of an attempt that TLS 1.2 fills."""
    peer = server(versions=("1.2",))
    attempt = seen(peer.port)
    assert attempt.tls_version is ProtocolVersion.TLSv1_2
    assert attempt.extended_master_secret is True
    assert len(attempt.tickets) == len(attempt.sessions) == 1
    assert attempt.tickets[0].age_add is None
    assert attempt.tickets[0].ticket == attempt.sessions[0].fields.ticket
    assert attempt.traffic.flights == 4
    off = seen(peer.port, replace(PLAN, extended_master_secret=False))
    assert off.extended_master_secret is False


def test_a_session_id_is_seen(server):
    """Without tickets the server's session ID is what can be offered."""
    peer = server(versions=("1.2",))
    config = replace(PLAN, tickets=False)
    full = seen(peer.port, config)
    assert full.tickets == ()
    assert full.server_session_id == full.sessions[0].fields.session_id
    resumed = seen(peer.port, config, full.sessions[0])
    assert (resumed.offered, resumed.accepted, resumed.resumed) == ("session-id", True, True)


def test_a_resumed_handshake(server, tls_version, cafile):
    """No certificate is seen, and the verdict on it is the stored one."""
    peer = server(versions=(tls_version,), identity=certificates.expired())
    config = replace(PLAN, trust=Trust(cafile=str(cafile)))
    full = seen(peer.port, config)
    resumed = seen(peer.port, config, full.sessions[-1])
    assert resumed.resumed is True
    assert not resumed.certificate_seen
    assert (resumed.leaf, resumed.leaf_sha256) == (None, None)
    assert resumed.verification is not None
    assert (resumed.verification.code, resumed.verification.stored) == (10, True)
    assert "expired" in resumed.verification.message
    assert resumed.set_session == 1
    assert resumed.state == full.sessions[-1]


def test_offered_and_declined(server, tls_version):
    """A server that refuses what it issued is seen to have been asked."""
    peer = server(versions=(tls_version,), honoured=False)
    declined = seen(peer.port, session=seen(peer.port).sessions[-1])
    assert declined.offered is not None
    assert (declined.accepted, declined.resumed) == (False, False)
    assert declined.certificate_seen


def test_not_offered(server):
    """A session that OpenSSL kept to itself is not offered, though it was set."""
    old = seen(server(versions=("1.2",)).port).sessions[-1]
    config = replace(PLAN, minimum=ProtocolVersion.TLSv1_3)
    attempt = seen(server(versions=("1.3",)).port, config, old)
    assert attempt.set_session == 1
    assert attempt.offered is None
    assert attempt.resumed is False


def test_early_data_is_told_from_the_wire(server):
    """accepted, rejected, not-sent."""
    peer = server(versions=("1.3",), early_data=1000)
    session = seen(peer.port).sessions[-1]
    config = replace(PLAN, early_data=b"HEAD / HTTP/1.1\r\n\r\n")
    assert seen(peer.port, config, session).early_data == "accepted"
    other = server(versions=("1.3",), early_data=1000)
    assert seen(other.port, config, session).early_data == "rejected"
    assert seen(peer.port, config).early_data == "not-sent"


def test_a_hello_retry_and_a_certificate_request(server):
    """What makes a handshake longer is noted."""
    assert seen(server(versions=("1.3",), group="secp384r1").port).hello_retry
    assert seen(server(client_certificate=True).port).certificate_requested


def test_alerts_are_kept():
    """Who sent which alert."""
    with RawPeer("handshake_failure") as peer:
        attempt = seen(peer.port)
    [alert] = attempt.alerts
    assert (alert.sender, alert.description, alert.name) == ("server", 40, "handshake_failure")
    assert alert.fatal
    assert not attempt.handshake_done
    assert (attempt.resumed, attempt.accepted, attempt.verification) == (None, None, None)
    assert attempt.tls_version is None


@each_row(
    "response, value",
    [
        (b"HTTP/1.1 200 OK\r\nX-Node: a\r\n\r\n", "a"),
        (b"HTTP/1.1 200 OK\r\nx-node:  b \r\nX-Node: c\r\n\r\n", "b"),
        (b"HTTP/1.1 200 OK\r\nX-Node:\r\n\r\n", ""),
        (b"HTTP/1.1 200 OK\r\nX-Other: a\r\n\r\nX-Node: body\r\n", None),
        (b"X-Node: a\r\n", None),
        (b"", None),
    ],
)
def test_the_nodes_header(response, value):
    """RFC 9110: names have no case, values no space around; only the header counts."""
    assert _header(response, "X-Node") == value

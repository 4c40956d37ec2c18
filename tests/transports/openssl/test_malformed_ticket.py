"""A NewSessionTicket that OpenSSL cannot take: it is named, and nothing is claimed of it."""

from __future__ import annotations

import socket

import pytest

from tests.helpers.evidence import Story, alert
from tests.helpers.peers import Relay
from tlsresume.findings.judge import judge
from tlsresume.options import ConnectOptions, ProbeOptions
from tlsresume.results.connection import Failure
from tlsresume.runs.many_targets import scan
from tlsresume.server.server import Server
from tlsresume.targets.target import parse_target
from tlsresume.tls.registry import AlertDescription


def broken_by_a_ticket(story: Story, *, cut: bool = True) -> Story:
    """A connection that ends at a NewSessionTicket, or, not `cut`, for another reason."""
    decode = alert(AlertDescription.decode_error, "client")
    return story.full(
        key=None,
        malformed_ticket=cut,
        alerts=(decode,),
        error=Failure("data", "openssl", "SSL_read failed: length mismatch"),
        closed="failed",
    )


@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_it_is_named_and_not_called_not_issued(mechanism) -> None:
    """The alert that we sent is said; that no ticket came is no finding of its own in TLS 1.3,
    where nothing else was seen."""
    found = {f.code: f for f in judge([broken_by_a_ticket(Story(mechanism)).view()])}
    assert found["malformed-ticket"].severity == "error"
    assert "alert 50 decode_error" in found["malformed-ticket"].evidence[0]
    assert mechanism != "psk" or set(found) == {"malformed-ticket"}


def test_other_failures_of_ours_are_not_called_so() -> None:
    """A connection that breaks at another message is not laid to its tickets."""
    found = judge([broken_by_a_ticket(Story("psk"), cut=False).view()])
    assert "malformed-ticket" not in [finding.code for finding in found]


# ------------------------------------------------------------------ over loopback

_NEW_SESSION_TICKET = 4


def spoilt(data: bytes) -> bytes:
    """TLS 1.2 records in which a NewSessionTicket says that its ticket is longer than it is."""
    changed, at = bytearray(data), 0
    while at + 15 <= len(data):
        length = int.from_bytes(data[at + 3 : at + 5], "big")
        message = int.from_bytes(data[at + 6 : at + 9], "big")
        if data[at] == 22 and data[at + 5] == _NEW_SESSION_TICKET and message == length - 4:
            changed[at + 13 : at + 15] = b"\xff\xff"
        at += 5 + length
    return bytes(changed)


class TicketSpoiler(Relay):
    """Passes everything on but the tickets of TLS 1.2, which go in clear."""

    def _send(self, client: socket.socket, data: bytes) -> bytes:
        return super()._send(client, spoilt(data))


def test_a_handshake_that_breaks_at_its_ticket_is_named() -> None:
    """TLS 1.2: with tickets there is no handshake at all, without them there is one; the
    finding says why, and the verdict does not say that nothing resumes."""
    with Server() as server, TicketSpoiler(server.port) as relay:
        target = parse_target(f"localhost:{relay.port}", family="ipv4")
        result = scan([(target, ProbeOptions(connect=ConnectOptions(timeout=5.0)))]).targets[0]
    found = {finding.code: finding for finding in result.findings}
    assert found["malformed-ticket"].mechanism == "ticket"
    assert "alert 50 decode_error" in found["malformed-ticket"].evidence[0]
    assert result.verdict == "untested"

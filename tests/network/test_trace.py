"""What `-v` shows of a handshake while it passes."""

from __future__ import annotations

from tests.helpers.pair import Peer, config_for
from tlsresume.network.trace import TraceLine, tracer
from tlsresume.tls.registry import ContentType
from tlsresume.tls.transcript import Role


def test_each_message_is_one_line(tls_version):
    """Direction, name and size of every message of a handshake, with its connection."""
    lines: list[TraceLine] = []
    on_message = tracer(lines.append, 7, "localhost:443")
    client = Peer().connect(config_for(tls_version), on_message=on_message)
    assert len(lines) == len(client.transcript.entries)
    assert {(line.connection, line.where) for line in lines} == {(7, "localhost:443")}
    assert lines[0].sender == "client"
    assert "ClientHello" in lines[0].text
    assert any("NewSessionTicket" in line.text for line in lines)
    assert all(line.text.isprintable() for line in lines)


def test_broken_messages_are_shown_too():
    """A message without a byte, one cut short and one that is unknown make a line each."""
    lines: list[TraceLine] = []
    on_message = tracer(lines.append, 1, "x")
    on_message(Role.SERVER, ContentType.handshake, b"")
    on_message(Role.SERVER, ContentType.handshake, b"\x02\x00\x00\x05ab")
    on_message(Role.SERVER, ContentType.handshake, b"\xfe\x00\x00\x00")
    on_message(Role.SERVER, ContentType.alert, b"\x02")
    on_message(Role.SERVER, ContentType.alert, b"\x02\x28")
    assert len(lines) == 5
    assert "handshake_failure" in lines[-1].text
    assert all(line.text.isprintable() and line.text for line in lines)


def test_keys_are_not_shown():
    """Finished messages pass by name and size alone."""
    lines: list[TraceLine] = []
    tracer(lines.append, 1, "x")(
        Role.CLIENT, ContentType.handshake, b"\x14\x00\x00\x0cSECRETSECRET"
    )
    assert "SECRET" not in lines[0].text
    assert "Finished" in lines[0].text
    assert "16" in lines[0].text or "12" in lines[0].text

"""Handshake messages as they pass, one line each, for whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tlsresume.tls.entry import Entry, Role
from tlsresume.tls.registry import ContentType, HandshakeType
from tlsresume.transports.interface import OnMessage
from tlsresume.value import Value


class TraceLine(Value, frozen=True, kw_only=True):
    """One message: on which connection, who sent it, and what it says that matters here."""

    connection: int
    where: str
    sender: Literal["client", "server"]
    text: str


Trace = Callable[[TraceLine], None]

_KEYS_ONLY = frozenset({HandshakeType.finished, HandshakeType.certificate_verify})


def tracer(trace: Trace, connection: int, where: str) -> OnMessage:
    """What a connection calls for each message of one connection."""
    from tlsresume.tls.describe import describe

    def on_message(sender: Role, content_type: int, message: bytes) -> None:
        handshake = content_type == ContentType.handshake
        type_ = message[0] if handshake and message else None
        entry = Entry(
            sender=sender,
            content_type=content_type,
            raw=b"" if type_ in _KEYS_ONLY else message,
            at_ms=0.0,
            size=len(message),
            handshake_type=type_,
        )
        trace(
            TraceLine(connection=connection, where=where, sender=sender.value, text=describe(entry))
        )

    return on_message

"""One message as it passed on a connection: who sent what, when, and its bytes.

The transcript is made of these; what they say together is read there.
"""

from __future__ import annotations

from enum import Enum

from tlsresume.tls.handshake import own_client_hello, parse_alert, parse_handshake
from tlsresume.tls.messages import Alert, Finished, Message, Other
from tlsresume.tls.registry import ContentType, HandshakeType, ProtocolVersion
from tlsresume.value import Value

#: Up to Python 3.11 each look at a member of an enum is a call; a name of its own is none.
_CLIENT_HELLO = HandshakeType.client_hello
_FINISHED = HandshakeType.finished
_ALERT = ContentType.alert


class Role(Enum):
    """Who sent a message."""

    CLIENT = "client"
    SERVER = "server"


class Entry(Value, frozen=True):
    """One handshake message or alert as it passed.

    `raw` is the whole message with its header, or b"" where it was not kept; `size`
    is its length all the same. `at_ms` is milliseconds after the handshake's start.
    `after_data` says that the recording side had sent application data before.
    `handshake_type` is None for alerts, and for a message without a single byte.
    """

    sender: Role
    content_type: int
    raw: bytes
    at_ms: float
    size: int
    after_data: bool = False
    handshake_type: int | None = None


def parse_entry(
    entry: Entry, version: ProtocolVersion | None, *, ours: bool = False
) -> Message | Alert:
    """The entry's value; one whose bytes were not kept is Finished or Other. Raises WireError.

    `version` is the one negotiated before the entry passed, None before the ServerHello. `ours`:
    a library of ours wrote it, so that a ClientHello needs no checks.
    """
    if ours and entry.handshake_type == _CLIENT_HELLO:
        return own_client_hello(entry.raw)
    if entry.content_type == _ALERT:
        return parse_alert(entry.raw)
    if entry.raw or entry.handshake_type is None:
        return parse_handshake(entry.raw, version)
    length = max(0, entry.size - 4)
    if entry.handshake_type == _FINISHED:
        return Finished(length)
    return Other(entry.handshake_type, length)

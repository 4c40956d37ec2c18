"""What a QUIC connection keeps to resume: of each NewSessionTicket a session.

aioquic hands out a ticket without its nonce, which is read from the message itself, and without
the NEW_TOKEN that came beside it (RFC 9000 section 8.1.3). The last token goes with each session,
whichever came first.
"""

from __future__ import annotations

from itertools import zip_longest

from tlsresume.sessions import quic_state
from tlsresume.sessions.session import Session
from tlsresume.tls.buffer import WireError
from tlsresume.tls.handshake import parse_handshake
from tlsresume.tls.messages import NewSessionTicket13
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.interface import SESSIONS_KEPT
from tlsresume.transports.quic.binding import Handle


class KeptTickets:
    """The tickets and tokens of one connection."""

    def __init__(self, handle: Handle, server_name: str | None) -> None:
        self._handle = handle
        self._server_name = server_name
        self._nonces: list[bytes] = []
        self._seen = (0, 0)

    def record(self, message: bytes) -> None:
        """Note a NewSessionTicket message."""
        self._nonces.append(_nonce(message))

    @property
    def news(self) -> bool:
        """Whether a ticket or a token has come since the sessions were made last."""
        return self._seen != (len(self._handle.tickets), len(self._handle.tokens))

    def sessions(
        self, *, alpn: str | None, leaf: bytes | None, verify_result: int
    ) -> list[Session]:
        """A session of each ticket, made anew. `leaf` is the server's certificate."""
        handle = self._handle
        self._seen = (len(handle.tickets), len(handle.tokens))
        states = (
            handle.state_of(
                ticket,
                alpn=alpn,
                server_name=self._server_name,
                nonce=nonce,
                peer=leaf,
                token=handle.tokens[-1] if handle.tokens else None,
                verify_result=verify_result,
            )
            for ticket, nonce in zip_longest(
                handle.tickets[:SESSIONS_KEPT], self._nonces[:SESSIONS_KEPT], fillvalue=b""
            )
            if ticket
        )
        return [Session("quic", quic_state.encode(state)) for state in states]


def _nonce(message: bytes) -> bytes:
    """The nonce of a NewSessionTicket, empty where the message is malformed."""
    try:
        parsed = parse_handshake(message, ProtocolVersion.TLSv1_3)
    except WireError:
        return b""
    return parsed.nonce if isinstance(parsed, NewSessionTicket13) else b""

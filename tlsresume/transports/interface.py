"""A TLS connection over datagrams, sans IO: what a QUIC and a DTLS client have in common.

A connection takes datagrams and gives datagrams; it has a timer, since over UDP somebody
must ask again. `DatagramLink` in network/ carries them over a socket and knows nothing of
what is in them. No peer can make a call raise: a connection that broke says so in
`failure`, and all that was seen until then stays readable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from tlsresume.session.session import Session
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.facts import DatagramFacts, HTTPRequest
from tlsresume.transports.failures import Broken
from tlsresume.wire.transcript import Role, Transcript

#: How a packet can fail to arrive, as the socket tells it.
EndCause = Literal["refused", "unreachable"]

#: Called with each handshake message and alert in clear: who sent it, the content type (RFC 8446
#: section 5.1), the message.
OnMessage = Callable[[Role, int, bytes], None]

#: Sessions kept of one connection; a server that sends more tickets is not an honest one.
SESSIONS_KEPT = 256

#: Application data of the peer that is kept.
DATA_KEPT = 1 << 18


class DatagramConnection(Protocol):
    """One client connection. Call `start` first, `release` in the end.

    `sent` and `received` count bytes of UDP payload, `flights` changes of direction in the
    handshake; `first_ticket_at` is in milliseconds after the start. `data` is what the
    application got; `answer_ended` says that the peer has ended its answer. `understood`:
    anything that came was of this protocol. `session_reused` is the library's own word.
    """

    plan: ClientConfig
    offer: Session | None
    failure: Broken | None
    handshake_done: bool
    peer_closed: bool
    answer_ended: bool
    set_session_result: int | None
    data: bytearray
    sent: int
    received: int
    flights: int
    sessions: list[Session]
    ticket_count: int
    first_ticket_at: float | None

    def start(self) -> None:
        """Make the first flight."""

    def receive(self, data: bytes) -> None:
        """Take one datagram, of whatever bytes."""

    def datagrams(self) -> list[bytes]:
        """What must be sent now."""

    @property
    def deadline(self) -> float | None:
        """When `on_deadline` must be called, on the clock that was given; None: never."""

    def on_deadline(self) -> None:
        """That time has come."""

    def ask(self, request: HTTPRequest | bytes) -> None:
        """Send a request, now or when the handshake is done."""

    def close(self) -> None:
        """Queue a farewell."""

    def release(self) -> None:
        """Free what the library holds. What was recorded stays."""

    @property
    def understood(self) -> bool: ...

    @property
    def transcript(self) -> Transcript: ...

    @property
    def speaks_tls13(self) -> bool: ...

    @property
    def session_reused(self) -> bool | None: ...

    @property
    def cipher(self) -> str | None: ...

    @property
    def group(self) -> str | None: ...

    @property
    def alpn(self) -> str | None: ...

    @property
    def own_certificate(self) -> bytes | None: ...

    @property
    def verify_result(self) -> int: ...

    @property
    def facts(self) -> DatagramFacts: ...

"""What every transport gives: client connections without IO, whoever speaks TLS beneath.

A `Connection` takes bytes and gives bytes. It opens no socket and reads no clock but the one
that it was given: `network/link.py` carries the bytes and knows nothing of what is in them. No
peer can make a call raise: a connection that broke says so in `failure`, and what was seen until
then stays readable, at the end as one `Account`.

OpenSSL's own bytes, sessions and numbers stay behind this door. A session leaves it serialized
(`Session`), a failure as a `Broken`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import Enum
from typing import ClassVar, Literal

from tlsresume.protocols.schemes import Transport as TransportName
from tlsresume.sessions.session import ResumptionState
from tlsresume.tls.recorder import Recorder
from tlsresume.tls.transcript import Role, Transcript
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.facts import DatagramFacts, HTTPRequest
from tlsresume.transports.failures import Broken
from tlsresume.value import Value

#: Called with each handshake message and alert in clear: who sent it, the content type (RFC 8446
#: section 5.1), the message.
OnMessage = Callable[[Role, int, bytes], None]

#: Seconds that only grow.
Clock = Callable[[], float]

#: Sessions kept of one connection; a server that sends more tickets is not an honest one.
SESSIONS_KEPT = 256

#: Application data of the peer that is kept until someone takes it.
DATA_KEPT = 1 << 18


class EndCause(Enum):
    """Why nothing more will come, as the socket tells it."""

    CLOSED = "closed"
    """The peer has ended its stream (FIN). An empty datagram is no end."""
    BROKEN = "broken"
    """The operating system ended it: RST, or ICMP said that the port or the host is not there."""


class Capabilities(Value, frozen=True, kw_only=True):
    """What a transport can do; see the fields of ClientConfig and ClientOffer."""

    session_ids: bool
    tickets: bool
    early_data: bool
    unclean_close: bool
    groups: bool


class ClientOffer(Value, frozen=True, kw_only=True):
    """What a connection offers beyond a full handshake.

    `early_request` goes out as early data where the session allows that many bytes; over QUIC it
    may be a request for HTTP/3.
    `address_token` is a QUIC server's proof of our address (NEW_TOKEN, RFC 9000 section 8.1.3):
    None shows the one that came with the session, b"" none.
    """

    _hidden: ClassVar = frozenset({"address_token"})

    state: ResumptionState | None = None
    address_token: bytes | None = None
    early_request: bytes | HTTPRequest = b""


class Account(Value, frozen=True, kw_only=True):
    """All that one connection showed, once it is over.

    `resumed` is the library's own word, `set_session` what it returned when the session was
    offered (None: not asked). `verify_result` is X509_V_*, with its words; of a resumed
    connection it is the stored one. `first_ticket_at` is in milliseconds after the first flight.
    `sent` and `received` count bytes, over UDP those of the payload; `flights` changes of
    direction in the handshake. `data` is what the application got and nobody took. `datagrams`
    is there over UDP only.
    """

    _hidden: ClassVar = frozenset({"data", "own_certificate"})

    config: ClientConfig
    offer: ClientOffer
    transcript: Transcript
    established: bool
    states: tuple[ResumptionState, ...]
    resumed: bool | None
    set_session: int | None
    cipher: str | None
    group: str | None
    alpn: str | None
    own_certificate: bytes | None
    verify_result: int
    verify_message: str
    data: bytes
    sent: int
    received: int
    flights: int
    first_ticket_at: float | None
    datagrams: DatagramFacts | None
    failure: Broken | None


class Connection(ABC):
    """One client connection, made by `Transport.open`, which has made its first flight.

    To wait on, at the cost of a look: `established` (the handshake is done on our side),
    `tickets` (how many came), `answered` (the answer to our data is whole), `pending` (bytes
    that `take` would give), `peer_closed` (it said farewell), `ended`, `failure`. Call `release`
    in the end.
    """

    def __init__(
        self,
        config: ClientConfig,
        offer: ClientOffer,
        *,
        clock: Clock,
        on_message: OnMessage | None,
    ) -> None:
        self.config = config
        self.offer = offer
        self.recorder = Recorder(ours=Role.CLIENT)
        self.failure: Broken | None = None
        self.established = False
        self.peer_closed = False
        self.ended: EndCause | None = None
        self.answered = False
        self.tickets = 0
        self.set_session: int | None = None
        self.data = bytearray()
        self.sent = self.received = self.flights = 0
        self.sessions: list[ResumptionState] = []
        self.first_ticket_at: float | None = None
        self._clock = clock
        self._started = clock()
        self._on_message = on_message

    # --------------------------------------------------------------- driving

    @abstractmethod
    def start(self) -> None:
        """Make the first flight; of a connection that a Transport opened it is made."""

    @abstractmethod
    def receive(self, data: bytes) -> None:
        """Take bytes of the stream, or one datagram, of whatever content."""

    def end(self, cause: EndCause) -> None:
        """Nothing more will come."""
        self.ended = self.ended or cause

    @abstractmethod
    def drain(self) -> list[bytes]:
        """What must be sent now: pieces of a stream, or datagrams."""

    @property
    def deadline(self) -> float | None:
        """When `on_deadline` must be called, on the clock that was given; None: never."""
        return None

    def on_deadline(self) -> None:  # noqa: B027  most connections have no timer
        """That time has come."""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send application data, once the handshake is done."""

    def ask(self, request: HTTPRequest | bytes) -> None:
        """Send a request whose answer `answered` is about, now or when the handshake is done."""
        if not isinstance(request, bytes):
            raise TypeError("an HTTP/3 request goes over QUIC only")
        self.send(request)

    @property
    def pending(self) -> int:
        """Bytes of the application that nobody took yet."""
        return len(self.data)

    def take(self) -> bytes:
        """The application's bytes that came until now; those after them come later."""
        data = bytes(self.data)
        self.data.clear()
        self.answered = False
        return data

    @abstractmethod
    def close(self, *, clean: bool = True) -> None:
        """Queue a farewell; with `clean` off, leave without one."""

    @abstractmethod
    def release(self) -> None:
        """Free what the library holds. What was recorded stays. Safe to call twice."""

    def sent_now(self, on_message: OnMessage | None) -> None:
        """The first flight, drained some time ago, is sent now: times count from here."""
        self._started = self._clock()
        self._on_message = on_message

    # --------------------------------------------------------------- reading

    @property
    def over(self) -> bool:
        """Whether the peer can say no more."""
        return self.peer_closed or self.ended is not None

    @property
    def step(self) -> Literal["handshake", "data"]:
        """What a failure would be one of, if it came now."""
        return "data" if self.established else "handshake"

    @property
    def transcript(self) -> Transcript:
        """Every handshake message and alert until now."""
        return self.recorder.transcript()

    @property
    def early_data_accepted(self) -> bool:
        """Whether the server took early data that we sent."""
        if not self.offer.early_request:
            return False
        transcript = self.transcript
        return transcript.early_data_offered and bool(transcript.early_data_accepted)

    @property
    @abstractmethod
    def understood(self) -> bool:
        """Whether anything that came was of this protocol."""

    @property
    @abstractmethod
    def speaks_tls13(self) -> bool:
        """Whether the messages are those of TLS 1.3; False until that is known."""

    @property
    @abstractmethod
    def session_reused(self) -> bool | None:
        """The library's own word, once the handshake is done."""

    @property
    @abstractmethod
    def cipher(self) -> str | None:
        """OpenSSL's name of the cipher suite, once the handshake is done."""

    @property
    @abstractmethod
    def group(self) -> str | None:
        """The key exchange group; None where a TLS 1.2 handshake had none."""

    @property
    @abstractmethod
    def alpn(self) -> str | None:
        """The protocol that the server selected."""

    @property
    @abstractmethod
    def own_certificate(self) -> bytes | None:
        """The client certificate that this connection can give (DER), if it has one."""

    @property
    @abstractmethod
    def verify_result(self) -> int:
        """X509_V_*; 0 is good, or not asked for. Of a resumed connection the stored one."""

    @property
    @abstractmethod
    def verify_message(self) -> str:
        """The words for `verify_result`."""

    @property
    def facts(self) -> DatagramFacts | None:
        """What only a connection over datagrams has."""
        return None

    @property
    def account(self) -> Account:
        """All of it, for after the end."""
        return Account(
            config=self.config,
            offer=self.offer,
            transcript=self.transcript,
            established=self.established,
            states=tuple(self.sessions),
            resumed=self.session_reused,
            set_session=self.set_session,
            cipher=self.cipher,
            group=self.group,
            alpn=self.alpn,
            own_certificate=self.own_certificate,
            verify_result=self.verify_result,
            verify_message=self.verify_message,
            data=bytes(self.data),
            sent=self.sent,
            received=self.received,
            flights=self.flights,
            first_ticket_at=self.first_ticket_at,
            datagrams=self.facts,
            failure=self.failure,
        )


class Flight(ABC):
    """A first flight with early data, made before there is a connection to send it on.

    It can be sent more than once, as an attacker would: a copy goes out on a plain socket
    (`Lab.present`), and the same bytes once more on the connection that this one goes on with
    (`Task.flight`), which alone can decrypt the answer. `data` are its bytes as `drain` gave
    them, `early` says whether early data is among them. Call `release` in the end, also where
    the flight was never sent.
    """

    data: list[bytes]
    early: bool
    _client: Connection

    def __init__(self, config: ClientConfig, offer: ClientOffer) -> None:
        if offer.state is None:
            raise ValueError("early data needs a session")
        self.config = config
        self.session: ResumptionState = offer.state
        #: The messages of the flight, for who listens to the connection later.
        self._told: list[tuple[Role, int, bytes]] = []

    def _keep(self, sender: Role, content_type: int, message: bytes) -> None:
        self._told.append((sender, content_type, message))

    def go_on(self, on_message: OnMessage | None) -> Connection:
        """The connection, now that the flight is sent; to be called once."""
        self._client.sent_now(on_message)
        if on_message is not None:
            for told in self._told:
                on_message(*told)
        return self._client

    @abstractmethod
    def in_clear(self, received: Sequence[bytes]) -> Transcript:
        """Our ClientHello, and what an answer to a copy holds in clear."""

    def asks_for_retry(self, received: Sequence[bytes]) -> bool:
        """Whether an answer to a copy wants our address proved before anything is read."""
        del received
        return False

    def acknowledgement(self, received: Sequence[bytes]) -> bytes | None:
        """What says at once that an answer to a copy came, where that hastens its end."""
        del received
        return None

    def farewell(self, received: Sequence[bytes]) -> bytes | None:
        """What ends the connection that the server made of a copy, where anything must."""
        del received
        return None

    def release(self) -> None:
        """Free what the library holds. Safe to call twice."""
        self._client.release()


class Presented(Value, frozen=True, kw_only=True):
    """What was seen around a first flight that was only presented: the messages in clear,
    whether the answer was a Retry, and the bytes each way."""

    transcript: Transcript
    retry: bool = False
    sent: int
    received: int


class Transport(ABC):
    """A way to speak TLS. `protocol` is its name for people; `stream` tells whether it goes over
    a stream (TCP) or over datagrams (UDP)."""

    name: TransportName
    protocol: str
    stream: bool
    capabilities: Capabilities

    @abstractmethod
    def open(
        self,
        config: ClientConfig,
        offer: ClientOffer,
        *,
        clock: Clock,
        on_message: OnMessage | None = None,
    ) -> Connection:
        """A connection whose first flight is made: where it goes is the business of whoever carries
        it. Raises UsageError or FileError where the configuration cannot be carried out."""

    def first_flight(self, config: ClientConfig, offer: ClientOffer, *, clock: Clock) -> Flight:
        """A first flight to be sent more than once. Raises as `open`; of transports without
        early data nobody may ask it."""
        raise NotImplementedError(f"{self.protocol} sends no early data here")

"""One QUIC client connection without IO: datagrams in, datagrams out, everything recorded.

aioquic speaks; what it says of itself is checked by the handshake messages, which are
recorded in clear as they pass. It has no HelloRetryRequest and no ML-KEM groups: where a
server needs one of these, the failure says that this client cannot, and blames nobody.

A certificate is verified here, after the handshake, with OpenSSL's own chain building, so
that a result is known also where a bad one is no reason to stop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tlsresume.errors import UsageError
from tlsresume.sessions import quic_state
from tlsresume.sessions.session import ResumptionState
from tlsresume.tls.registry import HandshakeType, NamedGroup, cipher_name, name_of
from tlsresume.tls.transcript import Role
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.facts import DatagramFacts, HTTPRequest
from tlsresume.transports.failures import Broken
from tlsresume.transports.interface import ClientOffer, Connection, OnMessage
from tlsresume.transports.openssl.binding import verify_message
from tlsresume.transports.quic import binding
from tlsresume.transports.quic.endings import explain
from tlsresume.transports.quic.kept_flight import KeptFlight
from tlsresume.transports.quic.kept_tickets import KeptTickets
from tlsresume.transports.quic.requests import H3_NO_ERROR, Exchange
from tlsresume.transports.quic.settings import open_keylog, settings_of
from tlsresume.transports.quic.verification import own_certificate, verify_result

_NEW_SESSION_TICKET = HandshakeType.new_session_ticket
_ALERT, _HANDSHAKE = 21, 22


class QUICClient(Connection):
    """A QUIC connection as a client sees it. `clock` gives seconds that only grow.

    `session` is a session of kind "quic"; `token` a NEW_TOKEN to show (None: the one that came
    with the session, if one did). Raises UsageError or FileError where the config cannot be
    carried out.
    """

    def __init__(
        self,
        config: ClientConfig,
        session: ResumptionState | None = None,
        *,
        clock: Callable[[], float],
        on_message: OnMessage | None = None,
        token: bytes | None = None,
        early_request: bytes | HTTPRequest | None = None,
    ) -> None:
        if token is None:
            token = config.address_token
        early = config.early_data if early_request is None else early_request
        offer = ClientOffer(state=session, address_token=token, early_request=early)
        super().__init__(config, offer, clock=clock, on_message=on_message)
        self._request: HTTPRequest | bytes | None = None
        self._retransmissions = 0
        self._direction = ""
        self._verify_result: int | None = None
        self._alpn: str | None = None
        self._asked = False
        self._keylog = open_keylog(config.keylogfile)
        state = quic_state.decode(session.data) if session is not None else None
        if token is None:
            token = bytes.fromhex(state.token or "") if state is not None else b""
        self._token = token
        self._early = early if early and state is not None and state.max_early_data else None
        self._kept_flight = KeptFlight()
        try:
            self._handle = binding.Handle(
                settings_of(config, self._keylog), self._record, state=state, token=token,
                early_data=self._early is not None,
            )  # fmt: skip
        except (OSError, ValueError, TypeError) as error:
            self._close_keylog()
            raise UsageError(f"aioquic cannot use these settings: {error}") from error
        self._kept_tickets = KeptTickets(self._handle, config.server_name)
        self._exchange = Exchange(self._handle.connection, self.data)

    # --------------------------------------------------------------- driving

    def start(self) -> None:
        """Make the first flight, with early data where the session allows it."""
        self._started = self._clock()
        self._guarded(self._connect)

    def _connect(self) -> None:
        self._handle.connect(self._now())
        if self._early is not None:
            session = self.offer.state
            alpn = session.fields.alpn if session is not None else None
            self._exchange.send(self._early, alpn or next(iter(self.config.alpn), ""))

    def make_flight(self) -> list[bytes]:
        """`start`, for a first flight that is sent later: its datagrams, and those alone are given
        by `datagrams` until they are answered."""
        self.start()
        made: list[bytes] = []
        self._guarded(lambda: made.extend(self._handle.datagrams(self._now())))
        self._kept_flight.keep(made, self._started)
        return list(made)

    def sent_now(self, on_message: OnMessage | None) -> None:
        """The flight that was made is sent now: times count from here."""
        super().sent_now(on_message)
        self._count(">")
        self.sent += sum(map(len, self._kept_flight.take(self._started)))

    def _now(self) -> float:
        """The time as aioquic sees it."""
        return self._clock() - self._kept_flight.behind

    def receive(self, data: bytes) -> None:
        """Take one datagram."""
        self._count("<")
        self.received += len(data)
        self._kept_flight.answered()
        if self.failure is None:
            self._guarded(lambda: self._handle.receive(data, self._now()))

    def drain(self) -> list[bytes]:
        """What must be sent now."""
        found: list[bytes] = []
        if self._kept_flight.waiting:
            found = self._kept_flight.take(self._clock())
        else:
            self._guarded(lambda: found.extend(self._handle.datagrams(self._now())))
        if found:
            self._count(">")
            self.sent += sum(map(len, found))
        return found

    @property
    def deadline(self) -> float | None:
        """When `on_deadline` is due."""
        if self.failure is not None:
            return None
        if self._kept_flight.waiting:
            return self._kept_flight.due
        timer = self._handle.timer()
        return None if timer is None else timer + self._kept_flight.behind

    def on_deadline(self) -> None:
        """Ask again, where an answer is late."""
        if self._kept_flight.waiting:
            return  # `datagrams` gives it now

        def fire() -> None:
            self._retransmissions += self._handle.on_timer(self._now())

        self._guarded(fire)

    def ask(self, request: HTTPRequest | bytes) -> None:
        """Send a request on a stream of its own, now or when the handshake is done. One that went
        out as early data in vain is sent again by aioquic, and is not doubled here."""
        self._asked = True
        if self._exchange.sent:
            return
        self._request = request
        if self.established and self.failure is None:
            self._guarded(self._send_request)

    def send(self, data: bytes) -> None:
        """Send bytes on a stream of their own."""
        self.ask(data)

    def close(self, *, clean: bool = True) -> None:
        """Queue a CONNECTION_CLOSE."""
        if clean and self.failure is None and not self.peer_closed:
            self._guarded(lambda: self._handle.close(self._exchange.no_error))

    def release(self) -> None:
        """Close the key log, if there is one."""
        self._close_keylog()

    def _guarded(self, call: Callable[[], None]) -> None:
        """Call into aioquic, and take its events. What it raises is a failure of the connection:
        bytes of a peer must not end a probe."""
        try:
            call()
            for event in self._handle.events():
                self._take(event)
            if self._kept_tickets.news:
                self.sessions = self._kept_tickets.sessions(
                    alpn=self._alpn, leaf=self._leaf(), verify_result=self.verify_result
                )
        except Exception as error:  # noqa: BLE001  whatever a peer's bytes do inside the library
            self._fail(Broken("openssl", f"aioquic failed: {type(error).__name__}: {error}"))

    def _count(self, direction: str) -> None:
        if not self.established and direction != self._direction:
            self.flights += 1
            self._direction = direction

    def _fail(self, failure: Broken) -> None:
        if self.failure is None:
            self.failure = failure

    # ------------------------------------------------------------- recording

    def _record(self, sent: bool, message: bytes) -> None:
        at_ms = (self._clock() - self._started) * 1000
        role = Role.CLIENT if sent else Role.SERVER
        if not sent and message[0] == _NEW_SESSION_TICKET:
            self._kept_tickets.record(message)
            self.tickets += 1
            if self.first_ticket_at is None:
                self.first_ticket_at = at_ms
        self.recorder.handshake(role, message, at_ms, after_data=self._asked)
        if self._on_message is not None:
            self._on_message(role, _HANDSHAKE, message)

    def _take(self, event: Any) -> None:
        from aioquic.quic import events

        if isinstance(event, events.HandshakeCompleted):
            self.established = True
            self._alpn = event.alpn_protocol
            self._verify()
            if self._request is not None and self.failure is None:
                self._send_request()
        elif isinstance(event, events.ConnectionTerminated):
            self._ended(self._handle.terminated(event))
        self._exchange.take(event)
        self.answered = self._exchange.ended

    def _send_request(self) -> None:
        request, self._request = self._request, None
        if request is not None:
            self._exchange.send(request, self._alpn or "")

    def _leaf(self) -> bytes | None:
        """The server's certificate: of this handshake, or of the one that was resumed."""
        leaf = self.transcript.leaf_certificate
        if leaf is None and self.offer.state is not None:
            return self.offer.state.fields.peer
        return leaf

    # -------------------------------------------------------------- endings

    def _ended(self, end: binding.Terminated) -> None:
        if end.by_peer and self.established and end.code in (0, H3_NO_ERROR):
            self.peer_closed = True
            return
        alert = end.alert
        if alert is not None and end.by_peer:
            at_ms = (self._clock() - self._started) * 1000
            entry = self.recorder.alert(Role.SERVER, bytes((2, alert)), at_ms)
            if self._on_message is not None:
                self._on_message(Role.SERVER, _ALERT, entry.raw)
        self._fail(explain(end, self.transcript, self._handle.peer_versions))

    def _verify(self) -> None:
        """Check the certificate; with `config.verify` a bad one is the end of the connection."""
        certificate = self.transcript.certificate
        if certificate is None or not (self.config.verify or self.config.verify_name):
            return
        code, words = verify_result(
            certificate.certificates, self.config.verify_name, self.config.trust
        )
        self._verify_result = code
        if self.config.verify and code:
            self._fail(Broken("verify", f"the certificate was refused: {words} ({code})"))
            self._handle.close(binding.CRYPTO_ERROR + 42)

    # --------------------------------------------------------------- reading

    @property
    def understood(self) -> bool:
        """Whether anything that came was QUIC of the server's."""
        handle = self._handle
        return bool(handle.retries or handle.peer_versions or self.transcript.server_hello
                    or self.transcript.hello_retry_request or self.transcript.alerts)  # fmt: skip

    @property
    def speaks_tls13(self) -> bool:
        """QUIC has no other version (RFC 9001 section 4.2)."""
        return True

    @property
    def session_reused(self) -> bool | None:
        """The library's own word, once the handshake is done."""
        return self._handle.resumed if self.established else None

    @property
    def cipher(self) -> str | None:
        """OpenSSL's name of the cipher suite."""
        suite = self._handle.cipher_suite
        return cipher_name(suite) if self.established and suite is not None else None

    @property
    def group(self) -> str | None:
        """The key exchange group."""
        hello = self.transcript.server_hello
        group = hello.selected_group if hello is not None else None
        return None if group is None else name_of(NamedGroup, group)

    @property
    def alpn(self) -> str | None:
        """The protocol that the server selected."""
        return self._alpn

    @property
    def own_certificate(self) -> bytes | None:
        """The client certificate that this connection can give (DER), if it has one."""
        return own_certificate(self.config.certificate) if self.config.certificate else None

    @property
    def verify_result(self) -> int:
        """X509_V_*; 0 is good, or not asked for. Of a resumed connection the stored one."""
        if self._verify_result is None and self.offer.state is not None and self.session_reused:
            return self.offer.state.fields.verify_result
        return self._verify_result or 0

    @property
    def verify_message(self) -> str:
        """OpenSSL's words for it."""
        return verify_message(self.verify_result)

    @property
    def facts(self) -> DatagramFacts:
        """What QUIC has and TCP has not."""
        version = self._handle.version
        return DatagramFacts(
            version=quic_state.VERSIONS.get(version or 0),
            retries=self._handle.retries,
            token_offered=bool(self._token),
            token_issued=bool(self._handle.tokens),
            retransmissions=self._retransmissions,
        )

    @property
    def tokens(self) -> list[bytes]:
        """Every NEW_TOKEN of the server, oldest first."""
        return list(self._handle.tokens)

    def _close_keylog(self) -> None:
        if self._keylog is not None:
            self._keylog.close()
            self._keylog = None

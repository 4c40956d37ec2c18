"""One TLS client connection without IO: bytes in, bytes out, everything recorded.

OpenSSL runs on two memory BIOs. The caller carries bytes: `drain` gives what must
be sent, `receive` takes what came, and each call advances the connection as far
as it can go. Nothing here blocks, and no peer can make it raise: a connection
that broke says so in `failure`, and all that was seen until then stays readable.

Sessions leave as bytes, since a live one may only be used with its own SSL_CTX.
In TLS 1.3 each NewSessionTicket makes a new session, and the message callback
runs *before* OpenSSL has taken the ticket in: so at each ticket the session of
the ticket before it is fetched, and the last one after the read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from OpenSSL import SSL

from tlsresume.error_queue import ErrorStack
from tlsresume.errors import UsageError
from tlsresume.request_line import HTTPRequest
from tlsresume.sessions.session import ResumptionState
from tlsresume.tls.handshake import ticket_of
from tlsresume.tls.registry import HandshakeType, ProtocolVersion
from tlsresume.tls.transcript import Role
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.failures import Broken
from tlsresume.transports.interface import (
    DATA_KEPT,
    SESSIONS_KEPT,
    ClientOffer,
    Clock,
    Connection,
    EndCause,
    OnMessage,
)
from tlsresume.transports.openssl import binding
from tlsresume.transports.openssl.contexts import context_for

_ALERT = 21
_CLIENT, _SERVER, _TLS13 = Role.CLIENT, Role.SERVER, ProtocolVersion.TLSv1_3
_NEW_SESSION_TICKET = bytes((HandshakeType.new_session_ticket,))

#: Bytes of a ticket that stand in a session by no chance.
_LONG_TICKET = 16

#: The first byte of a TLS record (RFC 8446 section 5.1): 20 to 23.
_RECORD_TYPES = range(20, 24)

#: Alerts that judge a certificate or what proves it (RFC 8446 section 6.2): a TLS 1.3 client
#: gets them when its own handshake is done, maybe behind tickets that were sent early.
_OF_CERTIFICATES = frozenset({42, 43, 44, 45, 46, 48, 49, 51, 116})

_END_OF_FIELDS = b"\r\n\r\n"
#: Bytes after which an answer is whole, whatever it is.
_ENOUGH_ANSWER = 16384


class TLSClient(Connection):
    """A TLS connection as `SSL_connect` sees it, driven by bytes.

    `clock` gives seconds; `session` is offered with SSL_set_session(3). Raises
    UsageError or FileError when the config itself cannot be carried out. Call
    `release` in the end.
    """

    def __init__(
        self,
        config: ClientConfig,
        session: ResumptionState | None = None,
        *,
        clock: Clock,
        on_message: OnMessage | None = None,
        early_request: bytes | HTTPRequest | None = None,
    ) -> None:
        early = config.early_data if early_request is None else early_request
        offer = ClientOffer(state=session, early_request=early)
        super().__init__(config, offer, clock=clock, on_message=on_message)
        self.close_sent = False
        self._first_bytes = b""
        self._last_direction = ""
        self._counting = True
        self._sent_data = self._got_data = False
        self._expected: bytes | None = None
        self._handle = binding.Handle(self._context(), self._record)
        try:
            self._configure()
        except BaseException:
            self._handle.release()
            raise

    # ------------------------------------------------------------ before it

    def _context(self) -> SSL.Context:
        return context_for(self.config)

    def _configure(self) -> None:
        config, handle = self.config, self._handle
        handle.set_connect_state()
        handle.set_verify(peer=config.verify)
        options = 0
        if config.maximum < _TLS13:
            options |= SSL.OP_NO_TLSv1_3
        if config.minimum > ProtocolVersion.TLSv1_2:
            options |= SSL.OP_NO_TLSv1_2
        if not config.tickets:
            options |= SSL.OP_NO_TICKET
        if not config.extended_master_secret:
            options |= binding.OP_NO_EXTENDED_MASTER_SECRET
        handle.set_options(options)
        if config.server_name:
            if not config.server_name.isascii() or len(config.server_name) > 255:
                raise UsageError(f"{config.server_name!r} cannot be sent as a server name")
            handle.set_server_name(config.server_name)
        if config.verify_name and not (
            config.verify_name.isascii() and handle.set_verify_name(config.verify_name)
        ):
            raise UsageError(f"OpenSSL cannot check a certificate for {config.verify_name!r}")
        if config.groups and not handle.set_groups(config.groups):
            raise UsageError(
                f"OpenSSL knows no group in {config.groups!r}",
                hints=("for example X25519:P-256",),
            )
        if config.alpn and not (
            all(0 < len(name) < 256 and max(name) <= "\xff" for name in config.alpn)
            and handle.set_alpn(config.alpn)
        ):
            raise UsageError(f"OpenSSL refuses the ALPN list {', '.join(config.alpn)}")
        if self.offer.state is not None:
            call, self.set_session, stack = handle.set_session_der(self.offer.state.data)
            if stack is not None:
                self.failure = Broken("openssl", f"{call} failed", stack, step="session")

    # --------------------------------------------------------------- driving

    def start(self) -> None:
        """Send the ClientHello, and early data before it if the session allows any."""
        self._started = self._clock()
        if self.failure is not None:
            return
        early = self.offer.early_request
        if isinstance(early, bytes) and early and self._early_data_allowed(len(early)):
            returned = self._handle.write_early_data(early)
            if returned.error and returned.error != binding.WANT_READ:
                self._break("SSL_write_early_data", returned)
                return
        self._advance()

    def _early_data_allowed(self, size: int) -> bool:
        state = self.offer.state
        return state is not None and (state.fields.max_early_data or 0) >= size

    def receive(self, data: bytes) -> None:
        """Take bytes from the network."""
        if not data:
            return
        self._count("<")
        self.received += len(data)
        if len(self._first_bytes) < 64:
            self._first_bytes += data[: 64 - len(self._first_bytes)]
        self._handle.feed(data)
        self._advance()

    def end(self, cause: EndCause) -> None:
        """Nothing more will come: OpenSSL is told of the end of a stream alone."""
        super().end(cause)
        if cause is EndCause.CLOSED:
            self._handle.feed_eof()
            self._advance()

    def drain(self) -> list[bytes]:
        """The bytes that must be sent now."""
        data = self._handle.drain()
        if data:
            self._count(">")
            self.sent += len(data)
        self._counting = not self.established
        return [data] if data else []

    def send(self, data: bytes) -> None:
        """Send application data; on a connection that broke, do nothing."""
        if not data or self.failure is not None:
            return
        self._sent_data = True
        returned = self._handle.write(data)
        if returned.error:
            self._break("SSL_write", returned)

    def close(self, *, clean: bool = True) -> None:
        """Queue a close_notify; reading goes on until the peer's."""
        if clean and self.established and self.failure is None and not self.close_sent:
            self.close_sent = True
            self._handle.shutdown()

    def release(self) -> None:
        """Let OpenSSL free the connection. What was recorded stays."""
        self._handle.release()

    def _count(self, direction: str) -> None:
        if self._counting and direction != self._last_direction:
            self.flights += 1
            self._last_direction = direction

    def _advance(self) -> None:
        if self.failure is not None or self.peer_closed:
            return
        if not self.established:
            returned = self._handle.do_handshake()
            if returned.error == binding.WANT_READ:
                return
            if returned.error:
                self._break("SSL_do_handshake", returned)
                return
            self.established = True
            self._keep_handshake_session()
        while True:
            returned, data = self._handle.read()
            self._keep_session()
            if not returned.error:
                self._take_data(data)
                continue
            if returned.error == binding.ZERO_RETURN:
                self.peer_closed = True
            elif returned.error != binding.WANT_READ:
                self._break("SSL_read", returned)
            return

    def _take_data(self, data: bytes) -> None:
        self._got_data = True
        if not self.answered:
            # An answer of HTTP/1 is looked at to the end of its fields (RFC 9112 section 2.1).
            seen = len(self.data)
            self.data += data
            self.answered = (
                self.data.find(_END_OF_FIELDS, max(0, seen - 3)) >= 0
                or len(self.data) > _ENOUGH_ANSWER
            )
        else:
            self.data += data
        del self.data[DATA_KEPT:]

    # ------------------------------------------------------------- recording

    def _record(self, sent: bool, content_type: int, message: bytes) -> None:
        at_ms = (self._clock() - self._started) * 1000
        sender = _CLIENT if sent else _SERVER
        if content_type == _ALERT:
            self.recorder.alert(sender, message, at_ms)
        else:
            if not sent and message[:1] == _NEW_SESSION_TICKET:
                self._expect_session(message)
                self.tickets += 1
                if self.first_ticket_at is None:
                    self.first_ticket_at = at_ms
            self.recorder.handshake(sender, message, at_ms, after_data=self._sent_data)
        if self._on_message is not None:
            self._on_message(sender, content_type, message)

    def _expect_session(self, message: bytes) -> None:
        """A TLS 1.3 ticket is about to be taken in: keep the session before it."""
        if self._handle.version() != _TLS13:
            return
        self._keep_session()
        ticket = ticket_of(message)
        if ticket:
            self._expected = ticket

    def _keep_session(self) -> None:
        """Fetch the session of the newest TLS 1.3 ticket, if it was not fetched yet."""
        if self._expected is None:
            return
        der = self._handle.session_der()
        if der is not None and self._expected in der:
            ticket, self._expected = self._expected, None
            if len(self.sessions) < SESSIONS_KEPT:
                # A short one may stand there by chance.
                known = ticket if len(ticket) >= _LONG_TICKET else None
                self.sessions.append(ResumptionState.showing("openssl-der", der, known))

    def _keep_handshake_session(self) -> None:
        """Fetch the session of TLS 1.2, complete with the handshake, if it can resume."""
        if self._handle.version() == _TLS13:
            return
        der = self._handle.session_der()
        if der is not None:
            session = ResumptionState("openssl-der", der)
            # What was resumed can be; reading the fields costs as much as the rest of this.
            if self._handle.session_reused() or session.fields.ticket or session.fields.session_id:
                self.sessions.append(session)

    def _break(self, call: str, returned: binding.Returned) -> None:
        stack = binding.take_errors(call, str(returned))
        broken = self._explain(call, returned, stack)
        self.failure = replace(broken, step=self._step_of(broken))

    def _step_of(self, broken: Broken) -> Literal["handshake", "data"]:
        """What failed. On a connection whose handshake is done here, the server's end may still
        be its answer to that handshake: in TLS 1.3 it judges our last messages after that."""
        if broken.kind == "alert" and self.established:
            early = not self.tickets or broken.alert in _OF_CERTIFICATES
            return "handshake" if early and not self._got_data else "data"
        return self.step if broken.kind == "closed" or not self.established else "data"

    @property
    def step(self) -> Literal["handshake", "data"]:
        """The handshake, too, while a TLS 1.3 server has asked for a client certificate, and
        has said nothing since."""
        waits = (
            not self._got_data
            and not self.tickets
            and self.speaks_tls13
            and self.transcript.certificate_request is not None
        )
        return "data" if self.established and not waits else "handshake"

    def _explain(self, call: str, returned: binding.Returned, stack: ErrorStack) -> Broken:
        # Most connections do not break.
        from tlsresume.transports.openssl.breaks import broken_by

        return broken_by(
            call,
            returned,
            stack,
            transcript=self.recorder.transcript(),
            plain=b"" if not self._first_bytes or self._looks_like_tls() else self._first_bytes,
            established=self.established,
            ended=self.ended,
            verify_result=self._handle.verify_result,
        )

    def _looks_like_tls(self) -> bool:
        return self._first_bytes[0] in _RECORD_TYPES and self._first_bytes[1:2] in (b"", b"\x03")

    # --------------------------------------------------------------- reading

    @property
    def understood(self) -> bool:
        """Whether what came looks like records of TLS."""
        return bool(self._first_bytes) and self._looks_like_tls()

    @property
    def speaks_tls13(self) -> bool:
        """Whether TLS 1.3 was negotiated."""
        return self.version >= _TLS13

    @property
    def version(self) -> int:
        """The negotiated version's number, once there is one (SSL_version(3))."""
        return self._handle.version()

    @property
    def session_reused(self) -> bool | None:
        """SSL_session_reused(3), once the handshake is done."""
        return self._handle.session_reused() if self.established else None

    @property
    def cipher(self) -> str | None:
        """OpenSSL's name of the cipher in use."""
        return self._handle.cipher_name() if self.established else None

    @property
    def group(self) -> str | None:
        """The key exchange group, as OpenSSL names it; None for RSA and pure PSK."""
        return self._handle.group_name() if self.established else None

    @property
    def alpn(self) -> str | None:
        """The protocol that the server selected."""
        return self._handle.alpn_selected() if self.established else None

    @property
    def own_certificate(self) -> bytes | None:
        """The client certificate that this connection can give (DER), if it has one."""
        return self._handle.own_certificate() if self.config.certificate else None

    @property
    def verify_result(self) -> int:
        """X509_V_*; for a resumed connection the value stored in the session."""
        return self._handle.verify_result()

    @property
    def verify_message(self) -> str:
        """OpenSSL's words for it."""
        return binding.verify_message(self.verify_result)

"""One QUIC client connection without IO: datagrams in, datagrams out, everything recorded.

aioquic speaks; what it says of itself is checked by the handshake messages, which are
recorded in clear as they pass. It has no HelloRetryRequest and no ML-KEM groups: where a
server needs one of these, the failure says that this client cannot, and blames nobody.

A certificate is verified here, after the handshake, with OpenSSL's own chain building, so
that a result is known also where a bad one is no reason to stop.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from tlsresume.errors import FileError, UsageError
from tlsresume.sessions import quic_state
from tlsresume.sessions.session import ResumptionState
from tlsresume.tls.buffer import WireError
from tlsresume.tls.handshake import (
    HandshakeType,
    NamedGroup,
    NewSessionTicket13,
    ProtocolVersion,
    cipher_name,
    name_of,
    parse_handshake,
)
from tlsresume.tls.registry import AlertDescription
from tlsresume.tls.transcript import Role
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.facts import DatagramFacts, HTTPRequest
from tlsresume.transports.failures import Broken
from tlsresume.transports.interface import (
    DATA_KEPT,
    SESSIONS_KEPT,
    ClientOffer,
    Connection,
    OnMessage,
)
from tlsresume.transports.openssl.binding import verify_message
from tlsresume.transports.quic import binding
from tlsresume.transports.quic.verification import own_certificate, verify_result

_NEW_SESSION_TICKET = HandshakeType.new_session_ticket
_ALERT, _HANDSHAKE = 21, 22

#: QUIC errors (RFC 9000 section 20.1) whose names help a reader.
_ERROR_NAMES: dict[int, str] = {
    0x1: "INTERNAL_ERROR",
    0x2: "CONNECTION_REFUSED",
    0x3: "FLOW_CONTROL_ERROR",
    0x4: "STREAM_LIMIT_ERROR",
    0x5: "STREAM_STATE_ERROR",
    0x7: "FRAME_ENCODING_ERROR",
    0x8: "TRANSPORT_PARAMETER_ERROR",
    0xA: "PROTOCOL_VIOLATION",
    0xB: "INVALID_TOKEN",
    0xE: "KEY_UPDATE_ERROR",
    0xF: "AEAD_LIMIT_REACHED",
    0x10: "NO_VIABLE_PATH",
    0x11: "VERSION_NEGOTIATION_ERROR",
}

#: HTTP/3's H3_NO_ERROR (RFC 9114 section 8.1).
_H3_NO_ERROR = 0x100

#: What may help against an alert (RFC 8446 section 6.2).
_ALERT_HINTS: dict[int, tuple[str, ...]] = {
    AlertDescription.handshake_failure: (
        "no common cipher or group: aioquic offers no ML-KEM, which a server may demand",
    ),
    AlertDescription.no_application_protocol: (
        "the server refuses the offered protocols: --alpn PROTO",
    ),
    AlertDescription.certificate_required: (
        "the server demands a client certificate: --cert FILE --key FILE",
    ),
}

#: Events of streams that are kept until a request is made.
_EARLY_KEPT = 64


class QUICClient(Connection):
    """A QUIC connection as a client sees it. `clock` gives seconds that only grow.

    `session` is a session of kind "quic"; `token` a NEW_TOKEN to show (None: the one that came
    with the session, if one did). Raises UsageError or FileError where the plan cannot be
    carried out.
    """

    def __init__(
        self,
        plan: ClientConfig,
        session: ResumptionState | None = None,
        *,
        clock: Callable[[], float],
        on_message: OnMessage | None = None,
        token: bytes | None = None,
    ) -> None:
        if token is None:
            token = plan.address_token
        offer = ClientOffer(state=session, address_token=token)
        super().__init__(plan, offer, clock=clock, on_message=on_message)
        self._nonces: list[bytes] = []
        self._h3: Any = None
        self._stream: int | None = None
        self._request: HTTPRequest | bytes | None = None
        self._retransmissions = 0
        self._kept = (0, 0)
        #: What came on streams before HTTP/3 was begun here: settings, and the tables that
        #: later answers refer to (RFC 9204).
        self._early: list[Any] = []
        self._direction = ""
        self._verify_result: int | None = None
        self._alpn: str | None = None
        self._asked = False
        self._keylog = _open_keylog(plan.keylogfile)
        state = quic_state.decode(session.data) if session is not None else None
        if token is None:
            token = bytes.fromhex(state.token or "") if state is not None else b""
        self._token = token
        try:
            self._handle = binding.Handle(
                _settings(plan, self._keylog), self._record, state=state, token=token,
                early_data=False,
            )  # fmt: skip
        except (OSError, ValueError, TypeError) as error:
            self._close_keylog()
            raise UsageError(f"aioquic cannot use these settings: {error}") from error

    # --------------------------------------------------------------- driving

    def start(self) -> None:
        """Make the first flight."""
        self._started = self._clock()
        self._guarded(lambda: self._handle.connect(self._clock()))

    def receive(self, data: bytes) -> None:
        """Take one datagram."""
        self._count("<")
        self.received += len(data)
        if self.failure is None:
            self._guarded(lambda: self._handle.receive(data, self._clock()))

    def drain(self) -> list[bytes]:
        """What must be sent now."""
        found: list[bytes] = []

        def collect() -> None:
            found.extend(self._handle.datagrams(self._clock()))

        self._guarded(collect)
        if found:
            self._count(">")
            self.sent += sum(map(len, found))
        return found

    @property
    def deadline(self) -> float | None:
        """When `on_deadline` is due."""
        return self._handle.timer() if self.failure is None else None

    def on_deadline(self) -> None:
        """Ask again, where an answer is late."""

        def fire() -> None:
            self._retransmissions += self._handle.on_timer(self._clock())

        self._guarded(fire)

    def ask(self, request: HTTPRequest | bytes) -> None:
        """Send a request on a stream of its own, now or when the handshake is done."""
        self._request = request
        self._asked = True
        if self.established and self.failure is None:
            self._guarded(self._send_request)

    def send(self, data: bytes) -> None:
        """Send bytes on a stream of their own."""
        self.ask(data)

    def close(self, *, clean: bool = True) -> None:
        """Queue a CONNECTION_CLOSE."""
        if clean and self.failure is None and not self.peer_closed:
            code = _H3_NO_ERROR if self._h3 is not None else 0
            self._guarded(lambda: self._handle.close(code))

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
            self._keep_tickets()
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
            self._nonces.append(_nonce(message))
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
        elif (
            isinstance(event, events.StreamDataReceived)
            and event.stream_id == self._stream
            and self._h3 is None
        ):
            self._keep(event.data)
            self.answered = self.answered or event.end_stream
        if self._h3 is not None:
            for each in self._h3.handle_event(event):
                self._take_http(each)
        elif isinstance(event, events.StreamDataReceived) and len(self._early) < _EARLY_KEPT:
            self._early.append(event)

    def _take_http(self, event: Any) -> None:
        """An answer of HTTP/3, as its first line and fields look in HTTP/1."""
        from aioquic.h3 import events

        if getattr(event, "stream_id", None) != self._stream:
            return
        if isinstance(event, events.HeadersReceived) and not self.data:
            fields = dict(event.headers)
            lines = [b"HTTP/3 " + fields.pop(b":status", b"000")]
            lines += [name + b": " + value for name, value in fields.items()]
            self._keep(b"\r\n".join(lines) + b"\r\n\r\n")
        elif isinstance(event, events.DataReceived):
            self._keep(event.data)
        if getattr(event, "stream_ended", False):
            self.answered = True

    def _keep(self, data: bytes) -> None:
        self.data += data[: max(0, DATA_KEPT - len(self.data))]

    def _send_request(self) -> None:
        request, self._request = self._request, None
        connection = self._handle.connection
        if isinstance(request, HTTPRequest) and (self._alpn or "").startswith("h3"):
            from aioquic.h3.connection import H3Connection

            self._h3 = H3Connection(connection)
            early, self._early = self._early, []
            for event in early:
                self._h3.handle_event(event)
            self._stream = connection.get_next_available_stream_id()
            self._h3.send_headers(
                self._stream,
                [
                    (b":method", request.method.encode()),
                    (b":scheme", b"https"),
                    (b":authority", request.authority.encode()),
                    (b":path", request.path.encode()),
                    (b"user-agent", request.user_agent.encode()),
                ],
                end_stream=True,
            )
        elif isinstance(request, bytes) and request:
            self._stream = connection.get_next_available_stream_id()
            connection.send_stream_data(self._stream, request, end_stream=True)

    def _keep_tickets(self) -> None:
        """Make sessions of the tickets, anew when one or a NEW_TOKEN has come since: the last
        token goes with each, whichever came first."""
        handle = self._handle
        if (len(handle.tickets), len(handle.tokens)) == self._kept:
            return
        self._kept = (len(handle.tickets), len(handle.tokens))
        token = handle.tokens[-1] if handle.tokens else None
        self.sessions = [
            self._session(ticket, nonce, token)
            for ticket, nonce in zip_longest(
                handle.tickets[:SESSIONS_KEPT], self._nonces[:SESSIONS_KEPT], fillvalue=b""
            )
            if ticket
        ]

    def _session(self, ticket: Any, nonce: bytes, token: bytes | None) -> ResumptionState:
        state = self._handle.state_of(
            ticket,
            alpn=self._alpn,
            server_name=self.config.server_name,
            nonce=nonce,
            peer=self._leaf(),
            token=token,
            verify_result=self.verify_result,
        )
        return ResumptionState("quic", quic_state.encode(state))

    def _leaf(self) -> bytes | None:
        """The server's certificate: of this handshake, or of the one that was resumed."""
        leaf = self.transcript.leaf_certificate
        if leaf is None and self.offer.state is not None:
            return self.offer.state.fields.peer
        return leaf

    # -------------------------------------------------------------- endings

    def _ended(self, end: binding.Terminated) -> None:
        if end.by_peer and self.established and end.code in (0, _H3_NO_ERROR):
            self.peer_closed = True
            return
        alert = end.alert
        if alert is not None and end.by_peer:
            at_ms = (self._clock() - self._started) * 1000
            entry = self.recorder.alert(Role.SERVER, bytes((2, alert)), at_ms)
            if self._on_message is not None:
                self._on_message(Role.SERVER, _ALERT, entry.raw)
        self._fail(self._explain(end, alert))

    def _explain(self, end: binding.Terminated, alert: int | None) -> Broken:
        if self._handle.peer_versions and not self.transcript.server_hello:
            versions = ", ".join(f"0x{version:08x}" for version in self._handle.peer_versions[:8])
            return Broken("not-tls", f"the server speaks no QUIC version of ours, but {versions}")
        retry = self.transcript.hello_retry_request
        if retry is not None and not end.by_peer:
            group = retry.selected_group
            asked = "" if group is None else f" (group {name_of(NamedGroup, group)})"
            return Broken(
                "unsupported",
                f"the server answers with HelloRetryRequest{asked}, which aioquic cannot follow",
            )
        said = f": {end.reason}" if end.reason else ""
        if alert is not None:
            if end.by_peer:
                return Broken(
                    "alert",
                    f"the server sent alert {alert} {_alert_name(alert)}",
                    None,
                    alert,
                    _ALERT_HINTS.get(alert, ()),
                )
            return Broken("openssl", f"aioquic refused the handshake: {_alert_name(alert)}{said}")
        name = _ERROR_NAMES.get(end.code, f"error 0x{end.code:x}")
        if end.by_peer:
            return Broken("closed", f"the server ended the connection with {name}{said}")
        return Broken("openssl", f"aioquic ended the connection with {name}{said}")

    def _verify(self) -> None:
        """Check the certificate; with `plan.verify` a bad one is the end of the connection."""
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


def _settings(plan: ClientConfig, keylog: Any) -> binding.Settings:
    if plan.groups:
        raise UsageError("--groups has no effect on QUIC: aioquic has a list of its own")
    certificate = plan.certificate
    return binding.Settings(
        alpn=plan.alpn,
        server_name=plan.server_name,
        cipher_suites=binding.suite_numbers(plan.ciphersuites),
        certificate=(
            None
            if certificate is None
            else (certificate.certificate, certificate.key, certificate.passphrase)
        ),
        keylog=keylog,
    )


def _open_keylog(path: str | None) -> Any:
    if path is None:
        return None
    try:
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileError(f"cannot write the key log {path}: {reason}", path=path) from None
    return os.fdopen(log, "a", encoding="ascii")


def _nonce(message: bytes) -> bytes:
    """The nonce of a NewSessionTicket, empty where the message is malformed."""
    try:
        parsed = parse_handshake(message, ProtocolVersion.TLSv1_3)
    except WireError:
        return b""
    return parsed.nonce if isinstance(parsed, NewSessionTicket13) else b""


def _alert_name(number: int) -> str:
    return name_of(AlertDescription, number)

"""The door to aioquic's names: with binding_observed.py and binding_server.py the only files that
may touch private ones.

What aioquic does and does not tell: which handshake messages passed, how often a Retry
came, which QUIC version was agreed on, whether the peer or we ended the connection. These
are read here, from names that are no promise of the library's, and handed on as plain
values. `check_available` says in one line what is missing.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any

from tlsresume.errors import BindingError, UsageError
from tlsresume.sessions.quic_state import QUICState
from tlsresume.transports.quic.binding_observed import OnHandshake, observed
from tlsresume.value import Value

#: The first version in which everything used here was found.
NEEDS_AIOQUIC = "1.2"

INSTALL = "pip install 'tlsresume[quic]'"

#: QUIC versions that are offered, by number: 1 (RFC 9000) and 2 (RFC 9369).
VERSION_1, VERSION_2 = 0x00000001, 0x6B3343CF
VERSIONS = (VERSION_1, VERSION_2)

#: RFC 9001 section 4.8: a TLS alert as a QUIC error is 0x100 and the alert's number.
CRYPTO_ERROR = 0x100

#: The TLS 1.3 cipher suites that aioquic can offer (RFC 8446 section B.4), by OpenSSL's name.
SUITES: dict[str, int] = {
    "TLS_AES_256_GCM_SHA384": 0x1302,
    "TLS_AES_128_GCM_SHA256": 0x1301,
    "TLS_CHACHA20_POLY1305_SHA256": 0x1303,
}

#: The address of the peer, for aioquic: the socket is connected, so that there is only one.
_PEER = ("peer", 0)

#: Seconds without a packet after which aioquic gives up; our own deadlines are shorter.
_IDLE_TIMEOUT = 120.0

# What a peer does wrong is told in our words; without a handler Python would print aioquic's.
logging.getLogger("quic").addHandler(logging.NullHandler())

#: Names that are no promise of aioquic's: by class, checked before the first connection.
REQUIRED: dict[str, tuple[str, ...]] = {
    "QuicConnection": (
        "_initialize",
        "_handle_connection_close_frame",
        "_receive_version_negotiation_packet",
        "_receive_retry_packet",
    ),
    "Context": ("handle_message", "session_resumed"),
}


def check_available() -> None:
    """Raise UsageError where aioquic is not installed, BindingError where it is too old."""
    if find_spec("aioquic") is None:
        raise UsageError("QUIC needs the library aioquic, which is not installed", hints=(INSTALL,))
    from aioquic.quic import connection
    from aioquic.tls import Context

    classes = {"QuicConnection": connection.QuicConnection, "Context": Context}
    missing = [
        f"{name}.{attribute}"
        for name, attributes in REQUIRED.items()
        for attribute in attributes
        if not hasattr(classes[name], attribute)
    ]
    if missing:
        raise BindingError(
            f"the installed aioquic lacks {', '.join(missing)}",
            hints=(f"tlsresume needs aioquic {NEEDS_AIOQUIC} or newer: {INSTALL}",),
        )


def suite_numbers(names: str | None) -> tuple[int, ...]:
    """OpenSSL's list of TLS 1.3 suites, as numbers. Raises UsageError."""
    if names is None:
        return ()
    unknown = [name for name in names.split(":") if name not in SUITES]
    if unknown:
        raise UsageError(
            f"aioquic has no cipher suite {', '.join(unknown)}",
            hints=(f"it has {', '.join(SUITES)}",),
        )
    return tuple(SUITES[name] for name in names.split(":"))


class Terminated(Value, frozen=True):
    """How a connection ended: the QUIC error, and who said it."""

    code: int
    reason: str
    by_peer: bool
    in_handshake_layer: bool

    @property
    def alert(self) -> int | None:
        """The TLS alert in the error, if it is one (RFC 9001 section 4.8)."""
        if self.in_handshake_layer and CRYPTO_ERROR <= self.code < CRYPTO_ERROR + 0x100:
            return self.code - CRYPTO_ERROR
        return None


class Settings(Value, frozen=True, kw_only=True):
    """What a QUIC client may offer. `groups` are not a choice: aioquic has its own list."""

    alpn: tuple[str, ...]
    server_name: str | None
    cipher_suites: tuple[int, ...] = ()
    certificate: tuple[str, str, bytes | None] | None = None
    keylog: Any = None
    versions: tuple[int, ...] = VERSIONS


class Handle:
    """One QUIC client connection of aioquic's, sans IO; every time is the caller's clock."""

    def __init__(
        self,
        settings: Settings,
        on_handshake: OnHandshake,
        *,
        state: QUICState | None = None,
        token: bytes = b"",
        early_data: bool = False,
    ) -> None:
        from aioquic.quic.configuration import QuicConfiguration

        configuration = QuicConfiguration(
            is_client=True,
            alpn_protocols=list(settings.alpn) or None,
            # None is not accepted everywhere; an address sends no SNI.
            server_name=settings.server_name or "0.0.0.0",  # noqa: S104 - no listener
            verify_mode=0,  # ssl.CERT_NONE: the certificate is looked at in verification.py
            idle_timeout=_IDLE_TIMEOUT,
            token=token,
            secrets_log_file=settings.keylog,
            supported_versions=list(settings.versions),
        )
        if settings.certificate is not None:
            configuration.load_cert_chain(*settings.certificate)
        suites = settings.cipher_suites
        if state is not None:
            configuration.session_ticket = _ticket(
                state, configuration.server_name or "", early_data=early_data
            )
            # It gives up when a server resumes under another suite of the same hash.
            suites = (state.cipher_suite,)
            configuration.supported_versions = _first(state.quic_version, settings.versions)
        if suites:
            configuration.cipher_suites = _suites(suites)
        self.tickets: list[Any] = []
        self.tokens: list[bytes] = []
        self.retries = 0
        self.peer_versions: tuple[int, ...] = ()
        self._connection = observed(self, configuration, on_handshake)
        self._closed_by_peer = False

    # ---------------------------------------------------------------- driving

    def connect(self, now: float) -> None:
        """Make the first flight."""
        self._connection.connect(_PEER, now=now)

    def receive(self, datagram: bytes, now: float) -> None:
        """Take one datagram."""
        self._connection.receive_datagram(datagram, _PEER, now=now)

    def datagrams(self, now: float) -> list[bytes]:
        """What must be sent now."""
        return [data for data, _ in self._connection.datagrams_to_send(now=now)]

    def timer(self) -> float | None:
        """When `on_timer` must be called, on the caller's clock."""
        at: float | None = self._connection.get_timer()
        return at

    def on_timer(self, now: float) -> bool:
        """A timer is over; whether a probe was sent, as no answer came (RFC 9002 section 6.2)."""
        loss = getattr(self._connection, "_loss", None)
        before = getattr(loss, "_pto_count", 0)
        self._connection.handle_timer(now=now)
        return bool(getattr(loss, "_pto_count", 0) > before)

    def events(self) -> list[Any]:
        """What happened since; see aioquic.quic.events."""
        found = []
        while (event := self._connection.next_event()) is not None:
            found.append(event)
        return found

    def close(self, code: int = 0) -> None:
        """Say CONNECTION_CLOSE."""
        self._connection.close(error_code=code)

    def terminated(self, event: Any) -> Terminated:
        """A ConnectionTerminated event as a value."""
        return Terminated(
            code=event.error_code,
            reason=event.reason_phrase,
            by_peer=self._closed_by_peer,
            in_handshake_layer=event.frame_type is not None,
        )

    # ---------------------------------------------------------------- reading

    @property
    def connection(self) -> Any:
        """Aioquic's own object, for its HTTP/3 layer and its streams."""
        return self._connection

    @property
    def resumed(self) -> bool:
        """Aioquic's own word for it."""
        tls = getattr(self._connection, "tls", None)
        return bool(tls is not None and tls.session_resumed)

    @property
    def early_data_accepted(self) -> bool:
        tls = getattr(self._connection, "tls", None)
        return bool(tls is not None and tls.early_data_accepted)

    @property
    def version(self) -> int | None:
        """The QUIC version in use."""
        version: int | None = getattr(self._connection, "_version", None)
        return version

    @property
    def cipher_suite(self) -> int | None:
        schedule = getattr(getattr(self._connection, "tls", None), "key_schedule", None)
        return None if schedule is None else int(schedule.cipher_suite)

    def state_of(
        self, ticket: Any, *, alpn: str | None, server_name: str | None, nonce: bytes,
        peer: bytes | None, token: bytes | None, verify_result: int,
    ) -> QUICState:  # fmt: skip
        """One of `tickets` as a record."""
        lifetime = ticket.not_valid_after - ticket.not_valid_before
        return QUICState(
            quic_version=self.version or VERSION_1,
            cipher_suite=int(ticket.cipher_suite),
            secret=ticket.resumption_secret.hex(),
            ticket=ticket.ticket.hex(),
            issued=ticket.not_valid_before.timestamp(),
            lifetime=round(lifetime.total_seconds()),
            age_add=ticket.age_add,
            max_early_data=ticket.max_early_data_size,
            extensions=tuple((kind, body.hex()) for kind, body in ticket.other_extensions),
            server_name=server_name,
            alpn=alpn,
            nonce=nonce.hex(),
            peer=None if peer is None else peer.hex(),
            token=None if token is None else token.hex(),
            verify_result=verify_result,
        )

    def told_closed(self) -> None:
        """The peer ended the connection, before we did."""
        self._closed_by_peer = True


def _first(version: int, versions: tuple[int, ...]) -> list[int]:
    """The versions, the ticket's own first: a ticket is bound to its version."""
    return [version, *(each for each in versions if each != version)]


def _suites(numbers: tuple[int, ...]) -> list[Any]:
    from aioquic.tls import CipherSuite

    return [CipherSuite(number) for number in numbers]


def _ticket(state: QUICState, server_name: str, *, early_data: bool) -> Any:
    """Aioquic's own form of a record. It offers nothing under another name than the ticket's,
    and announces early data wherever a ticket allows it, also with nothing to send."""
    from aioquic.tls import CipherSuite, SessionTicket

    issued = datetime.fromtimestamp(state.issued, UTC)
    ticket = SessionTicket(
        age_add=state.age_add,
        cipher_suite=CipherSuite(state.cipher_suite),
        not_valid_before=issued,
        not_valid_after=issued + timedelta(seconds=state.lifetime),
        resumption_secret=state.secret_bytes,
        server_name=server_name,
        ticket=state.ticket_bytes,
        max_early_data_size=state.max_early_data,
        other_extensions=[(kind, bytes.fromhex(body)) for kind, body in state.extensions],
    )
    return ticket if early_data else replace(ticket, max_early_data_size=None)

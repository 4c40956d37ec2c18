"""The server's side of aioquic: the only file beside binding.py that touches its private names.

What a server of known behaviour needs, and aioquic's does not offer: its handshake messages in
clear, tickets of a chosen lifetime at a chosen time, and who ended the connection. So aioquic
is given no ticket handler: its own tickets all have one lifetime and allow early data.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tlsresume.errors import BindingError
from tlsresume.transports.quic.binding import (
    INSTALL,
    NEEDS_AIOQUIC,
    Terminated,
    check_available,
)
from tlsresume.transports.quic.binding_observed import OnHandshake, watch
from tlsresume.value import Value

#: RFC 9001 section 4.6.1: the only limit of early data that a QUIC ticket may state.
MAX_EARLY_DATA = 0xFFFFFFFF
#: Bytes that one connection may have under way.
_WINDOW = 65_536
#: RFC 9114 section 7.2.6.
_GOAWAY = 0x07
_TICKET_SIZE = 64

#: Names that are no promise of aioquic's: by class, checked before a server starts.
REQUIRED: dict[str, tuple[str, ...]] = {
    "QuicConnection": (
        "_initialize",
        "_handle_connection_close_frame",
        "_parse_transport_parameters",
    ),
    "Context": ("_build_session_ticket", "handle_message", "session_resumed"),
}

#: An identity offered in a pre_shared_key extension, to the ticket it names, or None.
Fetch = Callable[[bytes], Any]


def check_server_available() -> None:
    """Raise UsageError where aioquic is not installed, BindingError where it is too old."""
    check_available()
    from aioquic.quic.connection import QuicConnection
    from aioquic.tls import Context

    classes = {"QuicConnection": QuicConnection, "Context": Context}
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


def server_configuration(
    certificate_pem: bytes,
    key_pem: bytes,
    alpn: tuple[str, ...],
    *,
    versions: tuple[int, ...],
    idle: float,
) -> Any:
    """What connections of a server share. `certificate_pem` holds the chain, the leaf first;
    `versions` are QUIC's, by number, the preferred one first; `idle`: seconds after which a silent
    client is given up."""
    from aioquic.quic.configuration import QuicConfiguration
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    configuration = QuicConfiguration(
        is_client=False,
        alpn_protocols=list(alpn),
        supported_versions=list(versions),
        idle_timeout=idle,
        max_data=_WINDOW,
        max_stream_data=_WINDOW,
    )
    leaf, *chain = x509.load_pem_x509_certificates(certificate_pem)
    configuration.certificate = leaf
    configuration.certificate_chain = chain
    configuration.private_key = load_pem_private_key(key_pem, None)
    return configuration


class Header(Value, frozen=True, kw_only=True):
    """What a datagram says before anything is decrypted (RFC 8999). `starts`: it may be the
    first of a connection; `foreign`: its QUIC version is none of ours."""

    destination: bytes
    source: bytes
    version: int | None
    token: bytes
    starts: bool
    foreign: bool


#: RFC 9000 section 14.1: a client's first datagram is no smaller.
_SMALLEST_FIRST = 1200


def read_header(data: bytes, configuration: Any) -> Header | None:
    """The header of a datagram's first packet; None for what is no QUIC."""
    from aioquic.buffer import Buffer  # type: ignore[attr-defined]  # it re-exports it
    from aioquic.quic.packet import QuicPacketType, pull_quic_header

    try:
        header = pull_quic_header(
            Buffer(data=data), host_cid_length=configuration.connection_id_length
        )
    except ValueError:
        return None
    if header.packet_type == QuicPacketType.VERSION_NEGOTIATION:
        return None  # an answer to it could go back and forth for ever
    known = header.version is None or header.version in configuration.supported_versions
    large = len(data) >= _SMALLEST_FIRST
    return Header(
        destination=header.destination_cid,
        source=header.source_cid,
        version=header.version,
        token=header.token or b"",
        starts=known and large and header.packet_type == QuicPacketType.INITIAL,
        foreign=not known and large,
    )


def version_negotiation(header: Header, configuration: Any) -> bytes:
    """The answer to a QUIC version that is not ours (RFC 9000 section 6)."""
    from aioquic.quic.packet import encode_quic_version_negotiation

    return encode_quic_version_negotiation(
        source_cid=header.destination,
        destination_cid=header.source,
        supported_versions=configuration.supported_versions,
    )


#: Seconds that a client has to return the token of a Retry.
_TOKEN_LIFETIME = 30.0
_MAC_SIZE = 32


class Retries:
    """Retry (RFC 9000 section 8.1.2): a client has to show that its address is its own before
    anything is kept of it. A token is a MAC, the time in milliseconds, and the connection ID that
    the client began with; aioquic's own tokens have another interface in each release."""

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def _mac(self, address: tuple[str, int], chosen: bytes, rest: bytes) -> bytes:
        said = repr((address, chosen, rest)).encode()
        return hmac.digest(self._key, said, "sha256")

    def ask(self, header: Header, address: tuple[str, int], now: float) -> bytes:
        """The Retry packet to send."""
        from aioquic.quic.packet import encode_quic_retry

        chosen = os.urandom(8)
        rest = int(now * 1000).to_bytes(8, "big") + header.destination
        return encode_quic_retry(
            version=header.version or 0,
            source_cid=chosen,
            destination_cid=header.source,
            original_destination_cid=header.destination,
            retry_token=self._mac(address, chosen, rest) + rest,
        )

    def original(self, header: Header, address: tuple[str, int], now: float) -> bytes | None:
        """The connection ID that the client began with, by the token that it returns; None
        where it returns none of ours, or too late."""
        mac, rest = header.token[:_MAC_SIZE], header.token[_MAC_SIZE:]
        if not hmac.compare_digest(mac, self._mac(address, header.destination, rest)):
            return None
        if now - int.from_bytes(rest[:8], "big") / 1000 > _TOKEN_LIFETIME:
            return None
        return rest[8:]


class ServerHandle:
    """One connection of aioquic's server, sans IO; every time is the caller's clock.

    `original`: the connection ID that the client chose; `retried`: the one that it was given by
    a Retry. `on_handshake` is told each handshake message. Without `early_data` it is rejected.
    """

    def __init__(
        self,
        configuration: Any,
        on_handshake: OnHandshake,
        fetch: Fetch,
        *,
        early_data: bool,
        original: bytes,
        retried: bytes | None = None,
    ) -> None:
        self.takes_early_data = early_data
        self._on_handshake = on_handshake
        self._closed_by_peer = False
        self._connection = _observed(self, configuration, fetch, original=original, retried=retried)

    def receive(self, data: bytes, source: Any, now: float) -> None:
        """Take one datagram."""
        self._connection.receive_datagram(data, source, now=now)

    def datagrams(self, now: float) -> list[tuple[bytes, Any]]:
        """What must be sent now, and whereto."""
        found: list[tuple[bytes, Any]] = self._connection.datagrams_to_send(now=now)
        return found

    def timer(self) -> float | None:
        """When `on_timer` must be called."""
        at: float | None = self._connection.get_timer()
        return at

    def on_timer(self, now: float) -> None:
        """A timer is over."""
        self._connection.handle_timer(now=now)

    def events(self) -> list[Any]:
        """What happened since; see aioquic.quic.events."""
        found = []
        while (event := self._connection.next_event()) is not None:
            found.append(event)
        return found

    def give_ticket(self, *, lifetime: int, early_data: bool) -> Any:
        """Send a NewSessionTicket, and return what fetching it must give; None for a client
        that can use none. To be called once the handshake is done."""
        from aioquic.buffer import Buffer  # type: ignore[attr-defined]  # it re-exports it
        from aioquic.tls import Epoch, NewSessionTicket, push_new_session_ticket

        context = self._connection.tls
        if context._psk_key_exchange_mode is None:
            return None
        message = NewSessionTicket(
            ticket_lifetime=lifetime,
            ticket_age_add=int.from_bytes(os.urandom(4), "big"),
            ticket_nonce=b"",
            ticket=os.urandom(_TICKET_SIZE),
            max_early_data_size=MAX_EARLY_DATA if early_data else None,
        )
        buffer = Buffer(capacity=512)
        push_new_session_ticket(buffer, message)
        self._connection._crypto_streams[Epoch.ONE_RTT].sender.write(buffer.data)
        self._on_handshake(True, bytes(buffer.data))
        ticket = context._build_session_ticket(message, context.handshake_extensions)
        # A client may hold a ticket that is about to end; whether it should have is not ours.
        ticket.not_valid_after += timedelta(seconds=1)
        return ticket

    def go_away(self, h3: Any, after: int) -> None:
        """Say GOAWAY (RFC 9114 section 5.2): no requests beyond that stream."""
        from aioquic.buffer import encode_uint_var
        from aioquic.h3.connection import encode_frame

        stream = h3._local_control_stream_id
        frame = encode_frame(_GOAWAY, encode_uint_var(after + 4))
        self._connection.send_stream_data(stream, frame)

    def close(self, code: int) -> None:
        """Say CONNECTION_CLOSE."""
        self._connection.close(error_code=code)

    @property
    def connection(self) -> Any:
        """Aioquic's own object, for its HTTP/3 layer and its streams."""
        return self._connection

    @property
    def ended(self) -> Terminated | None:
        """How the connection ends, as soon as that is known."""
        event = self._connection._close_event
        if event is None:
            return None
        return Terminated(
            code=event.error_code,
            reason=event.reason_phrase,
            by_peer=self._closed_by_peer,
            in_handshake_layer=event.frame_type is not None,
        )

    @property
    def resumed(self) -> bool:
        """Aioquic's own word for it."""
        tls = getattr(self._connection, "tls", None)
        return bool(tls is not None and tls.session_resumed)

    @property
    def early_data_accepted(self) -> bool:
        """Whether early data was, or would have been."""
        tls = getattr(self._connection, "tls", None)
        return bool(tls is not None and tls.early_data_accepted)

    def told_closed(self) -> None:
        """The client ended the connection, before we did."""
        self._closed_by_peer = True


def _observed(
    handle: ServerHandle,
    configuration: Any,
    fetch: Fetch,
    *,
    original: bytes,
    retried: bytes | None,
) -> Any:
    """A QuicConnection whose handshake messages and close are told, and that prefers QUIC versions
    in the order of its configuration, where aioquic's goes by the client's (RFC 9368 section 2.3
    leaves it to the server)."""
    from aioquic.quic.connection import QuicConnection

    class Observed(QuicConnection):
        """Its TLS context is made with the client's first packet."""

        def _initialize(self, peer_cid: bytes) -> None:
            super()._initialize(peer_cid)
            watch(self.tls, handle._on_handshake)
            if not handle.takes_early_data:
                _reject_early_data(self.tls)

        def _parse_transport_parameters(self, *arguments: Any, **named: Any) -> None:
            super()._parse_transport_parameters(*arguments, **named)
            theirs = self._remote_version_information
            if theirs is not None:
                ours = self._configuration.supported_versions
                both = [version for version in ours if version in theirs.available_versions]
                self._remote_version_information = replace(theirs, available_versions=both)

        def _handle_connection_close_frame(self, context: Any, frame_type: int, buf: Any) -> None:
            if self._close_event is None:
                handle.told_closed()
            super()._handle_connection_close_frame(context, frame_type, buf)

    return Observed(
        configuration=configuration,
        original_destination_connection_id=original,
        retry_source_connection_id=retried,
        session_ticket_fetcher=fetch,
    )


def _reject_early_data(context: Any) -> None:
    """Have early data rejected, which aioquic's server otherwise accepts from whoever sends it:
    the answer does not accept it, and there is no key to read it with."""
    from aioquic.tls import Direction, Epoch

    class Rejecting(type(context)):  # type: ignore[misc]  # it is aioquic's Context
        """aioquic assigns True to this."""

        early_data_accepted = property(lambda _: False, lambda _, __: None)

    context.__class__ = Rejecting
    update = context.update_traffic_key_cb

    def updated(direction: Any, epoch: Any, *rest: Any) -> None:
        if (direction, epoch) != (Direction.DECRYPT, Epoch.ZERO_RTT):
            update(direction, epoch, *rest)

    context.update_traffic_key_cb = updated

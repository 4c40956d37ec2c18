"""The first flight of a TLS connection over TCP; what it is for stands at `Flight`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from tlsresume.openssl.client import TLSClient
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.interface import ClientOffer, Clock, Flight, OnMessage
from tlsresume.wire.records import Malformed, take_messages, take_records
from tlsresume.wire.registry import ContentType
from tlsresume.wire.transcript import Recorder, Role, Transcript

#: Level and description (RFC 8446 section 6); an alert that is encrypted is longer.
_ALERT_IN_CLEAR = 2


class FirstFlight(Flight):
    """A ClientHello, and early data where the session allows it. Raises what `TLSClient` raises."""

    def __init__(self, config: ClientConfig, offer: ClientOffer, *, clock: Clock) -> None:
        if offer.state is None:
            raise ValueError("early data needs a session")
        self._told: list[tuple[Role, int, bytes]] = []
        self.config = config
        self.session = offer.state
        self._client = TLSClient(
            config,
            offer.state,
            clock=clock,
            on_message=self._keep,
            early_request=offer.early_request,
        )
        self._client.start()
        self.data = self._client.drain()
        self.early = self._client.transcript.early_data_offered

    def _keep(self, sender: Role, content_type: int, message: bytes) -> None:
        self._told.append((sender, content_type, message))

    def go_on(self, on_message: OnMessage | None) -> TLSClient:
        """The client, for the connection on which the flight is sent now; to be called once."""
        self._client.sent_now(on_message)
        if on_message is not None:
            for told in self._told:
                on_message(*told)
        return self._client

    def in_clear(self, received: Sequence[bytes]) -> Transcript:
        """The messages that each side's first records hold in clear; a peer's may be anything."""
        recorder = Recorder()
        for sender, data in ((Role.CLIENT, self.data), (Role.SERVER, received)):
            messages = bytearray()
            with contextlib.suppress(Malformed):
                for header, body in take_records(bytearray(b"".join(data))):
                    if header[0] == ContentType.alert and len(body) == _ALERT_IN_CLEAR:
                        recorder.alert(sender, body, 0.0)
                    elif header[0] == ContentType.handshake:
                        messages += body
                    elif header[0] == ContentType.application_data:
                        break
            with contextlib.suppress(Malformed):
                for message in take_messages(messages):
                    recorder.handshake(sender, message, 0.0)
        return recorder.transcript()

    def release(self) -> None:
        """Let OpenSSL free the client. Safe to call twice."""
        self._client.release()

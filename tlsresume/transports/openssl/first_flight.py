"""The first flight of a TLS connection over TCP: a ClientHello, and early data behind it.

What it is for is said at `Flight` in transports/interface.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from tlsresume.tls.recorder import Recorder
from tlsresume.tls.records import Malformed, take_messages, take_records
from tlsresume.tls.registry import ContentType
from tlsresume.tls.transcript import Role, Transcript
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.interface import ClientOffer, Clock, Flight
from tlsresume.transports.openssl.client import TLSClient

#: Level and description (RFC 8446 section 6); an alert that is encrypted is longer.
_ALERT_IN_CLEAR = 2


class FirstFlight(Flight):
    """A ClientHello, and early data where the session allows it. Raises what `TLSClient` raises."""

    def __init__(self, config: ClientConfig, offer: ClientOffer, *, clock: Clock) -> None:
        super().__init__(config, offer)
        client = self._client = TLSClient(
            config,
            self.session,
            clock=clock,
            on_message=self._keep,
            early_request=offer.early_request,
        )
        client.start()
        self.data = client.drain()
        self.early = client.transcript.early_data_offered

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

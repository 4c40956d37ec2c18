"""The transports that there are, by name: what each can do, and which client it opens.

A library is imported with the first connection that needs it.
"""

from __future__ import annotations

from tlsresume.protocols.schemes import Transport as TransportName
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.interface import (
    Capabilities,
    ClientOffer,
    Clock,
    Connection,
    Flight,
    OnMessage,
    Transport,
)


def _started(client: Connection) -> Connection:
    """The client, with its first flight made; what `on_message` raises of it comes out."""
    try:
        client.start()
    except BaseException:
        client.release()
        raise
    return client


class _TLS(Transport):
    """OpenSSL over TCP."""

    name = "tcp"
    protocol = "TLS"
    stream = True
    capabilities = Capabilities(
        session_ids=True, tickets=True, early_data=True, unclean_close=True, groups=True
    )

    def open(
        self,
        config: ClientConfig,
        offer: ClientOffer,
        *,
        clock: Clock,
        on_message: OnMessage | None = None,
    ) -> Connection:
        from tlsresume.transports.openssl.client import TLSClient

        client = TLSClient(
            config,
            offer.state,
            clock=clock,
            on_message=on_message,
            early_request=offer.early_request,
        )
        return _started(client)

    def first_flight(self, config: ClientConfig, offer: ClientOffer, *, clock: Clock) -> Flight:
        from tlsresume.transports.openssl.first_flight import FirstFlight

        return FirstFlight(config, offer, clock=clock)


class _DTLS(Transport):
    """OpenSSL's DTLS 1.2. It has neither early data nor an end of a stream."""

    name = "dtls"
    protocol = "DTLS"
    stream = False
    capabilities = Capabilities(
        session_ids=True, tickets=True, early_data=False, unclean_close=True, groups=True
    )

    def open(
        self,
        config: ClientConfig,
        offer: ClientOffer,
        *,
        clock: Clock,
        on_message: OnMessage | None = None,
    ) -> Connection:
        from tlsresume.transports.openssl.dtls import DTLSClient

        client = DTLSClient(config, offer.state, clock=clock, on_message=on_message)
        return _started(client)


class _QUIC(Transport):
    """aioquic. It has a list of groups of its own."""

    name = "quic"
    protocol = "QUIC"
    stream = False
    capabilities = Capabilities(
        session_ids=False, tickets=True, early_data=True, unclean_close=True, groups=False
    )

    def open(
        self,
        config: ClientConfig,
        offer: ClientOffer,
        *,
        clock: Clock,
        on_message: OnMessage | None = None,
    ) -> Connection:
        from tlsresume.transports.quic.client import QUICClient

        client = QUICClient(
            config,
            offer.state,
            clock=clock,
            on_message=on_message,
            token=offer.address_token,
            early_request=offer.early_request,
        )
        return _started(client)

    def first_flight(self, config: ClientConfig, offer: ClientOffer, *, clock: Clock) -> Flight:
        from tlsresume.transports.quic.first_flight import QUICFirstFlight

        return QUICFirstFlight(config, offer, clock=clock)


TRANSPORTS: dict[TransportName, Transport] = {
    each.name: each for each in (_TLS(), _DTLS(), _QUIC())
}

"""Which client a transport over datagrams has."""

from __future__ import annotations

import time
from collections.abc import Callable

from tlsresume.protocols import Transport
from tlsresume.session.session import Session
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.dtls import DTLSClient
from tlsresume.transports.interface import DatagramConnection, OnMessage

MakeClient = Callable[[ClientConfig, Session | None], DatagramConnection]


def client_maker(transport: Transport, on_message: OnMessage | None = None) -> MakeClient:
    """Makes clients of QUIC or DTLS, by the system's monotonic clock. aioquic is imported with
    the first of QUIC."""
    if transport == "dtls":
        return lambda plan, session: DTLSClient(
            plan, session, clock=time.monotonic, on_message=on_message
        )
    from tlsresume.transports.quic.client import QUICClient

    return lambda plan, session: QUICClient(
        plan, session, clock=time.monotonic, on_message=on_message
    )

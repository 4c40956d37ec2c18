"""The first flight of a TLS connection, made before there is a connection to send it on.

A flight that carries early data can be sent more than once, as an attacker would: its bytes
are taken here, and the client that made them is the only one that can decrypt the answer. So
a copy goes out on a plain socket (`Lab.present`), and the same bytes go out again on the
connection that this client goes on with (`Errand.flight`).
"""

from __future__ import annotations

from collections.abc import Callable

from tlsresume.openssl.client import TLSClient
from tlsresume.session.session import Session
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.interface import OnMessage
from tlsresume.wire.transcript import Role


class FirstFlight:
    """A ClientHello, and the plan's early data where the session allows it.

    `data` are its records, `early` says whether early data is among them. Raises what
    `TLSClient` raises. Call `release` in the end, also where the flight was never sent.
    """

    def __init__(self, plan: ClientConfig, session: Session, *, clock: Callable[[], float]) -> None:
        self._told: list[tuple[Role, int, bytes]] = []
        self.plan = plan
        self.session = session
        self._client = TLSClient(plan, session, clock=clock, on_message=self._keep)
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

    def release(self) -> None:
        """Let OpenSSL free the client. Safe to call twice."""
        self._client.release()

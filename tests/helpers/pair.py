"""A TLSClient and a server's side in memory: handshakes without sockets or time."""

from __future__ import annotations

from typing import Any, Self

from tests.helpers import certificates
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.contexts import Identity
from tlsresume.server.sides import Side, Sides
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.interface import OnMessage
from tlsresume.transports.openssl.client import TLSClient

VERSIONS = {"1.2": ProtocolVersion.TLSv1_2, "1.3": ProtocolVersion.TLSv1_3}


def config_for(version: str, **parts: Any) -> ClientConfig:
    """A plan for exactly one version, that checks for localhost."""
    parts = {"server_name": "localhost", "verify_name": "localhost", **parts}
    return ClientConfig(minimum=VERSIONS[version], maximum=VERSIONS[version], **parts)


class Tick:
    """A clock that advances a millisecond each time it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


class ConnectionPair:
    """One connection between a TLSClient and one side of a server.

    `run` carries bytes until neither has more to say; `chunk` is how many of them the
    client gets at a time. `close` says close_notify both ways. Use as a context manager.
    """

    def __init__(
        self,
        sides: Sides,
        config: ClientConfig,
        session: Session | None = None,
        *,
        chunk: int | None = None,
        on_message: OnMessage | None = None,
    ) -> None:
        self.side: Side = sides.new()
        self.received = b""
        self._chunk = chunk
        self.client = TLSClient(config, session, clock=Tick(), on_message=on_message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.release()

    def start(self) -> Self:
        self.client.start()
        return self.run()

    def run(self) -> Self:
        while True:
            to_server = b"".join(self.client.drain())
            if to_server and not self.side.error:
                self.received += self.side.feed(to_server)
            to_client = self.side.drain()
            step = self._chunk or max(1, len(to_client))
            for at in range(0, len(to_client), step):
                self.client.receive(to_client[at : at + step])
            if not to_server and not to_client:
                return self

    def close(self) -> Self:
        self.client.close()
        self.run()
        self.side.shutdown()
        return self.run()


class Peer:
    """A server in memory: the Contexts that several pairs share, and so can resume with."""

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        identity: Identity | None = None,
        **knobs: Any,
    ) -> None:
        self.sides = Sides(behaviour or Behaviour(**knobs), identity or certificates.localhost())

    def connect(
        self, config: ClientConfig, session: Session | None = None, **how: Any
    ) -> TLSClient:
        """A connection from start to clean end; the client can still be read."""
        with ConnectionPair(self.sides, config, session, **how) as pair:
            return pair.start().close().client

    def pair(
        self, config: ClientConfig, session: Session | None = None, **how: Any
    ) -> ConnectionPair:
        return ConnectionPair(self.sides, config, session, **how)

"""Handshakes of OpenSSL in memory, recorded as the packets that they would have been.

The peers are the project's client and the server's side that other tests use, so what is
expected of a capture is what the client itself says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.features.capture.packets import Conversation, Frame
from tests.helpers.pair import ConnectionPair, Peer, config_for
from tlsresume.transports.openssl.client import TLSClient


class Recorded(ConnectionPair):
    """A pair whose bytes both ways go into a conversation."""

    def record(self, conversation: Conversation) -> TLSClient:
        self.client.start()
        self.carry(conversation)
        self.client.close()
        self.carry(conversation)
        self.side.shutdown()
        self.carry(conversation)
        return self.client

    def carry(self, conversation: Conversation) -> None:
        while True:
            to_server = b"".join(self.client.drain())
            if to_server:
                conversation.say(0, to_server)
                self.received += self.side.feed(to_server)
            to_client = self.side.drain()
            if to_client:
                conversation.say(1, to_client)
                self.client.receive(to_client)
            if not to_server and not to_client:
                return


class Talk:
    """Connections of one client address with one server; `frames` are all packets so far."""

    def __init__(self, peer: Peer | None = None, **knobs: Any) -> None:
        self.peer = peer or Peer(**knobs)
        self.frames: list[Frame] = []
        self.port = 40000
        self.last_secrets: list[bytes] = []

    def connect(
        self,
        version: str,
        session: Any = None,
        *,
        prelude: list[tuple[int, bytes]] | None = None,
        peer: Peer | None = None,
        config: dict[str, Any] | None = None,
        **parts: Any,
    ) -> TLSClient:
        """One connection, from SYN to FIN; `prelude` is said in clear before."""
        self.port += 1
        last = self.frames[-1].time + 10**9 if self.frames else None
        settings = {"client": ("192.0.2.1", self.port), **parts}
        if last is not None:
            settings.setdefault("time", last)
        conversation = Conversation(**settings).open()
        for sender, data in prelude or ():
            conversation.say(sender, data)
        sides = (peer or self.peer).sides
        whole = replace(config_for(version), **(config or {}))
        with Recorded(sides, whole, session) as pair:
            client = pair.record(conversation)
        conversation.close()
        self.frames += conversation.frames
        return client

    def twice(self, version: str, **how: Any) -> TLSClient:
        """A full connection, then one that offers its session."""
        first = self.connect(version, **how)
        return self.connect(version, first.sessions[-1], **how)

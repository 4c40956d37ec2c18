"""A QUIC client of ours and a server of aioquic's, without sockets, on a virtual clock.

The path between them can lose, repeat, reorder or replace datagrams: `path` maps each
datagram and its number, from 1, to those that arrive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import trustme
from aioquic.buffer import Buffer  # type: ignore[attr-defined]  # it is public by its docs
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import pull_quic_header

from tlsresume.sessions.session import Session
from tlsresume.transports.config import ClientConfig, Trust
from tlsresume.transports.facts import HTTPRequest
from tlsresume.transports.quic.client import QUICClient

#: From the sender ("client", "server"), the number of the datagram, and its bytes.
Through = Callable[[str, int, bytes], list[bytes]]

NAME = "localhost"
REQUEST = HTTPRequest(authority=NAME, user_agent="tests")


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def identity() -> tuple[str, str]:
    """Certificate and key as PEM."""
    leaf = authority().issue_cert(NAME)
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return chain.decode(), leaf.private_key_pem.bytes().decode()


def lossless(_sender: str, _number: int, datagram: bytes) -> list[bytes]:
    return [datagram]


class ServerEnd:
    """One server connection; `tickets` are shared by those that can resume each other's."""

    def __init__(self, tickets: dict[bytes, Any], **settings: Any) -> None:
        self._tickets = tickets
        self._settings = settings
        self.connection: QuicConnection | None = None
        self._h3: H3Connection | None = None

    def receive(self, datagram: bytes, now: float) -> None:
        if self.connection is None:
            header = pull_quic_header(Buffer(data=datagram), host_cid_length=8)
            self.connection = QuicConnection(
                configuration=self._configuration(),
                original_destination_connection_id=header.destination_cid,
                session_ticket_fetcher=self._tickets.get,
                session_ticket_handler=lambda t: self._tickets.__setitem__(t.ticket, t),
            )
        self.connection.receive_datagram(datagram, ("client", 1), now=now)
        while (event := self.connection.next_event()) is not None:
            if self._h3 is None:
                self._h3 = H3Connection(self.connection)
            for each in self._h3.handle_event(event):
                if isinstance(each, HeadersReceived):
                    answer = [(b":status", b"204"), (b"server", b"tests")]
                    self._h3.send_headers(each.stream_id, answer, end_stream=True)

    def _configuration(self) -> QuicConfiguration:
        settings: Any = {"is_client": False, "alpn_protocols": H3_ALPN} | self._settings
        configuration = QuicConfiguration(**settings)
        with TemporaryDirectory() as folder:
            certificate, key = Path(folder, "c"), Path(folder, "k")
            certificate.write_text(identity()[0])
            key.write_text(identity()[1])
            configuration.load_cert_chain(certificate, key)
        return configuration

    def datagrams(self, now: float) -> list[bytes]:
        if self.connection is None:
            return []
        return [data for data, _ in self.connection.datagrams_to_send(now=now)]

    @property
    def timer(self) -> float | None:
        return self.connection.get_timer() if self.connection else None

    def on_timer(self, now: float) -> None:
        assert self.connection is not None
        self.connection.handle_timer(now=now)


@dataclass
class QUICPair:
    """Runs one connection after the other; `now` is the virtual time in seconds."""

    tickets: dict[bytes, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    now: float = 1000.0

    def config(self, folder: Path, **parts: Any) -> ClientConfig:
        """A plan that trusts the server's CA."""
        cafile = folder / "ca.pem"
        authority().cert_pem.write_to_path(str(cafile))
        given: dict[str, Any] = {
            "server_name": NAME,
            "verify_name": NAME,
            "verify": True,
            "alpn": ("h3",),
            "trust": Trust(str(cafile)),
        }
        return ClientConfig(**(given | parts))

    def run(
        self,
        config: ClientConfig,
        session: Session | None = None,
        *,
        token: bytes = b"",
        path: Through = lossless,
        seconds: float = 10.0,
        server: Any = None,
    ) -> QUICClient:
        """One connection with a request, until it is answered, broke, or time is up."""
        client = QUICClient(config, session, clock=lambda: self.now, token=token)
        end = server or ServerEnd(self.tickets, **self.settings)
        until = self.now + seconds
        counts = {"client": 0, "server": 0}

        def through(sender: str, datagrams: list[bytes]) -> list[bytes]:
            arrived = []
            for datagram in datagrams:
                counts[sender] += 1
                arrived += path(sender, counts[sender], datagram)
            return arrived

        client.ask(REQUEST)
        client.start()
        while self.now < until and not client.failure and not client.answered:
            ours = client.drain()
            for datagram in through("client", ours):
                end.receive(datagram, self.now)
            theirs = end.datagrams(self.now)
            for datagram in through("server", theirs):
                client.receive(datagram)
            if ours or theirs:
                continue
            timers = [at for at in (client.deadline, end.timer) if at is not None]
            self.now = max(self.now + 0.001, min([*timers, until]))
            if client.deadline is not None and client.deadline <= self.now:
                client.on_deadline()
            if end.timer is not None and end.timer <= self.now:
                end.on_timer(self.now)
        client.close()
        client.drain()
        client.release()
        return client

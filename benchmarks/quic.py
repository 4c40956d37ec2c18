"""QUIC: CPU of a connection beside aioquic alone, and a whole probe over 50 ms there and back.

`make bench` asks for `connections`; `python -m benchmarks.quic` prints that and the whole probe.
Both ends of the connections are in this process, so the CPU is that of client and server together.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tlsresume.options import ConnectOptions, ProbeOptions
from tlsresume.runs.probe import probe
from tlsresume.server.contexts import self_signed
from tlsresume.server.datagrams import DatagramServer, Side
from tlsresume.server.quic import QUICService
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.quic.client import QUICClient

CONNECTIONS = 20
TURNS = 5
ONE_WAY = 0.025


def cpu_of(connect: Callable[[], object]) -> float:
    """Milliseconds of CPU of one connection, on average."""
    connect()
    began = time.process_time()
    for _ in range(CONNECTIONS):
        connect()
    return (time.process_time() - began) / CONNECTIONS * 1000


def ours(service: QUICService, session: Session | None = None) -> QUICClient:
    """A handshake of our client with a server of its own."""
    config = ClientConfig(minimum=ProtocolVersion.TLSv1_3, server_name="localhost", alpn=("h3",))
    client, server = QUICClient(config, session, clock=time.monotonic), service.side()
    client.start()
    while not client.sessions and client.failure is None:
        for datagram in client.drain():
            server.receive(datagram, time.monotonic())
        for datagram in server.datagrams(time.monotonic()):
            client.receive(datagram)
    client.release()
    return client


def bare(service: QUICService) -> None:
    """The same with aioquic alone."""
    from aioquic.quic.configuration import QuicConfiguration
    from aioquic.quic.connection import QuicConnection

    tickets: list[object] = []
    configuration = QuicConfiguration(is_client=True, alpn_protocols=["h3"], verify_mode=0)
    client = QuicConnection(configuration=configuration, session_ticket_handler=tickets.append)
    server = service.side()
    client.connect(("server", 0), now=time.monotonic())
    while not tickets:
        for datagram, _ in client.datagrams_to_send(now=time.monotonic()):
            server.receive(datagram, time.monotonic())
        for datagram in server.datagrams(time.monotonic()):
            client.receive_datagram(datagram, ("server", 0), now=time.monotonic())
        while client.next_event() is not None:
            pass


class Distant:
    """A server's side some way off: each datagram takes `ONE_WAY` seconds, both ways."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._there: deque[tuple[float, bytes]] = deque()
        self._back: deque[tuple[float, bytes]] = deque()

    def receive(self, data: bytes, now: float) -> None:
        self._there.append((now + ONE_WAY, data))

    def datagrams(self, now: float) -> list[bytes]:
        while self._there and self._there[0][0] <= now:
            self._side.receive(self._there.popleft()[1], now)
        self._back.extend((now + ONE_WAY, each) for each in self._side.datagrams(now))
        arrived = []
        while self._back and self._back[0][0] <= now:
            arrived.append(self._back.popleft()[1])
        return arrived

    def timer(self) -> float | None:
        due = [each[0][0] for each in (self._there, self._back) if each]
        at = self._side.timer()
        return min([*due, *([] if at is None else [at])], default=None)

    def on_timer(self, now: float) -> None:
        at = self._side.timer()
        if at is not None and at <= now:
            self._side.on_timer(now)


@dataclass(frozen=True, slots=True)
class Connections:
    """Milliseconds of CPU of a connection, both ends: aioquic's full one, and ours."""

    alone: float
    full: float
    resumed: float


def _service() -> QUICService:
    identity = self_signed()
    return QUICService(certificate_pem=identity.certificate_pem, key_pem=identity.key_pem)


def connections() -> Connections:
    """Measure, by turns; the median of each."""
    service = _service()
    session = ours(service).sessions[-1]
    turns = [
        (
            cpu_of(lambda: bare(service)),
            cpu_of(lambda: ours(service)),
            cpu_of(lambda: ours(service, session)),
        )
        for _ in range(TURNS)
    ]
    return Connections(*(statistics.median(column) for column in zip(*turns, strict=True)))


def main() -> None:
    """Measure, and print."""
    found = connections()
    alone, full, resumed = found.alone, found.full, found.resumed
    print(f"CPU of a connection: aioquic alone {alone:.1f} ms, full {full:.1f} ms")
    print(f"({full / alone:.2f} x), resumed {resumed:.1f} ms ({resumed / alone:.2f} x)")
    service = _service()
    with DatagramServer(lambda: Distant(service.side())) as server:
        began = time.monotonic()
        options = ProbeOptions(connect=ConnectOptions(timeout=30))
        result = probe(f"h3://127.0.0.1:{server.port}", options)
        seconds = time.monotonic() - began
    trips = seconds / (2 * ONE_WAY)
    print(f"A probe at 50 ms: {result.verdict}, {result.connections} connections, {seconds:.2f} s,")
    print(f"as long as {trips:.0f} round trips one after the other")


if __name__ == "__main__":
    main()

"""Our QUIC server, sans IO: what connections share, and which datagram is of which connection.

`selftest`, tests and `serve` use it; the connections are aioquic's own. A client that floods,
is silent or sends garbage costs itself only: a datagram that starts no connection leaves
nothing behind, connections are limited as those of TCP are, and where many handshakes
are under way, a client must first show with a Retry that its address is its own.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tlsresume.server.acceptor import Limits
from tlsresume.server.observer import Observer
from tlsresume.server.quic_connection import ServerConnection
from tlsresume.transports.quic.binding import VERSIONS
from tlsresume.transports.quic.binding_server import (
    Header,
    Retries,
    ServerHandle,
    read_header,
    server_configuration,
    version_negotiation,
)

#: Tickets that are remembered at most.
MOST_TICKETS = 20_000
#: Handshakes under way from which on a client must prove its address.
RETRY_FROM = 64

#: Where a datagram came from: host and port, then what the network wants to know.
Source = tuple[Any, ...]


@dataclass(kw_only=True)
class QUICService:
    """What connections to one server share. `certificate_pem` holds the chain, the leaf first.

    `issues`: tickets are given; `honours`: they are accepted, `single_use`: each once. `tickets`
    is the server's memory of them: servers that share it are one. Tickets are good for `lifetime`
    seconds, may allow early data, and come with the first answer only if `late_tickets`. After
    `rotate_after` handshakes earlier tickets are refused; after `change_after` ones the
    certificate and key are those of `later`.

    Early data: `takes_early_data` or resumes without; requests in it are answered at once.

    `closes`: a connection is closed when its client has the answer. `observe` is called for each
    connection with its number and the client's address.
    """

    certificate_pem: bytes
    key_pem: bytes
    alpn: tuple[str, ...] = ("h3",)
    issues: bool = True
    honours: bool = True
    single_use: bool = False
    lifetime: int = 86_400
    early_data: bool = True
    takes_early_data: bool = True
    late_tickets: bool = False
    rotate_after: int | None = None
    change_after: int | None = None
    later: tuple[bytes, bytes] | None = None
    closes: bool = False
    limits: Limits = field(default_factory=Limits)
    observe: Callable[[int, str], Observer] | None = None
    tickets: dict[bytes, Any] = field(default_factory=dict)
    connections: int = 0
    _established: int = 0
    _rotated: bool = False

    def side(self) -> QUICServerSide:
        """The server's side for one client's address."""
        return QUICServerSide(self)

    def endpoint(self) -> QUICEndpoint:
        """The server for all clients of a port."""
        return QUICEndpoint(self)

    @cached_property
    def _first(self) -> Any:
        return self._configuration(self.certificate_pem, self.key_pem)

    @cached_property
    def _second(self) -> Any:
        return self._configuration(*(self.later or (self.certificate_pem, self.key_pem)))

    def _configuration(self, certificate: bytes, key: bytes) -> Any:
        return server_configuration(
            certificate, key, self.alpn, versions=VERSIONS, idle=self.limits.idle
        )

    @property
    def configuration(self) -> Any:
        """What the next connection is made with."""
        changed = self.change_after is not None and self._established >= self.change_after
        return self._second if changed else self._first

    def accept(
        self, address: str, now: float, *, original: bytes, retried: bytes | None
    ) -> ServerConnection:
        """A new connection."""
        self.connections += 1
        if not self._rotated and self.rotate_after is not None:
            self._rotated = self._established >= self.rotate_after
            if self._rotated:
                self.tickets.clear()
        observer = self.observe(self.connections, address) if self.observe is not None else None
        return ServerConnection(
            self,
            self.configuration,
            self.connections,
            now,
            observer=observer,
            original=original,
            retried=retried,
        )

    # ------------------------------------------------------- what connections ask for

    def fetch(self, label: bytes) -> Any:
        """The ticket of that name, if it is accepted."""
        if not self.honours:
            return None
        return self.tickets.pop(label, None) if self.single_use else self.tickets.get(label)

    def established(self) -> None:
        """Count a handshake."""
        self._established += 1

    def give_ticket(self, handle: ServerHandle, *, answering: bool) -> None:
        """Give a ticket, if this is the time for it."""
        if not self.issues or answering != self.late_tickets:
            return
        ticket = handle.give_ticket(lifetime=self.lifetime, early_data=self.early_data)
        if ticket is not None:
            self.tickets[ticket.ticket] = ticket
            if len(self.tickets) > MOST_TICKETS:
                del self.tickets[next(iter(self.tickets))]


class QUICEndpoint:
    """All connections of a port. What is no QUIC is dropped, and nothing raises."""

    def __init__(self, service: QUICService) -> None:
        self._service = service
        self._retries: Retries | None = None
        self._by_id: dict[bytes, ServerConnection] = {}
        #: In the order of arrival, with the connection IDs that lead to each.
        self._connections: dict[ServerConnection, list[bytes]] = {}
        self._replies: list[tuple[bytes, Source]] = []
        self._touched: dict[ServerConnection, None] = {}
        #: When each is due; an entry counts while it is the connection's latest.
        self._due: list[tuple[float, int, ServerConnection]] = []
        self._latest: dict[ServerConnection, int] = {}
        self._entries = itertools.count()

    def open_connections(self) -> int:
        """How many connections have not ended."""
        return sum(not each.ended for each in tuple(self._connections))

    def receive(self, data: bytes, source: Source, now: float) -> None:
        """Take one datagram."""
        configuration = self._service.configuration
        header = read_header(data, configuration)
        if header is None:
            return
        connection = self._by_id.get(header.destination)
        if connection is not None:
            connection.receive(data, source, now)
            self._touch(connection)
        elif header.foreign:
            self._replies.append((version_negotiation(header, configuration), source))
        elif header.starts:
            self._accept(header, data, source, now)

    def _accept(self, header: Header, data: bytes, source: Source, now: float) -> None:
        original, retried = header.destination, None
        address = (str(source[0]).partition("%")[0], int(source[1]))
        waiting = sum(not each.handshaken for each in self._connections)
        if waiting >= RETRY_FROM or (header.token and self._retries is not None):
            self._retries = self._retries or Retries()
            proven = self._retries.original(header, address, now)
            if proven is not None:
                original, retried = proven, header.destination
            elif waiting >= RETRY_FROM:
                self._replies.append((self._retries.ask(header, address, now), source))
                return
        if len(self._connections) >= self._service.limits.connections:
            self._make_room()
        connection = self._service.accept(address[0], now, original=original, retried=retried)
        self._connections[connection] = [header.destination]
        self._by_id[header.destination] = connection
        connection.receive(data, source, now)
        answers = connection.outgoing(now)
        if not answers:  # nothing in it could be read: it was no client's
            self._forget(connection)
            return
        self._replies += answers
        self._touch(connection)

    def _make_room(self) -> None:
        """Drop the oldest connection of those that take most places: that wait for a handshake,
        or that have one."""
        waiting = [each for each in self._connections if not each.handshaken]
        crowd = waiting
        if 2 * len(waiting) < len(self._connections):
            crowd = [each for each in self._connections if each.handshaken]
        self._forget(crowd[0])

    def _touch(self, connection: ServerConnection) -> None:
        self._touched[connection] = None

    def _forget(self, connection: ServerConnection) -> None:
        connection.drop()
        self._touched.pop(connection, None)
        self._latest.pop(connection, None)
        for each in self._connections.pop(connection, ()):
            self._by_id.pop(each, None)

    def outgoing(self, now: float) -> list[tuple[bytes, Source]]:
        """What must be sent now, and whereto."""
        replies, self._replies = self._replies, []
        touched, self._touched = self._touched, {}
        for connection in touched:
            if connection in self._connections:
                replies += connection.outgoing(now)
                self._settle(connection)
        return replies

    def _settle(self, connection: ServerConnection) -> None:
        """Note its new connection IDs and when it is due, or that it is over."""
        ids = self._connections[connection]
        for each in connection.connection_ids[len(ids) - 1 :]:
            ids.append(each)
            self._by_id[each] = connection
        at = connection.timer()
        if connection.over or at is None:
            self._forget(connection)
            return
        entry = next(self._entries)
        self._latest[connection] = entry
        heapq.heappush(self._due, (at, entry, connection))
        if len(self._due) > 64 + 4 * len(self._connections):  # most are old
            self._due = [each for each in self._due if self._latest.get(each[2]) == each[1]]
            heapq.heapify(self._due)

    def timer(self) -> float | None:
        """When `on_timer` is due; None: never."""
        while self._due and self._latest.get(self._due[0][2]) != self._due[0][1]:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def on_timer(self, now: float) -> None:
        """Some connections are due."""
        while (at := self.timer()) is not None and at <= now:
            connection = heapq.heappop(self._due)[2]
            self._latest.pop(connection, None)
            connection.on_timer(now)
            self._touch(connection)

    def close(self) -> None:
        """Say CONNECTION_CLOSE to every client, with what is sent next."""
        for connection in self._connections:
            connection.close()
            self._touch(connection)


class QUICServerSide:
    """The endpoint for one client, whose address is its caller's business."""

    def __init__(self, service: QUICService) -> None:
        self._endpoint = QUICEndpoint(service)

    def receive(self, data: bytes, now: float) -> None:
        """Take one datagram."""
        self._endpoint.receive(data, ("127.0.0.1", 0), now)

    def datagrams(self, now: float) -> list[bytes]:
        """What must be sent now."""
        return [data for data, _ in self._endpoint.outgoing(now)]

    def timer(self) -> float | None:
        """When `on_timer` is due."""
        return self._endpoint.timer()

    def on_timer(self, now: float) -> None:
        """Send again what was not acknowledged, or give up."""
        self._endpoint.on_timer(now)

"""Who connected, what each was given, and what it offered: the ledger of all servers of a run.

Every session that a server issues is noted under a hash, so an offered one is traced to the
connection that issued it. Clients are told apart by the fingerprint of their ClientHello and
their address; but whoever offers a session is the client that got it, though its hello may
have changed since. Everything here is bounded: the oldest sessions and the clients that were
not seen for longest are forgotten, and how many is counted.

Called by the threads of connections, at each step, under one lock. Times are seconds of a
monotonic clock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from tlsresume.evidence.observation import Observation
from tlsresume.features.serve.behaviours import Row
from tlsresume.features.serve.codes import Code
from tlsresume.features.serve.results import title
from tlsresume.features.serve.tally import Remark, Tally, count_kind
from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import Mechanism
from tlsresume.server.observer import Ending
from tlsresume.tls.messages import ClientHello

#: What is remembered at most. A session costs about 600 bytes, a client about 6 KB.
MOST_SESSIONS = 50_000
MOST_CLIENTS = 2_000
_MOST_PLACES = 64
#: Claimed ages are whole seconds with some libraries, and clocks are read at two places.
AGE_TOLERANCE = 2.0
#: What a data connection of FTP does rightly with the session of its control connection.
_RIGHT_FOR_DATA = frozenset({"ticket-used-twice", "offers-across-names"})
#: Some libraries count a session's age in whole seconds.
LIFETIME_TOLERANCE = 1.0


@dataclass(slots=True, eq=False)
class Place:
    """One server of the run: its behaviour and transport, its port, and how many connections it
    saw. TCP and QUIC share a port, and are two."""

    name: str
    row: Row
    transport: Transport = "tcp"
    port: int = 0
    url: str = ""
    connections: int = 0
    without_hello: int = 0

    @property
    def host(self) -> str:
        """The name or address that its URL has, without brackets."""
        return self.url.partition("://")[2].rpartition(":")[0].strip("[]")

    @property
    def title(self) -> str:
        """What people read."""
        return title(self.name, self.transport)

    @property
    def numbered(self) -> str:
        """Its port, with the transport where that is not the usual one."""
        return str(self.port) if self.transport == "tcp" else f"{self.port} ({self.transport})"


#: Where a session is good: a server, and the name that the client called it.
Where = tuple[Place, str | None]


@dataclass(slots=True, eq=False)
class Client:
    """A client program: what it is called, and a tally for each server."""

    fingerprint: str
    address: str
    label: str | None = None
    tallies: dict[Place, Tally] = field(default_factory=dict)
    #: By server and name: when the first session that it can use had left, and until when
    #: the last one is good; and when it was given what it cannot use.
    given: dict[Where, tuple[float, float]] = field(default_factory=dict)
    unusable: dict[Where, float] = field(default_factory=dict)
    merged_into: Client | None = None

    def root(self) -> Client:
        """The client that this one turned out to be."""
        client = self
        while client.merged_into is not None:
            client = client.merged_into
        return client

    def tally(self, place: Place) -> Tally:
        """The tally for a server."""
        return self.tallies.setdefault(place, Tally())


@dataclass(slots=True, eq=False)
class ConnectionEnd:
    """What became of the connection that a session came from, known once it has ended."""

    ended: bool = False
    handshaken: bool = False
    asked: bool = False
    refused_certificate: bool = False


@dataclass(slots=True, eq=False)
class Issued:
    """A session that a server gave. `at` is when it left, `lifetime` in seconds, `age_add`
    None in TLS 1.2; `certificate` is the SHA-256 of the client's; `uses` counts connections."""

    client: Client
    place: Place
    connection: int
    at: float
    name: str | None
    lifetime: float
    age_add: int | None
    max_early_data: int
    certificate: str | None
    fate: ConnectionEnd
    uses: int = 0


@dataclass(slots=True, kw_only=True)
class Offer:
    """What one connection offered, as far as the ledger knows it."""

    mechanism: Mechanism
    known: list[Issued]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One connection that ended, for who looks on: people, and the checks of observations."""

    place: str
    number: int
    client: str
    label: str | None
    version: str | None
    offered: Mechanism | None
    accepted: bool
    age: float | None
    ending: Ending
    error: str | None
    handshaken: bool
    observation: Observation


class Ledger:
    """The ledger. `clock` gives seconds, `on_end` is told of each connection that ended."""

    def __init__(
        self, clock: Callable[[], float], on_end: Callable[[Seen], None] | None = None
    ) -> None:
        self.clock = clock
        self.changed = threading.Condition()
        self.forgotten_clients = 0
        self.forgotten_sessions = 0
        self._on_end = on_end
        self._clients: OrderedDict[tuple[str, str], Client] = OrderedDict()
        self._issued: OrderedDict[bytes, Issued] = OrderedDict()

    # ------------------------------------------------------------------ clients

    def clients(self) -> list[Client]:
        """Every client, each once, in the order in which it was first seen."""
        roots = {id(client.root()): client.root() for client in self._clients.values()}
        return list(roots.values())

    def client_of(self, fingerprint: str, address: str) -> Client:
        """The client with a fingerprint and address; a new one where there is none."""
        key = (fingerprint, address)
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = Client(fingerprint, address)
            if len(self._clients) > MOST_CLIENTS:
                self._clients.popitem(last=False)
                self.forgotten_clients += 1
        self._clients.move_to_end(key)
        return client.root()

    def same(self, one: Client, other: Client) -> Client:
        """Note that two are one; the one that was seen first is it."""
        one, other = one.root(), other.root()
        if one is other:
            return one
        other.merged_into = one
        for place, tally in other.tallies.items():
            one.tally(place).add(tally)
        for where, (first, until) in other.given.items():
            have = one.given.get(where, (first, until))
            one.given[where] = (min(first, have[0]), max(until, have[1]))
        for where, since in other.unusable.items():
            one.unusable.setdefault(where, since)
        one.label = one.label or other.label
        other.tallies, other.given, other.unusable = {}, {}, {}
        return one

    # ----------------------------------------------------------------- sessions

    def offer_of(self, hello: ClientHello) -> Offer | None:
        """What a ClientHello offers, found in the ledger; None where it offers nothing.

        A session ID says something only where we issued it, or where the client speaks no
        TLS 1.3: else it is for middleboxes (RFC 8446 section D.4).
        """
        if hello.psk_identities:
            return Offer(
                mechanism="psk",
                known=self._find(*(psk.identity for psk in hello.psk_identities)),
            )
        if hello.session_ticket:
            return Offer(mechanism="ticket", known=self._find(hello.session_ticket))
        if hello.session_id:
            known = self._find(hello.session_id)
            if known or not hello.supported_versions:
                return Offer(mechanism="session-id", known=known)
        return None

    def _find(self, *names: bytes) -> list[Issued]:
        found = (self._issued.get(_hash(name)) for name in names)
        return [issued for issued in found if issued is not None]

    def issue(self, name: bytes, issued: Issued) -> None:
        """Note a session that has left, by its ticket or ID."""
        key = _hash(name)
        if key not in self._issued:
            self._issued[key] = issued
        if len(self._issued) > MOST_SESSIONS:
            self._issued.popitem(last=False)
            self.forgotten_sessions += 1

    def give(self, client: Client, where: Where, at: float, until: float) -> None:
        """Note that a client has a session that it can use at a place."""
        if where in client.given:
            first, last = client.given[where]
            client.given[where] = (first, max(last, until))
        elif len(client.given) < _MOST_PLACES:
            client.given[where] = (at, until)

    def give_unusable(self, client: Client, where: Where, at: float) -> None:
        """Note that a client was given what it cannot use, or would have been."""
        if len(client.unusable) < _MOST_PLACES:
            client.unusable.setdefault(where, at)

    def take_offer(
        self,
        client: Client,
        place: Place,
        number: int,
        name: str | None,
        offer: Offer,
        *,
        siblings: AbstractSet[int] = frozenset(),
    ) -> Client:
        """Note an offer in its client's tally: uses, ages and where it came from. `siblings` are
        connections whose sessions may be offered again and again: data connections of FTP have
        to offer that of their control connection."""
        for issued in offer.known[:1]:
            client = self.same(issued.client, client)
        tally = client.tally(place)
        tally.offered += 1
        tally.mechanism_offered[offer.mechanism] += 1
        tally.unknown += not offer.known
        if name is not None:
            count_kind(tally.names, name)
        now = self.clock()
        for issued in offer.known:
            issued.uses += 1
            tally.most_uses = max(tally.most_uses, issued.uses)
            count_kind(tally.ports, issued.place.port)
            for remark in _oddities(issued, offer, place=place, number=number, name=name, now=now):
                if issued.connection in siblings and remark.code in _RIGHT_FOR_DATA:
                    continue
                tally.remark(remark)
        return client

    def end(self, seen: Seen, place: Place) -> None:
        """Note that a connection with a ClientHello ended."""
        place.connections += 1
        self.changed.notify_all()
        if self._on_end is not None:
            self._on_end(seen)


def _oddities(
    issued: Issued, offer: Offer, *, place: Place, number: int, name: str | None, now: float
) -> list[Remark]:
    """What is odd about where, when and how often a known session is offered."""
    found = []

    def note(code: Code, **what: Any) -> None:
        found.append(Remark(code=code, connection=number, source=issued.connection, **what))

    age = now - issued.at
    if offer.mechanism == "psk":
        if issued.uses > 1:
            note("ticket-used-twice", value=issued.uses)
        if age > issued.lifetime + LIFETIME_TOLERANCE:
            note("offered-past-lifetime", value=age, limit=issued.lifetime)
    if issued.name != name:
        note("offers-across-names", was=issued.name, now=name)
    if issued.place is not place:
        note("offers-across-ports", was=issued.place.numbered, now=place.numbered)
    if issued.fate.refused_certificate:
        note("offers-after-failed-verification")
    return found


def _hash(name: bytes) -> bytes:
    return blake2b(name, digest_size=16).digest()

"""Connections counted by server, and for each server by client, program, key and time.

Every list is bounded: the heaviest entries are kept. What a check needs is counted here as
connections come, since none is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tlsresume.features.capture.engine import Transport
from tlsresume.features.capture.handshake import Packet
from tlsresume.features.capture.key_names import KeyNames
from tlsresume.features.capture.limits import Heaviest
from tlsresume.features.capture.sample import Sample
from tlsresume.features.capture.seen import Judged, endpoint, is_past
from tlsresume.results.connection import MECHANISMS, Mechanism

if TYPE_CHECKING:
    from tlsresume.tickets.key_files import TicketKeyFile

#: Packets that a piece of evidence names.
MOST_EXAMPLES = 5
#: Intervals of the rate over time, at most, and the widths that they can have, in seconds;
#: each divides the next one.
MOST_INTERVALS = 60
WIDTHS = (
    1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 604800,
    *(604800 * 4**n for n in range(1, 12)),
)  # fmt: skip

#: Later times are nonsense, and would need wider intervals than there are.
_LAST_SECOND = 1 << 40

_MOST_SOFTWARE_OF_CLIENT = 4
_OPENED_BY_SERVER = 2000
_MOST_LIFETIMES = 16

KeyPlace = tuple[str, int, str]


@dataclass(slots=True)
class Counts:
    """Connections, and what became of them. `full` made a full handshake, offer or not;
    `came_back` are those that came after a connection of the same client program that could have given a session."""

    connections: int = 0
    offered: int = 0
    accepted: int = 0
    full: int = 0
    came_back: int = 0
    example: Packet | None = None
    software: list[str] = field(default_factory=list)


@dataclass(slots=True)
class MechanismCounts:
    """Offers of one mechanism; `unknown` are those whose answer is not visible."""

    offered: int = 0
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    plain_refused: int = 0


@dataclass(slots=True)
class KeyFileUse:
    """Tickets that one key of the operator's files opened; `mac` says whether rightly."""

    role: str
    issued: int = 0
    offered: int = 0
    accepted: int = 0
    wrong_mac: int = 0


@dataclass(slots=True)
class Evidence:
    """How often something was seen, and the packets of the first times."""

    count: int = 0
    examples: list[tuple[Packet, Packet | None]] = field(default_factory=list)
    longest: float = 0.0

    def add(self, packet: Packet | None, other: Packet | None = None) -> None:
        """It was seen once more, in this packet."""
        self.count += 1
        if packet is not None and len(self.examples) < MOST_EXAMPLES:
            self.examples.append((packet, other))


EvidenceKind = Literal["refused", "used-twice", "past-lifetime", "version-changed", "early-data"]


def _full(counts: Counts) -> int:
    return counts.full * 1000 + counts.connections


def _by_name(top: int, weigh: Callable[[Counts], int]) -> Heaviest[str, Counts]:
    return Heaviest(top, lambda _name: Counts(), weigh)


class ServerTally:
    """All that is counted of one server over one transport."""

    def __init__(self, server: str, transport: Transport, top: int) -> None:
        self.server = server
        self.sni: str | None = None
        self.transport = transport
        self.addresses = _by_name(top, lambda counts: counts.connections)
        self.connections = 0
        self.handshakes = 0
        self.unknown = 0
        self.offers_unknown = 0
        self.versions: Counter[str] = Counter()
        self.mechanisms = {mechanism: MechanismCounts() for mechanism in MECHANISMS}
        self.early: Counter[str] = Counter()
        self.external_psk = 0
        self.encrypted_hello = 0
        self.clients, self.software = _by_name(top, _full), _by_name(top, _full)
        self.keys = KeyNames()
        self.intervals: dict[int, list[int]] = {}
        self.evidence: dict[EvidenceKind, dict[Mechanism | None, Evidence]] = {}
        self.opened: dict[KeyPlace, KeyFileUse] = {}
        self.tickets_not_opened = 0
        self.lifetimes: set[int] = set()
        self.sample = Sample()
        self._looked_up: dict[bytes, KeyPlace | None] = {}

    @property
    def offered(self) -> int:
        """Offers whose answer is known."""
        return sum(each.accepted + each.refused for each in self.mechanisms.values())

    @property
    def accepted(self) -> int:
        """Sessions that the server resumed."""
        return sum(each.accepted for each in self.mechanisms.values())

    @property
    def refused(self) -> int:
        """Offers that the server answered with a full handshake."""
        return sum(each.refused for each in self.mechanisms.values())

    def seen_as(self, kind: EvidenceKind, mechanism: Mechanism | None) -> Evidence:
        """The evidence of one kind, by mechanism."""
        return self.evidence.setdefault(kind, {}).setdefault(mechanism, Evidence())

    # ------------------------------------------------------------------ adding

    def add(self, judged: Judged, client: str, key_files: Sequence[TicketKeyFile]) -> None:
        """Count a connection; `client` is its address as it may be shown."""
        facts = judged.connection.facts
        self.connections += 1
        self.addresses.get(endpoint(judged.connection.server)).connections += 1
        if facts.server_hello is not None:
            self.handshakes += 1
            self.versions["unknown" if facts.version is None else facts.version.label] += 1
            self.unknown += judged.outcome == "unknown"
        self.external_psk += judged.external_psk
        self.encrypted_hello += judged.encrypted_hello
        if judged.early_data is not None:
            self.early["offered"] += 1
            self.early[judged.early_data] += judged.early_data != "offered"
            # Refused with its session, it says no more than the refused session does.
            if judged.early_data == "rejected" and judged.outcome == "accepted":
                self.seen_as("early-data", "psk").add(facts.hello_packet)
        if judged.offered is not None:
            self._offer(judged)
        self._clients(judged, client)
        self._keys(judged, key_files)
        self.sample.add(judged, client)

    def _offer(self, judged: Judged) -> None:
        facts, mechanism = judged.connection.facts, judged.offered
        if mechanism is None:
            return
        counts = self.mechanisms[mechanism]
        counts.offered += 1
        if judged.outcome == "accepted":
            counts.accepted += 1
        elif judged.outcome == "refused":
            counts.refused += 1
            if judged.excuse is None:
                counts.plain_refused += 1
                self.seen_as("refused", mechanism).add(facts.hello_packet)
            elif judged.excuse == "version-changed":
                self.seen_as("version-changed", mechanism).add(facts.hello_packet)
        else:
            counts.unknown += 1
            self.offers_unknown += 1
        if judged.first_use is not None:
            self.seen_as("used-twice", mechanism).add(facts.hello_packet, judged.first_use.packet)
        if judged.issue is not None and is_past(judged.issue, judged.connection.start):
            late = self.seen_as("past-lifetime", mechanism)
            late.add(facts.hello_packet)
            over = (judged.connection.start - judged.issue.time) / 1e9 - judged.issue.lifetime
            late.longest = max(late.longest, over)

    def _clients(self, judged: Judged, client: str) -> None:
        own = self.clients.get(client)
        program = None if judged.software is None else self.software.get(judged.software)
        came_back = judged.software is not None and judged.software in own.software
        for counts in (own, program):
            if counts is None:
                continue
            counts.connections += 1
            counts.example = counts.example or judged.connection.facts.hello_packet
            if judged.outcome in ("accepted", "refused"):
                counts.offered += 1
            counts.accepted += judged.outcome == "accepted"
            counts.full += judged.outcome in ("refused", "not-offered")
            counts.came_back += came_back and judged.outcome == "not-offered"
        if (
            judged.software is not None
            and judged.can_come_back
            and not came_back
            and not judged.encrypted_hello
            and len(own.software) < _MOST_SOFTWARE_OF_CLIENT
        ):
            own.software.append(judged.software)

    def _keys(self, judged: Judged, key_files: Sequence[TicketKeyFile]) -> None:
        time = judged.connection.start
        accepted = judged.outcome == "accepted"
        if judged.identity is not None and judged.offered != "session-id":
            use = self.keys.use(judged.identity)
            use.see(time)
            if judged.outcome in ("accepted", "refused"):
                use.offered += 1
            if accepted:
                use.accepted += 1
                use.live(time)
            elif judged.outcome == "refused" and judged.excuse is None:
                use.refuse(time)
            opened = self._opened(judged.identity, key_files, time, 0)
            if opened is not None:
                opened.offered += 1
                opened.accepted += accepted
        for each in judged.connection.facts.tickets:
            if len(self.lifetimes) < _MOST_LIFETIMES:
                self.lifetimes.add(each.lifetime)
            use = self.keys.use(each.ticket)
            use.issued += 1
            use.live(time)
            opened = self._opened(each.ticket, key_files, time, each.lifetime)
            if opened is not None:
                opened.issued += 1

    def _opened(
        self, ticket: bytes, files: Sequence[TicketKeyFile], time: int, lifetime: int
    ) -> KeyFileUse | None:
        """The operator's key that made a ticket. Each ticket is tried once."""
        if not files:
            return None
        from tlsresume.tickets.key_files import open_with

        short = ticket[:64]
        if short not in self._looked_up:
            if len(self._looked_up) >= _OPENED_BY_SERVER:
                self._looked_up.clear()
            found = open_with(ticket, files, time=time // 10**9, lifetime=lifetime)
            place = None
            if found is not None:
                place = (found.file.path, found.key.number, found.unsealed.key.name.hex())
                use = self.opened.setdefault(place, KeyFileUse(found.key.role))
                use.wrong_mac += not found.unsealed.mac
            self.tickets_not_opened += place is None
            self._looked_up[short] = place
        place = self._looked_up[short]
        return None if place is None else self.opened[place]


class Tallies:
    """All servers, and the widths of the intervals, which they share."""

    def __init__(self, top: int, key_files: Sequence[TicketKeyFile] = ()) -> None:
        self.connections = 0
        self.handshakes = 0
        self.width = WIDTHS[0]
        self._key_files = key_files
        self._first: int | None = None
        self._last = 0
        self.servers: Heaviest[tuple[str, Transport], ServerTally] = Heaviest(
            max(top, 100), lambda key: ServerTally(*key, top), lambda tally: tally.connections
        )

    def add(self, judged: Judged, client: str) -> None:
        """Count a connection; `client` is its address as it may be shown."""
        tally = self.servers.get((judged.server, judged.connection.transport))
        tally.sni = tally.sni or judged.sni
        self.connections += 1
        answered = judged.connection.facts.server_hello is not None
        self.handshakes += answered
        tally.add(judged, client, self._key_files)
        if answered:
            self._interval(tally, judged)

    def tallies(self) -> list[ServerTally]:
        """What is kept, the servers with the most connections first."""
        kept = (tally for _, tally in self.servers.items())
        return sorted(kept, key=lambda tally: (-tally.connections, tally.server, tally.transport))

    def _interval(self, tally: ServerTally, judged: Judged) -> None:
        second = max(0, min(judged.connection.start // 10**9, _LAST_SECOND))
        self._first = second if self._first is None else min(self._first, second)
        self._last = max(self._last, second)
        while (self._last // self.width - self._first // self.width) >= MOST_INTERVALS:
            wider = next((each for each in WIDTHS if each > self.width), None)
            if wider is None:
                break
            self.width = wider
            for each in self.tallies():
                each.intervals = _widened(each.intervals, wider)
        start = second // self.width * self.width
        counts = tally.intervals.setdefault(start, [0, 0])
        counts[0] += 1
        counts[1] += judged.outcome == "accepted"


def _widened(intervals: dict[int, list[int]], width: int) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for start, counts in intervals.items():
        into = found.setdefault(start // width * width, [0, 0])
        into[0] += counts[0]
        into[1] += counts[1]
    return found

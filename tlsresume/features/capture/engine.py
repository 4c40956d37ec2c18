"""Packets in, connections out: the table of flows, bounded, and the short way for bulk data.

A flow that is done costs an entry of a few bytes, so that the rest of its packets are
passed over, also where the four addresses come again with a new SYN. Where there are too
many flows or too many bytes, the oldest are given up: they count with what was seen of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tlsresume.features.capture.dissect import ACK, FIN, RST, SYN, Dissector, ends, reverse
from tlsresume.features.capture.handshake import Facts, Packet
from tlsresume.features.capture.links import ETHERNET
from tlsresume.features.capture.pcap import Packet as Captured
from tlsresume.features.capture.tls_flow import Side, TLSFlow
from tlsresume.tls.key_log import KeyLog
from tlsresume.tls.records import begins_hello

if TYPE_CHECKING:
    from tlsresume.features.capture.quic_flow import QUICFlow

Transport = Literal["tcp", "quic"]

_UNKNOWN_SEQUENCE = -1
_DONE = 0
_HANDSHAKE = 22
#: Fragment offset 0 and no more fragments, with and without DF.
_NO_FRAGMENT = (b"\x40\x00", b"\x00\x00")
_OPENS_OR_ENDS = SYN | FIN | RST
#: Ethernet, IPv4 and TCP without options: EtherType and the IP header's first byte, total length,
#: fragment field, protocol, addresses and ports, sequence number, data offset, flags.
_USUAL = struct.Struct("!12x3sxH2x2sxB2x12sI4xBB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Flows in progress, flows remembered as done, bytes kept for all flows together."""

    flows: int = 20_000
    done: int = 100_000
    quic_flows: int = 2_000
    waiting_bytes: int = 1 << 26


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as the engine saw it. Endpoints are packed address and port, of the TLS
    client and of the server; `start` in nanoseconds since 1970."""

    transport: Transport
    start: int
    client: bytes
    server: bytes
    facts: Facts = field(repr=False)


OnConnection = Callable[[Connection], None]


class Engine:
    """Takes batches of packets; calls `on_connection` for each TLS connection that is done."""

    def __init__(
        self, on_connection: OnConnection, key_log: KeyLog, limits: Limits | None = None
    ) -> None:
        self.dissector = Dissector(self)
        self.packets = 0
        #: Flows that were given up while they lasted, because of `Limits`.
        self.given_up = 0
        self._on_connection = on_connection
        self._key_log = key_log
        self._limits = limits or Limits()
        # By direction: a side of a flow in progress, or _DONE.
        self._sides: dict[bytes, Side | int] = {}
        self._flows: dict[int, TLSFlow] = {}
        self._done: dict[bytes, bytes] = {}
        self._quic: dict[bytes, QUICFlow] = {}
        self._quic_done: dict[bytes, tuple[bytes, ...]] = {}
        self._waiting = 0
        self._time = 0
        self._packet = Packet(0, 0)

    def feed(self, batch: Iterable[Captured]) -> None:
        """Take packets, in the order of time."""
        sides, frame, segment = self._sides, self.dissector.frame, self.segment
        usual, whole = _USUAL.unpack_from, _NO_FRAGMENT
        get, syn, special = sides.get, SYN, _OPENS_OR_ENDS
        count = 0
        for time, file, number, link, buffer, start, stop in batch:
            count += 1
            # The short way for most packets: Ethernet, IPv4 without options, TCP, no fragment.
            if link == ETHERNET and stop - start > 53:
                kind, length, fragment, protocol, key, sequence, offset, flags = usual(
                    buffer, start
                )
                if protocol == 6 and kind == b"\x08\x00\x45" and fragment in whole:
                    if flags & syn:
                        side = None
                    else:
                        side = get(key)
                        if type(side) is int:
                            continue
                    at = start + 34 + (offset >> 2 & 0x3C)
                    end = start + 14 + length if length else stop
                    if not flags & special and (
                        at >= end or (side is None and (at >= stop or buffer[at] != _HANDSHAKE))
                    ):
                        continue
                    if at - start > 53 and (at <= end or end > stop):
                        self._time, self._packet = time, Packet(file, number)
                        data = buffer[at : min(end, stop)]
                        segment(key, sequence, flags, data, cut=end > stop)
                    continue
            self._time = time
            self._packet = Packet(file, number)
            frame(link, buffer[start:stop])
        self.packets += count

    def finish(self) -> None:
        """Nothing more will come: hand over every connection that is in progress."""
        for flow in list(self._flows.values()):
            self._end(flow)
        for quic in list(self._quic.values()):
            self._end_quic(quic)

    # ------------------------------------------------------------------- TCP

    def segment(self, key: bytes, sequence: int, flags: int, data: bytes, *, cut: bool) -> None:
        """Take a TCP segment."""
        known = self._sides.get(key)
        if flags & SYN:
            known = self._opening(key, sequence, flags, known)
            sequence += 1
        if known is None:
            kind = begins_hello(data)
            if kind is None:
                return
            flow = self._begin(key) if kind == 1 else self._begin(reverse(key))
            known = self._sides[key]
        if isinstance(known, int):
            return
        flow, side = known.flow, known
        before = side.waiting
        if data and not side.stream.broken:
            ready = side.stream.add(sequence & 0xFFFFFFFF, data, cut=cut)
            if ready and flow.data(side, ready, self._time, self._packet):
                self._waiting -= before
                self._end(flow, counted=side)
                return
        self._waiting += side.waiting - before
        if flags & (FIN | RST):
            side.end = True
            both = flow.sides[0].end and flow.sides[1].end
            held = flow.sides[0].stream.held_bytes or flow.sides[1].stream.held_bytes
            if (both or flags & RST) and not held:
                self._end(flow)
        elif self._waiting > self._limits.waiting_bytes:
            self._give_up()

    def _opening(
        self, key: bytes, sequence: int, flags: int, known: Side | int | None
    ) -> Side | int:
        """A SYN: a new flow, or one of a flow that is there already, sent again."""
        if flags & ACK:
            if known is None:
                self._begin(reverse(key))
                known = self._sides[key]
            if not isinstance(known, int):
                known.stream.start(sequence + 1)
            return known
        if isinstance(known, Side):
            first = known.stream.next
            passed = known.passed + known.stream.held_bytes
            if known.flow.sequence == sequence:
                return known
            if (
                known.flow.sequence == _UNKNOWN_SEQUENCE
                and first is not None
                and known.flow.keys[0] == key
                and (first - sequence) & 0xFFFFFFFF <= passed + 1
            ):
                # The SYN of a flow whose first bytes came before it.
                known.flow.sequence = sequence
                return known
            self._end(known.flow)
        flow = self._begin(key)
        flow.sequence = sequence
        side = flow.sides[0]
        side.stream.start(sequence + 1)
        return side

    def _begin(self, key: bytes) -> TLSFlow:
        """A new flow, opened by the source of `key`."""
        if len(self._flows) >= self._limits.flows:
            self._give_up()
        other = reverse(key)
        self._done.pop(key, None)
        flow = TLSFlow((key, other), self._time, self._key_log)
        self._flows[id(flow)] = flow
        self._sides[key], self._sides[other] = flow.sides
        return flow

    def _give_up(self) -> None:
        oldest = next(iter(self._flows.values()))
        self.given_up += oldest.is_tls
        self._end(oldest)

    def _end(self, flow: TLSFlow, counted: Side | None = None) -> None:
        """A flow is done; what `counted` keeps is not in the sum of bytes any more."""
        self._flows.pop(id(flow), None)
        self._waiting -= sum(side.waiting for side in flow.sides if side is not counted)
        for key in flow.keys:
            self._sides[key] = _DONE
        self._done[flow.keys[0]] = flow.keys[1]
        if len(self._done) > self._limits.done:
            first = next(iter(self._done))
            for key in (first, self._done.pop(first)):
                if isinstance(self._sides.get(key), int):
                    del self._sides[key]
        if flow.client is None:
            return
        client, server = ends(flow.keys[flow.client])
        self._hand_over("tcp", flow, flow.proxied or client, server)

    def _hand_over(
        self, transport: Transport, flow: TLSFlow | QUICFlow, client: bytes, server: bytes
    ) -> None:
        start = flow.facts.hello_time or flow.start
        self._on_connection(Connection(transport, start, client, server, flow.facts))

    # ------------------------------------------------------------------ QUIC

    def datagram(self, key: bytes, data: bytes) -> None:
        """Take what a UDP datagram carries."""
        # A long header with the fixed bit; of versions that are known `packets` is judge.
        if len(data) < 20 or data[0] & 0xC0 != 0xC0:
            return
        # With its ciphers; most captures have none.
        from tlsresume.features.capture.quic_flow import QUICFlow

        flow = self._quic.get(key)
        if flow is None:
            done = self._quic_done.get(key)
            if done is not None and QUICFlow.repeats(data, done):
                return
            flow = QUICFlow.begin(key, data, self._time)
            if flow is None:
                return
            if len(self._quic) >= 2 * self._limits.quic_flows:
                self.given_up += 1
                self._end_quic(next(iter(self._quic.values())))
            self._quic[key] = self._quic[reverse(key)] = flow
        flow.datagram(key, data, self._time, self._packet)
        if flow.done:
            self._end_quic(flow)

    def _end_quic(self, flow: QUICFlow) -> None:
        other = reverse(flow.key)
        if self._quic.pop(flow.key, None) is None:
            return
        self._quic.pop(other, None)
        self._quic_done[flow.key] = self._quic_done[other] = flow.destinations
        while len(self._quic_done) > 2 * self._limits.quic_flows:
            del self._quic_done[next(iter(self._quic_done))]
        client, server = ends(flow.key)
        if flow.facts.hellos or flow.facts.server_hello is not None or flow.facts.problems:
            self._hand_over("quic", flow, client, server)

"""From a captured frame to TCP segments and UDP datagrams, through tunnels and fragments.

Tunnels are those of cloud mirrors and the usual ones: VXLAN (RFC 7348), Geneve (RFC 8926),
GRE (RFC 2784, 2890), ERSPAN, IP in IP (RFC 2003, 2473, 4213). The innermost TCP or UDP
counts. What is malformed is passed over.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from tlsresume.features.capture.links import SUPPORTED, ethernet_payload, ip_offset, ip_or_tag

SYN, ACK, FIN, RST = 0x02, 0x10, 0x01, 0x04

_TCP, _UDP, _GRE = 6, 17, 47
_IP_IN_IP = (4, 41)
#: IPv6 extension headers of one shape: Hop-by-Hop, Routing, Destination, Mobility, HIP, Shim6.
_EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})
_FRAGMENT, _AUTHENTICATION = 44, 51
_MOST_EXTENSIONS = 16

_VXLAN_PORTS = (b"\x12\xb5", b"\x21\x18")  # 4789; 8472, Linux's own
_GENEVE_PORT = b"\x17\xc1"  # 6081
_DEEPEST = 6


#: Datagrams that wait for fragments, and the most of one.
_MOST, _MOST_PIECES, _LARGEST = 256, 64, 1 << 16


def reverse(key: bytes) -> bytes:
    """The key of the other direction."""
    half = len(key) // 2 - 2
    ports = 2 * half
    return key[half:ports] + key[:half] + key[ports + 2 :] + key[ports : ports + 2]


def ends(key: bytes) -> tuple[bytes, bytes]:
    """Address and port of the source, and of the destination."""
    half = len(key) // 2 - 2
    ports = 2 * half
    return key[:half] + key[ports : ports + 2], key[half:ports] + key[ports + 2 :]


class Receiver(Protocol):
    """What takes segments and datagrams. `key` is both addresses and both ports, the source's
    first, as they stand in a packet of IPv4 without options; `cut`: the capture has only the
    first bytes."""

    def segment(self, key: bytes, sequence: int, flags: int, data: bytes, *, cut: bool) -> None:
        """A TCP segment."""

    def datagram(self, key: bytes, data: bytes) -> None:
        """What a UDP datagram carries."""


class Fragments:
    """IP datagrams of which not all fragments have come (RFC 791 section 3.2, RFC 8200 section
    4.5); the oldest is given up for a new one."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, dict[int, bytes]] = {}
        self._ends: dict[bytes, int] = {}

    def add(self, key: bytes, offset: int, data: bytes, *, more: bool) -> bytes | None:
        """Take a fragment; the whole datagram's payload once it is there.

        `key` is what all fragments of a datagram share.
        """
        pieces = self._waiting.get(key)
        if pieces is None:
            if len(self._waiting) >= _MOST:
                self._drop(next(iter(self._waiting)))
            pieces = self._waiting[key] = {}
        if offset + len(data) > _LARGEST or len(pieces) >= _MOST_PIECES:
            self._drop(key)
            return None
        pieces.setdefault(offset, data)
        if not more:
            self._ends[key] = offset + len(data)
        end = self._ends.get(key)
        if end is None:
            return None
        whole = b""
        for start in sorted(pieces):
            if start > len(whole):
                return None
            whole += pieces[start][len(whole) - start :]
        if len(whole) < end:
            return None
        self._drop(key)
        return whole[:end]

    def _drop(self, key: bytes) -> None:
        self._waiting.pop(key, None)
        self._ends.pop(key, None)


class Dissector:
    """Takes frames one by one; calls a Receiver for each segment and datagram."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.fragments = Fragments()
        #: Packets of link types that are not read.
        self.unsupported: Counter[int] = Counter()

    def frame(self, link: int, data: bytes) -> None:
        """One captured frame."""
        try:
            at = ip_offset(link, data)
            if at is not None:
                self._ip(data, at, 0)
            elif link not in SUPPORTED and (link in self.unsupported or len(self.unsupported) < 16):
                self.unsupported[link] += 1
        except IndexError:
            return

    def _ip(self, data: bytes, at: int, depth: int) -> None:
        version = data[at] >> 4
        if depth > _DEEPEST:
            return
        if version == 4:
            self._ipv4(data, at, depth)
        elif version == 6:
            self._ipv6(data, at, depth)

    def _ipv4(self, data: bytes, at: int, depth: int) -> None:
        total = data[at + 2] << 8 | data[at + 3]
        # Zero where the network card cuts packets itself (TSO).
        end = at + total if total else len(data)
        start = at + (data[at] & 15) * 4
        if start < at + 20 or end < start:
            return
        addresses = (data[at + 12 : at + 16], data[at + 16 : at + 20])
        offset = (data[at + 6] & 0x1F) << 8 | data[at + 7]
        more = bool(data[at + 6] & 0x20)
        if not offset and not more:
            self._transport(data[at + 9], addresses, data, start, end, depth=depth)
        elif end <= len(data):
            key = b"".join(addresses) + data[at + 4 : at + 6] + data[at + 9 : at + 10]
            whole = self.fragments.add(key, offset * 8, data[start:end], more=more)
            if whole is not None:
                self._transport(data[at + 9], addresses, whole, 0, len(whole), depth=depth)

    def _ipv6(self, data: bytes, at: int, depth: int) -> None:
        length = data[at + 4] << 8 | data[at + 5]
        end = at + 40 + length if length else len(data)
        addresses = (data[at + 8 : at + 24], data[at + 24 : at + 40])
        kind, start = data[at + 6], at + 40
        for _ in range(_MOST_EXTENSIONS):
            if kind in _EXTENSIONS:
                kind, start = data[start], start + 8 * (data[start + 1] + 1)
            elif kind == _AUTHENTICATION:
                kind, start = data[start], start + 4 * (data[start + 1] + 2)
            elif kind == _FRAGMENT:
                field = data[start + 2] << 8 | data[start + 3]
                kind, identification = data[start], data[start + 4 : start + 8]
                start += 8
                if not field & ~6:  # an atomic fragment: RFC 6946
                    continue
                if end > len(data):
                    return
                key = b"".join(addresses) + identification
                whole = self.fragments.add(key, field & ~7, data[start:end], more=bool(field & 1))
                if whole is None:
                    return
                data, start, end = whole, 0, len(whole)
            else:
                break
        self._transport(kind, addresses, data, start, end, depth=depth)

    def _transport(
        self,
        kind: int,
        addresses: tuple[bytes, bytes],
        data: bytes,
        at: int,
        end: int,
        *,
        depth: int,
    ) -> None:
        cut = end > len(data)
        if kind == _TCP:
            start = at + (data[at + 12] >> 4) * 4
            if start < at + 20 or (start > end and not cut):
                return
            key = addresses[0] + addresses[1] + data[at : at + 4]
            sequence = int.from_bytes(data[at + 4 : at + 8], "big")
            self.receiver.segment(key, sequence, data[at + 13], data[start:end], cut=cut)
        elif kind == _UDP:
            self._udp(addresses, data, at, end, depth)
        elif kind in _IP_IN_IP:
            self._ip(data[:end], at, depth + 1)
        elif kind == _GRE:
            self._gre(data[:end], at, depth + 1)

    def _udp(
        self, addresses: tuple[bytes, bytes], data: bytes, at: int, end: int, depth: int
    ) -> None:
        length = data[at + 4] << 8 | data[at + 5]
        if length >= 8:
            end = min(end, at + length)
        port, start = data[at + 2 : at + 4], at + 8
        inner: int | None = None
        if port in _VXLAN_PORTS and end - start > 22 and data[start] & 0x08:
            inner = ethernet_payload(data, start + 8)
        elif port == _GENEVE_PORT and end - start > 22 and data[start] >> 6 == 0:
            inner = self._typed(
                data, data[start + 2 : start + 4], start + 8 + (data[start] & 0x3F) * 4
            )
        if inner is not None:
            self._ip(data[:end], inner, depth + 1)
        elif end <= len(data):
            key = addresses[0] + addresses[1] + data[at : at + 4]
            self.receiver.datagram(key, data[start:end])

    def _gre(self, data: bytes, at: int, depth: int) -> None:
        flags, kind = data[at], data[at + 2 : at + 4]
        if data[at + 1] & 7:  # PPTP's version 1
            return
        start = at + 4
        for bit in (0x80, 0x20, 0x10):  # checksum, key, sequence number
            start += 4 if flags & bit else 0
        if kind == b"\x88\xbe" and flags & 0x10:  # ERSPAN II
            inner = ethernet_payload(data, start + 8)
        elif kind == b"\x22\xeb":  # ERSPAN III, with a subheader where the last bit says so
            inner = ethernet_payload(data, start + (20 if data[start + 11] & 1 else 12))
        elif kind == b"\x88\xbe":
            inner = ethernet_payload(data, start)
        else:
            inner = self._typed(data, kind, start)
        if inner is not None:
            self._ip(data, inner, depth)

    def _typed(self, data: bytes, kind: bytes, at: int) -> int | None:
        """Where IP begins in what has an EtherType of its own."""
        if kind == b"\x65\x58":  # transparent Ethernet bridging
            return ethernet_payload(data, at)
        return ip_or_tag(data, kind, at)

"""Captures made in memory: TCP and UDP connections as packets, and the files that hold them.

A Conversation takes what two peers say and makes frames of it. How a file is written (byte
order, resolution, format, link type, tunnel) is for the writers below.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

START = 1_780_000_000 * 10**9
MILLISECOND = 10**6


@dataclass(frozen=True)
class Frame:
    """One IP packet and its time in nanoseconds."""

    time: int
    data: bytes


def ip4(protocol: int, source: str, destination: str, payload: bytes, **parts: int) -> bytes:
    head = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(payload),
        parts.get("identification", 0),
        parts.get("fragment", 0),
        64,
        protocol,
        0,
        ip_address(source).packed,
        ip_address(destination).packed,
    )
    return head + payload


def ip6(protocol: int, source: str, destination: str, payload: bytes) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64)
    return head + ip_address(source).packed + ip_address(destination).packed + payload


def ip(protocol: int, source: str, destination: str, payload: bytes) -> bytes:
    make = ip6 if ":" in source else ip4
    return make(protocol, source, destination, payload)


def udp(source_port: int, destination_port: int, payload: bytes) -> bytes:
    return struct.pack("!HHHH", source_port, destination_port, 8 + len(payload), 0) + payload


SYN, ACK, PSH, FIN, RST = 2, 16, 8, 1, 4


@dataclass
class Conversation:
    """One TCP connection: `say` adds segments, each a step of time after the last."""

    client: tuple[str, int] = ("192.0.2.1", 40000)
    server: tuple[str, int] = ("198.51.100.1", 443)
    time: int = START
    sequences: list[int] = field(default_factory=lambda: [1000, 5_000_000])
    step: int = MILLISECOND
    size: int = 1400
    frames: list[Frame] = field(default_factory=list)

    def segment(self, sender: int, flags: int, data: bytes = b"") -> None:
        source, destination = (
            (self.client, self.server) if sender == 0 else (self.server, self.client)
        )
        head = struct.pack(
            "!HHIIBBHHH",
            source[1],
            destination[1],
            self.sequences[sender] & 0xFFFFFFFF,
            self.sequences[1 - sender] & 0xFFFFFFFF,
            5 << 4,
            flags,
            65535,
            0,
            0,
        )
        self.frames.append(Frame(self.time, ip(6, source[0], destination[0], head + data)))
        self.time += self.step
        self.sequences[sender] += len(data) + bool(flags & (SYN | FIN))

    def open(self) -> Conversation:
        self.segment(0, SYN)
        self.segment(1, SYN | ACK)
        self.segment(0, ACK)
        return self

    def say(self, sender: int, data: bytes) -> None:
        for at in range(0, len(data), self.size):
            self.segment(sender, ACK | PSH, data[at : at + self.size])

    def close(self) -> Conversation:
        self.segment(0, ACK | FIN)
        self.segment(1, ACK | FIN)
        self.segment(0, ACK)
        return self


# ----------------------------------------------------------------------- links


def _ether_type(data: bytes) -> bytes:
    return b"\x08\x00" if data[0] >> 4 == 4 else b"\x86\xdd"


def ethernet(data: bytes) -> bytes:
    """With a trailer, as short frames have one."""
    return bytes(12) + _ether_type(data) + data


def _ppp(data: bytes) -> bytes:
    return b"\x00\x21" if data[0] >> 4 == 4 else b"\x00\x57"


def gre(data: bytes) -> bytes:
    return ip4(47, "10.0.0.1", "10.0.0.2", b"\x20\x00" + _ether_type(data) + b"\0\0\0\x01" + data)


def snap(data: bytes) -> bytes:
    return b"\xaa\xaa\x03\0\0\0" + _ether_type(data) + data


def vxlan(data: bytes) -> bytes:
    inner = udp(50000, 4789, b"\x08\0\0\0\0\0\x2a\0" + ethernet(data))
    return ip4(17, "10.0.0.1", "10.0.0.2", inner)


def geneve(data: bytes) -> bytes:
    inner = udp(50000, 6081, b"\x01\0\x65\x58\0\0\x2a\0" + bytes(4) + ethernet(data))
    return ip4(17, "10.0.0.1", "10.0.0.2", inner)


def ip_in_ip(data: bytes) -> bytes:
    return ip4(4 if data[0] >> 4 == 4 else 41, "10.0.0.1", "10.0.0.2", data)


#: How an IP packet is carried: the link type, and what is before it.
LINKS = {
    "ethernet": (1, ethernet),
    "trailer": (1, lambda data: ethernet(data) + b"\x16\x03\x01\x00\x10\x01\x00\x00\x0c\x03\x03"),
    "vlan": (1, lambda data: bytes(12) + b"\x81\x00\x00\x05" + _ether_type(data) + data),
    "qinq": (
        1,
        lambda data: bytes(12) + b"\x88\xa8\x00\x05\x81\x00\x00\x06" + _ether_type(data) + data,
    ),
    "pppoe": (
        1,
        lambda data: (
            bytes(12)
            + b"\x88\x64\x11\x00\x00\x01"
            + (len(data) + 2).to_bytes(2, "big")
            + _ppp(data)
            + data
        ),
    ),
    "mpls": (1, lambda data: bytes(12) + b"\x88\x47\x00\x01\x00\x40\x00\x02\x01\x40" + data),
    "mpls in gre": (
        101,
        lambda data: ip4(47, "10.0.0.1", "10.0.0.2", b"\0\0\x88\x47\x00\x02\x01\x40" + data),
    ),
    "snap": (1, lambda data: bytes(12) + (len(data) + 8).to_bytes(2, "big") + snap(data)),
    "snap in sll": (113, lambda data: bytes(14) + b"\x00\x04" + snap(data)),
    "nflog": (
        239,
        lambda data: (
            b"\x02\x00\x00\x05\x05\x00\x0a\x00a\0\0\0" + struct.pack("<HH", len(data) + 4, 9) + data
        ),
    ),
    "raw": (101, lambda data: data),
    "null": (0, lambda data: struct.pack("<I", 2) + data),
    "loop": (108, lambda data: struct.pack(">I", 2) + data),
    "sll": (113, lambda data: bytes(14) + _ether_type(data) + data),
    "sll2": (276, lambda data: _ether_type(data) + bytes(18) + data),
    "ppp": (9, lambda data: b"\xff\x03" + _ppp(data) + data),
    "hdlc": (104, lambda data: b"\x0f\x00" + _ether_type(data) + data),
    "vxlan": (1, lambda data: ethernet(vxlan(data))),
    "geneve": (1, lambda data: ethernet(geneve(data))),
    "gre": (1, lambda data: ethernet(gre(data))),
    "erspan": (
        1,
        lambda data: ethernet(
            ip4(47, "10.0.0.1", "10.0.0.2", b"\x10\0\x88\xbe" + bytes(12) + ethernet(data))
        ),
    ),
    "ip-in-ip": (101, ip_in_ip),
    "vxlan in gre": (101, lambda data: gre(vxlan(data))),
}


# ----------------------------------------------------------------------- files


def pcap(
    frames: list[Frame], link: str = "ethernet", *, order: str = "<", nanoseconds: bool = False,
    snap_length: int = 262144,
) -> bytes:  # fmt: skip
    number, wrap = LINKS[link]
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    made = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap_length, number)]
    for frame in frames:
        data = wrap(frame.data)
        seconds, rest = divmod(frame.time, 10**9)
        kept = data[:snap_length]
        made.append(
            struct.pack(
                order + "IIII", seconds, rest if nanoseconds else rest // 1000, len(kept), len(data)
            )
            + kept
        )
    return b"".join(made)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: str, resolution: int | None = None, order: str = "<", offset: int = 0) -> bytes:
    body = struct.pack(order + "HHI", LINKS[link][0], 0, 0)
    if resolution is not None:
        body += option(9, bytes([resolution]), order)
    if offset:
        body += option(14, struct.pack(order + "q", offset), order)
    return block(1, body + option(0, b"", order), order)


def enhanced(
    frame: Frame, link: str, ticks: int, order: str = "<", interface_number: int = 0
) -> bytes:
    data = LINKS[link][1](frame.data)
    head = struct.pack(
        order + "IIIII", interface_number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)
    )
    return block(6, head + data, order)


def pcapng(
    frames: list[Frame],
    link: str = "ethernet",
    *,
    order: str = "<",
    resolution: int | None = None,
    secrets: bytes = b"",
) -> bytes:
    made = [section(order), interface(link, resolution, order)]
    if secrets:
        body = struct.pack(order + "II", 0x544C534B, len(secrets)) + secrets
        made.append(block(10, body, order))
    for frame in frames:
        value = 6 if resolution is None else resolution
        if value & 0x80:
            ticks = (frame.time << (value & 0x7F)) // 10**9
        else:
            ticks = frame.time * 10**value // 10**9
        made.append(enhanced(frame, link, ticks, order))
    return b"".join(made)


def shifted(frames: list[Frame], nanoseconds: int) -> list[Frame]:
    """The same frames at another time."""
    return [replace(frame, time=frame.time + nanoseconds) for frame in frames]

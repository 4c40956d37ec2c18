"""The PROXY header that a load balancer puts before a client's bytes, versions 1 and 2.

Source: the PROXY protocol's specification, haproxy.org. Its address is the client's.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
#: Of version 1: the longest line; of version 2: the bytes of an address pair by family.
_LONGEST_LINE = 107
_PAIRS = {0x11: 4, 0x21: 16}


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """A header: how many bytes it takes, and the client's packed address and port, if any."""

    length: int
    address: bytes | None = None


def read_proxy_header(data: bytes) -> ProxyHeader | None:
    """The header that a stream begins with; length 0: none, None: more bytes are needed."""
    if data.startswith(_SIGNATURE[: len(data)]):
        return _version_2(data)
    if data.startswith(b"PROXY "[: len(data)]):
        return _version_1(data)
    return ProxyHeader(0)


def _version_1(data: bytes) -> ProxyHeader | None:
    line, end, _ = data[:_LONGEST_LINE].partition(b"\r\n")
    if not end:
        return None if len(data) < _LONGEST_LINE else ProxyHeader(0)
    words = line.decode("ascii", "replace").split(" ")
    length = len(line) + 2
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        return ProxyHeader(length)
    try:
        return ProxyHeader(
            length, ipaddress.ip_address(words[2]).packed + int(words[4]).to_bytes(2, "big")
        )
    except (ValueError, OverflowError):
        return ProxyHeader(length)


def _version_2(data: bytes) -> ProxyHeader | None:
    if len(data) < 16:
        return None
    length = 16 + int.from_bytes(data[14:16], "big")
    if length > 1 << 12:
        return ProxyHeader(0)
    if len(data) < length:
        return None
    size = _PAIRS.get(data[13])
    # The command LOCAL (a health check) has no client.
    if data[12] != 0x21 or size is None or length < 16 + 2 * size + 4:
        return ProxyHeader(length)
    return ProxyHeader(length, data[16 : 16 + size] + data[16 + 2 * size : 18 + 2 * size])

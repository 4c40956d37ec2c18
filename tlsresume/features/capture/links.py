"""Where the IP packet begins in a captured frame, by link type.

Link types are libpcap's numbers (https://www.tcpdump.org/linktypes.html).
"""

from __future__ import annotations

ETHERNET = 1

_IPV4, _IPV6 = b"\x08\x00", b"\x86\xdd"
#: 802.1Q, 802.1ad (QinQ) and what came before it.
_TAGS = frozenset({b"\x81\x00", b"\x88\xa8", b"\x91\x00"})
_PPPOE = b"\x88\x64"
_MPLS = frozenset({b"\x88\x47", b"\x88\x48"})
_MOST_TAGS = 8
#: 802.2 LLC with SNAP (RFC 1042), whose type is an EtherType; what is below it is a length.
_SNAP = b"\xaa\xaa\x03\x00\x00\x00"
_LEAST_TYPE = b"\x06\x00"

#: Link types whose packets begin with a header of one length, and then IP.
_FIXED: dict[int, int] = {
    0: 4,  # NULL: address family in the machine's order
    108: 4,  # LOOP: address family in network order
    12: 0,  # RAW, by the number that some systems use
    14: 0,
    101: 0,  # RAW
    228: 0,  # IPV4
    229: 0,  # IPV6
    109: 12,  # ENC of OpenBSD
}
#: The packet among the attributes of Linux' NFLOG (`tcpdump -i nflog`).
_NFLOG_PAYLOAD = 9
#: PPP's numbers of IPv4 and IPv6.
_PPP = (b"\x00\x21", b"\x00\x57")

SUPPORTED = frozenset({ETHERNET, 9, 50, 51, 104, 113, 239, 276, *_FIXED})


def ip_offset(link: int, data: bytes) -> int | None:
    """Where the IP header begins; None where the frame carries none."""
    if link == ETHERNET:
        return ethernet_payload(data, 0)
    fixed = _FIXED.get(link)
    if fixed is not None:
        return fixed
    if link == 113:  # Linux cooked: the protocol is at 14
        return _after_type(data, 14)
    if link == 276:  # Linux cooked, version 2: the protocol comes first
        return ip_or_tag(data, data[0:2], 20)
    if link == 104:  # Cisco HDLC
        return _after_type(data, 2)
    if link == 51:  # a PPPoE session
        return _ppp(data, 6)
    if link in (9, 50):
        return _ppp(data, 2 if data[:2] == b"\xff\x03" else 0)
    if link == 239:
        return _nflog(data)
    return None


def ethernet_payload(data: bytes, at: int) -> int | None:
    """Where the IP header of an Ethernet frame begins, that itself begins at `at`."""
    return _after_type(data, at + 12)


def _after_type(data: bytes, at: int) -> int | None:
    return ip_or_tag(data, data[at : at + 2], at + 2)


def ip_or_tag(data: bytes, kind: bytes, at: int) -> int | None:
    """Where IP begins in what has this EtherType and begins at `at`."""
    for _ in range(_MOST_TAGS):
        if kind in (_IPV4, _IPV6):
            return at
        if kind in _TAGS:
            kind = data[at + 2 : at + 4]
            at += 4
        elif kind == _PPPOE:
            return _ppp(data, at + 6)
        elif kind in _MPLS:
            return _after_labels(data, at)
        elif kind < _LEAST_TYPE and data[at : at + 6] == _SNAP:
            kind = data[at + 6 : at + 8]
            at += 8
        else:
            return None
    return None


def _ppp(data: bytes, at: int) -> int | None:
    """PPP's protocol field may be one byte (RFC 1661 section 6.5)."""
    if data[at : at + 2] in _PPP:
        return at + 2
    return at + 1 if data[at : at + 1] in (b"\x21", b"\x57") else None


def _after_labels(data: bytes, at: int) -> int | None:
    """Behind the label with the bottom-of-stack bit (RFC 3032)."""
    for _ in range(_MOST_TAGS):
        if len(data) < at + 5:
            return None
        if data[at + 2] & 1:
            return at + 4
        at += 4
    return None


def _nflog(data: bytes) -> int | None:
    """Behind the attribute that holds the packet (https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html):
    each has a length and a type in the capturing machine's order, which is little endian here."""
    at = 4
    while len(data) - at >= 4:
        length, kind = data[at] | data[at + 1] << 8, data[at + 2] | (data[at + 3] & 0x7F) << 8
        if length < 4:
            return None
        if kind == _NFLOG_PAYLOAD:
            return at + 4
        at += length + 3 & ~3
    return None

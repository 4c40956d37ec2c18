"""What a line of a target list is, before its options are looked at. Pure.

A line is ours (`HOST[:PORT]` with options, split as a shell would), zgrab2's (`IP, DOMAIN, TAG,
PORT`, where any but one of the first two may be left out), or a network, which has to be
expanded explicitly. A `#` begins a comment.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from tlsresume.targets.endpoints import is_address, network_of
from tlsresume.value import Value

#: The longest line that means anything, in bytes.
LONGEST = 65_536
#: The most addresses that one network is expanded to.
MOST_ADDRESSES = 1 << 24

_SHELL = frozenset(" \t\"'\\#")


class Words(Value, frozen=True):
    """A line of ours: a target and options."""

    words: tuple[str, ...]


class Named(Value, frozen=True):
    """A line of zgrab2: a name to send, or None, the address to go to, or None, and a port."""

    domain: str | None
    address: str | None
    port: int | None


class Network(Value, frozen=True):
    """Every address of a network, perhaps under a name, at a port or the usual one."""

    network: IPv4Network | IPv6Network
    domain: str | None
    port: int | None


Line = Words | Named | Network


def parse_line(text: str) -> Line | None:
    """What a line says; None for an empty one or a comment. Raises ValueError."""
    text = text.strip()
    if not text or text.startswith("#"):
        return None
    if len(text) > LONGEST:
        raise ValueError("the line is too long")
    if "," in text and (found := _zgrab2(text)) is not None:
        return found
    if _SHELL.isdisjoint(text):
        return _network(text) or Words((text,))
    import shlex

    words = tuple(shlex.split(text, comments=True))
    if not words:
        return None
    return (_network(words[0]) if len(words) == 1 else None) or Words(words)


def _zgrab2(text: str) -> Line | None:
    """None where the first field is neither empty nor an address."""
    import csv

    try:
        (fields,) = csv.reader([text.partition("#")[0]], skipinitialspace=True)
    except csv.Error as error:
        raise ValueError(str(error)) from None
    fields = [field.strip() for field in fields]
    first = fields[0]
    network = network_of(first) if "/" in first else None
    if first and network is None and not is_address(first):
        return None
    if len(fields) > 4:
        raise ValueError("zgrab2's lines have four fields: IP, DOMAIN, TAG, PORT")
    domain = fields[1] if len(fields) > 1 and fields[1] else None
    port = _port(fields[3]) if len(fields) > 3 and fields[3] else None
    if network is not None:
        return Network(network, domain, port)
    if not first and domain is None:
        raise ValueError("neither an address nor a domain")
    return Named(domain, first or None, port)


def _network(text: str) -> Network | None:
    """A network with or without a port, `[V6/LENGTH]:PORT` or `V4/LENGTH:PORT`; else None."""
    if "/" not in text or "://" in text or text.startswith("unix:"):
        return None
    host, port = text, None
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = _port(rest[1:]) if rest.startswith(":") else None
    elif text.count(":") == 1:
        host, _, tail = text.partition(":")
        port = _port(tail)
    network = network_of(host)
    return None if network is None else Network(network, None, port)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) <= 65_535):
        raise ValueError(f"{text[:20]!r} is not a port")
    return int(text)


def expand(line: Network) -> Iterator[Named]:
    """Each address of a network that a host can have. Raises ValueError where there are too
    many."""
    if line.network.num_addresses > MOST_ADDRESSES:
        raise ValueError(f"{line.network} has more than {MOST_ADDRESSES} addresses")
    for address in line.network.hosts():
        yield Named(line.domain, str(address), line.port)

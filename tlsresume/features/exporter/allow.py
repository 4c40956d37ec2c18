"""Which targets the exporter may probe. Pure.

Whoever can reach an exporter can have it connect to what its machine reaches. So `allow` under
`[exporter]` is held against each *resolved* address, in the form that is connected to: an
IPv4-mapped IPv6 address is that IPv4 address. A rule is `NAME`, `NETWORK` or `ADDRESS`, each
with `:PORT` or without, or `*:PORT`; names may hold `*`. One rule that fits is enough.

A name rule says nothing of where the name leads. So loopback, link-local, multicast and
unspecified addresses need a rule that names their network; link-local ones need that always.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from tlsresume.targets.endpoints import network_of
from tlsresume.value import Value

_Address = IPv4Address | IPv6Address
_NAME = re.compile(r"[A-Za-z0-9_*.-]{1,253}")
#: IPv4 addresses inside IPv6 ones, by NAT64 (RFC 6052 section 2.1).
_NAT64 = IPv6Network("64:ff9b::/96")


class Rule(Value, frozen=True):
    """What may be probed: a name or a network (one of the two), at one port or at any."""

    name: str | None
    network: IPv4Network | IPv6Network | None
    port: int | None

    def names(self, host: str, port: int) -> bool:
        """Whether it is a rule of names, for such a host at this port."""
        return (
            self.name is not None
            and self.port in (None, port)
            and fnmatchcase(host.lower(), self.name)
        )


def parse_rule(text: str) -> Rule:
    """A rule from its text, such as `*.example.com:443`, `10.0.0.0/8`, `[2001:db8::/32]:443` or
    `*:443`. Raises ValueError."""
    host, port = _split(text.strip())
    network = network_of(host)
    if network is not None:
        return Rule(None, network, port)
    if not _NAME.fullmatch(host) or re.fullmatch(r"[0-9.]+", host):
        raise ValueError(f"{text!r} is no name, network or address, with :PORT or without")
    return Rule(host.rstrip(".").lower(), None, port)


def _split(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text!r}: what follows the bracket is not :PORT")
        return host, _port(rest[1:], text) if rest else None
    if network_of(text) is not None or ":" not in text:
        return text, None
    host, _, port = text.rpartition(":")
    return host or "*", _port(port, text)


def _port(text: str, whole: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) <= 65_535):
        raise ValueError(f"{whole!r}: {text!r} is not a port")
    return int(text)


class Allow(Value, frozen=True):
    """The rules; `rules` None: nothing was said, and all but link-local addresses are allowed."""

    rules: tuple[Rule, ...] | None = None

    def may_fit(self, host: str, port: int) -> bool:
        """Whether some address of a host could be allowed, as far as is known without asking."""
        if self.rules is None:
            return True
        return any(
            rule.names(host, port) or (rule.name is None and rule.port in (None, port))
            for rule in self.rules
        )

    def permits(self, host: str, port: int, address: str) -> bool:
        """Whether an address that a host was resolved to may be connected to."""
        try:
            own = ip_address(address)
        except ValueError:
            return False
        forms = list(_forms(own))
        if self.rules is None:
            return not any(form.is_link_local for form in forms)
        special = any(_special(form) for form in forms)
        if not special and self.permits_name(host, port):
            return True
        networks = [r.network for r in self.rules if r.network and r.port in (None, port)]
        return any(form in network for network in networks for form in forms)

    def permits_name(self, host: str, port: int) -> bool:
        """Whether a host may be named to a proxy that looks it up itself."""
        if self.rules is None:
            return True
        return any(rule.names(host, port) for rule in self.rules)


def _forms(address: _Address) -> Iterator[_Address]:
    """The address that is connected to, and those that a gateway may make of it."""
    if isinstance(address, IPv4Address):
        yield address
        return
    plain = IPv6Address(int(address))  # without its zone
    if plain.ipv4_mapped is not None:
        yield plain.ipv4_mapped
        return
    yield plain
    if plain.sixtofour is not None:
        yield plain.sixtofour
    if plain in _NAT64:
        yield IPv4Address(int(plain) & 0xFFFF_FFFF)


def _special(address: _Address) -> bool:
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        # All of 0.0.0.0/8 is "this host" (RFC 1122 section 3.2.1.3).
        or (isinstance(address, IPv4Address) and int(address) < 1 << 24)
    )

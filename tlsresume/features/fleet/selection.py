"""Which targets of a list are probed, and where: shards and exclusions. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address

from tlsresume.options import ProbeOptions
from tlsresume.results.measured import Skipped
from tlsresume.targets.endpoints import network_of
from tlsresume.targets.target import Target
from tlsresume.value import Value

_NAME = r"[A-Za-z0-9_*.-]{1,253}"


class Job(Value, frozen=True, kw_only=True):
    """A target to probe, with its options and their fingerprint."""

    target: Target
    options: ProbeOptions
    fingerprint: str
    #: Addresses that were left out, with the reason, before it was begun.
    skipped: tuple[Skipped, ...] = ()


class Shard(Value, frozen=True):
    """The `number`-th of `count` parts of a list, from 1, by a stable hash of each target."""

    number: int
    count: int

    def has(self, target: Target) -> bool:
        """Whether a target belongs to this part."""
        key = f"{target.spelling} {target.server_name} {target.connect}"
        return bucket(key, self.count) == self.number - 1


def parse_shard(text: str) -> Shard:
    """A shard from `K/N`. Raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if match is None:
        raise ValueError(f"{text!r} is not K/N, such as 1/4")
    number, count = int(match[1]), int(match[2])
    if not 1 <= number <= count:
        raise ValueError(f"{text}: there is no part {number} of {count}")
    return Shard(number, count)


def bucket(key: str, count: int) -> int:
    """A number below `count`, the same for the same key on every machine and at all times."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % count


def bucket_of(target: Target, count: int) -> int:
    """The number for a target by its first address, or else by its name: all names of an address
    that was looked up have the same."""
    host, _ = target.dial_to
    addresses = target.addresses if target.connect is None else ()
    return bucket(min(addresses, default=host), count)


class Exclusions:
    """Names, networks and addresses that are not connected to, whatever leads there.

    A name may hold `*`; `*.example.com` does not cover `example.com`.
    """

    def __init__(self, lines: Iterable[str] = ()) -> None:
        """Raises ValueError for a line that is none of these."""
        self._names: set[str] = set()
        self._patterns: list[str] = []
        self._networks: dict[int, set[tuple[int, int]]] = {}
        for number, line in enumerate(lines, 1):
            text = line.partition("#")[0].strip()
            if text:
                self._add(text, number)

    def _add(self, text: str, number: int) -> None:
        network = network_of(text)
        if network is None:
            if not re.fullmatch(_NAME, text) or re.fullmatch(r"[0-9.]+", text):
                raise ValueError(f"line {number}: {text[:60]!r} is no name, network or address")
            name = text.rstrip(".").lower()
            if "*" in name:
                self._patterns.append(name)
            else:
                self._names.add(name)
            return
        # By length of prefix, so that a list of many networks costs no more for each address.
        prefixes = self._networks.setdefault(network.version, set())
        prefixes.add((network.prefixlen, int(network.network_address)))

    @property
    def anything(self) -> bool:
        """Whether anything is excluded."""
        return bool(self._names or self._patterns or self._networks)

    def name(self, host: str) -> bool:
        """Whether a host is excluded by its name, or is an excluded address."""
        lower = host.lower()
        if lower in self._names or any(fnmatchcase(lower, each) for each in self._patterns):
            return True
        return self.address(host)

    def address(self, text: str) -> bool:
        """Whether an address is excluded; an IPv4-mapped one is its IPv4 address."""
        try:
            found: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        prefixes = self._networks.get(found.version)
        if not prefixes:
            return False
        number, bits = int(found), found.max_prefixlen
        lengths = {length for length, _ in prefixes}
        return any(
            (length, number >> (bits - length) << (bits - length)) in prefixes for length in lengths
        )

"""Which targets of a list are probed: lines, shards, exclusions."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlsresume.features.fleet.lines import LONGEST, Named, Network, Words, expand, parse_line
from tlsresume.features.fleet.selection import Exclusions, Shard, parse_shard
from tlsresume.targets.target import parse_target

LINES = {
    "": None,
    "  # comment": None,
    "a.example": Words(("a.example",)),
    "a.example:8443 # comment": Words(("a.example:8443",)),
    "a.example --tls 1.2 --send 'a b'": Words(("a.example", "--tls", "1.2", "--send", "a b")),
    "a.example,b.example": Words(("a.example,b.example",)),
    "https://a.example/": Words(("https://a.example/",)),
    "unix:/run/x/y": Words(("unix:/run/x/y",)),
    # zgrab2: IP, DOMAIN, TAG, PORT
    "192.0.2.1,a.example": Named("a.example", "192.0.2.1", None),
    "192.0.2.1, a.example, tag, 8443": Named("a.example", "192.0.2.1", 8443),
    ",a.example": Named("a.example", None, None),
    "192.0.2.1,,tag": Named(None, "192.0.2.1", None),
    '2001:db8::1,"a.example",,25': Named("a.example", "2001:db8::1", 25),
    "192.0.2.0/30,a.example": Network(ip_network("192.0.2.0/30"), "a.example", None),
    # networks
    "192.0.2.0/30": Network(ip_network("192.0.2.0/30"), None, None),
    "192.0.2.1/30:8443": Network(ip_network("192.0.2.0/30"), None, 8443),
    "[2001:db8::/126]:25": Network(ip_network("2001:db8::/126"), None, 25),
    "2001:db8::/126": Network(ip_network("2001:db8::/126"), None, None),
}


def test_each_kind_of_line_is_known():
    """Ours, zgrab2's and networks; whatever else is for the options to judge."""
    for text, line in LINES.items():
        assert parse_line(text) == line, text
    for text in ("a 'b", ",,tag", "192.0.2.1,a,b,c,d", "192.0.2.1,a,b,0", "x" * (LONGEST + 1)):
        with pytest.raises(ValueError):
            parse_line(text)


@given(st.text(max_size=200))
def test_any_line_is_a_line_or_a_value_error(text):
    """Nothing else comes out."""
    try:
        parse_line(text)
    except ValueError:
        return


def test_a_network_is_expanded_to_its_hosts():
    """Not to its own address, nor to everyone's; not beyond all bounds."""
    found = [each.address for each in expand(Network(ip_network("192.0.2.0/29"), None, 1))]
    assert found == [f"192.0.2.{n}" for n in range(1, 7)]
    assert len(list(expand(Network(ip_network("192.0.2.1/32"), None, None)))) == 1
    with pytest.raises(ValueError, match="more than"):
        next(expand(Network(ip_network("2001:db8::/64"), None, None)))


def test_shards_are_parts_of_a_list():
    """Each target is in exactly one of them, and in the same one tomorrow."""
    targets = [parse_target(f"h{n}.example") for n in range(200)]
    parts = [[t for t in targets if Shard(k, 3).has(t)] for k in (1, 2, 3)]
    assert sorted(t.name for part in parts for t in part) == sorted(t.name for t in targets)
    assert all(len(part) > 30 for part in parts)
    assert Shard(2, 7).has(parse_target("h1.example")) is Shard(2, 7).has(
        parse_target("h1.example")
    )
    assert parse_shard("1/4") == Shard(1, 4)
    for text in ("4/3", "0/3", "1", "a/b", "1/0", "-1/2", "1/2/3"):
        with pytest.raises(ValueError, match=text):
            parse_shard(text)


def test_what_is_excluded_is_so_in_every_spelling():
    """Names by pattern, addresses by network, mapped ones as what they are."""
    excluded = Exclusions(
        [
            "# not these",
            "*.internal",
            "Host.Example.",
            "10.0.0.0/8",
            "192.0.2.7",
            "2001:db8::/32",
            "",
        ]
    )
    for host in ("a.b.internal", "host.example", "10.1.2.3", "192.0.2.7", "2001:db8::1"):
        assert excluded.name(host), host
    for address in ("::ffff:10.0.0.1", "2001:db8:1::%eth0"):
        assert excluded.address(address), address
    for host in (
        "internal",
        "a.host.example",
        "192.0.2.8",
        "11.0.0.1",
        "2001:db9::1",
        "10.example",
    ):
        assert not excluded.name(host), host
    assert not Exclusions(["# nothing"]).anything
    for line in ("10.0.0.0/33", "a b", "1.2.3", "http://x"):
        with pytest.raises(ValueError, match="line 2"):
            Exclusions(["ok.example", line])

"""Which addresses an exporter connects to: what is resolved counts, never what was written."""

from __future__ import annotations

import pytest

from tlsresume.features.exporter.allow import Allow, parse_rule

#: Rules, then host, port and resolved address, and whether that may be connected to.
CASES: tuple[tuple[tuple[str, ...] | None, str, int, str, bool], ...] = (
    (None, "a.example", 443, "192.0.2.1", True),
    (None, "localhost", 443, "127.0.0.1", True),
    (None, "metadata", 80, "169.254.169.254", False),
    (None, "x", 443, "fe80::1%2", False),
    (None, "x", 443, "::ffff:169.254.169.254", False),
    (None, "x", 443, "64:ff9b::a9fe:a9fe", False),
    ((), "a.example", 443, "192.0.2.1", False),
    (("*.example",), "a.example", 443, "192.0.2.1", True),
    (("*.example",), "A.Example", 443, "10.0.0.1", True),
    (("*.example",), "example", 443, "192.0.2.1", False),
    (("*.example",), "a.example.org", 443, "192.0.2.1", False),
    # A name leads where its owner likes.
    (("*.example",), "a.example", 443, "127.0.0.1", False),
    (("*.example",), "a.example", 443, "::ffff:127.0.0.1", False),
    (("*.example",), "a.example", 443, "::1", False),
    (("*.example",), "a.example", 443, "0.0.0.0", False),
    (("*.example",), "a.example", 443, "169.254.1.1", False),
    (("*.example:443",), "a.example", 8443, "192.0.2.1", False),
    (("*:443",), "whatever", 443, "192.0.2.1", True),
    (("*:443",), "whatever", 443, "127.0.0.2", False),
    ((":443",), "whatever", 443, "192.0.2.1", True),
    (("10.0.0.0/8",), "a.example", 443, "10.9.9.9", True),
    (("10.0.0.0/8",), "a.example", 443, "::ffff:10.9.9.9", True),
    (("10.0.0.0/8",), "10.0.0.1", 443, "192.0.2.1", False),
    (("10.0.0.0/8:443", "192.0.2.7"), "x", 22, "10.0.0.1", False),
    (("10.0.0.0/8:443", "192.0.2.7"), "x", 22, "192.0.2.7", True),
    (("127.0.0.0/8",), "localhost", 443, "127.0.0.1", True),
    (("169.254.0.0/16",), "x", 443, "169.254.1.1", True),
    (("2001:db8::/32",), "x", 443, "2001:db8::1", True),
    (("[2001:db8::/32]:443",), "x", 443, "2001:db8::1", True),
    (("[2001:db8::/32]:443",), "x", 80, "2001:db8::1", False),
    (("*",), "x", 443, "unix:/run/socket", False),
)


def test_each_resolved_address_is_held_against_the_rules():
    """Mapped and translated forms are the IPv4 address that they lead to."""
    for rules, host, port, address, allowed in CASES:
        allow = Allow(None if rules is None else tuple(parse_rule(rule) for rule in rules))
        assert allow.permits(host, port, address) is allowed, (rules, host, port, address)
        if allowed:
            assert allow.may_fit(host, port), (rules, host, port)


def test_what_could_never_fit_is_known_without_asking():
    """A port or a name that no rule has is refused before DNS is asked."""
    allow = Allow((parse_rule("*.example:443"), parse_rule("10.0.0.0/8:25")))
    assert allow.may_fit("a.example", 443)
    assert allow.may_fit("other", 25)
    assert not allow.may_fit("other", 443)
    assert not allow.may_fit("a.example", 22)
    assert allow.permits_name("a.example", 443)
    assert not allow.permits_name("other", 25)


def test_a_rule_that_is_none_is_refused():
    """Nothing is guessed: a wrong rule would open or close a door."""
    for text in ("", "10.0.0.0/33", "a b", "x:", "x:0", "x:65536", "[::1", "[::1]x", "1.2.3", "/8"):
        with pytest.raises(ValueError):
            parse_rule(text)

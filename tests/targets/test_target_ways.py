"""Targets that are not reached the plain way: STARTTLS, --resolve, IDNA, unix sockets."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.rows import each_row
from tlsresume.errors import ResolveError, UsageError
from tlsresume.experiments.connections import TargetSetup
from tlsresume.network.resolve import addresses_for
from tlsresume.options import ConnectOptions
from tlsresume.protocols.table import SCHEMES, STARTTLS
from tlsresume.targets.proxies import Proxy
from tlsresume.targets.target import Target, parse_resolve, parse_target

#: text, --starttls, the prelude, and whether only the port told it
PRELUDES = [
    ("a.example:25", "auto", "smtp", True),
    ("a.example:587", "auto", "smtp", True),
    ("a.example:21", "auto", "ftp", True),
    ("a.example:3306", "auto", "mysql", True),
    ("a.example:25", "none", None, False),
    ("a.example:2525", "auto", None, False),
    ("a.example:2525", "smtp", "smtp", False),
    ("a.example:443", "smtp", "smtp", False),
    ("smtp://a.example:2525", "auto", "smtp", False),
    ("postgresql://a.example", "auto", "postgres", False),
    ("imap://a.example", "imap", "imap", False),
    ("imaps://a.example", "none", None, False),
    ("unix:/run/a", "auto", None, False),
    ("unix:/run/a", "postgres", "postgres", False),
]


@each_row("text, asked, prelude, by_port", PRELUDES)
def test_how_tls_starts(text, asked, prelude, by_port):
    """The URL or --starttls decides; else a well-known port, and that is said."""
    target = parse_target(text, starttls=asked)
    assert (target.starttls, target.by_port) == (prelude, by_port)
    assert any("--starttls none" in note for note in target.notes) is by_port


@each_row(
    "text, asked",
    [
        ("imaps://a.example", "imap"),
        ("https://a.example", "smtp"),
        ("smtp://a.example", "imap"),
        ("smtp://a.example", "none"),
        ("a.example", "gopher"),
    ],
)
def test_contradictions_are_usage_errors(text, asked):
    """What the URL says is not overruled in silence."""
    with pytest.raises(UsageError):
        parse_target(text, starttls=asked)


def test_a_prelude_asked_for_drops_the_scheme_of_the_port():
    """SMTP on port 443 is not HTTP: no HEAD request, no ALPN."""
    target = parse_target("a.example:443", starttls="smtp")
    assert (target.http, target.alpn, target.protocol.name) == (False, (), "smtp")


@each_row("name", sorted(SCHEMES))
def test_each_scheme_has_something_harmless_to_say(name):
    """What elicits tickets suits the protocol; MySQL has nothing before a login, and QUIC and
    DTLS by themselves say nothing of the protocol inside."""
    port = "" if SCHEMES[name].port else ":1"
    target = parse_target(f"{name}://a.example{port}")
    sent = TargetSetup(target, ConnectOptions(), "agent/1").send
    assert bool(sent) is (name not in ("mysql", "quic", "dtls"))
    assert sent == (target.protocol.farewell or sent)
    assert TargetSetup(target, ConnectOptions(send=b"x"), "agent/1").send == b"x"


def test_every_prelude_has_a_scheme_of_its_name():
    """URL forms work for each protocol."""
    for name in STARTTLS:
        assert parse_target(f"{name}://a.example").starttls == name


@pytest.mark.parametrize("scheme", ["smtp", "ftp", "ldap", "postgres"])
def test_logins_in_urls_are_refused_and_not_repeated(scheme):
    """A password on the command line goes nowhere, and not into the error."""
    with pytest.raises(UsageError) as caught:
        parse_target(f"{scheme}://me:hunter2@a.example")
    assert "hunter2" not in caught.value.message


# --------------------------------------------------------------------- addresses


def test_resolve_pins_addresses():
    """As in curl: host and port must match, * is any host, the first rule wins."""
    rules = ("b.example:443:192.0.2.1", "a.example:443:192.0.2.2,[2001:db8::2]", "*:443:::1")
    assert parse_target("a.example", resolve=rules).addresses == ("192.0.2.2", "2001:db8::2")
    assert parse_target("c.example", resolve=rules).addresses == ("::1",)
    assert parse_target("a.example:8443", resolve=rules).addresses == ()
    assert parse_resolve("[2001:db8::1]:443:192.0.2.1") == ("2001:db8::1", 443, ("192.0.2.1",))


@each_row(
    "rule", ["", "a", "a:443", "a:443:", "a:b:1.2.3.4", "a:443:b", "a:443:1.2.3.4,", ":1:1.2.3.4"]
)
def test_what_is_no_rule_is_a_usage_error(rule):
    """Named with the option."""
    with pytest.raises(UsageError):
        parse_resolve(rule)


@given(st.text(max_size=60))
def test_any_rule_parses_or_is_our_error(rule):
    """Nothing but UsageError leaves."""
    try:
        parse_resolve(rule)
    except UsageError:
        return


def found(target: Target) -> tuple[str, ...]:
    return asyncio.run(addresses_for(target, 5)).addresses


def test_where_addresses_come_from():
    """Pinned ones, the proxy's look-up, a socket's path; -4 and -6 choose among them."""
    rules = ("a.example:443:192.0.2.2,2001:db8::2",)
    assert found(parse_target("a.example", resolve=rules)) == ("192.0.2.2", "2001:db8::2")
    assert found(parse_target("a.example", resolve=rules, family="ipv6")) == ("2001:db8::2",)
    with pytest.raises(ResolveError):
        found(parse_target("a.example", resolve=("a.example:443:::1",), family="ipv4"))
    by_proxy = parse_target("a.example", proxy=Proxy("socks5h", "p.example", 1080))
    assert found(by_proxy) == ("a.example",)
    assert found(parse_target("unix:/run/a")) == ("unix:/run/a",)
    elsewhere = parse_target("a.example", resolve=rules, connect="127.0.0.1")
    assert found(elsewhere) == ("127.0.0.1",)


# -------------------------------------------------------------- names and sockets


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("B\u00dcCHER.example", "xn--bcher-kva.example"),
        # IDNA 2003 would make fass.example of it, another name.
        ("fa\u00df.example", "xn--fa-hia.example"),
        ("\u4f8b\u3048.\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"),
    ],
)
def test_international_names(text, host):
    """IDNA 2008 with the mapping of UTS #46."""
    assert parse_target(text).host == host


@each_row(
    "text",
    [
        "\u2665.example",
        "\u00e4" * 64,
        ".".join(["\u00e4" * 20] * 12),
        "\u00e4..example",
        "unix:relative",
        "unix:",
        "unix:/" + "a" * 120,
    ],
)
def test_names_that_cannot_be(text):
    """One printable line says why."""
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert caught.value.message.isprintable()


def test_a_unix_socket_as_a_target():
    """No port, no SNI unless asked for, the certificate for localhost, and no proxy."""
    target = parse_target("unix:/run/a.sock")
    assert (target.name, target.port, target.server_name) == ("unix:/run/a.sock", 0, None)
    assert (target.unix, target.verify_name) == (True, "localhost")
    assert parse_target("unix:/run/a", servername="a.example").verify_name == "a.example"
    with pytest.raises(UsageError):
        parse_target("unix:/run/a", connect="127.0.0.1")
    with pytest.raises(UsageError):
        parse_target("unix:/run/a", proxy=Proxy("http", "p", 80))

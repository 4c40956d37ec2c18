"""Target strings: what each form means, and that nothing but a value or UsageError comes out."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.rows import each_row
from tlsresume.errors import UsageError
from tlsresume.protocols.table import SCHEMES
from tlsresume.targets.endpoints import format_endpoint, is_address
from tlsresume.targets.proxies import parse_proxy
from tlsresume.targets.target import Target, parse_target

#: text -> host, port, server name, scheme
GOOD = {
    "example.com": ("example.com", 443, "example.com", "https"),
    "Example.COM.": ("example.com", 443, "example.com", "https"),
    "example.com:443": ("example.com", 443, "example.com", "https"),
    "example.com:8443": ("example.com", 8443, "example.com", ""),
    " example.com": ("example.com", 443, "example.com", "https"),
    "\texample.com:8443 \n": ("example.com", 8443, "example.com", ""),
    "example.com/": ("example.com", 443, "example.com", "https"),
    "localhost:1": ("localhost", 1, "localhost", ""),
    "under_score.example:65535": ("under_score.example", 65535, "under_score.example", ""),
    "xn--mnchen-3ya.example": ("xn--mnchen-3ya.example", 443, "xn--mnchen-3ya.example", "https"),
    "m\u00fcnchen.example": ("xn--mnchen-3ya.example", 443, "xn--mnchen-3ya.example", "https"),
    "192.0.2.1": ("192.0.2.1", 443, None, "https"),
    "192.0.2.1:25": ("192.0.2.1", 25, None, "smtp"),
    "2001:DB8::1": ("2001:db8::1", 443, None, "https"),
    "[2001:db8::1]": ("2001:db8::1", 443, None, "https"),
    "[2001:db8:0:0::1]:993": ("2001:db8::1", 993, None, "imaps"),
    "[fe80::1%eth0]:443": ("fe80::1%eth0", 443, None, "https"),
    "fe80::1%2": ("fe80::1%2", 443, None, "https"),
    "https://example.com": ("example.com", 443, "example.com", "https"),
    "HTTPS://Example.com/path?x=1#y": ("example.com", 443, "example.com", "https"),
    "https://example.com:8443/": ("example.com", 8443, "example.com", "https"),
    "https://[::1]:8443/": ("::1", 8443, None, "https"),
    "imaps://mail.example": ("mail.example", 993, "mail.example", "imaps"),
    "smtps://mail.example:10465": ("mail.example", 10465, "mail.example", "smtps"),
}

BAD = [
    "",
    " ",
    ":443",
    "example.com:",
    "example.com:0",
    "example.com:65536",
    "example.com:443443",
    "example.com:https",
    "example.com:+443",
    "example.com:\u0664\u0664\u0663",
    "example.com: 443",
    "exam ple.com",
    "example..com",
    ".example.com",
    ".",
    "-example.com",
    "example-.com",
    "example.com/path",
    "user@example.com",
    "x" * 64 + ".example",
    ".".join(["x" * 63] * 4),
    "\u00fc" * 64,
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "1:2:3",
    "::1:443:x",
    "[::1",
    "[::1]443",
    "[::1]:",
    "[example.com]:443",
    "[192.0.2.1]",
    "[]",
    "fe80::1%",
    "fe80::1%eth0\x1b[31m",
    "fe80::1%\u00b2",
    "fe80::1%a/b",
    "http://example.com",
    "gopher://example.com",
    "://example.com",
    "https://",
    "https:///path",
    "https://[::1",
    "https://exa\nmple.com",
    "https://example.com/a b",
    "\x01https://example.com",
    "https://user:secret@example.com",
    "https://example.com:99999",
    "https://ex\u2100mple.com",
]


@each_row("text, expected", GOOD.items())
def test_each_form_of_a_target(text, expected):
    """Host, port, SNI and scheme of every documented form."""
    target = parse_target(text)
    assert (target.host, target.port, target.server_name, target.scheme) == expected
    assert target.dial_to == (target.host, target.port)
    assert target.verify_name == target.host


@each_row("text", BAD)
def test_what_is_no_target_is_a_usage_error(text):
    """One printable line says why."""
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 250


def test_a_password_is_not_repeated():
    """A URL with user and password is refused without showing them."""
    with pytest.raises(UsageError) as caught:
        parse_target("https://user:secret@example.com/")
    assert "secret" not in caught.value.message
    assert "user:" not in caught.value.message


def test_the_name_sent_is_a_choice():
    """--servername replaces the SNI, --no-sni drops it; the host stays."""
    target = parse_target("192.0.2.1", servername="Example.com")
    assert (target.host, target.server_name, target.verify_name) == (
        "192.0.2.1",
        "example.com",
        "example.com",
    )
    target = parse_target("example.com", sni=False)
    assert (target.server_name, target.verify_name) == (None, "example.com")
    with pytest.raises(UsageError):
        parse_target("example.com", servername="example.com", sni=False)


@each_row("name", ["192.0.2.1", "::1", "fe80::1%a b", "", "a b", "x\x1b"])
def test_an_address_is_no_server_name(name):
    """RFC 6066 section 3 allows only DNS names in SNI."""
    with pytest.raises(UsageError):
        parse_target("example.com", servername=name)


@each_row(
    "connect, where",
    [
        ("192.0.2.7", ("192.0.2.7", 8443)),
        ("192.0.2.7:1443", ("192.0.2.7", 1443)),
        ("[::1]", ("::1", 8443)),
        ("[::1]:1443", ("::1", 1443)),
        ("::1", ("::1", 8443)),
        ("node1.example", ("node1.example", 8443)),
    ],
)
def test_connect_goes_elsewhere_and_keeps_the_name(connect, where):
    """--connect changes where we go, not what we ask for."""
    target = parse_target("example.com:8443", connect=connect)
    assert target.dial_to == where
    assert (target.host, target.port, target.server_name) == ("example.com", 8443, "example.com")


def test_schemes_bring_their_defaults():
    """Of the schemes https and h3 are HTTP; each has a port, or says that it has none."""
    assert parse_target("https://a.example").alpn == ("http/1.1",)
    assert parse_target("a.example").http
    for name, scheme in SCHEMES.items():
        if not scheme.port:
            with pytest.raises(UsageError, match="no port of its own") as caught:
                parse_target(f"{name}://a.example")
            assert caught.value.hints == (f"{name}://a.example:PORT",)
            continue
        target = parse_target(f"{name}://a.example")
        assert (target.port, target.http) == (scheme.port, name in ("https", "h3"))
    bare = Target(host="a.example", port=4433)
    assert (bare.alpn, bare.http) == ((), False)


def test_a_scheme_says_what_carries_tls():
    """QUIC and DTLS have schemes of their own, which no port stands for, and stay in the name of
    the target, so that nothing takes it for the TCP target of the same port."""
    for text, transport, alpn, name in (
        ("h3://a.example", "quic", ("h3",), "h3://a.example:443"),
        ("doq://a.example", "quic", ("doq",), "doq://a.example:853"),
        ("quic://[::1]:7", "quic", (), "quic://[::1]:7"),
        ("dtls://a.example:7", "dtls", (), "dtls://a.example:7"),
        ("coaps://a.example", "dtls", (), "coaps://a.example:5684"),
        ("a.example:853", "tcp", (), "a.example:853"),
        ("a.example:5684", "tcp", (), "a.example:5684"),
    ):
        target = parse_target(text)
        assert (target.transport, target.alpn, target.name) == (transport, alpn, name)
        assert parse_target(target.spelling) == target
    with pytest.raises(UsageError, match="goes over UDP"):
        parse_target("h3://a.example", proxy=parse_proxy("http://p.example:1"))
    with pytest.raises(UsageError, match="smtp"):
        parse_target("dtls://a.example:1", starttls="smtp")


@pytest.mark.parametrize(
    ("host", "text"),
    [("a.example", "a.example:1"), ("192.0.2.1", "192.0.2.1:1"), ("::1", "[::1]:1")],
)
def test_a_target_is_named_so_that_it_can_be_given_again(host, text):
    """`name` has brackets where they are needed, and parses to the same target."""
    assert format_endpoint(host, 1) == text
    target = parse_target(text)
    assert target.name == text
    assert target.host == host


_TEXT = st.text(st.sampled_from("aZ09.-_:/[]@%#?\\ \t\n\u00fc\u3002\u0130\u00df\u2100\0\x7f"))


def parsed(text: str, **options: str) -> tuple[Target | None, str]:
    """The target, or the words that refuse it."""
    try:
        return parse_target(text, **options), ""  # type: ignore[arg-type]  # only texts are given
    except UsageError as error:
        return None, error.message


@given(_TEXT | st.text() | _TEXT.map("https://".__add__) | st.text().map("https://".__add__))
@example("https://[v1.x]/")
@example("\u3002")
@example("a\u0301" * 60)
def test_only_a_target_or_a_usage_error_comes_out(text):
    """Whatever the text, parsing gives a sound Target or a UsageError."""
    target, refusal = parsed(text)
    if target is None:
        assert refusal.isprintable()
        return
    assert 1 <= target.port <= 65535
    assert target.host.isascii()
    assert target.host.isprintable()
    assert target.host
    again = parse_target(target.name)
    assert (again.host, again.port) == (target.host, target.port)
    assert (target.server_name is None) == is_address(target.host)


@given(st.text(), st.text())
def test_options_raise_nothing_else(servername, connect):
    """The texts of --servername and --connect give a Target or a UsageError."""
    assert parsed("example.com", servername=servername, connect=connect)[1].isprintable()

"""A client program keeps its fingerprint, whatever it offers and wherever it connects."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tlsresume.tls.extensions import Extension
from tlsresume.tls.fingerprint import fingerprint, is_grease
from tlsresume.tls.messages import ClientHello

GROUPS = Extension(10, bytes.fromhex("00060a0a001d0017"))
SCHEMES = Extension(13, bytes.fromhex("00060a0a04030804"))
VERSIONS = Extension(43, bytes.fromhex("040a0a0304"))
ALPN = Extension(16, bytes.fromhex("000302") + b"h2")

HELLO = ClientHello(
    0x0303,
    bytes(32),
    b"",
    (0x1A1A, 0x1301, 0x1302),
    (GROUPS, SCHEMES, VERSIONS, ALPN, Extension(0x2A2A, b"")),
)


def test_what_resumption_changes_is_left_out():
    """Offering a session, padding, another name or other GREASE leaves the fingerprint alone."""
    resumed = replace(
        HELLO,
        session_id=b"\x01" * 32,
        cipher_suites=(0x3A3A, 0x1302, 0x1301),
        extensions=(
            Extension(0, b"\x00\x04\x00\x00\x01a"),
            *reversed(HELLO.extensions[:-1]),
            Extension(35, b"ticket"),
            Extension(45, b"\x01\x01"),
            Extension(42, b""),
            Extension(21, bytes(9)),
            Extension(41, b""),
        ),
    )
    assert fingerprint(resumed) == fingerprint(HELLO)


def test_programs_differ():
    """Other suites, groups, signature algorithms, versions or ALPN are another program."""
    others = [
        replace(HELLO, cipher_suites=(0x1301,)),
        replace(
            HELLO, extensions=(Extension(10, bytes.fromhex("0002001d")), *HELLO.extensions[1:])
        ),
        replace(
            HELLO, extensions=(GROUPS, Extension(13, bytes.fromhex("00020403")), VERSIONS, ALPN)
        ),
        replace(HELLO, extensions=(GROUPS, SCHEMES, ALPN)),
        replace(HELLO, extensions=(GROUPS, SCHEMES, VERSIONS)),
    ]
    prints = [fingerprint(HELLO), *(fingerprint(other) for other in others)]
    assert len(set(prints)) == len(prints)
    assert len({fingerprint(HELLO, transport) for transport in ("tcp", "quic", "dtls")}) == 3


def test_form():
    """Transport, version, counts and ALPN can be read off."""
    assert fingerprint(HELLO).startswith("t13-2-3-h2-")


def test_grease_values():
    """There are sixteen, and nothing else is one."""
    assert [n for n in range(0x10000) if is_grease(n)] == [0x0A0A + 0x1010 * i for i in range(16)]


@given(st.binary(max_size=40), st.binary(min_size=1, max_size=40))
def test_whatever_a_client_sends(schemes, name):
    """A malformed signature list or an odd protocol name gives a printable fingerprint."""
    odd = Extension(16, (len(name) + 1).to_bytes(2, "big") + bytes([len(name)]) + name)
    text = fingerprint(replace(HELLO, extensions=(Extension(13, schemes), odd)))
    assert text.isascii()
    assert text.isprintable()

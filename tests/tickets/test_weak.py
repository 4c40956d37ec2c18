"""tickets/weak_keys.py: keys that need no guessing, proved by our own secret."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.rows import each_row
from tests.helpers.ticket_vectors import (
    MECHANISMS,
    SERVERS,
    seal_gnutls,
    seal_go,
    seal_openssl,
    server_session,
    vector,
)
from tlsresume.tickets.unseal import gnutls_rotation
from tlsresume.tickets.weak_keys import (
    begin_with_key_names,
    find_weak_key,
    pattern_name,
    patterns,
    weakness,
)

SECRET = hashlib.shake_128(b"secret").digest(48)
PLAIN = server_session(SECRET).data
#: Go 1.21 and later: version, type (1: a server's), cipher suite, time, secret.
GO_STATE = bytes.fromhex("0304011301") + bytes(8) + bytes([len(SECRET)]) + SECRET
NAME = hashlib.shake_128(b"name").digest(16)
STRONG = hashlib.shake_128(b"strong").digest(64)
TIME, LIFETIME = 1_800_000_000, 21_600

KEYS = {
    "all zero": bytes,
    "all one bits": lambda n: b"\xff" * n,
    "every byte 0x31 ('1')": lambda n: b"1" * n,
    "counting up from 0": lambda n: bytes(range(n)),
    "counting up from 1": lambda n: bytes(range(1, n + 1)),
    "counting up from 16": lambda n: bytes(range(16, 16 + n)),
    "'0123456789abcdef', repeated": lambda n: (b"0123456789abcdef" * 4)[:n],
    "'deadbeef', repeated": lambda n: (b"\xde\xad\xbe\xef" * 16)[:n],
    "0x31 repeated, then zeros": lambda n: b"1" * (n // 2) + bytes(n // 2),
}


@each_row("size", [16, 32])
@each_row("pattern", KEYS)
def test_openssl(pattern, size):
    """A weak AES key is found whatever the MAC key is, and it is said whether that is weak too."""
    key = KEYS[pattern](size)
    for mac_key, weak_mac in ((key, True), (STRONG[:size], False)):
        found = find_weak_key(seal_openssl(PLAIN, NAME, key, mac_key), SECRET)
        assert found is not None
        assert (found.pattern, found.layout, found.mac) == (pattern, "openssl", weak_mac)
        assert found.cipher == f"AES-{size * 8}-CBC"
        assert found.reference is not None


def test_gnutls():
    """A key of zeros as it stands is CVE-2020-13777; a weak key that GnuTLS derived its own
    from is found for the time of the ticket, and has no CVE."""
    found = find_weak_key(seal_gnutls(PLAIN, bytes(64)), SECRET, (), TIME, LIFETIME)
    assert found is not None
    assert (found.pattern, found.reference) == ("all zero", "CVE-2020-13777")
    period = gnutls_rotation(TIME, LIFETIME)[0]
    derived = hashlib.sha3_512(period.to_bytes(8, "big") + bytes(64)).digest()
    found = find_weak_key(seal_gnutls(PLAIN, derived), SECRET, (), TIME, LIFETIME)
    assert found is not None
    assert (found.pattern, found.layout, found.reference) == ("all zero", "gnutls", None)


@pytest.mark.parametrize("named", [True, False])
def test_go(named):
    """A weak seed of Go's is found with and without a key name in the ticket."""
    state = PLAIN if named else GO_STATE
    found = find_weak_key(seal_go(state, bytes(32), named=named), SECRET)
    assert found is not None
    assert (found.pattern, found.layout) == ("all zero", "go-1.20" if named else "go-1.21")


def test_a_key_name_is_no_iv():
    """Tickets that begin alike and go on differently have a key name; those that Go sealed with
    one IV again and again have none, so that their weak seed is found all the same."""
    ivs = (bytes(16), bytes(range(1, 17)))
    sealed = [seal_openssl(PLAIN, NAME, STRONG[:16], STRONG[16:32], iv) for iv in ivs]
    assert begin_with_key_names([*sealed, bytes(224)]) == {NAME}
    again = [seal_go(GO_STATE + bytes(n), bytes(32), named=False) for n in range(3)]
    assert not begin_with_key_names(again)


def test_without_our_secret_nothing_is_proved():
    """A ticket that opens, but holds another session than ours, is no finding."""
    for ticket in (
        seal_openssl(PLAIN, NAME, bytes(32), bytes(32)),
        seal_gnutls(PLAIN, bytes(64)),
        seal_go(PLAIN, bytes(32), named=True),
    ):
        assert find_weak_key(ticket, SECRET[::-1]) is None
        assert find_weak_key(ticket, b"") is None


@each_row("mechanism", MECHANISMS)
@each_row("server", SERVERS)
def test_real_keys_are_not_weak(server, mechanism):
    """No weak key is found in the tickets of servers with random keys."""
    fields = vector(server, mechanism).fields
    assert find_weak_key(fields.ticket, fields.master_key, (), fields.time, LIFETIME) is None


@each_row("size", [16, 32, 48, 64, 80])
def test_patterns(size):
    """Patterns are keys of the right length, each once, and each is a weakness."""
    found = patterns(size)
    assert all(len(key) == size for key in found)
    assert all(weakness(key) for key in found)
    assert all(pattern_name(key) for key in found)


def test_strong():
    """Random bytes have no weakness."""
    assert weakness(STRONG) is None
    assert weakness(b"") is None


@given(st.binary(max_size=300))
def test_any_ticket(ticket):
    """Any bytes have a weak key or have none."""
    assert find_weak_key(ticket, SECRET) is None

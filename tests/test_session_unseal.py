"""session/unseal.py: tickets of each layout, made with known keys, opened byte for byte."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rows import each_row
from tests.ticket_vectors import (
    IV,
    MECHANISMS,
    SERVERS,
    key_of,
    seal_gnutls,
    seal_go,
    seal_openssl,
    server_session,
    ticket_of,
    vector,
)
from tlsresume.session.keyfile import parse_key_file
from tlsresume.session.unseal import (
    TicketKey,
    der_length,
    expand_label,
    gnutls_key,
    gnutls_rotation,
    go_key,
    holds_secret,
    mac_without_key,
    unseal,
)
from tlsresume.value import Secret

NAME, AES, MAC = bytes(range(16)), bytes(range(32, 64)), bytes(range(64, 96))
SECRET = bytes(range(100, 148))
PLAIN = server_session(SECRET).data
SEED, MASTER = bytes(range(32)), bytes(range(3, 67))


@pytest.mark.parametrize("size", [16, 32])
def test_openssl(size):
    """name, IV, AES-CBC, HMAC-SHA256: the plaintext comes back byte for byte, and is a session."""
    key = TicketKey("openssl", NAME, Secret(AES[:size]), Secret(MAC[:size]))
    opened = unseal(seal_openssl(PLAIN, NAME, AES[:size], MAC[:size]), key)
    assert opened is not None
    assert (opened.plaintext, opened.mac, opened.layout) == (PLAIN, True, "openssl")
    assert opened.session is not None
    assert opened.session.fields.master_key == SECRET
    assert holds_secret(opened.plaintext, SECRET)


def test_a_wrong_mac_does_not_hide_the_session():
    """With the right cipher key and another MAC key the session is shown, and the MAC is said
    not to match."""
    opened = unseal(
        seal_openssl(PLAIN, NAME, AES, b"other"),
        TicketKey("openssl", NAME, Secret(AES), Secret(MAC)),
    )
    assert opened is not None
    assert (opened.plaintext, opened.mac) == (PLAIN, False)


def test_a_wrong_cipher_key_with_a_right_mac():
    """A key whose MAC is right made the ticket, even where nothing can be read of it."""
    opened = unseal(
        seal_openssl(PLAIN, NAME, AES, MAC),
        TicketKey("openssl", NAME, Secret(AES[::-1]), Secret(MAC)),
    )
    assert opened is not None
    assert (opened.mac, opened.session) == (True, None)


def test_another_key():
    """Another name, or the same name with other keys, opens nothing."""
    ticket = seal_openssl(PLAIN, NAME, AES, MAC)
    assert unseal(ticket, TicketKey("openssl", NAME[::-1], Secret(AES), Secret(MAC))) is None
    assert unseal(ticket, TicketKey("openssl", NAME, Secret(MAC), Secret(AES))) is None


def test_gnutls():
    """name, IV, length, AES-CBC, HMAC-SHA1, padded with zeros."""
    opened = unseal(seal_gnutls(PLAIN, MASTER), gnutls_key(MASTER))
    assert opened is not None
    assert opened.plaintext.rstrip(b"\0") == PLAIN.rstrip(b"\0")
    assert (opened.mac, opened.layout) == (True, "gnutls")


def test_gnutls_rotates():
    """A period's key is SHA3-512 of the period and the key that GnuTLS was given."""
    period = gnutls_rotation(1_800_000_000, 21_600)[0]
    derived = hashlib.sha3_512(period.to_bytes(8, "big") + MASTER).digest()
    assert unseal(seal_gnutls(PLAIN, derived), gnutls_key(MASTER, period)) is not None
    assert unseal(seal_gnutls(PLAIN, derived), gnutls_key(MASTER, period + 1)) is None


@pytest.mark.parametrize(("named", "layout"), [(True, "go-1.20"), (False, "go-1.21")])
def test_go(named, layout):
    """Go's tickets with and without a key name, from the seed of 32 bytes."""
    opened = unseal(seal_go(PLAIN, SEED, named=named), go_key(SEED))
    assert opened is not None
    assert (opened.plaintext, opened.mac, opened.layout) == (PLAIN, True, layout)


@each_row("mechanism", MECHANISMS)
@each_row("server", SERVERS)
def test_real_servers(server, mechanism):
    """A ticket of a real server is opened with the key that it was given, and has the secret
    of the captured session in it; a flipped bit in the key opens nothing."""
    session = vector(server, mechanism)
    fields = session.fields

    def opened_with(data):
        readings = [
            reading
            for key in parse_key_file(data, "f").keys
            for reading in key.readings(None, fields.time, fields.lifetime_hint or 0)
        ]
        found = [opened for r in readings if (opened := unseal(ticket_of(session), r)) is not None]
        return [o for o in found if holds_secret(o.plaintext, fields.master_key)]

    (opened,) = opened_with(key_of(server))
    # This httpd 2.4 on OpenSSL 3 made the MAC with an empty key.
    assert opened.mac == (server != "apache48")
    assert mac_without_key(ticket_of(session)) == (server == "apache48")
    raw = bytearray(key_of("nginx80"))
    raw[-1] ^= 1
    assert opened_with(bytes(raw)) == []


@pytest.mark.parametrize(("length", "digest"), [(32, "sha256"), (48, "sha384")])
def test_the_secret_may_be_one_step_before(length, digest):
    """In TLS 1.3 a ticket may hold the resumption master secret: the PSK follows from it and
    the nonce, which is given, or empty, or stands behind it (RFC 8446 section 4.6.1)."""
    master = hashlib.shake_128(b"m").digest(length)
    for nonce, rest, given_nonces in (
        (b"\x01\x02", b"", (b"\x01\x02",)),
        (b"", b"", ()),
        (b"abcd", b"\x04abcd", ()),
    ):
        psk = expand_label(master, nonce, digest, length)
        plain = b"before" + master + rest + b"\xff after"
        assert holds_secret(plain, psk, given_nonces)
        assert not holds_secret(plain, psk[::-1], given_nonces)


def test_expand_label():
    """The PSK of RFC 8448 section 3 comes from its resumption master secret and nonce."""
    secret = bytes.fromhex("7df235f2031d2a051287d02b0241b0bfdaf86cc856231f2d5aba46c434ec196c")
    psk = bytes.fromhex("4ecd0eb6ec3b4d87f5d6028f922ca4c5851a277fd41311c9e62d2c9492e1c4f3")
    assert expand_label(secret, b"\x00\x00", "sha256", 32) == psk


@each_row(
    "data, length",
    [(b"", 0), (b"\x30", 0), (b"\x30\x05", 7), (b"\x30\x81\x80", 131), (b"\x30\x82\x01\x00", 260),
     (b"\x30\x80", 0), (b"\x30\x85\1\1\1\1\1", 0)],
)  # fmt: skip
def test_der_length(data, length):
    """The length that a DER element says it has; 0 where it says none."""
    assert der_length(data) == length


KEYS = [
    TicketKey("openssl", NAME, Secret(AES), Secret(MAC)),
    TicketKey("gnutls", NAME, Secret(AES), Secret(MAC[:16])),
    TicketKey("go", NAME, Secret(AES[:16]), Secret(MAC[:16])),
]


@given(st.sampled_from(KEYS), st.binary(max_size=300), st.booleans(), st.booleans())
def test_any_ticket(key, data, named, right_mac):
    """Any bytes, with the key's name and a right MAC or without, are opened or they are not."""
    body = (NAME if named else b"") + data
    digest = "sha1" if key.scheme == "gnutls" else "sha256"
    ticket = body + (hmac.digest(key.mac_key, body, digest) if right_mac else IV * 2)
    opened = unseal(ticket, key)
    if opened is not None:
        assert opened.mac or opened.is_session
        _ = opened.session
        holds_secret(opened.plaintext, SECRET)

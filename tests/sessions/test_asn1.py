"""sessions/asn1.py: SSL_SESSION is read and written back as OpenSSL wrote it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import sessions
from tests.helpers.rows import each_row
from tlsresume.errors import SessionError
from tlsresume.sessions import asn1


def changed(structure, name, value):
    changes: dict[str, Any] = {name: value}
    return replace(structure, **changes)


@each_row("name", sessions.NAMES)
def test_round_trip(name):
    """What OpenSSL 3.0 and 4.0 wrote comes back byte for byte."""
    der = sessions.der(name)
    assert asn1.encode(*asn1.decode(der)) == der


def test_every_field_round_trips():
    """Every field of the declaration is written and read again, the old and rare ones too."""
    structure, peer = asn1.decode(sessions.der("openssl40-psk"))
    full = replace(
        structure,
        key_arg=b"k",
        session_id_context=b"c",
        verify_result=20,
        psk_identity_hint=b"hint",
        psk_identity=b"identity",
        compression_id=b"\x01",
        srp_username=b"user",
        flags=1,
        max_early_data=2**32 - 1,
        max_fragment_length_mode=4,
        ticket_appdata=b"data",
        peer_rpk=b"raw",
        peer=None,
    )
    again, peer_again = asn1.decode(asn1.encode(full, peer))
    assert peer_again == peer
    assert vars(replace(again, peer=None)) == vars(full)


@pytest.mark.parametrize("peer", [None, b"\x30\x00", b"\x30\x03\x02\x01\x05", bytes(1)])
def test_odd_certificates_are_kept(peer):
    """A certificate that nobody could parse does not lose the session, as long as it is a SEQUENCE."""
    structure, _ = asn1.decode(sessions.der("openssl30-ticket"))
    der = asn1.encode(structure, peer)
    if peer == b"\x00":
        with pytest.raises(SessionError):
            asn1.decode(der)
    else:
        assert asn1.decode(der)[1] == peer


@each_row("name", asn1.RANGES)
def test_numbers_out_of_range(name):
    """A number that does not fit OpenSSL's C type is refused, read or written."""
    structure, peer = asn1.decode(sessions.der("openssl40-psk"))
    low, high = asn1.RANGES[name]
    for number in (low, high):
        asn1.decode(asn1.encode(changed(structure, name, number), peer))
    for number in (low - 1, high + 1):
        with pytest.raises(SessionError, match=name):
            asn1.encode(changed(structure, name, number), peer)


@pytest.mark.parametrize("name", asn1.LENGTHS)
def test_strings_too_long(name):
    """A string that does not fit OpenSSL's buffer is refused."""
    structure, peer = asn1.decode(sessions.der("openssl40-psk"))
    with pytest.raises(SessionError, match=name):
        asn1.encode(changed(structure, name, bytes(asn1.LENGTHS[name][1] + 1)), peer)


def test_an_unknown_field_is_an_error():
    """A field that OpenSSL does not have is refused, as OpenSSL refuses it."""
    content = sessions.der("openssl40-psk-too-early")[4:] + b"\xb5\x03\x02\x01\x00"
    with pytest.raises(SessionError):
        asn1.decode(b"\x30\x82" + len(content).to_bytes(2, "big") + content)


@given(st.sampled_from(sessions.NAMES), st.data())
def test_flipped_bits(name, data):
    """Whatever bits are flipped, a value or our error comes out, and a value is stable."""
    der = bytearray(sessions.der(name))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(der) * 8 - 1))
        der[position // 8] ^= 1 << position % 8
    try:
        structure, peer = asn1.decode(bytes(der))
    except SessionError:
        return
    assert asn1.encode(structure, peer) == bytes(der)


@given(st.sampled_from(sessions.NAMES), st.data())
def test_truncated(name, data):
    """No shorter piece of a session is a session."""
    der = sessions.der(name)
    with pytest.raises(SessionError):
        asn1.decode(der[: data.draw(st.integers(0, len(der) - 1))])


@given(st.binary(max_size=200))
def test_junk(data):
    """Bytes that are no session give our error."""
    with pytest.raises(SessionError):
        asn1.decode(data)

"""sessions/session.py: what a session says, and whether OpenSSL would offer it."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import sessions
from tests.helpers.rows import each_row
from tlsresume.errors import SessionError
from tlsresume.sessions.names import cipher_hash, cipher_name, group_name, verify_result_text
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import ProtocolVersion

MADE = sessions.session("openssl40-psk").fields.time


def test_fields_of_tls13():
    """A TLS 1.3 session of OpenSSL 4.0 is read as what it is."""
    fields = sessions.session("openssl40-psk-early-data").fields
    assert fields.tls_version is ProtocolVersion.TLSv1_3
    assert (fields.cipher_name, fields.cipher_hash) == ("TLS_AES_256_GCM_SHA384", "sha384")
    assert (len(fields.session_id), len(fields.master_key)) == (32, 48)
    assert (fields.timeout, fields.lifetime_hint) == (7200, 7200)
    assert (fields.hostname, fields.alpn) == ("localhost", "http/1.1")
    assert (fields.group, fields.group_name) == (0x11EC, "X25519MLKEM768")
    assert (fields.max_early_data, fields.age_add) == (16384, 0x4AE6D2BB)
    assert fields.ticket is not None
    assert len(fields.ticket) == 32
    assert fields.peer is not None
    assert fields.verify_result == 0


def test_fields_of_tls12():
    """A TLS 1.2 session of OpenSSL 3.0, without SNI and not verified, is read as what it is."""
    fields = sessions.session("openssl30-ticket").fields
    assert fields.tls_version is ProtocolVersion.TLSv1_2
    assert fields.cipher_name == "ECDHE-ECDSA-AES256-GCM-SHA384"
    assert fields.extended_master_secret
    assert fields.verify_result == 18
    assert (fields.hostname, fields.alpn) == (None, None)
    assert (fields.lifetime_hint, fields.group_name) == (7200, "x25519")


MECHANISMS = {
    "openssl30-psk": "psk",
    "openssl30-psk-early-data": "psk",
    "openssl30-session-id": "session-id",
    "openssl30-ticket": "ticket",
    "openssl40-psk": "psk",
    "openssl40-psk-early-data": "psk",
    "openssl40-psk-stateful": "psk",
    "openssl40-psk-too-early": "psk",
    "openssl40-session-id": "session-id",
    "openssl40-ticket": "ticket",
}


@each_row("name", sessions.NAMES)
def test_mechanism(name):
    """Each vector resumes by the mechanism it was made with; only the early one by none."""
    session = sessions.session(name)
    assert session.mechanism == MECHANISMS[name]
    assert session.resumable == (name != "openssl40-psk-too-early")


def test_secrets_are_not_shown():
    """No representation shows the secret, the ticket or the bytes."""
    session = sessions.session("openssl40-psk")
    shown = repr(session) + repr(session.fields) + str(session) + session.sha256
    for secret in (session.data, session.fields.master_key, session.fields.ticket):
        assert secret is not None
        assert repr(bytes(secret))[2:-1] not in shown
        assert secret.hex() not in shown


def test_a_session_is_a_value():
    """Sessions of equal bytes are equal and hash equally, read or not, and can be pickled."""
    one = sessions.session("openssl40-psk")
    other = Session("openssl-der", one.data)
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one
    assert one.fields is one.fields


def test_bytes_are_read_late():
    """A Session can hold anything; from_der and a look at a field refuse what is no session."""
    session = Session("openssl-der", b"junk")
    with pytest.raises(SessionError):
        _ = session.fields
    with pytest.raises(SessionError):
        Session.from_der(b"junk")


def test_unknown_protocol_version():
    """A session of a protocol that we do not know is refused with its number."""
    with pytest.raises(SessionError, match="0xFE00"):
        _ = sessions.altered("openssl40-ticket", ssl_version=0xFE00).fields


@each_row(
    "age, lifetime, usable",
    [
        (0, 100, True),
        (100, 100, True),
        (101, 100, True),  # OpenSSL 3.0 and 4.0 were both seen to offer it
        (101.9, 100, True),
        (102, 100, False),
        (0, None, False),
        (0, 0, False),
        (-100, 100, True),
    ],
)
def test_usable_tls13(age, lifetime, usable):
    """A TLS 1.3 ticket is offered up to a second past its lifetime, and never with lifetime 0."""
    session = sessions.altered("openssl40-psk", ticket_lifetime_hint=lifetime)
    assert session.usable(MADE + age)[0] is usable


def test_usable_tls13_without_ticket():
    """A TLS 1.3 session without a ticket was captured too early."""
    usable, reason = sessions.session("openssl40-psk-too-early").usable(MADE)
    assert not usable
    assert reason.startswith("captured too early")


@each_row("hint", [None, 1, 100])
@each_row("name", ["openssl40-ticket", "openssl40-session-id"])
def test_usable_tls12(name, hint):
    """OpenSSL offers TLS 1.2 sessions however old they are."""
    session = sessions.altered(name, ticket_lifetime_hint=hint)
    assert session.usable(MADE + 10**6)[0]
    assert session.lifetime == (hint if name == "openssl40-ticket" else None)


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("openssl40-session-id", {"session_id": b""}, "neither a ticket nor a session ID"),
        ("openssl40-ticket", {"master_key": b""}, "no secret"),
        ("openssl40-psk", {"ticket": b""}, "too early"),
    ],
)
def test_not_resumable(name, changes, reason):
    """A session with nothing to offer says what it lacks."""
    session = sessions.altered(name, **changes)
    assert reason in str(session.not_resumable)
    assert session.usable(MADE) == (False, session.not_resumable)


def test_times():
    """Age, end and time left follow from the time of making and the lifetime."""
    session = sessions.session("openssl40-psk")
    assert session.expires_at == MADE + 7200
    assert session.age(MADE + 5) == 5
    assert session.time_left(MADE + 7205) == -5
    unstated = sessions.session("openssl40-session-id")
    assert (unstated.expires_at, unstated.time_left(MADE)) == (None, None)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**64 - 1), st.floats(0, 1e11))
def test_hostile_times(made, hint, now):
    """Times at the ends of OpenSSL's range break nothing."""
    session = sessions.altered("openssl40-psk", time=made, ticket_lifetime_hint=hint)
    usable, reason = session.usable(now)
    assert usable in (True, False)
    assert reason


@each_row("name", sessions.NAMES)
def test_with_lifetime(name):
    """Lifetime and timeout are raised, nothing else changes, and nothing is lowered."""
    session = sessions.session(name)
    longer = session.with_lifetime(10**6)
    assert longer.fields.timeout == 10**6
    assert longer.fields.lifetime_hint == (10**6 if session.fields.ticket else None)
    assert longer.fields.master_key == session.fields.master_key
    assert longer.fields.peer == session.fields.peer
    assert session.with_lifetime(1) == session
    with pytest.raises(SessionError):
        session.with_lifetime(2**63)


def test_names_that_are_not_utf8():
    """A name in other bytes is escaped, not lost and not an error."""
    fields = sessions.altered("openssl40-psk", hostname=b"a\xff\x1b", alpn_selected=b"\xfe").fields
    assert (fields.hostname, fields.alpn) == ("a\\xff\x1b", "\\xfe")


def test_names_of_numbers():
    """Known numbers have names, unknown ones are shown in hexadecimal."""
    assert cipher_name(0xC02F) == "ECDHE-RSA-AES128-GCM-SHA256"
    assert (cipher_name(0x1301), cipher_hash(0x1301)) == ("TLS_AES_128_GCM_SHA256", "sha256")
    assert (cipher_hash(0xC030), cipher_hash(0x002F)) == ("sha384", "sha256")
    assert (cipher_name(0xFFFE), cipher_hash(0xFFFE)) == ("0xFFFE", None)
    assert group_name(0xFFFE) == "0xFFFE"
    assert verify_result_text(62) == "hostname mismatch"
    assert verify_result_text(9999) == "verification error 9999"


@each_row("name", sessions.NAMES)
def test_handle_is_that_of_the_fields(name):
    """What a client shows is the same whether or not the fields were read; of a session with its
    bytes changed it is what the fields say, too, wherever these can be read."""
    der = sessions.der(name)

    def by_fields(data):
        fields = Session("openssl-der", data).fields
        tls13 = fields.tls_version is ProtocolVersion.TLSv1_3
        return fields.ticket or (None if tls13 else fields.session_id) or None

    assert Session("openssl-der", der).handle == by_fields(der)
    known = Session("openssl-der", der)
    assert (known.fields, known.handle) == (known.fields, by_fields(der))
    for at in range(len(der)):
        for data in (der[:at], der[:at] + bytes((der[at] ^ 0x81,)) + der[at + 1 :]):
            try:
                expected = by_fields(data)
            except SessionError:
                continue
            assert Session("openssl-der", data).handle == expected
    with pytest.raises(SessionError):
        _ = Session("openssl-der", der[:20]).handle

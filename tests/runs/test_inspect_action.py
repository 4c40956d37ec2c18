"""runs/inspect.py: a session file is explained, offline, whatever is in it."""

from __future__ import annotations

import datetime as dt
import io
import re
import sys
import types
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import sessions
from tests.helpers.rows import each_row
from tests.helpers.sessions import METADATA
from tlsresume.errors import SessionError, SessionFileError
from tlsresume.runs.inspect import Inspection, inspect
from tlsresume.sessions.file import SessionFile, format_session_file, write_session_file
from tlsresume.sessions.metadata import SessionMetadata

MADE = sessions.session("openssl40-psk").fields.time


def explain(name: str, now: float = MADE + 60, **options: Any) -> Inspection:
    return inspect(sessions.der(name), now, **options)


def with_certificate(peer: bytes | None) -> Inspection:
    session = sessions.altered("openssl40-psk", peer=peer)
    return inspect(SessionFile(path="f", session=session), MADE)


@each_row("name", sessions.NAMES)
def test_every_vector(name):
    """Every session is explained, and the explanation is JSON."""
    result = explain(name)
    assert result.mechanism in name.replace("openssl30-", "").replace("openssl40-", "")
    assert result.usable == ("too-early" not in name)
    again = msgspec.json.decode(msgspec.json.encode(result), type=Inspection)
    assert again == result


def test_tls13():
    """A TLS 1.3 session is explained in full."""
    result = explain("openssl40-psk-early-data")
    assert (result.path, result.format, result.mode) == ("session", "der", None)
    assert (result.tls_version, result.cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    assert (result.cipher_hash, result.group) == ("sha384", "X25519MLKEM768")
    assert (result.age, result.lifetime, result.time_left) == (60, 7200, 7140)
    assert result.created == "2026-11-22T21:02:05Z"
    assert result.expires == "2026-11-22T23:02:05Z"
    assert (result.max_early_data, result.age_add) == (16384, 0x4AE6D2BB)
    assert result.extended_master_secret is None
    assert (result.server_name, result.alpn) == ("localhost", "http/1.1")
    assert (result.verify_code, result.verify_message) == (0, "ok")
    assert result.ticket is not None
    assert (result.ticket.length, result.ticket.stateful, result.ticket.key_name) == (
        32,
        True,
        None,
    )
    assert result.warnings == ()


def test_tls12():
    """A TLS 1.2 session is explained in full, with the certificate that was not verified."""
    result = explain("openssl30-ticket")
    assert (result.tls_version, result.mechanism) == ("TLSv1.2", "ticket")
    assert result.extended_master_secret is True
    assert result.age_add is None
    assert (result.verify_code, result.verify_message) == (18, "self-signed certificate")
    assert result.ticket is not None
    assert (result.ticket.length, result.ticket.stateful) == (176, False)
    assert result.ticket.key_name is not None
    assert not result.ticket.key_name_certain
    assert result.certificate is not None
    assert result.certificate.subject == "CN=tlsresume test"
    assert result.certificate.subject_alternative_names == ("DNS:localhost", "IP:127.0.0.1")
    assert result.certificate.not_before == "2026-11-22T20:59:37Z"
    assert result.certificate.expired is False


def test_expired():
    """An expired ticket is unusable and says why; an expired certificate is a warning."""
    assert explain("openssl40-psk", MADE + 8000).reason.startswith("expired")
    assert explain("openssl40-psk", MADE + 8000).time_left == -800
    later = explain("openssl40-session-id", MADE + 11 * 366 * 86400)
    assert later.usable
    assert later.certificate is not None
    assert later.certificate.expired
    assert "the certificate expired on 2036-11-19" in later.warnings[0]


@each_row("name", sessions.NAMES)
def test_secrets(name):
    """Secret and ticket appear only where asked for."""
    fields = sessions.session(name).fields
    hidden = msgspec.json.encode(explain(name)).decode()
    shown = explain(name, show_secrets=True, show_ticket=True)
    assert shown.master_key == fields.master_key.hex()
    assert fields.master_key.hex() not in repr(shown) or not fields.master_key
    if fields.master_key:
        assert fields.master_key.hex() not in hidden
    if fields.ticket:
        assert shown.ticket is not None
        assert shown.ticket.hex == fields.ticket.hex()
        assert fields.ticket.hex() not in hidden


def test_path(tmp_path):
    """A path is read, with its metadata and permissions."""
    path = tmp_path / "s.pem"
    session = sessions.session("openssl40-psk")
    write_session_file(str(path), format_session_file(session, METADATA))
    path.chmod(0o644)
    for source in (path, str(path)):
        result = inspect(source, MADE)
        assert (result.path, result.format) == (str(path), "pem+metadata")
        assert (result.mode, result.metadata) == ("0644", METADATA)
        assert "others can read this file" in result.warnings[0]


def test_standard_input(monkeypatch):
    """`-` is standard input, and the clock is asked where no time is given."""
    data = sessions.der("openssl40-psk")
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(data)))
    assert inspect("-").path == "standard input"


def test_not_a_session():
    """What is no session is an error of the file."""
    with pytest.raises(SessionFileError):
        inspect(b"junk")


def test_saved_key_name():
    """A key name that the file names is believed if the ticket has it."""
    session = sessions.session("openssl40-psk")
    assert session.fields.ticket is not None
    name = session.fields.ticket[:16].hex()
    for saved, certain in ((name, True), (name[:8].upper(), True), ("ab" * 16, False), ("", False)):
        file = SessionFile(
            path="f", session=session, metadata=SessionMetadata(ticket_key_name=saved)
        )
        ticket = inspect(file, MADE).ticket
        assert ticket is not None
        assert ticket.key_name_certain is certain
        assert name.startswith(str(ticket.key_name))


def test_contradictions_are_warned_about():
    """Where file and session disagree, or the server breaks a rule, it is said."""
    session = sessions.altered("openssl40-psk", ticket_lifetime_hint=700_000)
    metadata = replace(METADATA, mechanism="ticket", sni="other.example")
    warnings = inspect(SessionFile(path="f", session=session, metadata=metadata), MADE).warnings
    assert [re.sub(r" .*", "", warning.removeprefix("the ")) for warning in warnings] == [
        "ticket's",
        "certificate",
        "file",
        "server",
    ]


def certificate(*names: x509.GeneralName, subject: str = "x") -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    then = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(then)
        .not_valid_after(then + dt.timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_every_kind_of_name():
    """Each kind of subject alternative name is shown with its kind."""
    oid = x509.ObjectIdentifier("1.2.3.4")
    found = with_certificate(
        certificate(
            x509.DNSName("a.example"),
            x509.RFC822Name("a@a.example"),
            x509.UniformResourceIdentifier("https://a.example"),
            x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "d")])),
            x509.RegisteredID(oid),
            x509.OtherName(oid, b"\x05\x00"),
        )
    ).certificate
    assert found is not None
    assert found.subject_alternative_names == (
        "DNS:a.example",
        "email:a@a.example",
        "URI:https://a.example",
        "DirName:CN=d",
        "RID:1.2.3.4",
        "other:1.2.3.4",
    )
    assert found.expired


def test_no_names_and_hostile_subject():
    """A certificate without names has none; control characters are kept as values."""
    found = with_certificate(certificate(subject="a\x1b[31m")).certificate
    assert found is not None
    assert found.subject_alternative_names == ()
    assert found.subject is not None
    assert "\x1b" in found.subject
    assert found.error is None


@pytest.mark.parametrize("peer", [b"\x30\x00", b"\x30\x03\x02\x01\x05"])
def test_a_certificate_that_is_none(peer):
    """What cannot be parsed is said to be so, with its hash, and the rest is explained."""
    result = with_certificate(peer)
    assert result.certificate is not None
    assert result.certificate.error is not None
    assert len(result.certificate.sha256) == 64
    assert result.usable


@pytest.mark.slow
@given(st.data())
def test_any_damage_to_the_certificate(data):
    """Whatever bits of the certificate are flipped, the session is explained."""
    peer = bytearray(sessions.SESSION_PEER)
    for _ in range(data.draw(st.integers(1, 3))):
        peer[data.draw(st.integers(4, len(peer) - 1))] = data.draw(st.integers(0, 255))
    try:
        result = with_certificate(bytes(peer))
    except SessionError:
        # What is no SEQUENCE of elements any more is no SSL_SESSION to OpenSSL either.
        return
    msgspec.json.encode(result)


@pytest.mark.slow
@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**64 - 1))
def test_times_beyond_the_calendar(made, lifetime):
    """A time that no calendar has is None, not an error."""
    session = sessions.altered("openssl40-psk", time=made, ticket_lifetime_hint=lifetime)
    result = inspect(SessionFile(path="f", session=session), MADE)
    msgspec.json.encode(result)
    assert result.created is None or result.created.endswith("Z")


def test_without_a_certificate():
    """A session that holds no certificate says so."""
    assert with_certificate(None).certificate is None

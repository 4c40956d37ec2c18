"""Sessions for tests: the vectors, copies of them with other fields, and whole files."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from tests import paths
from tlsresume.sessions import asn1
from tlsresume.sessions.metadata import SessionMetadata
from tlsresume.sessions.session import Session

VECTORS = paths.VECTORS / "sessions"

NAMES = sorted(path.stem for path in VECTORS.glob("*.der"))

METADATA = SessionMetadata(
    target="example.test:443",
    address="192.0.2.10",
    port=443,
    sni="example.test",
    alpn="http/1.1",
    starttls="smtp",
    saved="2026-01-31T12:00:00Z",
    leaf_sha256="ab" * 32,
    mechanism="psk",
    ticket_key_name="cd" * 16,
    tickets=2,
    tool="tlsresume 0.1.0",
    openssl="OpenSSL 4.0.0",
    client_certificate_until="2027-01-31T12:00:00+00:00",
)


@cache
def der(name: str) -> bytes:
    return (VECTORS / f"{name}.der").read_bytes()


def session(name: str) -> Session:
    return Session.from_der(der(name))


@cache
def _decoded(name: str) -> tuple[asn1.SSLSession, bytes | None]:
    return asn1.decode(der(name))


def altered(name: str, **changes: Any) -> Session:
    """The vector with some fields of SSL_SESSION changed; `peer` is a certificate's DER."""
    structure, peer = _decoded(name)
    peer = changes.pop("peer", peer)
    return Session("openssl-der", asn1.encode(replace(structure, **changes), peer))


#: The test server's certificate, DER.
SESSION_PEER = session("openssl40-psk").fields.peer or b""

"""A session as OpenSSL keeps it: what i2d_SSL_SESSION(3) writes, and the facts in it."""

from __future__ import annotations

from dataclasses import replace

from tlsresume.sessions import asn1
from tlsresume.sessions.facts import SessionFields, protocol_of, text_of
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.value import Secret

#: The lengths behind the modes of max_fragment_length (RFC 6066 section 4).
_FRAGMENTS = {1: 512, 2: 1024, 3: 2048, 4: 4096}

#: SSL_SESS_FLAG_EXTMS, bit 0 of SSL_SESSION's flags.
_FLAG_EXTENDED_MASTER_SECRET = 1


def read(der: bytes) -> SessionFields:
    """The facts. Raises SessionError."""
    structure, peer = asn1.decode(der)
    protocol, version = protocol_of(structure.ssl_version)
    return SessionFields(
        tls_version=version,
        protocol=protocol,
        cipher=int.from_bytes(structure.cipher, "big"),
        session_id=structure.session_id,
        master_key=Secret(structure.master_key),
        time=structure.time or 0,
        timeout=structure.timeout or 0,
        peer=peer,
        session_id_context=structure.session_id_context or b"",
        verify_result=structure.verify_result or 0,
        hostname=text_of(structure.hostname),
        lifetime_hint=structure.ticket_lifetime_hint,
        ticket=structure.ticket or None,
        extended_master_secret=bool((structure.flags or 0) & _FLAG_EXTENDED_MASTER_SECRET),
        age_add=structure.ticket_age_add or 0,
        max_early_data=structure.max_early_data or 0,
        alpn=text_of(structure.alpn_selected),
        group=structure.kex_group or None,
        max_fragment_length=_FRAGMENTS.get(structure.max_fragment_length_mode or 0),
    )


def handle(der: bytes) -> bytes | None:
    """What a client shows, the ticket, else the session ID of TLS 1.2, without reading the rest.
    Raises SessionError."""
    known = asn1.shown(der)
    if known is None:
        fields = read(der)
        version, session_id, ticket = fields.tls_version, fields.session_id, fields.ticket
    else:
        number, session_id, ticket = known
        version = protocol_of(number)[1]
    if version >= ProtocolVersion.TLSv1_3:
        return ticket or None
    return ticket or session_id or None


def lasting(der: bytes, seconds: int) -> bytes:
    """The same with a lifetime of at least `seconds`: both the ticket's lifetime hint and the
    session's own timeout are raised, never lowered. Raises SessionError."""
    structure, peer = asn1.decode(der)
    hint = structure.ticket_lifetime_hint
    structure = replace(
        structure,
        timeout=max(structure.timeout or 0, seconds),
        ticket_lifetime_hint=max(hint or 0, seconds) if structure.ticket else hint,
    )
    return asn1.encode(structure, peer)

"""A session as a value: the bytes a TLS library keeps to resume, and what they say.

Outside `openssl/` a session is never a live pointer. Its bytes are read only
when a field is asked for, so that a probe can carry thousands of them. What
OpenSSL would do with a session is computed here from its rules, since it tells
nobody when it silently offers nothing:

- TLS 1.3 (`psk`): nothing is offered without a ticket, nor when the ticket's age,
  less the one second that OpenSSL grants for rounding, is above its lifetime.
- TLS 1.2 and older: `ticket` where there is one, else `session-id`; OpenSSL's
  client looks at no lifetime, so an old session is offered and the server decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import ClassVar, Literal

from msgspec.structs import force_setattr

from tlsresume.protocols import Transport
from tlsresume.session import asn1, quic_state
from tlsresume.session.asn1 import SessionError
from tlsresume.session.boringssl import first_certificate, read_boringssl
from tlsresume.session.names import cipher_hash, cipher_name, group_name, why_not_offered
from tlsresume.value import Secret, Value
from tlsresume.wire.handshake import ProtocolVersion

__all__ = ["NOT_USABLE_HERE", "Kind", "Session", "SessionError", "SessionFields", "Unsupported"]

#: The formats of a session: what OpenSSL's i2d_SSL_SESSION(3) writes, BoringSSL's, and the
#: record of a QUIC ticket (quic_state.py).
Kind = Literal["openssl-der", "boringssl-der", "quic"]

#: What a session is that no connection of ours can offer.
Unsupported = Literal["version", "datagram", "cipher", "library", "fragments"]

#: DTLS1_VERSION, DTLS1_2_VERSION, DTLS 1.3 (RFC 9147), and the TLS that each is like.
_DATAGRAM: dict[int, tuple[str, ProtocolVersion]] = {
    0xFEFF: ("DTLSv1.0", ProtocolVersion.TLSv1_1),
    0xFEFD: ("DTLSv1.2", ProtocolVersion.TLSv1_2),
    0xFEFC: ("DTLSv1.3", ProtocolVersion.TLSv1_3),
}

#: The lengths behind the modes of max_fragment_length (RFC 6066 section 4).
_FRAGMENTS = {1: 512, 2: 1024, 3: 2048, 4: 4096}

#: What stands before the words of `Session.unsupported`, wherever they are printed.
NOT_USABLE_HERE = "not usable by this tool: "

#: SSL_SESS_FLAG_EXTMS, bit 0 of SSL_SESSION's flags.
_FLAG_EXTENDED_MASTER_SECRET = 1

#: Who offers a session of each kind, and the seconds of a ticket's age that it lets pass:
#: OpenSSL takes one off before it compares (ssl/statem/extensions_clnt.c).
_LIBRARIES: dict[Kind, tuple[str, int]] = {
    "openssl-der": ("OpenSSL", 1),
    "quic": ("aioquic", 0),
}


class SessionFields(Value, frozen=True, kw_only=True):
    """What SSL_SESSION holds, in plain types. Times are seconds; `time` since 1970.

    None is "absent", which OpenSSL also writes for 0 and NULL; so an absent
    `lifetime_hint` beside a ticket means that the server said 0. `peer` is the
    certificate's DER. `master_key` is the master secret, or the PSK in TLS 1.3.
    `protocol` is what the session was made with, such as "TLSv1.3" or "DTLSv1.2";
    `tls_version` the TLS whose rules it follows. `max_fragment_length` is in bytes.
    """

    _hidden: ClassVar = frozenset({"peer", "ticket"})

    tls_version: ProtocolVersion
    protocol: str
    cipher: int
    session_id: bytes
    master_key: Secret
    time: int
    timeout: int
    peer: bytes | None
    session_id_context: bytes
    verify_result: int
    hostname: str | None
    lifetime_hint: int | None
    ticket: bytes | None
    extended_master_secret: bool
    age_add: int
    max_early_data: int
    alpn: str | None
    group: int | None
    max_fragment_length: int | None = None

    @property
    def datagram(self) -> bool:
        """Whether it is a session of DTLS."""
        return self.protocol.startswith("DTLS")

    @property
    def server_copy(self) -> bool:
        """Whether a server kept it for itself: with a session id context, and nothing of a
        peer. What `openssl s_server` prints is such a copy."""
        return bool(self.session_id_context) and self.peer is None and not self.ticket

    @property
    def cipher_name(self) -> str:
        """OpenSSL's name of the cipher suite."""
        return cipher_name(self.cipher)

    @property
    def cipher_hash(self) -> str | None:
        """The hash of the suite's key schedule, "sha256" or "sha384"; None: not known."""
        return cipher_hash(self.cipher)

    @property
    def group_name(self) -> str | None:
        """IANA's name of the key exchange group."""
        return None if self.group is None else group_name(self.group)


class Session(Value, frozen=True, dict=True):
    """A TLS session as bytes. `data` becomes a Secret.

    `kind` names the format.
    Nothing is checked before a field is asked for, which raises SessionError
    where the bytes are no session; `from_der` checks at once.
    """

    kind: Kind
    data: bytes

    def __post_init__(self) -> None:
        if type(self.data) is not Secret:
            force_setattr(self, "data", Secret(self.data))

    @classmethod
    def from_der(cls, data: bytes) -> Session:
        """The session in `data`, DER without trailing bytes. Raises SessionError."""
        session = cls("openssl-der", data)
        try:
            _ = session.fields
        except SessionError:
            if read_boringssl(data) is None:
                raise
            session = cls("boringssl-der", data)
            _ = session.fields
        return session

    @classmethod
    def from_bytes(cls, data: bytes) -> Session:
        """The session in `data`, of whichever kind: DER, or the record of a QUIC ticket. Raises
        SessionError."""
        if not data.startswith(quic_state.MAGIC):
            return cls.from_der(data)
        session = cls("quic", data)
        _ = session.fields
        return session

    @property
    def transport(self) -> Transport:
        """What it was made over."""
        if self.kind == "quic":
            return "quic"
        return "dtls" if self.fields.datagram else "tcp"

    @property
    def quic_version(self) -> int | None:
        """The version of QUIC that a QUIC ticket belongs to, 1 or 2; None for others."""
        if self.kind != "quic":
            return None
        return quic_state.VERSIONS.get(quic_state.decode(self.data).quic_version)

    @cached_property
    def fields(self) -> SessionFields:
        """What the bytes say. Raises SessionError."""
        return _READERS[self.kind](self.data)

    @property
    def sha256(self) -> str:
        """A name for logs, hexadecimal, that gives no secret away."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def mechanism(self) -> Literal["psk", "ticket", "session-id"]:
        """How an ordinary client would offer this session."""
        if self.fields.tls_version >= ProtocolVersion.TLSv1_3:
            return "psk"
        return "ticket" if self.fields.ticket else "session-id"

    @property
    def unsupported(self) -> tuple[Unsupported, str] | None:
        """Why no connection of ours can offer this session, however good it is; None: one can.

        A kind, and words that follow "not usable by this tool: ".
        """
        fields = self.fields
        protocol = fields.protocol.replace("v", " ", 1)
        if self.kind == "boringssl-der":
            return "library", "it is whole, of BoringSSL or AWS-LC: OpenSSL cannot use it"
        if fields.datagram and fields.tls_version is not ProtocolVersion.TLSv1_2:
            return "datagram", protocol
        if fields.tls_version < ProtocolVersion.TLSv1_2:
            return "version", protocol
        why = why_not_offered(fields.cipher)
        return None if why is None else ("cipher", f"its cipher is {fields.cipher_name}, {why}")

    @property
    def not_resumable(self) -> str | None:
        """Why nothing in this session can ever be offered; None when something can."""
        fields = self.fields
        if fields.server_copy and not (
            fields.session_id and fields.tls_version < ProtocolVersion.TLSv1_3
        ):
            return (
                f"it is a server's own copy (session id context {fields.session_id_context.hex()}"
                "): what a client can offer, the server sent to the client"
            )
        if fields.tls_version >= ProtocolVersion.TLSv1_3:
            if not fields.ticket:
                return "captured too early: a TLS 1.3 session without a ticket"
        elif not fields.ticket and not fields.session_id:
            return "the server issued neither a ticket nor a session ID"
        if not fields.master_key:
            return "the session holds no secret"
        return None

    @property
    def resumable(self) -> bool:
        """Whether there is something to offer, however old it is."""
        return self.not_resumable is None

    @property
    def lifetime(self) -> int | None:
        """Seconds the server promised at most; None: not stated (RFC 5077 section 3.3).

        Only a ticket has one. In TLS 1.3 it is always stated, and 0 means "discard
        at once" (RFC 8446 section 4.6.1).
        """
        fields = self.fields
        if fields.tls_version >= ProtocolVersion.TLSv1_3:
            return (fields.lifetime_hint or 0) if fields.ticket else None
        return (fields.lifetime_hint or None) if fields.ticket else None

    @property
    def token(self) -> bytes:
        """The NEW_TOKEN that came with a QUIC session, b"" where none did."""
        if self.kind != "quic":
            return b""
        return bytes.fromhex(quic_state.decode(self.data).token or "")

    @property
    def expires_at(self) -> int | None:
        """When the promised lifetime ends, in seconds since 1970; None: not stated."""
        return None if self.lifetime is None else self.fields.time + self.lifetime

    def age(self, now: float) -> float:
        """Seconds since the session was made; negative when the clocks disagree."""
        return now - self.fields.time

    def time_left(self, now: float) -> float | None:
        """Seconds until the promised lifetime ends, negative when over; None: not stated."""
        return None if self.expires_at is None else self.expires_at - now

    def usable(self, now: float) -> tuple[bool, str]:
        """Whether OpenSSL would offer this session at `now`, and why, in one sentence."""
        if self.unsupported is not None:
            return False, NOT_USABLE_HERE + self.unsupported[1]
        if self.not_resumable is not None:
            return False, self.not_resumable
        age, lifetime = int(self.age(now) // 1), self.lifetime
        if self.mechanism == "psk":
            # An integer in TLS 1.3, as the ticket was found above.
            lifetime = lifetime or 0
            if lifetime == 0:
                return False, "the server gave the ticket a lifetime of 0: discard it at once"
            library, allowance = _LIBRARIES[self.kind]
            if age - allowance > lifetime:
                return False, (
                    f"expired: the ticket is {age} s old, its lifetime is {lifetime} s,"
                    f" and {library} does not offer it"
                )
        if age < 0:
            return True, (
                f"the session was made {-age} s in the future by this clock;"
                " some versions of OpenSSL (3.0) do not offer such a ticket"
                if self.mechanism == "psk"
                else f"the session was made {-age} s in the future by this clock"
            )
        if lifetime is None:
            return True, "no lifetime was stated: the server decides"
        if age > lifetime:
            return True, (
                f"past its stated lifetime of {lifetime} s: OpenSSL still offers it,"
                " the server is likely to decline"
            )
        return True, f"within its lifetime of {lifetime} s"

    def with_lifetime(self, seconds: int) -> Session:
        """A copy with a lifetime of at least `seconds`, so that OpenSSL offers it for longer.

        For finding out how long a server really honours a session: both the
        ticket's lifetime hint and the session's own timeout are raised, never
        lowered. Raises SessionError; a session of BoringSSL is not rewritten.
        """
        if self.kind == "quic":
            state = quic_state.decode(self.data)
            return Session("quic", quic_state.encode(state.lasting(seconds)))
        structure, peer = asn1.decode(self.data)
        hint = structure.ticket_lifetime_hint
        structure = replace(
            structure,
            timeout=max(structure.timeout or 0, seconds),
            ticket_lifetime_hint=max(hint or 0, seconds) if structure.ticket else hint,
        )
        return Session(self.kind, asn1.encode(structure, peer))


def _read(der: bytes) -> SessionFields:
    structure, peer = asn1.decode(der)
    protocol, version = _protocol(structure.ssl_version)
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
        hostname=_text(structure.hostname),
        lifetime_hint=structure.ticket_lifetime_hint,
        ticket=structure.ticket or None,
        extended_master_secret=bool((structure.flags or 0) & _FLAG_EXTENDED_MASTER_SECRET),
        age_add=structure.ticket_age_add or 0,
        max_early_data=structure.max_early_data or 0,
        alpn=_text(structure.alpn_selected),
        group=structure.kex_group or None,
        max_fragment_length=_FRAGMENTS.get(structure.max_fragment_length_mode or 0),
    )


def _read_quic(data: bytes) -> SessionFields:
    state = quic_state.decode(data)
    return SessionFields(
        tls_version=ProtocolVersion.TLSv1_3,
        protocol=ProtocolVersion.TLSv1_3.label,
        cipher=state.cipher_suite,
        session_id=b"",
        master_key=state.secret_bytes,
        time=int(state.issued),
        timeout=state.lifetime,
        peer=None if state.peer is None else bytes.fromhex(state.peer),
        session_id_context=b"",
        verify_result=state.verify_result,
        hostname=state.server_name,
        lifetime_hint=state.lifetime or None,
        ticket=state.ticket_bytes or None,
        extended_master_secret=False,
        age_add=state.age_add,
        max_early_data=state.max_early_data or 0,
        alpn=state.alpn,
        group=None,
    )


def _read_boringssl(der: bytes) -> SessionFields:
    session = read_boringssl(der)
    if session is None:
        raise SessionError("not a session of BoringSSL")
    protocol, version = _protocol(session.ssl_version)
    return SessionFields(
        tls_version=version,
        protocol=protocol,
        cipher=int.from_bytes(session.cipher, "big"),
        session_id=session.session_id,
        master_key=session.secret,
        time=session.number(1),
        timeout=session.number(2),
        peer=first_certificate(session),
        session_id_context=session.octets(4) if session.is_server else b"",
        verify_result=session.number(5),
        hostname=_text(session.octets(6)),
        # In TLS 1.3 the ticket's lifetime stands in the timeout.
        lifetime_hint=session.number(9)
        or (session.number(2) if version >= ProtocolVersion.TLSv1_3 else None),
        ticket=session.octets(10) or None,
        extended_master_secret=session.flag(17),
        age_add=int.from_bytes(session.octets(21)[:4], "big"),
        max_early_data=session.number(24),
        alpn=_text(session.octets(26)),
        group=session.number(18) or None,
    )


_READERS: dict[Kind, Callable[[bytes], SessionFields]] = {
    "openssl-der": _read,
    "boringssl-der": _read_boringssl,
    "quic": _read_quic,
}


def _protocol(number: int) -> tuple[str, ProtocolVersion]:
    """What a session was made with, and the TLS whose rules it follows. Raises SessionError."""
    if number in _DATAGRAM:
        return _DATAGRAM[number]
    if number == asn1.SSL2:
        return "SSLv2", ProtocolVersion.SSLv3
    try:
        version = ProtocolVersion(number)
    except ValueError:
        raise SessionError(
            f"the session's protocol version is not known: 0x{number & 0xFFFF:04X}"
        ) from None
    return version.label, version


def _text(octets: bytes | None) -> str | None:
    """Names as text: UTF-8, and what is not, escaped as Python would, so nothing is lost."""
    return octets.decode("utf-8", "backslashreplace") if octets else None

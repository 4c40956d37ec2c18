"""A resumption state: the bytes that a TLS library keeps to resume, and facts about them.

It is never a live pointer, and opaque outside the transport that made it and its kind's own file
(`openssl_state`, `boringssl`, `quic_state`): who wants to know something asks for a fact. The
bytes are read only then, so that a probe can carry thousands of them. What
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
from functools import cached_property
from typing import Literal

from msgspec.structs import force_setattr

from tlsresume.errors import SessionError
from tlsresume.protocols.schemes import Transport
from tlsresume.sessions import boringssl, openssl_state, quic_state
from tlsresume.sessions.facts import SessionFields
from tlsresume.sessions.names import why_not_offered
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.value import Secret, Value

#: The formats of a session: what OpenSSL's i2d_SSL_SESSION(3) writes, BoringSSL's, and the
#: record of a QUIC ticket (quic_state.py).
Kind = Literal["openssl-der", "boringssl-der", "quic"]

#: What a session is that no connection of ours can offer.
Unsupported = Literal["version", "datagram", "cipher", "library", "fragments"]

#: What stands before the words of `ResumptionState.unsupported`, wherever they are printed.
NOT_USABLE_HERE = "not usable by this tool: "


class _KindOfState(Value, frozen=True):
    """How the states of one kind are read, who offers them, and how many seconds of a ticket's
    age that library lets pass; `lasting` None: they are not rewritten, nor offered."""

    read: Callable[[bytes], SessionFields]
    lasting: Callable[[bytes, int], bytes] | None
    library: str
    allowance: int = 0


_KINDS: dict[Kind, _KindOfState] = {
    # OpenSSL takes one second off before it compares (ssl/statem/extensions_clnt.c).
    "openssl-der": _KindOfState(openssl_state.read, openssl_state.lasting, "OpenSSL", 1),
    "boringssl-der": _KindOfState(boringssl.read, None, "BoringSSL"),
    "quic": _KindOfState(quic_state.read, quic_state.lasting, "aioquic"),
}


class ResumptionState(Value, frozen=True, dict=True):
    """A resumption state as bytes. `data` becomes a Secret: only the transport that made it, and
    what keeps it on disk, may look into it.

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
    def from_der(cls, data: bytes) -> ResumptionState:
        """The session in `data`, DER without trailing bytes. Raises SessionError."""
        session = cls("openssl-der", data)
        try:
            _ = session.fields
        except SessionError:
            if boringssl.read_boringssl(data) is None:
                raise
            session = cls("boringssl-der", data)
            _ = session.fields
        return session

    @classmethod
    def showing(cls, kind: Kind, data: bytes, handle: bytes | None) -> ResumptionState:
        """The session in `data`, whose handle is known already (None: it is not)."""
        session = cls(kind, data)
        if handle is not None:
            session.__dict__["handle"] = handle
        return session

    @classmethod
    def from_bytes(cls, data: bytes) -> ResumptionState:
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
        return _KINDS[self.kind].read(self.data)

    @cached_property
    def handle(self) -> bytes | None:
        """What a client shows of it: the ticket, else the session ID; None: there is neither.
        Raises SessionError."""
        if self.kind == "openssl-der" and "fields" not in self.__dict__:
            # Most sessions of a probe are never asked for more.
            return openssl_state.handle(self.data)
        fields = self.fields
        return (fields.session_id if self.mechanism == "session-id" else fields.ticket) or None

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
            kind = _KINDS[self.kind]
            if age - kind.allowance > lifetime:
                return False, (
                    f"expired: the ticket is {age} s old, its lifetime is {lifetime} s,"
                    f" and {kind.library} does not offer it"
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

    def with_lifetime(self, seconds: int) -> ResumptionState:
        """A copy with a lifetime of at least `seconds`, so that OpenSSL offers it for longer.

        For finding out how long a server really honours a session: both the
        ticket's lifetime hint and the session's own timeout are raised, never
        lowered. Raises SessionError; a session of BoringSSL is not rewritten.
        """
        lasting = _KINDS[self.kind].lasting
        if lasting is None:
            raise SessionError(f"a session of {_KINDS[self.kind].library} is not rewritten")
        return ResumptionState(self.kind, lasting(self.data, seconds))


#: The name by which the library's users know it.
Session = ResumptionState

"""The facts of a session that was offered: where it is from, and what it was made with.

For connections of ours they are read from the session itself. Who watches others' connections
knows them where he saw the connection that issued the session, found by its handle.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar, Self

from tlsresume.results.connection import Mechanism
from tlsresume.sessions.names import cipher_hash, cipher_name
from tlsresume.sessions.session import Session
from tlsresume.tickets.key_names import is_stateful
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.value import Value


class Offer(Value, frozen=True, kw_only=True):
    """What is known of an offered session; what is not known is None.

    `handle` is what the client shows: the ticket, else the session ID. `leaf` is the server's
    certificate in DER. `lifetime` is what the server promised, in seconds; None where it promised
    none. `issued_at` is in seconds since 1970, `issued_by` the address.
    """

    _hidden: ClassVar = frozenset({"handle", "leaf"})

    mechanism: Mechanism
    handle: bytes | None
    version: ProtocolVersion
    suite: int
    server_name: str | None = None
    leaf: bytes | None = None
    extended_master_secret: bool | None = None
    lifetime: int | None = None
    issued_at: float | None = None
    issued_by: str | None = None

    @classmethod
    def of(cls, session: Session) -> Self:
        """The facts in a session. Raises SessionError where its bytes are none."""
        fields = session.fields
        return cls(
            mechanism=session.mechanism,
            handle=session.handle,
            version=fields.tls_version,
            suite=fields.cipher,
            server_name=fields.hostname,
            leaf=fields.peer,
            extended_master_secret=fields.extended_master_secret,
            lifetime=session.lifetime,
            issued_at=fields.time,
        )

    @property
    def ticket(self) -> bytes | None:
        """The ticket that was offered, if it was one."""
        return None if self.mechanism == "session-id" else self.handle

    @property
    def certificate(self) -> str | None:
        """SHA-256 of the certificate that the session was made with, in hexadecimal."""
        return hashlib.sha256(self.leaf).hexdigest() if self.leaf else None

    @property
    def cipher(self) -> str:
        """OpenSSL's name of the cipher suite."""
        return cipher_name(self.suite)

    @property
    def hash(self) -> str | None:
        """The hash of the suite's key schedule, "sha256" or "sha384"; None: not known."""
        return cipher_hash(self.suite)

    @property
    def cache_entry(self) -> bytes | None:
        """What names the session in the server's cache; None where it is no entry of one."""
        return cache_entry(self.mechanism, self.handle)

    def age(self, now: float) -> float:
        """Seconds since the session was made, 0 where that is not known."""
        return now - self.issued_at if self.issued_at is not None else 0.0


def entry_of(session: Session) -> bytes | None:
    """What names a session in the server's cache, as `Offer.cache_entry`."""
    return cache_entry(session.mechanism, session.handle)


def cache_entry(mechanism: Mechanism, handle: bytes | None) -> bytes | None:
    """What names a session in the server's cache: its ID, or a TLS 1.3 ticket that is a handle;
    None where the session is no entry of one."""
    if mechanism == "session-id" or (mechanism == "psk" and handle and is_stateful(handle)):
        return handle
    return None

"""Whether any connection of this tool can offer a session, decided in one place.

`inspect` says it and `resume` refuses for it, in the same words. Most of it is read off the
session; whether the OpenSSL at hand has a cipher is asked only for ciphers that it may lack,
since loading it takes longer than the rest of `inspect`.
"""

from __future__ import annotations

from tlsresume.errors import SessionFileError
from tlsresume.sessions.file import SessionFile
from tlsresume.sessions.session import NOT_USABLE_HERE, Session, Unsupported
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.library import asks_for_fragments, can_offer

#: The suites that every OpenSSL of the last ten years has: TLS 1.2 by their key exchange.
_EVERYWHERE = "ECDHE-"
_GOING = ("RC4", "DES")


def unsupported_here(session: Session) -> tuple[Unsupported, str] | None:
    """`Session.unsupported`, and ciphers that the OpenSSL at hand does not have."""
    found = session.unsupported
    name, length = session.fields.cipher_name, session.fields.max_fragment_length
    if found is None and length is not None and not asks_for_fragments():
        return "fragments", (
            f"its max_fragment_length of {length} cannot be asked for with this OpenSSL"
            f" (openssl s_client -maxfraglen {length} can)"
        )
    if found is not None or session.fields.tls_version >= ProtocolVersion.TLSv1_3:
        return found
    if name.startswith(_EVERYWHERE) and not any(part in name for part in _GOING):
        return None
    if not can_offer(ClientConfig(ciphers=name)):
        return "cipher", f"its cipher is {name}, which this OpenSSL does not have"
    return None


def require_usable(file: SessionFile) -> None:
    """Raise SessionFileError for a session that no connection of ours can offer."""
    unsupported = unsupported_here(file.session)
    if unsupported is not None:
        raise SessionFileError(f"{file.path}: {NOT_USABLE_HERE}{unsupported[1]}", path=file.path)

"""What the TLS library at hand is and can do, for those who make no connection themselves.

It is imported with the first question: what only reads or plans asks none.
"""

from __future__ import annotations

from tlsresume.errors import UsageError
from tlsresume.transports.config import ClientConfig


def check_library() -> None:
    """Raise BindingError, naming the versions that serve, where the library lacks what is
    needed."""
    from tlsresume.openssl.binding import check_bindings

    check_bindings()


def openssl_version() -> str:
    """OpenSSL's own version text, such as `OpenSSL 4.0.3 29 Sep 2026`."""
    from tlsresume.openssl import binding

    return binding.openssl_version()


def pyopenssl_version() -> str:
    """The version of pyOpenSSL."""
    from tlsresume.openssl import binding

    return binding.pyopenssl_version()


def covers(der: bytes, name: str) -> bool | None:
    """Whether a certificate (DER) is for a DNS name or an IP address; None where it, or the
    name, cannot be read."""
    from tlsresume.openssl import binding_names

    return binding_names.covers(der, name)


def can_offer(config: ClientConfig) -> bool:
    """Whether the library has what a configuration asks for: its ciphers above all. Raises
    FileError where one of its files cannot be read."""
    from tlsresume.openssl.contexts import context_for

    try:
        context_for(config)
    except UsageError:
        return False
    return True


def asks_for_fragments() -> bool:
    """Whether the library can ask for a max_fragment_length (RFC 6066 section 4)."""
    from tlsresume.openssl.binding_fragments import can_ask

    return can_ask()

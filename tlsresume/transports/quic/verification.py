"""Is a server's certificate good? OpenSSL's answer, for connections that OpenSSL did not make."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto

from tlsresume.errors import FileError, UsageError
from tlsresume.files import LARGEST_PEM, read_held
from tlsresume.targets.endpoints import is_address
from tlsresume.transports.config import ClientCertificate, Trust
from tlsresume.transports.openssl import binding
from tlsresume.transports.openssl.binding_names import covers

#: X509_V_ERR_* (X509_STORE_CTX_get_error(3)).
HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH = 62, 64
_UNREADABLE = 1  # X509_V_ERR_UNSPECIFIED


@lru_cache(maxsize=8)
def _store(trust: Trust) -> crypto.X509Store:
    """Trusted certificates, read once. Raises UsageError."""
    store = crypto.X509Store()
    if trust.cafile is None and trust.capath is None:
        return _system_context().get_cert_store() or store
    try:
        store.load_locations(trust.cafile, trust.capath)
    except crypto.Error as error:
        raise UsageError(f"OpenSSL cannot read {trust.cafile or trust.capath}") from error
    return store


@cache
def _system_context() -> SSL.Context:
    """Whose store has the system's certificates; kept, since the store goes with it."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_default_verify_paths()
    return context


def verify_result(chain: Sequence[bytes], name: str | None, trust: Trust) -> tuple[int, str]:
    """X509_V_* and its words for a chain of certificates in DER, the leaf first, and the name
    (None: not checked) that it must carry."""
    if not chain:
        return _UNREADABLE, "no certificate"
    try:
        leaf, *others = (crypto.X509.from_cryptography(x509.load_der_x509_certificate(der))
                         for der in chain)  # fmt: skip
    except ValueError:
        return _UNREADABLE, "the certificate cannot be read"
    try:
        crypto.X509StoreContext(_store(trust), leaf, others).verify_certificate()
    except crypto.X509StoreContextError as error:
        code = error.errors[0] if error.errors else _UNREADABLE
        return int(code), binding.verify_message(int(code))
    code = _name_result(leaf.to_cryptography(), name)
    return code, binding.verify_message(code)


def _name_result(leaf: x509.Certificate, name: str | None) -> int:
    """0 where the certificate is for the name, a DNS name or an IP address."""
    if name is None or covers(leaf.public_bytes(Encoding.DER), name):
        return 0
    return IP_ADDRESS_MISMATCH if is_address(name) else HOSTNAME_MISMATCH


@lru_cache(maxsize=8)
def own_certificate(certificate: ClientCertificate) -> bytes | None:
    """The DER of a client certificate; None where its file holds none. Raises FileError."""
    try:
        leaf, *_ = x509.load_pem_x509_certificates(
            read_held(certificate.certificate, LARGEST_PEM, FileError)
        )
    except ValueError:
        return None
    return leaf.public_bytes(Encoding.DER)

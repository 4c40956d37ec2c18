"""Client Contexts, shared by connections that are alike, in a small bounded cache.

Building a Context with a CA bundle costs as much as ten handshakes, and a
Context cannot be changed after its first connection. So only what OpenSSL fixes
per SSL_CTX chooses one: ciphers, trust, client certificate, key log.
"""

from __future__ import annotations

import errno
import os
import weakref
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from OpenSSL import SSL
from OpenSSL.crypto import X509

from tlsresume import shortage
from tlsresume.error_queue import ErrorEntry, ErrorStack
from tlsresume.errors import FileError, UsageError
from tlsresume.files import LARGEST_PEM, is_regular, read_held
from tlsresume.transports.config import ClientCertificate, ClientConfig, Trust
from tlsresume.transports.openssl import binding, binding_messages
from tlsresume.transports.openssl.binding_fragments import ask_max_fragment_length

#: Where OpenSSL looks for the trusted certificates of its user (X509_get_default_cert_file_env(3)).
_DEFAULT_CAFILE = "SSL_CERT_FILE"


def context_for(config: ClientConfig) -> SSL.Context:
    """The Context for a ClientConfig. Raises UsageError or FileError where OpenSSL refuses a part, and
    LocalError where this process has no descriptor left to read a file."""
    binding.check_bindings()
    return _context(
        config.ciphers,
        config.ciphersuites,
        config.trust,
        config.certificate,
        keylogfile=config.keylogfile,
        padding=config.padding,
        max_fragment_length=config.max_fragment_length,
    )


def datagram_context_for(config: ClientConfig) -> SSL.Context:
    """The Context of DTLS 1.2 for a ClientConfig. Raises as `context_for`."""
    binding.check_bindings()
    return _context(
        config.ciphers,
        None,
        config.trust,
        config.certificate,
        keylogfile=config.keylogfile,
        padding=config.padding,
        max_fragment_length=config.max_fragment_length,
        dtls=True,
    )


def _stack(call: str, error: SSL.Error) -> ErrorStack:
    """What pyOpenSSL already took from the error queue, as a value."""
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ErrorStack(
        call, "0", tuple(ErrorEntry(library, reason, 0) for library, _, reason in entries)
    )


@lru_cache(maxsize=16)
def _context(
    ciphers: str | None,
    ciphersuites: str | None,
    trust: Trust,
    certificate: ClientCertificate | None,
    *,
    keylogfile: str | None,
    padding: int,
    max_fragment_length: int | None,
    dtls: bool = False,
) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_CLIENT_METHOD if dtls else SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(binding.DTLS1_2_VERSION if dtls else SSL.TLS1_2_VERSION)
    if dtls:
        context.set_options(SSL.OP_NO_QUERY_MTU)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    binding_messages.listen(context)
    if ciphers is not None:
        try:
            context.set_cipher_list(ciphers.encode("ascii", "replace"))
        except SSL.Error as error:
            raise UsageError(
                f"OpenSSL has no cipher for {ciphers!r}",
                stack=_stack("SSL_CTX_set_cipher_list", error),
                hints=("openssl ciphers -v lists the names",),
            ) from None
    if ciphersuites is not None:
        try:
            context.set_tls13_ciphersuites(ciphersuites.encode("ascii", "replace"))
        except SSL.Error as error:
            raise UsageError(
                f"OpenSSL has no TLS 1.3 ciphersuite for {ciphersuites!r}",
                stack=_stack("SSL_CTX_set_ciphersuites", error),
                hints=("for example TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384",),
            ) from None
    _load_trust(context, trust)
    _look_for_shortage("load trusted certificates")
    if certificate is not None:
        _load_certificate(context, certificate)
    if keylogfile is not None:
        _log_keys(context, keylogfile)
    if padding:
        from tlsresume.transports.openssl.binding_padding import pad_client_hello

        if not pad_client_hello(context, padding):
            raise UsageError(f"OpenSSL cannot make a ClientHello {padding} bytes longer")
    if max_fragment_length is not None and not ask_max_fragment_length(
        context, max_fragment_length
    ):
        raise UsageError(f"this OpenSSL cannot ask for fragments of {max_fragment_length} bytes")
    return context


def _load_trust(context: SSL.Context, trust: Trust) -> None:
    if trust.cafile is None and trust.capath is None:
        ours = os.environ.get(_DEFAULT_CAFILE)
        if not ours or is_regular(ours) or not os.path.exists(ours):  # noqa: PTH110  it may be no valid Path
            context.set_default_verify_paths()
            return
        trust = Trust(cafile=ours)
    if trust.cafile is not None and not is_regular(trust.cafile):
        store = context.get_cert_store()
        for each in _certificates(trust.cafile):
            if store is not None:
                store.add_cert(X509.from_cryptography(each))
        if trust.capath is None:
            return
        trust = Trust(capath=trust.capath)
    try:
        context.load_verify_locations(trust.cafile, trust.capath)
    except SSL.Error as error:
        _look_for_shortage("load trusted certificates")
        path = trust.cafile or trust.capath or ""
        raise FileError(
            f"cannot load trusted certificates from {path}",
            path=path,
            stack=_stack("SSL_CTX_load_verify_locations", error),
        ) from None


def _look_for_shortage(doing: str) -> None:
    """Raise LocalError where no file can be opened now. OpenSSL takes a bundle that it could
    not open for an empty one, and then no certificate verifies."""
    short = shortage.shortage_now()
    if short is not None:
        raise shortage.local_error(short, doing)


def _certificates(path: str) -> list[x509.Certificate]:
    """The certificates in a PEM file that OpenSSL must not open itself: it would wait for a
    pipe, and read a device for ever."""
    try:
        return x509.load_pem_x509_certificates(read_held(path, LARGEST_PEM, FileError))
    except ValueError as error:
        raise FileError(f"cannot load certificates from {path}: {error}", path=path) from None


def _load_certificate(context: SSL.Context, certificate: ClientCertificate) -> None:
    path = certificate.certificate
    try:
        call = "SSL_CTX_use_certificate_chain_file"
        if is_regular(path):
            context.use_certificate_chain_file(path)
        else:
            leaf, *chain = _certificates(path)
            context.use_certificate(leaf)
            for each in chain:
                context.add_extra_chain_cert(each)
        path = certificate.key
        key = _private_key(path, certificate.passphrase)
        call = "SSL_CTX_use_PrivateKey"
        context.use_privatekey(key)
        call = "SSL_CTX_check_private_key"
        context.check_privatekey()
    except SSL.Error as error:
        _look_for_shortage("load the client certificate")
        raise FileError(
            f"cannot use the client certificate or key in {path}",
            path=path,
            stack=_stack(call, error),
            hints=("both are PEM files, and the key must belong to the certificate",),
        ) from None


def _private_key(path: str, passphrase: bytes | None) -> Any:
    """The key in a PEM file. A passphrase that it does not need is left aside."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        data = read_held(path, LARGEST_PEM, FileError)
        try:
            return load_pem_private_key(data, passphrase and bytes(passphrase))
        except TypeError:
            if passphrase is None:
                raise
            return load_pem_private_key(data, None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, TypeError):
            why, hint = "it is encrypted", "give its passphrase with --passphrase-file"
        elif b"ENCRYPTED" in data:
            why, hint = "the passphrase does not fit", "--passphrase-file names another"
        else:
            why, hint = "it holds no private key in PEM", "--key names the key's PEM file"
        raise FileError(f"cannot use the key in {path}: {why}", path=path, hints=(hint,)) from None


def _log_keys(context: SSL.Context, path: str) -> None:
    """Append each secret to a file of the NSS key log format, readable by us alone."""
    # Without O_NONBLOCK the opening of a pipe waits for a reader, and the writing for room.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        log = os.open(path, flags, 0o600)
    except (OSError, ValueError) as error:
        if shortage.is_shortage(error):
            raise shortage.local_error(error, "open the key log") from None
        raise _key_log_error(path, error) from None

    def append(connection: SSL.Connection, line: bytes) -> None:
        try:
            os.write(log, line + b"\n")
        except OSError as error:
            binding_messages.raise_later(connection, _key_log_error(path, error))

    weakref.finalize(context, os.close, log)
    context.set_keylog_callback(append)


def _key_log_error(path: str, error: OSError | ValueError) -> FileError:
    reason = ((isinstance(error, OSError) and error.strerror) or str(error)).lower()
    if isinstance(error, OSError) and error.errno == errno.ENXIO:
        reason = "it is a pipe that nobody reads"
    elif isinstance(error, BlockingIOError):
        reason = "it is a pipe that is full, and its reader too slow"
    return FileError(f"cannot write the key log {path}: {reason}", path=path)

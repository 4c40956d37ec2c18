"""Client Contexts, shared: one per `Plan.context_key`, in a small bounded cache.

Building a Context with a CA bundle costs as much as ten handshakes, and a
Context cannot be changed after its first connection. So only what OpenSSL fixes
per SSL_CTX chooses one: ciphers, trust, client certificate, key log.
"""

from __future__ import annotations

import os
import weakref
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

from tlsresume.errors import ErrorEntry, ErrorStack, FileError, UsageError
from tlsresume.openssl import binding
from tlsresume.openssl.plan import ClientCertificate, Plan, Trust

_LARGEST_KEY = 1 << 20


def context_for(plan: Plan) -> SSL.Context:
    """The Context for a plan. Raises UsageError or FileError where OpenSSL refuses a part."""
    binding.check_bindings()
    return _context(plan.ciphers, plan.ciphersuites, plan.trust, plan.certificate, plan.keylogfile)


def datagram_context_for(plan: Plan) -> SSL.Context:
    """The Context of DTLS 1.2 for a plan. Raises as `context_for`."""
    binding.check_bindings()
    return _context(plan.ciphers, None, plan.trust, plan.certificate, plan.keylogfile, dtls=True)


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
    keylogfile: str | None,
    *,
    dtls: bool = False,
) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_CLIENT_METHOD if dtls else SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(binding.DTLS1_2_VERSION if dtls else SSL.TLS1_2_VERSION)
    if dtls:
        context.set_options(SSL.OP_NO_QUERY_MTU)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    binding.listen(context)
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
    if certificate is not None:
        _load_certificate(context, certificate)
    if keylogfile is not None:
        _log_keys(context, keylogfile)
    return context


def _load_trust(context: SSL.Context, trust: Trust) -> None:
    if trust.cafile is None and trust.capath is None:
        context.set_default_verify_paths()
        return
    try:
        context.load_verify_locations(trust.cafile, trust.capath)
    except SSL.Error as error:
        path = trust.cafile or trust.capath or ""
        raise FileError(
            f"cannot load trusted certificates from {path}",
            path=path,
            stack=_stack("SSL_CTX_load_verify_locations", error),
        ) from None


def _load_certificate(context: SSL.Context, certificate: ClientCertificate) -> None:
    path = certificate.certificate
    try:
        call = "SSL_CTX_use_certificate_chain_file"
        context.use_certificate_chain_file(path)
        path = certificate.key
        key = _private_key(path, certificate.passphrase)
        call = "SSL_CTX_use_PrivateKey"
        context.use_privatekey(key)
        call = "SSL_CTX_check_private_key"
        context.check_privatekey()
    except SSL.Error as error:
        raise FileError(
            f"cannot use the client certificate or key in {path}",
            path=path,
            stack=_stack(call, error),
            hints=("both are PEM files, and the key must belong to the certificate",),
        ) from None


def _private_key(path: str, passphrase: bytes | None) -> Any:
    """The key in a PEM file. A passphrase that it does not need is left aside."""
    try:
        with open(path, "rb") as stream:  # noqa: PTH123  a bounded read
            data = stream.read(_LARGEST_KEY)
        try:
            return load_pem_private_key(data, passphrase)
        except TypeError:
            if passphrase is None:
                raise
            return load_pem_private_key(data, None)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileError(f"cannot read the key in {path}: {reason}", path=path) from None
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
    try:
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise _key_log_error(path, error) from None

    def append(connection: SSL.Connection, line: bytes) -> None:
        try:
            os.write(log, line + b"\n")
        except OSError as error:
            binding.raise_later(connection, _key_log_error(path, error))

    weakref.finalize(context, os.close, log)
    context.set_keylog_callback(append)


def _key_log_error(path: str, error: OSError) -> FileError:
    reason = (error.strerror or str(error)).lower()
    return FileError(f"cannot write the key log {path}: {reason}", path=path)

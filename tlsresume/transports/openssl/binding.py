"""The only file that may touch private names of pyOpenSSL or cryptography, with the `binding_*.py`
beside it.

What OpenSSL offers and pyOpenSSL's public classes do not (sessions as bytes,
return values of calls) is reached here and handed on as plain values. What may be missing in another version of the bindings is a table,
checked once. Nothing here decides anything about resumption.
"""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import Any

import OpenSSL
from OpenSSL import SSL

from tlsresume.error_queue import ErrorEntry, ErrorStack
from tlsresume.errors import BindingError
from tlsresume.transports.openssl.binding_messages import Listener, _Listening, _listening
from tlsresume.value import Value

_lib: Any = SSL._lib  # type: ignore[attr-defined]  # private: the bindings themselves
_ffi: Any = SSL._ffi  # type: ignore[attr-defined]  # private: the bindings themselves

#: The first versions whose bindings have everything in REQUIRED.
NEEDS_PYOPENSSL = "26.3"
NEEDS_CRYPTOGRAPHY = "49"

REQUIRED: tuple[str, ...] = (
    "Cryptography_DTLSv1_get_timeout",
    "DTLSv1_handle_timeout",
    "BIO_read",
    "BIO_set_mem_eof_return",
    "BIO_write",
    "ERR_clear_error",
    "ERR_get_error",
    "ERR_lib_error_string",
    "ERR_reason_error_string",
    "SSL_CIPHER_get_name",
    "SSL_CTX_add_client_custom_ext",
    "SSL_CTX_set_max_early_data",
    "SSL_CTX_set_msg_callback",
    "SSL_CTX_set_tlsext_status_arg",
    "SSL_CTX_set_session_id_context",
    "SSL_SESSION_free",
    "SSL_do_handshake",
    "SSL_get0_alpn_selected",
    "SSL_get0_group_name",
    "SSL_get0_param",
    "SSL_get1_session",
    "SSL_get_current_cipher",
    "SSL_get_error",
    "SSL_get_verify_result",
    "SSL_read",
    "SSL_read_early_data",
    "SSL_session_reused",
    "SSL_set1_curves_list",
    "SSL_set_alpn_protos",
    "SSL_set_mtu",
    "SSL_set_options",
    "SSL_set_session",
    "SSL_set_tlsext_host_name",
    "SSL_set_verify",
    "SSL_shutdown",
    "SSL_version",
    "SSL_write",
    "SSL_write_early_data",
    "X509_STORE_set1_param",
    "X509_VERIFY_PARAM_free",
    "X509_VERIFY_PARAM_new",
    "X509_VERIFY_PARAM_set1_host",
    "X509_VERIFY_PARAM_set1_ip",
    "X509_VERIFY_PARAM_set_flags",
    "X509_verify_cert_error_string",
    "d2i_SSL_SESSION",
    "i2d_SSL_SESSION",
)

#: SSL_OP_NO_EXTENDED_MASTER_SECRET, bit 0 of SSL_CTX_set_options(3); not in the bindings.
OP_NO_EXTENDED_MASTER_SECRET = 1

#: DTLS counts its versions down from 0xFEFF (RFC 6347 section 4.1).
DTLS1_2_VERSION = 0xFEFD

SSL_ERROR_NAMES: dict[int, str] = {
    0: "SSL_ERROR_NONE",
    1: "SSL_ERROR_SSL",
    2: "SSL_ERROR_WANT_READ",
    3: "SSL_ERROR_WANT_WRITE",
    4: "SSL_ERROR_WANT_X509_LOOKUP",
    5: "SSL_ERROR_SYSCALL",
    6: "SSL_ERROR_ZERO_RETURN",
}
WANT_READ = 2
SYSCALL = 5
ZERO_RETURN = 6

#: More than a record's plaintext (RFC 8446 section 5.1): SSL_read gives no more at once.
_READ_SIZE = 16640


@cache
def check_bindings() -> None:
    """Raise BindingError, naming the versions that serve, if a needed name is missing."""
    missing = [name for name in REQUIRED if not hasattr(_lib, name)]
    if missing:
        raise BindingError(
            f"the installed pyOpenSSL {OpenSSL.__version__} with its cryptography lacks"
            f" {', '.join(missing)}",
            hints=(
                (
                    f"tlsresume needs pyOpenSSL {NEEDS_PYOPENSSL} or newer, with cryptography"
                    f" {NEEDS_CRYPTOGRAPHY} or newer"
                ),
                f"pip install 'pyOpenSSL>={NEEDS_PYOPENSSL}' 'cryptography>={NEEDS_CRYPTOGRAPHY}'",
            ),
        )


def openssl_version() -> str:
    """OpenSSL's own version text, such as `OpenSSL 4.0.3 29 Sep 2026`."""
    return SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode("ascii", "replace")


def pyopenssl_version() -> str:
    """The version of pyOpenSSL."""
    return OpenSSL.__version__


# ---------------------------------------------------------------- error queue


def _text(pointer: Any) -> str:
    return "" if pointer == _ffi.NULL else _ffi.string(pointer).decode("utf-8", "replace")


def clear_errors() -> None:
    """Empty the error queue, so that the next call's entries stand alone."""
    _lib.ERR_clear_error()


def reason_words(code: int) -> str:
    """The words of OpenSSL for the reason in a packed error code; "" if it has none."""
    return _text(_lib.ERR_reason_error_string(code))


def take_errors(call: str, returned: str) -> ErrorStack:
    """The whole error queue, oldest entry first, emptied (ERR_get_error(3)).

    The bindings give no access to an entry's data, so `data` is None.
    """
    entries = []
    while code := _lib.ERR_get_error():
        entries.append(
            ErrorEntry(
                library=_text(_lib.ERR_lib_error_string(code)) or "unknown library",
                reason=reason_words(code) or "no reason text",
                code=code,
            )
        )
    return ErrorStack(call, returned, tuple(entries))


def set_max_early_data(context: SSL.Context, size: int) -> None:
    """Let a server's Context accept early data (SSL_CTX_set_max_early_data(3))."""
    _lib.SSL_CTX_set_max_early_data(context._context, size)


# ------------------------------------------------------------------ one SSL *


class Returned(Value, frozen=True):
    """What a call gave: its own value, and SSL_get_error's; 0 means it succeeded."""

    value: int
    error: int

    def __str__(self) -> str:
        return f"{self.value}, {SSL_ERROR_NAMES.get(self.error, self.error)}"


class Handle:
    """One `SSL *` with its memory BIOs, through calls that return instead of raising.

    `release` must be called in the end: until then the handle is kept alive.
    """

    def __init__(self, context: SSL.Context, listener: Listener | None = None) -> None:
        self._connection = SSL.Connection(context, None)
        self._ssl = self._connection._ssl
        self._into = self._connection._into_ssl
        self._from = self._connection._from_ssl
        self._key = int(_ffi.cast("uintptr_t", self._ssl))
        self._buffer = _ffi.new("char[]", _READ_SIZE)
        #: Until `release`, which breaks this cycle.
        self._listening: _Listening | None = None
        if listener is not None:
            self._listening = _listening[self._key] = _Listening(listener, self._connection)

    def release(self) -> None:
        """Stop listening and let OpenSSL free the connection. Safe to call twice."""
        self._listening = None
        _listening.pop(self._key, None)

    def _raise_stored(self) -> None:
        entry = self._listening
        if entry is not None and entry.raised is not None:
            raised, entry.raised = entry.raised, None
            raise raised

    def _finish(self, value: int) -> Returned:
        entry = self._listening
        if entry is not None and entry.raised is not None:
            self._raise_stored()
        return Returned(value, 0 if value > 0 else _lib.SSL_get_error(self._ssl, value))

    def set_connect_state(self) -> None:
        self._connection.set_connect_state()

    def set_options(self, options: int) -> None:
        _lib.SSL_set_options(self._ssl, options)

    def set_verify(self, *, peer: bool) -> None:
        """Make a failed verification fatal, or not (SSL_set_verify(3))."""
        _lib.SSL_set_verify(self._ssl, SSL.VERIFY_PEER if peer else SSL.VERIFY_NONE, _ffi.NULL)

    def set_server_name(self, name: str) -> None:
        """Send the SNI; the bindings declare this call without a result."""
        _lib.SSL_set_tlsext_host_name(self._ssl, name.encode("ascii"))

    def set_verify_name(self, name: str) -> bool:
        """What the certificate must carry: a DNS name, or an IP address."""
        parameters = _lib.SSL_get0_param(self._ssl)
        try:
            packed = ipaddress.ip_address(name.partition("%")[0]).packed
        except ValueError:
            raw = name.encode("ascii")
            return bool(_lib.X509_VERIFY_PARAM_set1_host(parameters, raw, len(raw)) == 1)
        return bool(_lib.X509_VERIFY_PARAM_set1_ip(parameters, packed, len(packed)) == 1)

    def set_groups(self, groups: str) -> bool:
        return bool(_lib.SSL_set1_curves_list(self._ssl, groups.encode("ascii", "replace")) == 1)

    def set_alpn(self, protocols: tuple[str, ...]) -> bool:
        """Offer ALPN protocols. SSL_set_alpn_protos(3) returns 0 on success, unlike the rest."""
        wire = b"".join(bytes((len(name),)) + name.encode("latin-1") for name in protocols)
        return bool(_lib.SSL_set_alpn_protos(self._ssl, wire, len(wire)) == 0)

    def set_session_der(self, der: bytes) -> tuple[str, int | None, ErrorStack | None]:
        """Parse a session and set it: d2i_SSL_SESSION(3), then SSL_set_session(3).

        Returns the last call made, what SSL_set_session returned (None if it was not
        reached), and the error stack of the call that failed.
        """
        clear_errors()
        source = _ffi.from_buffer(der)
        pointer = _ffi.new("const unsigned char **", _ffi.cast("const unsigned char *", source))
        session = _lib.d2i_SSL_SESSION(_ffi.NULL, pointer, len(der))
        if session == _ffi.NULL:
            return "d2i_SSL_SESSION", None, take_errors("d2i_SSL_SESSION", "NULL")
        try:
            value = int(_lib.SSL_set_session(self._ssl, session))
        finally:
            _lib.SSL_SESSION_free(session)
        stack = None if value == 1 else take_errors("SSL_set_session", str(value))
        return "SSL_set_session", value, stack

    def session_der(self) -> bytes | None:
        """The current session as i2d_SSL_SESSION(3) writes it; None if there is none."""
        session = _lib.SSL_get1_session(self._ssl)
        if session == _ffi.NULL:
            return None
        try:
            size = _lib.i2d_SSL_SESSION(session, _ffi.NULL)
            if size <= 0:
                return None
            target = _ffi.new("unsigned char[]", size)
            _lib.i2d_SSL_SESSION(session, _ffi.new("unsigned char **", target))
            return bytes(_ffi.buffer(target, size))
        finally:
            _lib.SSL_SESSION_free(session)

    def do_handshake(self) -> Returned:
        _lib.ERR_clear_error()
        return self._finish(_lib.SSL_do_handshake(self._ssl))

    def write_early_data(self, data: bytes) -> Returned:
        clear_errors()
        written = _ffi.new("size_t *")
        return self._finish(_lib.SSL_write_early_data(self._ssl, data, len(data), written))

    def read(self) -> tuple[Returned, bytes]:
        _lib.ERR_clear_error()
        returned = self._finish(_lib.SSL_read(self._ssl, self._buffer, _READ_SIZE))
        if returned.error:
            return returned, b""
        return returned, bytes(_ffi.buffer(self._buffer, returned.value))

    def write(self, data: bytes) -> Returned:
        """SSL_write(3), again and again: pyOpenSSL's partial writes end with each record."""
        view = memoryview(data)
        while True:
            clear_errors()
            chunk = _ffi.from_buffer(view)
            returned = self._finish(_lib.SSL_write(self._ssl, chunk, len(view)))
            if returned.error or returned.value >= len(view):
                return returned
            view = view[returned.value :]

    def shutdown(self) -> int:
        """SSL_shutdown(3): queue close_notify. 0 or 1 is good, less is an error."""
        clear_errors()
        value = int(_lib.SSL_shutdown(self._ssl))
        clear_errors()
        self._raise_stored()
        return value

    def feed(self, data: bytes) -> None:
        """Give OpenSSL bytes from the network; a memory BIO takes them all."""
        if data:
            _lib.BIO_write(self._into, data, len(data))

    def feed_eof(self) -> None:
        """Tell OpenSSL that no more bytes will come."""
        _lib.BIO_set_mem_eof_return(self._into, 0)

    def drain(self) -> bytes:
        """The bytes that OpenSSL wants sent."""
        pieces = []
        # A memory BIO gives all that it has: with less than was asked for it is empty.
        while (size := _lib.BIO_read(self._from, self._buffer, _READ_SIZE)) > 0:
            pieces.append(_ffi.buffer(self._buffer, size)[:])
            if size < _READ_SIZE:
                break
        return b"".join(pieces)

    def set_mtu(self, size: int) -> bool:
        """The most bytes of UDP payload (DTLS_set_link_mtu's counterpart, SSL_set_mtu(3))."""
        return bool(_lib.SSL_set_mtu(self._ssl, size) == size)

    def timeout(self) -> float | None:
        """Seconds until DTLS wants to ask again; None: nothing is waited for (DTLSv1_get_timeout(3))."""
        seconds, microseconds = _ffi.new("time_t *"), _ffi.new("long *")
        if not _lib.Cryptography_DTLSv1_get_timeout(self._ssl, seconds, microseconds):
            return None
        return float(seconds[0] + microseconds[0] / 1_000_000)

    def handle_timeout(self) -> bool:
        """Ask again where it is time to (DTLSv1_handle_timeout(3)); False: too often in vain."""
        clear_errors()
        value = int(_lib.DTLSv1_handle_timeout(self._ssl))
        self._raise_stored()
        return value >= 0

    def version(self) -> int:
        """The negotiated version's number (SSL_version(3))."""
        return int(_lib.SSL_version(self._ssl))

    def session_reused(self) -> bool:
        return bool(_lib.SSL_session_reused(self._ssl))

    def cipher_name(self) -> str | None:
        cipher = _lib.SSL_get_current_cipher(self._ssl)
        return None if cipher == _ffi.NULL else _text(_lib.SSL_CIPHER_get_name(cipher))

    def group_name(self) -> str | None:
        name = _lib.SSL_get0_group_name(self._ssl)
        return None if name == _ffi.NULL else _text(name)

    def alpn_selected(self) -> str | None:
        data = _ffi.new("unsigned char **")
        size = _ffi.new("unsigned int *")
        _lib.SSL_get0_alpn_selected(self._ssl, data, size)
        if not size[0]:
            return None
        return bytes(_ffi.buffer(data[0], size[0])).decode("latin-1")

    def own_certificate(self) -> bytes | None:
        """The certificate of our own side (DER), if it has one (SSL_get_certificate(3))."""
        own = self._connection.get_certificate(as_cryptography=True)
        if own is None:
            return None
        from cryptography.hazmat.primitives.serialization import Encoding

        return own.public_bytes(Encoding.DER)

    def verify_result(self) -> int:
        return int(_lib.SSL_get_verify_result(self._ssl))


@cache
def verify_message(code: int) -> str:
    """OpenSSL's words for an X509_V_* code (X509_verify_cert_error_string(3))."""
    return _text(_lib.X509_verify_cert_error_string(code))

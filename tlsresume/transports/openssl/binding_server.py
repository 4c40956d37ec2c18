"""What the built-in server needs of OpenSSL and pyOpenSSL has no public name for."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL

_lib: Any = SSL._lib  # type: ignore[attr-defined]  # private: the bindings themselves
_ffi: Any = SSL._ffi  # type: ignore[attr-defined]  # private: the bindings themselves

#: SSL_OP_NO_ANTI_REPLAY, bit 24 of SSL_CTX_set_options(3); not in the bindings.
OP_NO_ANTI_REPLAY = 1 << 24

# What SSL_read_early_data(3) returns, beside SSL_READ_EARLY_DATA_SUCCESS, 1.
_READ_EARLY_DATA_ERROR = 0
_READ_EARLY_DATA_FINISH = 2
_READ_SIZE = 16_384


def session_reused(connection: SSL.Connection) -> bool:
    """Whether the handshake resumed a session (SSL_session_reused(3))."""
    return bool(_lib.SSL_session_reused(connection._ssl))


def set_session_id_context(context: SSL.Context, name: bytes) -> None:
    """Do what `SSL.Context.set_session_id` does, also once connections exist.

    Each SSL copies the value when made, so older connections keep theirs.
    """
    if _lib.SSL_CTX_set_session_id_context(context._context, name, len(name)) != 1:
        raise ValueError(f"OpenSSL refused a session ID context of {len(name)} bytes")


def write_early_data(connection: SSL.Connection, data: bytes) -> None:
    """Answer early data while the handshake goes on (SSL_write_early_data(3)).

    Raises SSL.Error where nothing can be said now.
    """
    length = _ffi.new("size_t *")
    _lib.ERR_clear_error()
    result = _lib.SSL_write_early_data(connection._ssl, data, len(data), length)
    if result != 1:
        connection._raise_ssl_error(connection._ssl, result)


def read_early_data(connection: SSL.Connection) -> tuple[bytes, bool]:
    """Drive the handshake and read the early data that is there (SSL_read_early_data(3)).

    Returns the bytes, and whether no more can come. Raises SSL.WantReadError
    where nothing was read and the peer must speak first, else SSL.Error.
    """
    data = bytearray()
    buffer = _ffi.new("unsigned char[]", _READ_SIZE)
    length = _ffi.new("size_t *")
    _lib.ERR_clear_error()
    while True:
        result = _lib.SSL_read_early_data(connection._ssl, buffer, _READ_SIZE, length)
        if result == _READ_EARLY_DATA_ERROR:
            if data:  # the next call meets the same error again
                return bytes(data), False
            connection._raise_ssl_error(connection._ssl, result)
        data += bytes(_ffi.buffer(buffer, length[0]))
        if result == _READ_EARLY_DATA_FINISH:
            return bytes(data), True

"""max_fragment_length (RFC 6066 section 4), for which the bindings have no function.

A session that was made with the extension carries it; the server then answers with it when the
session is offered, and a client that did not ask breaks off: "unsolicited extension". So it has to
be asked for. `SSL_CTX_set_tlsext_max_fragment_length(3)` does no more than store one byte in
the SSL_CTX. Where the library exports it (distributions), it is called. In the wheels of
cryptography it is hidden; there the byte is found by its neighbours, which the bindings do set:
in every OpenSSL from 1.1.1 to 4.0 it follows `status_arg` and `status_type` (ssl/ssl_local.h).
Nothing is believed: the neighbours must have the values of a new SSL_CTX, and a ClientHello of
a throw-away SSL_CTX must then carry the extension. Otherwise there is no support, and
`can_ask` says so.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from cryptography.hazmat.bindings import _rust
from OpenSSL import SSL

_lib: Any = SSL._lib  # type: ignore[attr-defined]  # private: the bindings themselves
_ffi: Any = SSL._ffi  # type: ignore[attr-defined]  # private: the bindings themselves

#: The codes of the lengths (RFC 6066 section 4).
MODES = {512: 1, 1024: 2, 2048: 3, 4096: 4}

#: Bytes of an SSL_CTX in which `status_arg` is searched: it stands near byte 600, and the
#: structure has more than a thousand.
_SEARCHED = 768

#: A pointer that stands nowhere else, and what a new SSL_CTX holds behind it: no status_type
#: (TLSEXT_STATUSTYPE_nothing), and no mode (0, or "unspecified" since 3.3).
_MARK = 0x5A5A_1DEA_F00D_5A5A
_NO_STATUS = b"\xff\xff\xff\xff"
_NO_MODE = (0, 255)

_EXTENSION = 1


def can_ask() -> bool:
    """Whether the extension can be sent with this OpenSSL."""
    return _exported() is not None or _offset() is not None


def ask_max_fragment_length(context: SSL.Context, length: int) -> bool:
    """Let the ClientHellos of a Context ask for fragments of `length` bytes; False: impossible."""
    import ctypes

    mode = MODES[length]
    function = _exported()
    if function is not None:
        pointer = ctypes.c_void_p(int(_ffi.cast("uintptr_t", context._context)))
        return bool(function(pointer, ctypes.c_uint8(mode)) == 1)
    offset = _offset()
    if offset is None:
        return False
    _bytes(context)[offset] = mode
    return True


@cache
def _exported() -> Any:
    """The function, where the library that the bindings use exports it."""
    import ctypes

    try:
        return ctypes.CDLL(_rust.__file__).SSL_CTX_set_tlsext_max_fragment_length
    except (AttributeError, OSError):
        return None


def _bytes(context: SSL.Context) -> Any:
    return _ffi.cast("unsigned char *", context._context)


@cache
def _offset() -> int | None:
    """Where the byte stands in an SSL_CTX; None where that is not certain."""
    if _ffi.sizeof("void *") != 8:
        return None
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    _lib.SSL_CTX_set_tlsext_status_arg(context._context, _ffi.cast("void *", _MARK))
    memory = bytes(_ffi.buffer(_bytes(context), _SEARCHED))
    _lib.SSL_CTX_set_tlsext_status_arg(context._context, _ffi.NULL)
    mark = _MARK.to_bytes(8, sys.byteorder)
    at = memory.find(mark)
    offset = at + 8 + 4
    if at < 0 or memory.count(mark) != 1 or offset >= _SEARCHED:
        return None
    if memory[at + 8 : offset] != _NO_STATUS or memory[offset] not in _NO_MODE:
        return None
    if _EXTENSION in _extensions(context):
        return None
    _bytes(context)[offset] = MODES[1024]
    return offset if _extensions(context).get(_EXTENSION) == b"\x02" else None


def _extensions(context: SSL.Context) -> dict[int, bytes]:
    """The extensions of a ClientHello of this Context, by number."""
    connection = SSL.Connection(context, None)
    connection.set_connect_state()
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        pass
    except SSL.Error:
        return {}
    hello = connection.bio_read(1 << 16)
    # Behind record header 5, message header 4, version 2, random 32: session ID, suites,
    # compression, each with its length before it (RFC 8446 section 4.1.2).
    at = 43
    for size in (1, 2, 1):
        at += size + int.from_bytes(hello[at : at + size], "big")
    at += 2
    found = {}
    while at + 4 <= len(hello):
        kind, length = (int.from_bytes(hello[at + n : at + n + 2], "big") for n in (0, 2))
        found[kind] = hello[at + 4 : at + 4 + length]
        at += 4 + length
    return found

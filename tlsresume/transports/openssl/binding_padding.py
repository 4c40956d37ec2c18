"""An extension of our own in each ClientHello, to lengthen it: pyOpenSSL has no name for that."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL

_lib: Any = SSL._lib  # type: ignore[attr-defined]  # private: the bindings themselves
_ffi: Any = SSL._ffi  # type: ignore[attr-defined]  # private: the bindings themselves

#: The extension that lengthens a ClientHello: a value that servers must ignore (GREASE,
#: RFC 8701 section 2). OpenSSL keeps padding(21) of RFC 7685 to itself.
PADDING_EXTENSION = 0xDADA

#: Type and length of an extension (RFC 8446 section 4.2).
_EXTENSION_HEADER = 4

#: The longest extension body; kept for good, since OpenSSL copies from it in each handshake.
_LONGEST_BODY = 0xFFFF
_zeros = _ffi.new("unsigned char[]", _LONGEST_BODY)


@_ffi.callback(  # type: ignore[untyped-decorator]  # cffi has no types
    "int(SSL *, unsigned int, const unsigned char **, size_t *, int *, void *)"
)
def _add_padding(_ssl: Any, _type: int, out: Any, length: Any, _alert: Any, argument: Any) -> int:
    out[0] = _zeros
    length[0] = int(_ffi.cast("uintptr_t", argument))
    return 1


def pad_client_hello(context: SSL.Context, size: int) -> bool:
    """Make every ClientHello of a Context `size` bytes longer, 4 at least, by an extension
    without meaning (SSL_CTX_add_client_custom_ext(3)). False: OpenSSL refuses."""
    body = size - _EXTENSION_HEADER
    if not 0 <= body <= _LONGEST_BODY:
        return False
    done = _lib.SSL_CTX_add_client_custom_ext(
        context._context,
        PADDING_EXTENSION,
        _add_padding,
        _ffi.NULL,
        _ffi.cast("void *", body),
        _ffi.NULL,
        _ffi.NULL,
    )
    return bool(done == 1)

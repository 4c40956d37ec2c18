"""The message callback of OpenSSL (SSL_CTX_set_msg_callback(3)), for which pyOpenSSL has no name.

Three rules are kept here. There is one callback, at module level, since a collected callback
kills the process. A dict maps each `SSL *` to its listener, which holds the Connection, so that no
address is used again while its entry lives. cffi swallows what a callback raises, so it is stored
and raised after the call into OpenSSL returned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from OpenSSL import SSL

_lib: Any = SSL._lib  # type: ignore[attr-defined]  # private: the bindings themselves
_ffi: Any = SSL._ffi  # type: ignore[attr-defined]  # private: the bindings themselves

#: Called with: sent by us, content type (RFC 8446 section 5.1), the message.
Listener = Callable[[bool, int, bytes], None]


class _Listening(Struct):
    listener: Listener
    connection: SSL.Connection
    raised: BaseException | None = None


_listening: dict[int, _Listening] = {}

_CONTENT_TYPES = frozenset({21, 22})
_BYTES: Any = _ffi.typeof("const char *")
_MESSAGE_CALLBACK: Any = _ffi.typeof("void(*)(int, int, int, const void *, size_t, SSL *, void *)")


# Pointers as numbers: two calls of three are for record headers and content types, and an object
# of cffi's for each pointer would cost more than all the rest of such a call.
@_ffi.callback("void(int, int, int, uintptr_t, size_t, uintptr_t, uintptr_t)")  # type: ignore[untyped-decorator]  # cffi has no types
def _on_message(
    write_p: int, _version: int, content_type: int, buf: int, size: int, ssl: int, _arg: int
) -> None:
    if content_type not in _CONTENT_TYPES:
        return
    entry = None
    try:
        entry = _listening.get(ssl)
        if entry is not None and entry.raised is None:
            message = _ffi.buffer(_ffi.cast(_BYTES, buf), size)[:]
            entry.listener(bool(write_p), content_type, message)
    except BaseException as error:
        if entry is None:
            raise
        entry.raised = error


def listen(context: SSL.Context) -> None:
    """Make every connection of a Context report its messages (SSL_CTX_set_msg_callback(3))."""
    callback = _ffi.cast(_MESSAGE_CALLBACK, _on_message)
    _lib.SSL_CTX_set_msg_callback(context._context, callback)


def attach(connection: SSL.Connection, listener: Listener) -> None:
    """Tell a listener of a Connection's messages, until `detach`; its Context must `listen`.

    A listener must not raise: there is no call here that would raise it again.
    """
    key = int(_ffi.cast("uintptr_t", connection._ssl))
    _listening[key] = _Listening(listener, connection)


def detach(connection: SSL.Connection) -> None:
    """Stop listening, and let OpenSSL free the Connection. Safe to call twice."""
    _listening.pop(int(_ffi.cast("uintptr_t", connection._ssl)), None)


def raise_later(connection: SSL.Connection, error: BaseException) -> None:
    """Have an error that arose in a callback of OpenSSL's raised when the call returns."""
    entry = _listening.get(int(_ffi.cast("uintptr_t", connection._ssl)))
    if entry is not None and entry.raised is None:
        entry.raised = error

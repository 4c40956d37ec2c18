"""A wolfSSL server, through ctypes: PORT CERTIFICATE [WORD...].

Words: no-ticket, no-cache, context-each (a new context for each connection), and, in seconds,
promises=N and keeps=N: what tickets say, and for how long they are taken. wolfSSL keeps one
session cache for all contexts of a process. Connections are served one by one.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import socket
import sys

_PEM = 1  # WOLFSSL_FILETYPE_PEM
_OFF = 0  # WOLFSSL_SESS_CACHE_OFF
_SECONDS = 5.0
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

_pointer = ctypes.c_void_p


def load() -> ctypes.CDLL:
    """The library, its pointers declared."""
    library = ctypes.CDLL(ctypes.util.find_library("wolfssl"))
    for name in ("wolfSSLv23_server_method", "wolfSSL_CTX_new", "wolfSSL_new"):
        getattr(library, name).restype = _pointer
    for name, types in {
        "wolfSSL_CTX_new": (_pointer,),
        "wolfSSL_CTX_use_certificate_chain_file": (_pointer, ctypes.c_char_p),
        "wolfSSL_CTX_use_PrivateKey_file": (_pointer, ctypes.c_char_p, ctypes.c_int),
        "wolfSSL_CTX_NoTicketTLSv12": (_pointer,),
        "wolfSSL_CTX_no_ticket_TLSv13": (_pointer,),
        "wolfSSL_CTX_set_session_cache_mode": (_pointer, ctypes.c_long),
        "wolfSSL_CTX_set_timeout": (_pointer, ctypes.c_uint),
        "wolfSSL_CTX_set_TicketHint": (_pointer, ctypes.c_int),
        "wolfSSL_new": (_pointer,),
        "wolfSSL_set_fd": (_pointer, ctypes.c_int),
        "wolfSSL_accept": (_pointer,),
        "wolfSSL_read": (_pointer, ctypes.c_char_p, ctypes.c_int),
        "wolfSSL_write": (_pointer, ctypes.c_char_p, ctypes.c_int),
        "wolfSSL_shutdown": (_pointer,),
        "wolfSSL_free": (_pointer,),
    }.items():
        getattr(library, name).argtypes = types
    library.wolfSSL_Init()
    return library


def make_context(wolf: ctypes.CDLL, certificate: bytes, words: list[str]) -> int:
    """A context with a ticket key of its own."""
    context = wolf.wolfSSL_CTX_new(wolf.wolfSSLv23_server_method())
    good = wolf.wolfSSL_CTX_use_certificate_chain_file(context, certificate)
    assert good == wolf.wolfSSL_CTX_use_PrivateKey_file(context, certificate, _PEM) == 1
    if "no-ticket" in words:
        wolf.wolfSSL_CTX_NoTicketTLSv12(context)
        wolf.wolfSSL_CTX_no_ticket_TLSv13(context)
    if "no-cache" in words:
        wolf.wolfSSL_CTX_set_session_cache_mode(context, _OFF)
    numbers = {name: int(n) for name, equals, n in (w.partition("=") for w in words) if equals}
    if "keeps" in numbers:  # which changes the promise, too
        wolf.wolfSSL_CTX_set_timeout(context, numbers["keeps"])
    if "promises" in numbers:
        wolf.wolfSSL_CTX_set_TicketHint(context, numbers["promises"])
    assert isinstance(context, int)
    return context


def serve(wolf: ctypes.CDLL, context: int, connection: socket.socket) -> None:
    """One handshake, one request, one answer."""
    connection.setblocking(True)
    seconds = int(_SECONDS).to_bytes(8, sys.byteorder) + bytes(8)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
    tls = wolf.wolfSSL_new(context)
    wolf.wolfSSL_set_fd(tls, connection.fileno())
    request = ctypes.create_string_buffer(4096)
    if wolf.wolfSSL_accept(tls) == 1:
        if wolf.wolfSSL_read(tls, request, len(request)) > 0:
            wolf.wolfSSL_write(tls, _ANSWER, len(_ANSWER))
        wolf.wolfSSL_shutdown(tls)
    wolf.wolfSSL_free(tls)


def main(port: str, certificate: str, *words: str) -> None:
    """Serve until the process is stopped."""
    wolf = load()
    given = list(words)
    context = make_context(wolf, certificate.encode(), given)
    with socket.create_server(("127.0.0.1", int(port)), backlog=128) as listener:
        while True:
            connection, _ = listener.accept()
            with connection:
                if "context-each" in given:
                    context = make_context(wolf, certificate.encode(), given)
                serve(wolf, context, connection)


main(*sys.argv[1:])

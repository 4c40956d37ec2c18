"""A GnuTLS server with a session ticket key of our own, which gnutls-serv cannot be given.

Run as a program: PORT CERTIFICATE KEYFILE. GnuTLS is called through ctypes.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import socket
import sys
import threading
from pathlib import Path

_SERVER = 1  # GNUTLS_SERVER
_CERTIFICATE = 1  # GNUTLS_CRD_CERTIFICATE
_PEM = 1  # GNUTLS_X509_FMT_PEM
_WRITE = 1  # GNUTLS_SHUT_WR

_pointer = ctypes.c_void_p


class Datum(ctypes.Structure):
    """gnutls_datum_t."""

    _fields_ = (("data", _pointer), ("size", ctypes.c_uint))


def load() -> ctypes.CDLL:
    library = ctypes.CDLL(ctypes.util.find_library("gnutls"))
    for name, arguments in {
        "gnutls_set_default_priority": [_pointer],
        "gnutls_credentials_set": [_pointer, ctypes.c_int, _pointer],
        "gnutls_session_ticket_enable_server": [_pointer, _pointer],
        "gnutls_transport_set_int2": [_pointer, ctypes.c_int, ctypes.c_int],
        "gnutls_handshake": [_pointer],
        "gnutls_record_recv": [_pointer, ctypes.c_char_p, ctypes.c_size_t],
        "gnutls_bye": [_pointer, ctypes.c_int],
        "gnutls_deinit": [_pointer],
    }.items():
        getattr(library, name).argtypes = arguments
    return library


def serve(library: ctypes.CDLL, connection: socket.socket, credentials: object, key: Datum) -> None:
    session = _pointer()
    library.gnutls_init(ctypes.byref(session), _SERVER)
    library.gnutls_set_default_priority(session)
    library.gnutls_credentials_set(session, _CERTIFICATE, credentials)
    library.gnutls_session_ticket_enable_server(session, ctypes.byref(key))
    library.gnutls_transport_set_int2(session, connection.fileno(), connection.fileno())
    if library.gnutls_handshake(session) >= 0:
        buffer = ctypes.create_string_buffer(1000)
        while library.gnutls_record_recv(session, buffer, 1000) > 0:
            pass
        library.gnutls_bye(session, _WRITE)
    library.gnutls_deinit(session)
    connection.close()


def main(port: str, certificate: str, key_file: str) -> None:
    library = load()
    credentials = _pointer()
    library.gnutls_certificate_allocate_credentials(ctypes.byref(credentials))
    path = certificate.encode()
    if library.gnutls_certificate_set_x509_key_file(credentials, path, path, _PEM) < 0:
        sys.exit("GnuTLS refuses the certificate")
    secret = Path(key_file).read_bytes()
    memory = ctypes.create_string_buffer(secret, len(secret))
    key = Datum(ctypes.cast(memory, _pointer), len(secret))
    with socket.create_server(("127.0.0.1", int(port))) as listener:
        while True:
            connection, _ = listener.accept()
            arguments = (library, connection, credentials, key)
            threading.Thread(target=serve, args=arguments, daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])

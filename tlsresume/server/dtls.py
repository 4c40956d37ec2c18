"""The server's side of DTLS 1.2, sans IO, for `selftest` and tests: OpenSSL's own.

It sends back what it gets.
"""

from __future__ import annotations

import time

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

from tlsresume.tls.dtls import packed

_MTU = 1200
_CHUNK = 65_536


class DTLSService:
    """What connections to one server share: keys and sessions live in its SSL_CTX. `tickets` off
    leaves session IDs; with `issues` off there are neither."""

    def __init__(
        self, certificate_pem: bytes, key_pem: bytes, *, tickets: bool = True, issues: bool = True
    ) -> None:
        context = SSL.Context(SSL.DTLS_SERVER_METHOD)
        leaf, *chain = x509.load_pem_x509_certificates(certificate_pem)
        context.use_certificate(leaf)
        for each in chain:
            context.add_extra_chain_cert(each)
        context.use_privatekey(load_pem_private_key(key_pem, None))  # type: ignore[arg-type]  # it is one of the kinds
        context.set_session_id(b"tlsresume")
        context.set_session_cache_mode(SSL.SESS_CACHE_SERVER if issues else SSL.SESS_CACHE_OFF)
        context.set_options(SSL.OP_NO_QUERY_MTU)
        if not (tickets and issues):
            context.set_options(SSL.OP_NO_TICKET)
        self._context = context

    def side(self) -> DTLSServerSide:
        """The server's side of a new connection."""
        return DTLSServerSide(self._context)


class DTLSServerSide:
    """One connection. What is no DTLS is dropped, as RFC 6347 section 4.1.2.7 asks."""

    def __init__(self, context: SSL.Context) -> None:
        self._connection = SSL.Connection(context, None)
        self._connection.set_ciphertext_mtu(_MTU)
        self._connection.set_accept_state()
        self._done = False
        self._over = False

    def receive(self, data: bytes, now: float) -> None:
        """Take one datagram."""
        del now
        if not data or self._over:
            return
        self._connection.bio_write(data)
        try:
            if not self._done:
                self._connection.do_handshake()
                self._done = True
            while True:
                self._connection.send(self._connection.recv(_CHUNK))
        except SSL.WantReadError:
            return
        except SSL.ZeroReturnError:
            self._over = True
            self._connection.shutdown()
        except SSL.Error:
            self._over = True

    def datagrams(self, now: float) -> list[bytes]:
        """What must be sent now."""
        del now
        data = b""
        while True:
            try:
                data += self._connection.bio_read(_CHUNK)
            except SSL.WantReadError:
                return packed(data, _MTU)

    def timer(self) -> float | None:
        """When `on_timer` is due: OpenSSL's own timer, by the system's clock."""
        if self._done or self._over:
            return None
        left = self._connection.DTLSv1_get_timeout()
        return None if left is None else time.monotonic() + left

    def on_timer(self, now: float) -> None:
        """Send the last flight again."""
        del now
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error:
            self._over = True

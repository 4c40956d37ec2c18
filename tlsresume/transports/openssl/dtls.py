"""One DTLS 1.2 client connection without IO: OpenSSL again, over datagrams.

What differs from TLS over TCP: OpenSSL's records are packed into datagrams; it has a timer,
since nobody else repeats what is lost; the server may ask for a cookie first
(HelloVerifyRequest); and there is no end of a stream. Bytes that are no DTLS are dropped
without a word, as RFC 6347 section 4.1.2.7 asks, so it is noted whether any were understood.
The messages are recorded in the form of TLS (see tls/dtls.py).

OpenSSL's timer runs by the system's clock, whatever clock the caller has.
"""

from __future__ import annotations

from OpenSSL import SSL

from tlsresume.errors import UsageError
from tlsresume.protocols.schemes import MTU_RANGE
from tlsresume.sessions.session import ResumptionState
from tlsresume.tls.dtls import HELLO_VERIFY_REQUEST, Messages, packed
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.facts import DatagramFacts, HTTPRequest
from tlsresume.transports.failures import Broken
from tlsresume.transports.interface import Clock, OnMessage
from tlsresume.transports.openssl.client import TLSClient
from tlsresume.transports.openssl.contexts import datagram_context_for

_ALERT = 21

#: The two sizes of datagrams that are tried, in bytes: the first goes nearly everywhere, the
#: second puts a ClientHello of up to 1.3 KB into one piece, for servers that put none together.
_SMALL_MTU, _LARGE_MTU = 1200, 1400
#: After so many times that nothing came back the other size is tried.
_SILENCES = 2

#: An honest server asks for a cookie once, or once more when that took too long.
_MOST_COOKIES = 8


class DTLSClient(TLSClient):
    """A DTLS connection as a client sees it; see TLSClient for what the two share."""

    def __init__(
        self,
        config: ClientConfig,
        session: ResumptionState | None = None,
        *,
        clock: Clock,
        on_message: OnMessage | None = None,
    ) -> None:
        self._messages = {True: Messages(), False: Messages()}
        self._cookies = 0
        self._retransmissions = 0
        self._understood = False
        self._request = b""
        self._mtu = config.mtu
        self._silences = 0
        super().__init__(config, session, clock=clock, on_message=on_message, early_request=b"")

    def _context(self) -> SSL.Context:
        return datagram_context_for(self.config)

    def _configure(self) -> None:
        super()._configure()
        low, high = MTU_RANGE
        if not low <= self.config.mtu <= high or not self._handle.set_mtu(self.config.mtu):
            raise UsageError(f"a datagram cannot have {self.config.mtu} bytes: {low} to {high}")

    # --------------------------------------------------------------- driving

    def receive(self, data: bytes) -> None:
        """Take one datagram."""
        self._silences = 0
        super().receive(data)
        if self.established and self._request:
            request, self._request = self._request, b""
            self.send(request)

    def _take_data(self, data: bytes) -> None:
        super()._take_data(data)
        self.answered = True

    def drain(self) -> list[bytes]:
        """The datagrams that must be sent now."""
        return packed(b"".join(super().drain()), self._mtu)

    @property
    def deadline(self) -> float | None:
        """When `on_deadline` is due."""
        if self.failure is not None or self.established:
            return None
        left = self._handle.timeout()
        return None if left is None else self._clock() + left

    def on_deadline(self) -> None:
        """Ask again, where an answer is late."""
        if self.failure is not None or self._handle.timeout() != 0:
            return
        self._retransmissions += 1
        self._silences += 1
        if self._silences == _SILENCES:
            self._try_other_size()
        if not self._handle.handle_timeout():
            self.failure = Broken("closed", "no answer came, however often it was asked for")

    def _try_other_size(self) -> None:
        """From now on, and for what is sent again: a path may lose large datagrams, and a server
        drop a message in pieces."""
        self._silences = 0
        other = _LARGE_MTU if self._mtu <= _SMALL_MTU else _SMALL_MTU
        if self._handle.set_mtu(other):
            self._mtu = other

    def ask(self, request: HTTPRequest | bytes) -> None:
        """Send a datagram of data, now or when the handshake is done."""
        if not isinstance(request, bytes):
            raise TypeError("HTTP is not spoken over DTLS")
        if self.established:
            self.send(request)
        else:
            self._request = request

    # ------------------------------------------------------------- recording

    def _record(self, sent: bool, content_type: int, message: bytes) -> None:
        if not sent:
            self._understood = True
        if content_type == _ALERT:
            super()._record(sent, content_type, message)
            return
        whole = self._messages[sent].take(message)
        if whole is None:
            return
        if not sent and whole[0] == HELLO_VERIFY_REQUEST:
            self._cookies += 1
            if self._cookies > _MOST_COOKIES and self.failure is None:
                self.failure = Broken(
                    "closed", f"the server asked for a cookie {self._cookies} times over"
                )
        super()._record(sent, content_type, whole)

    def _looks_like_tls(self) -> bool:
        return self._understood

    # --------------------------------------------------------------- reading

    @property
    def understood(self) -> bool:
        """Whether any message or alert of DTLS came."""
        return self._understood

    @property
    def speaks_tls13(self) -> bool:
        """DTLS 1.3 is not spoken here."""
        return False

    @property
    def facts(self) -> DatagramFacts:
        """What DTLS has and TCP has not."""
        return DatagramFacts(
            retries=self._cookies,
            retransmissions=self._retransmissions,
            mtu=None if self._mtu == self.config.mtu or not self._understood else self._mtu,
        )

"""One connection to a target, pumped: a socket on one side, a TLSClient on the other.

Every wait has a deadline. A peer's failure is stored, not raised, except from
`start_tls` and `send`/`receive` in clear, whose callers cannot go on without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Literal

from tlsresume import shortage
from tlsresume.errors import HandshakeError
from tlsresume.lab import Link
from tlsresume.network.dial import cut, failure_from
from tlsresume.network.ready import readable, writable
from tlsresume.openssl.client import Broken, OnMessage, TLSClient
from tlsresume.openssl.first_flight import FirstFlight
from tlsresume.openssl.plan import Plan
from tlsresume.openssl.reasons import FailureReason
from tlsresume.results import Failure, FailureKind, Step
from tlsresume.session.session import Session
from tlsresume.wire.handshake import AlertDescription, ProtocolVersion

#: How long we wait for the peer's close_notify after ours, in seconds.
CLOSE_WAIT = 0.5

_CHUNK = 65536
_ENOUGH_RESPONSE = 16384

#: What is read of the answer to a first flight that was only presented, in bytes, and the
#: silence in seconds after which it is taken for complete.
_ENOUGH_PRESENTED = 65536
_PRESENTED_QUIET = 0.3

#: Application data that is kept until someone reads it.
DATA_KEPT = 1 << 18

Closed = Literal["clean", "by-peer", "hung-up", "peer-silent", "abrupt", "failed"]

#: Alerts that judge a certificate or what proves it (RFC 8446 section 6.2): a TLS 1.3 client
#: gets them when its own handshake is done, maybe behind tickets that were sent early.
_OF_CERTIFICATES = frozenset({42, 43, 44, 45, 46, 48, 49, 51, 116})


class NetworkLink(Link):
    """A connected socket and, after `start_tls`, the TLS connection on it.

    `timeout` is what the whole way to a handshake may take, for words; `deadline`, in
    the loop's time, is when that ends (None: `timeout` seconds from now). `unread` was
    read before, with the answer of a proxy.
    """

    def __init__(
        self,
        sock: socket.socket,
        where: str,
        timeout: float,
        on_message: OnMessage | None = None,
        *,
        deadline: float | None = None,
        unread: bytes = b"",
    ) -> None:
        self.client: TLSClient | None = None
        self.failure: Failure | None = None
        self.closed: Closed = "failed"
        self.handshake_ms: float | None = None
        self.node: str | None = None
        self.after_starttls = False
        self.greeting = b""
        self.reply: str | None = None
        self.answer_ms: float | None = None
        self.left = False
        self.early_answer: bool | None = None
        #: What a peer said to a first flight that was presented; None: none was.
        self.presented: bytes | None = None
        self._holding = False
        self._unsent = b""
        self._unread = unread
        self._sock = sock
        self.where = where
        self._timeout = timeout
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + timeout if deadline is None else deadline
        self._closing = False
        #: Our goodbye is out, and the peer's has not been waited for.
        self.parting = False

    # ------------------------------------------------------------- interface

    async def send(self, data: bytes) -> None:
        if self.client is None:
            await self._send(data, self._deadline)
            return
        self.client.write(data)
        await self._flush()

    async def receive(self) -> bytes:
        if self.client is None:
            return await self._receive(self._deadline)
        client = self.client
        # A conversation may last longer than a handshake may take: each answer has its time.
        deadline = self._loop.time() + self._timeout
        if not await self._pump(lambda: bool(client.data), deadline):
            over = client.failure or self.failure or client.peer_closed or client.eof
            if not over:
                raise TimeoutError
        data = bytes(client.data)
        client.data.clear()
        return data

    async def start_tls(
        self,
        plan: Plan,
        session: Session | None = None,
        *,
        flight: FirstFlight | None = None,
        hold_finished: float = 0.0,
    ) -> None:
        """Run the handshake; `flight` and `hold_finished` are as in `Errand`."""
        started = self._loop.time()
        if flight is None:
            client = TLSClient(plan, session, clock=self._loop.time, on_message=self._on_message)
            self.client = client
            client.start()
        else:
            self.client = client = flight.go_on(self._on_message)
            self._unsent = flight.data
        self._holding = hold_finished > 0
        done = await self._pump(lambda: client.handshake_done, self._deadline)
        if done:
            self.handshake_ms = (self._loop.time() - started) * 1000
            if self._holding:
                await self._hold(client, hold_finished)
            return
        if self.failure is None:
            self.failure = Failure(
                "handshake",
                "timeout",
                f"no TLS handshake with {self.where} within {self._timeout:g} s"
                f" ({client.received} bytes came)",
                self._timeout_hints(client.received),
            )
        raise HandshakeError(self.failure.message)

    async def _hold(self, client: TLSClient, seconds: float) -> None:
        """Wait for an answer to early data before our Finished goes out."""
        if self.early_data_accepted:
            until = min(self._deadline, self._loop.time() + seconds)
            await self._pump(lambda: bool(client.data), until)
            self.early_answer = bool(client.data)
        self._holding = False
        await self._flush()

    @property
    def early_data_accepted(self) -> bool:
        """Whether the server took early data that we sent."""
        if self.client is None or not self.client.plan.early_data:
            return False
        transcript = self.client.transcript
        return transcript.early_data_offered and bool(transcript.early_data_accepted)

    async def present(self, data: bytes) -> None:
        """Send a first flight that this side cannot go on with, and read what the peer says:
        until it is quiet once it has spoken. A failure is stored."""
        self.presented = b""
        until = self._deadline
        try:
            await self._send(data, self._deadline)
            while len(self.presented) < _ENOUGH_PRESENTED:
                came = await self._receive(until)
                if not came:
                    break
                self.presented += came
                until = min(self._deadline, self._loop.time() + _PRESENTED_QUIET)
        except TimeoutError:
            if not self.presented:
                message = f"no answer from {self.where} to a copy of the first flight"
                self._fail(Failure("handshake", "timeout", message))
        except OSError as error:
            if not self.presented:
                self._fail(failure_from(error, "handshake", self.where))
        if not self.presented and self.failure is None:
            message = f"{self.where}: the server closed the connection in the handshake"
            self._fail(Failure("handshake", "closed", message))

    def _timeout_hints(self, received: int) -> tuple[str, ...]:
        if received:
            return ("raise --timeout for a slow peer",)
        return () if self.after_starttls else (_IN_CLEAR,)

    async def tickets(self, count: int, wait: float, settle: float = 0.05) -> None:
        client = self._tls()
        deadline = self._loop.time() + wait
        if await self._pump(lambda: client.ticket_count >= 1, deadline) and count > 1:
            until = min(deadline, self._loop.time() + settle)
            await self._pump(lambda: client.ticket_count >= count, until)

    @property
    def sessions(self) -> tuple[Session, ...]:
        return tuple(self.client.sessions) if self.client is not None else ()

    def remark(self, reply: str) -> None:
        self.reply = reply

    @property
    def speaks_tls13(self) -> bool:
        """Whether TLS 1.3 was negotiated."""
        return self.client is not None and self.client.version >= ProtocolVersion.TLSv1_3

    @property
    def got_tickets(self) -> bool:
        """Whether a NewSessionTicket came."""
        return self.client is not None and self.client.ticket_count > 0

    async def response(self, wait: float) -> bool:
        """Read until an HTTP header is complete (True), the peer closes, or `wait` seconds
        passed. `answer_ms` says how long that took, `left` whether the peer ended it."""
        client = self._tls()
        began = self._loop.time()
        try:
            return await self._pump(
                lambda: b"\r\n\r\n" in client.data or len(client.data) > _ENOUGH_RESPONSE,
                began + wait,
            )
        finally:
            self.answer_ms = (self._loop.time() - began) * 1000
            self.left = client.peer_closed or client.eof

    async def close(self, *, clean: bool = True) -> None:
        await self.take_leave(clean=clean)
        await self.part()

    async def take_leave(self, *, clean: bool = True) -> None:
        """Close our side. Where the peer's end of a clean close is still to come, `part` waits
        for it; else the socket is free now."""
        client = self.client
        if client is not None:
            self._broken(client)
        self._closing = True
        try:
            if client is None or not client.handshake_done:
                await self._flush()
            elif client.failure is not None or client.eof:
                await self._flush()
                self.closed = "hung-up" if client.eof else "failed"
            elif not clean:
                self.closed = "abrupt"
            else:
                await self._say_goodbye(client)
                self.parting = True
        finally:
            if not self.parting:
                self.release()

    async def _say_goodbye(self, client: TLSClient) -> None:
        client.close()
        await self._flush()
        # Where the peer has closed both ways already, the next read says so.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    async def part(self) -> None:
        """Wait for the peer's end of a clean close, and note how it came."""
        client = self.client
        if client is None or not self.parting:
            return
        try:
            await self._pump(lambda: False, self._loop.time() + CLOSE_WAIT)
            if client.peer_closed:
                self.closed = "clean"
            else:
                self.closed = "by-peer" if client.eof else "peer-silent"
        finally:
            self.parting = False
            self.release()

    def release(self) -> None:
        """Free the socket at once; cut it if it was to be left unclean. Safe to call twice."""
        if self.closed == "abrupt":
            cut(self._sock)
        else:
            self._sock.close()
        if self.client is not None:
            self.client.release()

    # ---------------------------------------------------------------- pumping

    def _tls(self) -> TLSClient:
        if self.client is None:
            raise AssertionError("start_tls comes first")
        return self.client

    async def _flush(self) -> None:
        """Send what OpenSSL has to say. A peer that no longer listens may still have spoken."""
        if self.client is None:
            return
        if self._holding and self.client.handshake_done:
            return
        data, self._unsent = self._unsent + self.client.drain(), b""
        if not data:
            return
        try:
            await self._send(data, max(self._deadline, self._loop.time() + CLOSE_WAIT))
        except TimeoutError:
            self._fail(Failure("data", "timeout", f"{self.where} does not read what we send"))
        except OSError as error:
            if shortage.is_shortage(error):
                step: Step = "data" if self.client.handshake_done else "handshake"
                self._fail(failure_from(error, step, self.where))
            # Else: what it said before it stopped listening is still to be read.
            return

    async def _pump(self, done: Callable[[], bool], deadline: float) -> bool:
        """Carry bytes both ways until `done`, the end of the stream, a failure or the deadline."""
        client = self._tls()
        while True:
            await self._flush()
            if done():
                return True
            if client.failure is not None:
                self._broken(client)
                return False
            if client.peer_closed or client.eof or self.failure is not None:
                return False
            try:
                data = await self._receive(deadline)
            except TimeoutError:
                return False
            except OSError as error:
                client.eof = True
                late = client.handshake_done and not _awaits_certificate(client)
                self._fail(failure_from(error, "data" if late else "handshake", self.where))
                return False
            client.receive(data)
            del client.data[DATA_KEPT:]

    async def _receive(self, deadline: float) -> bytes:
        """What came; b"" at the end of the stream. Raises TimeoutError, or OSError."""
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        while True:
            # Asked first: where a peer floods us, the socket is ready whenever the timer is.
            if self._loop.time() >= deadline or not await readable(self._sock, deadline):
                raise TimeoutError
            with contextlib.suppress(BlockingIOError):  # woken for nothing
                return self._sock.recv(_CHUNK)

    async def _send(self, data: bytes, deadline: float) -> None:
        """Send it all. Raises TimeoutError, or OSError."""
        view = memoryview(data)
        while True:
            with contextlib.suppress(BlockingIOError):  # the peer is slow
                view = view[self._sock.send(view) :]
            if not view:
                return
            if not await writable(self._sock, deadline):
                raise TimeoutError

    def _broken(self, client: TLSClient) -> None:
        broken = client.failure
        if broken is None or self._closing:
            return
        early = not client.handshake_done or _rejects(client, broken)
        if broken.kind == "closed" and not early:
            return
        step: Step = "handshake" if early else "data"
        if client.set_session_failed:
            step = "session"
        # What is not TLS after STARTTLS was sent in clear behind its answer.
        kind: FailureKind = broken.kind
        if kind in ("not-tls", "rate-limit") and self.after_starttls:
            kind = "injection"
        named = client.plan.server_name is not None
        hints = broken.hints or hints_for(broken, named=named)
        if early and (not hints or broken.alert == AlertDescription.handshake_failure):
            hints = _certificate_hint(client) or hints
        silent = broken.kind == "closed" and not client.received
        if silent and not self.after_starttls and client.set_session_result is None:
            hints = (_IN_CLEAR,)
        self._fail(
            Failure.at(
                self.where,
                step,
                kind,
                broken.message,
                hints,
                stack=broken.stack,
                reason=broken.reason,
            )
        )

    def _fail(self, failure: Failure) -> None:
        # How the peer takes our goodbye is in `closed`.
        if self.failure is None and not self._closing:
            self.failure = failure


def _rejects(client: TLSClient, broken: Broken) -> bool:
    """Whether the end of a connection, on which our handshake was done, is the server's answer
    to that handshake: in TLS 1.3 it judges our last messages after that."""
    if broken.kind == "alert":
        early = not client.ticket_count or broken.alert in _OF_CERTIFICATES
        return early and not client.data
    return broken.kind == "closed" and _awaits_certificate(client)


def _awaits_certificate(client: TLSClient) -> bool:
    """Whether a TLS 1.3 server asked for a client certificate, and has said nothing since."""
    return (
        client.version >= ProtocolVersion.TLSv1_3
        and client.transcript.certificate_request is not None
        and not client.data
        and not client.ticket_count
    )


def _certificate_hint(client: TLSClient) -> tuple[str, ...]:
    """What may help where the server had asked for a client certificate."""
    if client.transcript.certificate_request is None:
        return ()
    if client.plan.certificate is None:
        return ("the server asked for a client certificate: --cert FILE --key FILE",)
    return ("the server may not accept this client certificate",)


#: What helps against an alert of the server (RFC 8446 section 6).
_ALERT_HINTS: dict[int, str] = {
    AlertDescription.certificate_required: (
        "the server demands a client certificate: --cert FILE --key FILE"
    ),
    AlertDescription.unrecognized_name: (
        "the server does not know this name: --servername NAME or --no-sni"
    ),
    AlertDescription.no_application_protocol: (
        "the server refuses the offered protocols: --alpn PROTO"
    ),
    AlertDescription.handshake_failure: (
        "no common cipher or group, or a client certificate is demanded"
    ),
}

#: What helps against a reason of OpenSSL, and against a certificate that was refused.
_WEAK = "the server's keys are weaker than OpenSSL allows: --ciphers DEFAULT@SECLEVEL=0"
_REFUSED = "give --cafile, or leave out --verify to test resumption anyway"

_IN_CLEAR = (
    "if this port starts in clear (PostgreSQL, LDAP...), name its protocol: --starttls PROTO"
)


def hints_for(broken: Broken, *, named: bool) -> tuple[str, ...]:
    """What helps against a failure; `named` says that a server name was sent."""
    if broken.alert == AlertDescription.unrecognized_name and not named:
        return ("the server answers only to a name, and none was sent: --servername NAME",)
    weak = (_WEAK,) if broken.reason is FailureReason.WEAK_KEY else ()
    alert = _ALERT_HINTS.get(broken.alert) if broken.alert is not None else None
    refused = (_REFUSED,) if broken.kind == "verify" else ()
    return (*weak, *((alert,) if alert else ()), *refused)

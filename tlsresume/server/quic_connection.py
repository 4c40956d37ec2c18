"""One connection to our QUIC server, sans IO: its requests, its tickets, how it ends.

HTTP/3 requests are answered with status 200; on other protocols (DNS over QUIC) each stream is
answered with what came on it. Whatever bytes of a client do inside the library, a call here
raises nothing: the connection ends, and others are served.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tlsresume.server.observer import Ending, Observer, Served
from tlsresume.tls.registry import AlertDescription, ContentType, name_of
from tlsresume.transports.quic.binding import CRYPTO_ERROR, Terminated
from tlsresume.transports.quic.binding_server import ServerHandle

if TYPE_CHECKING:
    from tlsresume.server.quic import QUICService

#: Error codes that say that nothing is wrong: QUIC's own, and HTTP/3's (RFC 9114 section 8.1).
_NO_ERROR, H3_NO_ERROR = 0x0, 0x100
#: What ends a connection that does not end by itself; RFC 9114 section 8.1.
_H3_EXCESSIVE_LOAD = 0x107
#: What requests are answered; 425 is Too Early (RFC 8470 section 5.2).
_OK, _TOO_EARLY = 200, 425
#: Seconds between the client's having all of an answer and our closing.
_GRACE = 0.25
#: Bytes of a client until its handshake is done, and of a request's head that are kept.
_MOST_BEFORE_HANDSHAKE = 262_144
_HEAD_KEPT = 4_096
#: A TLS alert's level, in the message that stands for it: fatal.
_FATAL = 2


class ServerConnection:
    """One connection. `number` counts from 1; `source` is where its first datagram came from."""

    def __init__(
        self,
        service: QUICService,
        configuration: Any,
        number: int,
        now: float,
        *,
        observer: Observer | None = None,
        original: bytes,
        retried: bytes | None = None,
    ) -> None:
        self.number = number
        self.handshaken = False
        #: Nothing more comes of it; `over`: it can be forgotten.
        self.ended = False
        self.over = False
        self._service = service
        self._observer = observer
        self._handle = ServerHandle(
            configuration,
            self._message,
            service.fetch,
            early_data=service.takes_early_data,
            original=original,
            retried=retried,
        )
        self.connection_ids: list[bytes] = [self._handle.connection.host_cid]
        self._h3: Any = None
        self._requests = 0
        self._unanswered = 0
        self._head = b""
        #: Streams of requests that are not whole, and of those that wait for the handshake.
        self._asked: dict[int, str] = {}
        self._waiting: list[tuple[int, str]] = []
        self._give_up_at: float | None = now + service.limits.handshake
        self._close_at: float | None = None
        self._error: str | None = None

    # ----------------------------------------------------------------- its datagrams

    def receive(self, data: bytes, source: Any, now: float) -> None:
        """Take one datagram."""
        self._unanswered += len(data)
        self._guarded(lambda: self._handle.receive(data, source, now), now)
        most = self._service.limits.unanswered if self.handshaken else _MOST_BEFORE_HANDSHAKE
        if self._unanswered > most:
            self._error = self._error or "a request without end"
            self.close(_H3_EXCESSIVE_LOAD)

    def outgoing(self, now: float) -> list[tuple[bytes, Any]]:
        """What must be sent now, and whereto."""
        found: list[tuple[bytes, Any]] = []
        if self._observer is not None and not self.ended:
            self._observer.leaving(established=self.handshaken)
        try:
            found = self._handle.datagrams(now)
        except Exception as failure:  # noqa: BLE001  aioquic's, on a client's bytes
            self._fail(failure)
        self._note_end()
        return found

    def timer(self) -> float | None:
        """When `on_timer` is due."""
        times = (self._handle.timer(), self._give_up_at, self._close_at)
        return min((at for at in times if at is not None), default=None)

    def on_timer(self, now: float) -> None:
        """Send again what was not acknowledged, or give up."""
        if self._give_up_at is not None and now >= self._give_up_at:
            self._end("timeout")
            self.over = True
            return
        if self._close_at is not None and now >= self._close_at:
            self._close_at = None
            self.close(H3_NO_ERROR if self._h3 is not None else _NO_ERROR)
        at = self._handle.timer()
        if at is not None and now >= at:
            self._guarded(lambda: self._handle.on_timer(now), now)

    def close(self, code: int = H3_NO_ERROR) -> None:
        """Say CONNECTION_CLOSE with what is sent next."""
        self._handle.close(code)

    def drop(self) -> None:
        """Forget the connection without a word."""
        self._end("timeout")
        self.over = True

    def _guarded(self, call: Callable[[], None], now: float) -> None:
        try:
            call()
            for event in self._handle.events():
                self._take(event, now)
        except Exception as failure:  # noqa: BLE001  aioquic's, on a client's bytes
            self._fail(failure)
        self._note_end()

    def _fail(self, failure: Exception) -> None:
        self._error = self._error or type(failure).__name__
        self._end("error")
        self.over = True

    # ---------------------------------------------------------------------- events

    def _message(self, sent: bool, raw: bytes) -> None:
        if self._observer is not None:
            self._observer.message(sent, ContentType.handshake, raw)

    def _take(self, event: Any, now: float) -> None:
        from aioquic.quic import events

        match event:
            case events.ConnectionIdIssued():
                self.connection_ids.append(event.connection_id)
            case events.HandshakeCompleted():
                self._establish(event.alpn_protocol)
            case events.ProtocolNegotiated():
                self._speak(event.alpn_protocol)
            case events.PingAcknowledged():
                self._close_at = now + _GRACE
            case events.ConnectionTerminated():
                self.over = True
            case events.StreamDataReceived() if self._h3 is None and event.end_stream:
                self._echo(event)
        if self._h3 is not None:
            for each in self._h3.handle_event(event):
                self._take_http(each)

    def _speak(self, alpn: str | None) -> None:
        if self._h3 is None and (alpn or "") == "h3":
            from aioquic.h3.connection import H3Connection

            self._h3 = H3Connection(self._handle.connection)

    def _establish(self, alpn: str | None) -> None:
        self._speak(alpn)
        self.handshaken = True
        self._give_up_at = None
        self._unanswered = 0
        self._service.established()
        self._service.give_ticket(self._handle, answering=False)
        for stream, path in self._waiting:
            self._answer(stream, path)
        self._waiting.clear()
        if self._requests:  # they came in early data
            self._service.give_ticket(self._handle, answering=True)

    def _take_http(self, event: Any) -> None:
        from aioquic.h3.events import DataReceived, HeadersReceived

        if not isinstance(event, HeadersReceived | DataReceived):
            return
        if isinstance(event, HeadersReceived):
            self._head = self._head or _head(event.headers)
            path = dict(event.headers).get(b":path", b"").decode("latin-1")
            self._asked[event.stream_id] = path[:_HEAD_KEPT]
        if not event.stream_ended or event.stream_id not in self._asked:
            return
        path = self._asked.pop(event.stream_id)
        if self.handshaken or self._service.answers_early:
            self._answer(event.stream_id, path)
        else:
            self._waiting.append((event.stream_id, path))

    def _answer(self, stream: int, path: str) -> None:
        status = _OK
        if self._service.too_early and not self.handshaken:
            status = _TOO_EARLY
        else:
            self._service.execute(path)
        body = self._service.answer(self._handle.resumed)
        fields = [
            (b":status", b"%d" % status),
            (b"server", b"tlsresume"),
            (b"content-type", b"text/plain"),
            (b"content-length", b"%d" % len(body)),
        ]
        self._h3.send_headers(stream, fields)
        self._h3.send_data(stream, body, end_stream=True)
        if self._service.closes:
            self._handle.go_away(self._h3, stream)
        self._answered()

    def _echo(self, event: Any) -> None:
        self._handle.connection.send_stream_data(event.stream_id, event.data, end_stream=True)
        self._answered()

    def _answered(self) -> None:
        self._requests += 1
        self._unanswered = 0
        if self.handshaken:
            self._service.give_ticket(self._handle, answering=True)
        if self._service.closes:
            self._handle.connection.send_ping(self._requests)

    # --------------------------------------------------------------------- its end

    def _note_end(self) -> None:
        end = self._handle.ended
        if end is None or self.ended:
            return
        alert = end.alert
        if alert is not None and self._observer is not None:
            raw = bytes((_FATAL, alert))
            self._observer.message(not end.by_peer, ContentType.alert, raw)
        if not _peaceful(end):
            self._error = self._error or _words(end)
        self._end(_ending(end))

    def _end(self, ending: Ending) -> None:
        """Tell the observer, once."""
        if self.ended:
            return
        self.ended = True
        if self._observer is None:
            return
        early = self._handle.early_data_accepted and self._requests > 0
        self._observer.ended(
            Served(
                number=self.number,
                node=1,
                handshaken=self.handshaken,
                version="TLSv1.3" if self.handshaken else None,
                reused=self._handle.resumed,
                early_data=int(early),
                requests=self._requests,
                clean=ending == "connection_close",
                error=self._error,
                ending=ending,
                head=self._head,
            )
        )


def _peaceful(end: Terminated) -> bool:
    return not end.in_handshake_layer and end.code in (_NO_ERROR, H3_NO_ERROR)


#: The idle timeout of aioquic, which says so in this way: INTERNAL_ERROR (RFC 9000 section 20.1).
_INTERNAL_ERROR = 0x1


def _ending(end: Terminated) -> Ending:
    if end.by_peer:
        return "connection_close" if _peaceful(end) or not end.code else "error"
    if _peaceful(end):
        return "served"
    return "timeout" if end.code == _INTERNAL_ERROR and end.in_handshake_layer else "error"


def _words(end: Terminated) -> str:
    if end.alert is not None:
        return f"alert {name_of(AlertDescription, end.code - CRYPTO_ERROR)}"
    return f"QUIC error {end.code:#x}"


def _head(fields: list[tuple[bytes, bytes]]) -> bytes:
    """The head of an HTTP/3 request as HTTP/1 would write it."""
    values = dict(fields)
    first = b" ".join((values.get(b":method", b"-"), values.get(b":path", b"-"), b"HTTP/3"))
    lines = [first, *(name + b": " + value for name, value in fields if name[:1] != b":")]
    return b"\r\n".join(lines)[:_HEAD_KEPT]

"""One request and its answer on a QUIC connection: HTTP/3, or bytes on a stream of their own.

An answer of HTTP/3 is kept as its first line and fields look in HTTP/1, so that whoever reads
a status need not know which version it came by. A request may also go out as early data, before
the handshake: then aioquic sends it again by itself where the server did not take it.
"""

from __future__ import annotations

from typing import Any

from tlsresume.request_line import HTTPRequest
from tlsresume.transports.interface import DATA_KEPT
from tlsresume.transports.quic.binding_observed import http3

#: Events of streams that are kept until a request is made.
_EVENTS_KEPT = 64

#: HTTP/3's H3_NO_ERROR (RFC 9114 section 8.1).
H3_NO_ERROR = 0x100


class Exchange:
    """A request on a connection of aioquic's; `data` is where the answer is kept."""

    def __init__(self, connection: Any, data: bytearray) -> None:
        self.ended = False
        self._connection = connection
        self._data = data
        self._h3: Any = None
        self._stream: int | None = None
        #: What came on streams before HTTP/3 was begun here: settings, and the tables that
        #: later answers refer to (RFC 9204).
        self._before: list[Any] = []

    @property
    def sent(self) -> bool:
        """Whether the request was handed to aioquic."""
        return self._stream is not None

    @property
    def no_error(self) -> int:
        """The error code that says that there is none."""
        return H3_NO_ERROR if self._h3 is not None else 0

    def send(self, request: HTTPRequest | bytes, alpn: str) -> None:
        """Open a stream and send the request, which ends our side of it."""
        if isinstance(request, HTTPRequest):
            if alpn.startswith("h3"):
                self._send_http(request)
        elif request:
            self._stream = self._connection.get_next_available_stream_id()
            self._connection.send_stream_data(self._stream, request, end_stream=True)

    def _send_http(self, request: HTTPRequest) -> None:
        self._h3 = http3(self._connection, head=request.method == "HEAD")
        before, self._before = self._before, []
        for event in before:
            self._h3.handle_event(event)
        self._stream = self._connection.get_next_available_stream_id()
        self._h3.send_headers(
            self._stream,
            [
                (b":method", request.method.encode()),
                (b":scheme", b"https"),
                (b":authority", request.authority.encode()),
                (b":path", request.path.encode()),
                *((name.lower().encode(), value.encode()) for name, value in request.fields),
                *([(b"user-agent", request.user_agent.encode())] if request.user_agent else []),
            ],
            end_stream=True,
        )

    def take(self, event: Any) -> None:
        """Take one event of the connection."""
        from aioquic.quic import events

        if self._h3 is not None:
            for each in self._h3.handle_event(event):
                self._take_http(each)
        elif isinstance(event, events.StreamDataReceived):
            if event.stream_id == self._stream:
                self._keep(event.data)
                self.ended = self.ended or event.end_stream
            if len(self._before) < _EVENTS_KEPT:
                self._before.append(event)

    def _take_http(self, event: Any) -> None:
        """An answer of HTTP/3, as its first line and fields look in HTTP/1."""
        from aioquic.h3 import events

        if getattr(event, "stream_id", None) != self._stream:
            return
        if isinstance(event, events.HeadersReceived) and not self._data:
            fields = dict(event.headers)
            lines = [b"HTTP/3 " + fields.pop(b":status", b"000")]
            lines += [name + b": " + value for name, value in fields.items()]
            self._keep(b"\r\n".join(lines) + b"\r\n\r\n")
        elif isinstance(event, events.DataReceived):
            self._keep(event.data)
        if getattr(event, "stream_ended", False):
            self.ended = True

    def _keep(self, data: bytes) -> None:
        self._data += data[: max(0, DATA_KEPT - len(self._data))]

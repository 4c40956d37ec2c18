"""Clients for tests of `serve`: the stdlib's TLS, told when to offer what; and connections
that are scripted message by message."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.stdlib_client import VERSIONS
from tlsresume.features.serve.ledger import Ledger, Place, Seen
from tlsresume.features.serve.observing import ObservedConnection
from tlsresume.features.serve.results import ClientResult, ServeReport
from tlsresume.features.serve.serving import Serving
from tlsresume.openssl.server_observer import Served
from tlsresume.wire.extensions import Extension
from tlsresume.wire.messages import ClientHello, NewSessionTicket13, ServerHello
from tlsresume.wire.registry import ExtensionType

HANDSHAKE, ALERT = 22, 21


def context_for(
    serving: Serving, version: str | None = None, *, tickets: bool = True
) -> ssl.SSLContext:
    """A Context that trusts the servers."""
    context = ssl.create_default_context(cafile=serving.cafile)
    if version is not None:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    if not tickets:
        context.options |= ssl.OP_NO_TICKET
    return context


def fetch(
    serving: Serving,
    context: ssl.SSLContext,
    session: ssl.SSLSession | None = None,
    *,
    behaviour: str | None = None,
    take: str = "after read",
    name: str = "localhost",
    path: str = "/",
    ask: bool = True,
    cut: bool = False,
) -> ssl.SSLSession | None:
    """One request on a connection of its own. Returns the session, taken `at once` or `after
    read`; waits until the server has noted the end."""
    behaviour = behaviour or next(iter(serving.ports))
    plain = socket.create_connection(("127.0.0.1", serving.ports[behaviour]), timeout=5)
    with context.wrap_socket(plain, server_hostname=name, session=session) as tls:
        taken = tls.session
        if ask:
            tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            while tls.recv(4096):
                pass
        elif context.maximum_version != ssl.TLSVersion.TLSv1_2:
            tls.settimeout(0.3)  # reads the tickets, and no answer comes
            with suppress(TimeoutError):
                tls.recv(1)
            tls.settimeout(5)
        if take == "after read":
            taken = tls.session
        if not cut:
            with suppress(OSError):
                tls.unwrap()
    serving.settle()
    return taken


def fetch_often(serving: Serving, context: ssl.SSLContext, times: int = 3, **more: Any) -> None:
    """Requests one after the other, each offering the session of the one before."""
    session = None
    for _ in range(times):
        session = fetch(serving, context, session, **more)


def result(report: ServeReport, behaviour: str | None = None) -> ClientResult:
    """The one client of a behaviour."""
    chosen = [s for s in report.servers if behaviour in (None, s.behaviour)]
    (client,) = chosen[0].clients
    return client


def codes(client: ClientResult) -> set[str]:
    return {finding.code for finding in client.findings}


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def hello(
    *extensions: tuple[int, bytes],
    psk: tuple[bytes, int] | None = None,
    modes: bool = True,
    name: str = "localhost",
) -> bytes:
    """A ClientHello of TLS 1.3 as bytes; `psk` is a ticket and its obfuscated age."""
    host = name.encode()
    server_name = b"\x00" + len(host).to_bytes(2, "big") + host
    parts = [
        (ExtensionType.server_name, len(server_name).to_bytes(2, "big") + server_name),
        (ExtensionType.supported_versions, b"\x02\x03\x04"),
        *extensions,
    ]
    if modes:
        parts.append((ExtensionType.psk_key_exchange_modes, b"\x01\x01"))
    if psk is not None:
        ticket, age = psk
        identity = len(ticket).to_bytes(2, "big") + ticket + age.to_bytes(4, "big")
        binder = b"\x20" + bytes(32)
        parts.append(
            (
                ExtensionType.pre_shared_key,
                len(identity).to_bytes(2, "big")
                + identity
                + len(binder).to_bytes(2, "big")
                + binder,
            )
        )
    made = ClientHello(
        0x0303, bytes(32), bytes(32), (0x1301,), tuple(Extension(*part) for part in parts)
    )
    return made.to_bytes()


def answer() -> bytes:
    """A ServerHello of TLS 1.3."""
    version = Extension(ExtensionType.supported_versions, b"\x03\x04")
    return ServerHello(0x0303, bytes(range(32)), b"", 0x1301, (version,)).to_bytes()


def ticket(name: bytes, *, lifetime: int = 7200, age_add: int = 77) -> bytes:
    """A NewSessionTicket of TLS 1.3 that allows no early data."""
    return NewSessionTicket13(lifetime, age_add, b"\0", name).to_bytes()


class Script:
    """Connections made of messages, for what no library can be made to do."""

    def __init__(self, place: Place) -> None:
        self.clock = Clock()
        self.ended: list[Seen] = []
        self.ledger = Ledger(self.clock, self.ended.append)
        self.place = place
        place.port = place.port or 4433
        self.number = 0

    def connect(
        self,
        client_hello: bytes,
        *given: bytes,
        alert: int | None = None,
        place: Place | None = None,
        address: str = "127.0.0.1",
        then: Callable[[], None] = lambda: None,
        **served: Any,
    ) -> None:
        """One connection: a hello, the answer, the tickets, the end. A second passes after it."""
        self.number += 1
        seen = ObservedConnection(self.ledger, place or self.place, self.number, address)
        seen.message(False, HANDSHAKE, client_hello)
        seen.message(True, HANDSHAKE, answer())
        for each in given:
            seen.message(True, HANDSHAKE, each)
        seen.leaving(established=True)
        if alert is not None:
            seen.message(False, ALERT, bytes((2, alert)))
        then()
        facts = {
            "number": self.number, "node": 1, "handshaken": True, "version": "TLSv1.3",
            "reused": False, "early_data": 0, "requests": 1, "clean": True, "error": None,
            "ending": "close_notify",
        }  # fmt: skip
        seen.ended(Served(**(facts | served)))  # type: ignore[arg-type]  # a test's own facts
        self.clock.now += 1

"""Peers over UDP on loopback, each in a thread: servers of ours, and peers that misbehave."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from tlsresume.server.contexts import Identity, self_signed
from tlsresume.server.datagrams import DatagramServer, Side
from tlsresume.server.dtls import DTLSService
from tlsresume.server.quic import QUICService


@cache
def identity() -> Identity:
    """One certificate for all: making a key takes longer than most tests."""
    return self_signed()


def quic_service(*, issues: bool = True, honours: bool = True) -> QUICService:
    return QUICService(
        certificate_pem=identity().certificate_pem,
        key_pem=identity().key_pem,
        issues=issues,
        honours=honours,
    )


def dtls_service(**settings: bool) -> DTLSService:
    return DTLSService(identity().certificate_pem, identity().key_pem, **settings)


class Answering:
    """A peer that answers each datagram with what a function makes of it."""

    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self._answer = answer
        self._waiting: list[bytes] = []

    def receive(self, data: bytes, _now: float) -> None:
        self._waiting += self._answer(data)

    def datagrams(self, _now: float) -> list[bytes]:
        waiting, self._waiting = self._waiting, []
        return waiting

    def timer(self) -> float | None:
        return None

    def on_timer(self, _now: float) -> None:
        raise AssertionError("it has no timer")


class Losing:
    """A server's side behind a path that loses each n-th datagram, of either direction."""

    def __init__(self, side: Side, every: int) -> None:
        self._side = side
        self._arrives = (number % every != 0 for number in itertools.count(1))

    def receive(self, data: bytes, now: float) -> None:
        if next(self._arrives):
            self._side.receive(data, now)

    def datagrams(self, now: float) -> list[bytes]:
        return [each for each in self._side.datagrams(now) if next(self._arrives)]

    def timer(self) -> float | None:
        return self._side.timer()

    def on_timer(self, now: float) -> None:
        self._side.on_timer(now)


@contextmanager
def answering(answer: Callable[[bytes], list[bytes]]) -> Iterator[int]:
    """The port of a peer that answers so."""
    with DatagramServer(lambda: Answering(answer)) as server:
        yield server.port


def version_negotiation(data: bytes) -> list[bytes]:
    """A QUIC server that speaks some other version only (RFC 9000 section 17.2.1)."""
    ours = data[6 : 6 + data[5]]
    rest = data[6 + data[5] :]
    theirs = rest[1 : 1 + rest[0]]
    head = b"\x80\x00\x00\x00\x00" + bytes([len(theirs)]) + theirs + bytes([len(ours)]) + ours
    return [head + b"\x0a\x0a\x0a\x0a"]


_RECORDS = itertools.count()


def hello_verify_request(data: bytes) -> list[bytes]:
    """HelloVerifyRequest with a cookie, whatever the client says (RFC 6347 section 4.2.1), each
    with numbers of its own, or it would be taken for a repetition."""
    body = b"\xfe\xff\x08" + b"cookie!!"
    message = (
        b"\x03"
        + len(body).to_bytes(3, "big")
        + data[17:19]
        + b"\0\0\0"
        + len(body).to_bytes(3, "big")
    )
    record = message + body
    number = next(_RECORDS).to_bytes(6, "big")
    return [b"\x16\xfe\xff\0\0" + number + len(record).to_bytes(2, "big") + record]

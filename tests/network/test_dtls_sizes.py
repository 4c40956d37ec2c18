"""DTLS datagrams of two sizes: a path or a server that takes only one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.datagram_peers import dtls_service
from tlsresume.evidence.purposes import Save
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Budget, Gate, Route, Task
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.server.datagrams import DatagramServer
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig

pytestmark = pytest.mark.slow

#: A list of protocols that makes the ClientHello larger than 1200 bytes, and less than 1400.
LONG = tuple(f"{number}" * 200 for number in range(5))


class Choosy:
    """A server's side that gets only some of what is sent to it."""

    def __init__(self, side: Any, gets: Callable[[bytes], bool]) -> None:
        self._side, self._gets = side, gets
        self.datagrams, self.timer, self.on_timer = side.datagrams, side.timer, side.on_timer

    def receive(self, data: bytes, now: float) -> None:
        if self._gets(data):
            self._side.receive(data, now)


def is_small(datagram: bytes) -> bool:
    """A path with a small MTU."""
    return len(datagram) <= 1200


def is_whole(datagram: bytes) -> bool:
    """A server that puts no ClientHello together: it starts at 0 and is as long as it says."""
    hello = datagram[0] == 22 and datagram[3:5] == b"\0\0" and datagram[13] == 1
    return not hello or (datagram[19:22] == b"\0\0\0" and datagram[14:17] == datagram[22:25])


def test_the_other_size_is_tried_where_nothing_comes_back() -> None:
    """After two silences datagrams of the other size go out, in both directions of the choice, and
    the attempt says which size was answered."""
    service = dtls_service()

    async def connect(gets: Callable[[bytes], bool], mtu: int) -> Trial:
        with DatagramServer(lambda: Choosy(service.side(), gets)) as server:
            lab = NetworkLab(Budget(3), Gate(), LabOptions(timeout=20.0))
            config = ClientConfig(maximum=ProtocolVersion.TLSv1_2, alpn=LONG, mtu=mtu)
            route = Route(server.host, server.port, transport="dtls")
            return await lab.connect(route, config, Task(purpose=Save.FULL))

    async def both() -> list[Trial]:
        cases = ((is_small, 1400), (is_whole, 1200), (is_small, 1200))
        return await asyncio.gather(*(connect(*case) for case in cases))

    sizes = []
    for attempt in asyncio.run(both()):
        assert attempt.handshake_done, attempt.error
        assert attempt.datagrams is not None
        sizes.append(attempt.datagrams.mtu)
    assert sizes == [1200, 1400, None]

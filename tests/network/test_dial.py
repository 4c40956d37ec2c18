"""One TCP connection: made in time, or a failure that says why not."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from contextlib import ExitStack

import pytest

from tests.helpers.peers import RawPeer, refused_port
from tests.helpers.rows import each_row
from tlsresume.lab import Route
from tlsresume.network import dial as dialling
from tlsresume.network.dial import cut, dial, failure_from
from tlsresume.results.connection import Failure


def dialled(route: Route, seconds: float = 5.0) -> Failure | int:
    """The failure, or the local port of a connection that was made and closed."""

    async def scene() -> Failure | int:
        result = await dial(route, seconds)
        if isinstance(result, Failure):
            return result
        sock, milliseconds = result
        with sock:
            assert milliseconds >= 0
            assert sock.gettimeout() == 0
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            return int(sock.getsockname()[1])

    return asyncio.run(scene())


@pytest.fixture
def unanswered():
    """A port whose queue of connections is full: a SYN to it gets no answer."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_connection_is_made(host):
    """Both families; the socket does not block and does not wait to send."""
    with RawPeer("silent", host) as peer:
        assert isinstance(dialled(Route(host, peer.port)), int)


def test_a_refused_connection(cafile):
    """Nobody listens: told at once, with a hint."""
    with refused_port() as port:
        failure = dialled(Route("127.0.0.1", port))
    assert isinstance(failure, Failure)
    assert (failure.step, failure.kind) == ("connect", "refused")
    assert f"127.0.0.1:{port}" in failure.message
    assert failure.hints


def test_no_answer_in_time(unanswered):
    """A dropped SYN ends with the deadline."""
    began = time.monotonic()
    failure = dialled(Route("127.0.0.1", unanswered), 0.2)
    assert 0.15 < time.monotonic() - began < 2
    assert isinstance(failure, Failure)
    assert (failure.step, failure.kind) == ("connect", "timeout")
    assert "0.2 s" in failure.message


def test_a_cancelled_dial_closes_its_socket(unanswered):
    """Nothing is left open; an open socket would fail the test as a ResourceWarning."""

    async def scene() -> None:
        task = asyncio.create_task(dial(Route("127.0.0.1", unanswered), 60))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())


def test_no_route(monkeypatch):
    """An address that this machine cannot reach is told apart from a silent one."""

    class Unroutable(socket.socket):
        def connect(self, address: object) -> None:
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    monkeypatch.setattr(socket, "socket", Unroutable)
    failure = dialled(Route("2001:db8::1", 443))
    assert isinstance(failure, Failure)
    assert failure.kind == "no-route"
    assert "[2001:db8::1]:443" in failure.message


def test_the_local_port_is_pinned():
    """A route with a local port comes from that port."""
    with refused_port() as port:
        pass
    with RawPeer("silent") as peer:
        assert dialled(Route("127.0.0.1", peer.port, local_port=port)) == port


def test_a_local_port_in_use_is_no_missing_route():
    """What the pinned port brings about does not count as "no route"."""
    with refused_port() as port, RawPeer("silent") as peer:
        failure = dialled(Route("127.0.0.1", peer.port, local_port=port))
    assert isinstance(failure, Failure)
    assert failure.kind == "local"
    lingering = OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
    route = Route("127.0.0.1", 1, local_port=2)
    assert dialling._refusal(lingering, route, "x").kind == "local"


def test_no_local_port_is_told_from_no_route(monkeypatch):
    """One error number says both: what tells is whether there is an address to come from."""
    lingering = OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
    assert dialling._refusal(lingering, Route("127.0.0.1", 1), "x").kind == "local"

    class Unroutable(socket.socket):
        def connect(self, address: object) -> None:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))

    monkeypatch.setattr(socket, "socket", Unroutable)
    failure = dialling._refusal(lingering, Route("2001:db8::1", 1), "x")
    assert failure.kind == "no-route"


@pytest.mark.parametrize("zone", ["no-such-interface", "\u00b2", "9" * 30])
def test_a_zone_that_is_none(zone):
    """A zone that the system does not know is a failure, never an exception."""
    failure = dialled(Route(f"fe80::1%{zone}", 443))
    assert isinstance(failure, Failure)
    assert failure.step == "connect"


def test_a_zone_by_name_and_number():
    """Interfaces are named or numbered."""
    index, name = socket.if_nameindex()[0]
    assert dialling.scope_of(name) == index
    assert dialling.scope_of(str(index)) == index
    assert dialling.scope_of("") == 0


@each_row(
    "number, kind",
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.ECONNRESET, "reset"),
        (errno.EPIPE, "reset"),
        (errno.ETIMEDOUT, "timeout"),
        (errno.ENETUNREACH, "no-route"),
        (errno.EAFNOSUPPORT, "no-route"),
        (errno.EHOSTUNREACH, "network"),
        (errno.EMFILE, "local"),
        (errno.ENFILE, "local"),
        (errno.ENOBUFS, "local"),
        (errno.ENOMEM, "local"),
        (errno.EADDRINUSE, "local"),
        (errno.EADDRNOTAVAIL, "local"),
    ],
)
def test_each_error_of_the_system_has_its_kind(number, kind):
    """The message is one lower-case line with the endpoint in it."""
    failure = failure_from(OSError(number, os.strerror(number)), "data", "h:1")
    assert (failure.kind, failure.step) == (kind, "data")
    assert "h:1" in failure.message
    assert failure.message[0].islower()


def test_an_error_without_a_number():
    """Even an OSError of no known kind has words."""
    assert failure_from(OSError("odd"), "data", "h:1").message == "h:1: odd"


def test_cut_sends_rst():
    """A cut connection is a reset one for the peer; a broken one can be cut too."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        with theirs:
            cut(ours)
            with pytest.raises(ConnectionResetError):
                theirs.recv(1)
    cut(ours)

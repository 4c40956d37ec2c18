"""Channels on sockets: registered once, read while somebody waits, ended in time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tlsresume.network.channel import Datagrams, Stream


def with_stream(scene: Callable[[Stream, socket.socket, list[str]], Awaitable[Any]]) -> list[str]:
    """What a scene did to the event loop: "add" and "remove" of readers."""
    calls: list[str] = []

    async def play() -> None:
        loop = asyncio.get_running_loop()
        add, remove = loop.add_reader, loop.remove_reader
        ours, theirs = socket.socketpair()
        ours.setblocking(False)

        def adding(number: int, *rest: Any) -> None:
            if number == ours.fileno():
                calls.append("add")
            add(number, *rest)

        def removing(number: int) -> bool:
            calls.append("remove")
            return remove(number)

        loop.add_reader, loop.remove_reader = adding, removing  # type: ignore[assignment,method-assign]  # watched
        with theirs:
            channel = Stream(ours, "peer")
            try:
                await scene(channel, theirs, calls)
            finally:
                channel.close()
                channel.close()

    asyncio.run(play())
    return calls


def test_a_socket_is_registered_once_for_all_its_reads():
    """Reads that wait, find data, or time out leave the registration as it is."""

    async def scene(channel: Stream, theirs: socket.socket, _calls: list[str]) -> None:
        for number in range(5):
            asyncio.get_running_loop().call_soon(theirs.send, b"%d" % number)
            assert await channel.read(channel.now() + 60) == [b"%d" % number]
            assert await channel.read(channel.now() + 0.001) == []
            assert await channel.read(channel.now() - 1) == []

    assert with_stream(scene) == ["add", "remove"]


def test_what_comes_while_nobody_reads_stays_in_the_socket():
    """A peer that floods costs nothing while nobody waits; later all is there, and the end."""

    async def scene(channel: Stream, theirs: socket.socket, calls: list[str]) -> None:
        theirs.send(b"a")
        assert await channel.read(channel.now() + 60) == [b"a"]
        theirs.send(b"b")
        while "remove" not in calls:  # noqa: ASYNC110  a turn of the loop is what is waited for
            await asyncio.sleep(0)
        theirs.send(b"c")
        theirs.shutdown(socket.SHUT_WR)
        assert await channel.read(channel.now() + 60) == [b"bc"]
        for _ in range(2):
            with pytest.raises(EOFError):
                await channel.read(channel.now() + 60)

    with_stream(scene)


def test_a_read_that_was_cancelled_loses_nothing():
    """What came for a reader who has gone is there for the next."""

    async def scene(channel: Stream, theirs: socket.socket, _calls: list[str]) -> None:
        reading = asyncio.create_task(channel.read(channel.now() + 60))
        await asyncio.sleep(0)
        theirs.send(b"a")
        # In the turn of the loop that sees the bytes, and before it reads them.
        asyncio.get_running_loop().call_soon(reading.cancel)
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert channel._came == [b"a"]
        assert await channel.read(channel.now() + 60) == [b"a"]

    with_stream(scene)


def test_a_reader_goes_on_within_the_callback_that_saw_the_bytes():
    """A read costs one turn of the loop: what was due in the next one is still to come then."""

    async def scene(channel: Stream, theirs: socket.socket, _calls: list[str]) -> None:
        loop, turns = asyncio.get_running_loop(), 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            if turns < 50:
                loop.call_soon(turn)

        theirs.send(b"a")
        loop.call_soon(turn)
        assert await channel.read(channel.now() + 60) == [b"a"]
        assert turns == 1

    with_stream(scene)


def test_deadlines_that_come_earlier_and_later():
    """The timer that is kept from one read to the next ends none too early or too late."""

    async def scene(channel: Stream, _theirs: socket.socket, _calls: list[str]) -> None:
        for seconds in (0.02, 0.05, 0.01, 0.04):
            until = channel.now() + seconds
            assert await channel.read(until) == []
            assert channel.now() >= until - 0.001

    with_stream(scene)


def test_what_a_proxy_sent_with_its_answer_comes_first():
    """Bytes that were read before are given at once, and a detached socket stays open."""

    async def play() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            first = Stream(ours, "proxy")
            theirs.send(b"200 ")
            assert await first.read(first.now() + 60) == [b"200 "]
            first.detach()
            second = Stream(ours, "peer", unread=b"early")
            theirs.send(b"late")
            assert await second.read(second.now() + 60) == [b"early"]
            assert await second.read(second.now() + 60) == [b"late"]
            second.close()

    asyncio.run(play())


def test_datagrams_keep_their_borders():
    """Each is one piece, also an empty one, which is no end; a closed port is told."""

    async def play() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs:
            theirs.bind(("127.0.0.1", 0))
            ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            ours.setblocking(False)
            ours.connect(theirs.getsockname())
            channel = Datagrams(ours, "peer", "DTLS")
            await channel.send([b"x", b""], channel.now())
            address = theirs.recvfrom(10)[1]
            came: list[bytes] = []
            for datagram in (b"a", b"", b"bc"):
                theirs.sendto(datagram, address)
            while len(came) < 3:
                came += await channel.read(channel.now() + 60)
            assert came == [b"a", b"", b"bc"]
        with pytest.raises(ConnectionRefusedError) as refused:
            while True:
                await channel.send([b"x"], channel.now())
                await channel.read(channel.now() + 60)
        failure = channel.failure(refused.value, "handshake")
        assert failure is not None
        assert (failure.kind, failure.message) == ("refused", "peer: the UDP port is closed")
        assert failure.hints == ("no DTLS server listens there",)
        channel.close(abruptly=True)

    asyncio.run(play())

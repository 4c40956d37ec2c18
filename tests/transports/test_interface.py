"""The pump works with any transport: here a made-up one, on channels without sockets or time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from tests.helpers.pair import Peer, Tick, config_for
from tlsresume.errors import HandshakeError
from tlsresume.network.channel import Channel
from tlsresume.network.link import CLOSE_WAIT, NetworkLink
from tlsresume.results.connection import Failure, Step
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.failures import Broken
from tlsresume.transports.interface import (
    Account,
    Capabilities,
    ClientOffer,
    Clock,
    Connection,
    EndCause,
    OnMessage,
    Transport,
)
from tlsresume.transports.table import TRANSPORTS

#: How long this protocol waits before it asks again.
AGAIN = 1.0


class Words(Connection):
    """Says hello until it hears hello; a T is a ticket, a ! breaks it, BYE is a farewell, and
    what else comes is data, whole with a full stop."""

    asked_again = 0
    released = False
    understood = True
    speaks_tls13 = True
    session_reused = False
    cipher = group = alpn = own_certificate = None
    verify_result = 0
    verify_message = "ok"

    def start(self) -> None:
        self._said: list[bytes] = [b"hello"]
        self._due: float | None = self._clock() + AGAIN

    def receive(self, data: bytes) -> None:
        self.received += len(data)
        if data == b"hello":
            self.established = True
            self._due = None
        elif data == b"T":
            self.tickets += 1
        elif data == b"!":
            self.failure = Broken("alert", "the peer shouts", alert=40)
        elif data == b"BYE":
            self.peer_closed = True
        else:
            self.data += data
            self.answered = b"." in data

    def drain(self) -> list[bytes]:
        said, self._said = self._said, []
        self.sent += sum(map(len, said))
        return said

    @property
    def deadline(self) -> float | None:
        return self._due

    def on_deadline(self) -> None:
        self.asked_again += 1
        self._said.append(b"hello?")
        self._due = self._clock() + AGAIN

    def send(self, data: bytes) -> None:
        self._said.append(data)

    def close(self, *, clean: bool = True) -> None:
        if clean:
            self._said.append(b"bye")

    def release(self) -> None:
        self.released = True


class Spoken(Transport):
    name = "tcp"
    protocol = "Words"
    stream = True
    capabilities = Capabilities(
        session_ids=False, tickets=True, early_data=False, unclean_close=True, groups=False
    )

    def open(
        self,
        config: ClientConfig,
        offer: ClientOffer,
        *,
        clock: Clock,
        on_message: OnMessage | None = None,
    ) -> Words:
        connection = Words(config, offer, clock=clock, on_message=on_message)
        connection.start()
        return connection


class Script(Channel):
    """What arrives, each with the seconds after which it does; its clock is virtual."""

    where = "peer"

    def __init__(self, *arrivals: tuple[float, bytes | Exception], stream: bool = True) -> None:
        self.stream = stream
        self.arrivals = list(arrivals)
        self.said: list[bytes] = []
        self.left: str | None = None
        self.reads = 0
        self.mute: Exception | None = None
        self._time = 0.0

    def now(self) -> float:
        return self._time

    async def read(self, deadline: float) -> Sequence[bytes]:
        self.reads += 1
        if not self.arrivals or self.arrivals[0][0] > deadline:
            self._time = max(self._time, deadline)
            return []
        at, what = self.arrivals.pop(0)
        self._time = max(self._time, at)
        if isinstance(what, Exception):
            raise what
        return [what]

    async def send(self, pieces: Sequence[bytes], deadline: float, *, last: bool = False) -> None:
        if self.mute is not None:
            raise self.mute
        self.said += pieces

    def failure(self, error: OSError, step: Step) -> Failure | None:
        return Failure(step, "reset", str(error))

    def send_failure(self, error: OSError, step: Step) -> Failure | None:
        return None if self.stream else self.failure(error, step)

    def end_sending(self) -> None:
        self.said.append(b"<end>")

    def close(self, *, abruptly: bool = False) -> None:
        self.left = self.left or ("cut" if abruptly else "closed")


Scene = Callable[[NetworkLink], Awaitable[Any]]


def played(channel: Script, *scenes: Scene, timeout: float = 10.0) -> tuple[NetworkLink, Words]:
    """A link after a handshake that may fail, the scenes, and a clean close."""

    async def play() -> NetworkLink:
        link = NetworkLink(channel, timeout, transport=Spoken())
        with suppress(HandshakeError):
            await link.start_tls(ClientConfig())
            for scene in scenes:
                await scene(link)
        await link.close()
        return link

    link = asyncio.run(play())
    assert isinstance(link.client, Words)
    assert link.client.released
    return link, link.client


def test_a_whole_connection():
    """Handshake, tickets, question and answer, and farewells both ways."""
    channel = Script(
        (0.2, b"hello"), (0.3, b"T"), (0.4, b"T"), (0.5, b"all "), (0.6, b"well."), (0.7, b"BYE")
    )
    link, words = played(
        channel, lambda it: it.tickets(2, 3), lambda it: it.ask(b"how?"), lambda it: it.response(3)
    )
    assert (link.failure, link.closed, link.handshake_ms) == (None, "clean", 200.0)
    assert (words.tickets, words.take(), words.pending) == (2, b"all well.", 0)
    assert channel.said == [b"hello", b"how?", b"bye", b"<end>"]
    assert channel.left == "closed"


def test_each_way_to_end():
    """What ended a connection, at which step, and how it was left, over streams and datagrams."""
    gone = OSError("gone")
    rows: list[tuple[list[tuple[float, bytes | Exception]], bool, Any, str]] = [
        ([(0.1, b"!")], True, ("handshake", "alert"), "failed"),
        ([(0.1, b"hello"), (0.2, b"!")], True, ("data", "alert"), "failed"),
        ([(0.1, gone)], True, ("handshake", "reset"), "failed"),
        ([(0.1, gone)], False, ("handshake", "reset"), "failed"),
        ([(0.1, b"hello"), (0.2, gone)], True, ("data", "reset"), "hung-up"),
        ([(0.1, b"hello"), (0.2, EOFError())], True, None, "hung-up"),
        ([(0.1, b"hello"), (0.2, b"BYE")], True, None, "clean"),
        ([(0.1, b"hello"), (0.2, b"BYE")], False, None, "hung-up"),
        ([(0.1, b"hello"), (9, EOFError())], True, None, "peer-silent"),
        ([(0.1, b"hello")], False, None, "clean"),
        ([], True, ("handshake", "timeout"), "failed"),
        ([], False, ("handshake", "timeout"), "failed"),
    ]
    for arrivals, stream, failure, closed in rows:
        channel = Script(*arrivals, stream=stream)
        link, _ = played(channel, lambda it: it.tickets(1, 1))
        told = link.failure and (link.failure.step, link.failure.kind)
        assert (told, link.closed) == (failure, closed), arrivals


def test_the_peers_end_is_waited_for_shortly():
    """After our farewell over a stream its answer is waited for as long as is said, and over
    datagrams not at all."""
    for stream, waits in ((True, CLOSE_WAIT), (False, 0.0)):
        channel = Script((0.0, b"hello"), stream=stream)
        played(channel)
        assert channel.now() == waits


def test_a_connections_own_timer():
    """It is asked again each time that its deadline has come, and not after the handshake."""
    channel = Script((3.5, b"hello"))
    link, words = played(channel, lambda it: it.tickets(1, 30))
    assert (link.failure, words.asked_again) == (None, 3)
    assert channel.reads < 20


def test_a_timer_that_is_always_due_is_no_busy_loop():
    """A connection that wants to be asked at once, again and again, ends with the deadline."""

    class Hasty(Words):
        deadline = -1.0

    class Hastily(Spoken):
        def open(self, *args: Any, **named: Any) -> Words:
            connection = Hasty(*args, **{"on_message": None, **named})
            connection.start()
            return connection

    async def play() -> Script:
        channel = Script()
        link = NetworkLink(channel, 0.1, transport=Hastily())
        with pytest.raises(HandshakeError):
            await link.start_tls(ClientConfig())
        link.release()
        return channel

    assert asyncio.run(play()).reads <= 101


def test_a_peer_that_does_not_listen():
    """Over a stream it may still have spoken; where nothing can be sent in time, that is told."""
    channel = Script((0.1, b"hello"))
    channel.mute = OSError("broken pipe")
    assert played(channel)[0].failure is None
    channel = Script((0.1, b"hello"), stream=False)
    channel.mute = OSError("no such port")
    failure = played(channel)[0].failure
    assert failure is not None
    assert (failure.step, failure.kind) == ("handshake", "reset")
    channel = Script((0.1, b"hello"))
    channel.mute = TimeoutError()
    failure = played(channel)[0].failure
    assert failure is not None
    assert (failure.step, failure.kind) == ("data", "timeout")


def test_a_conversation():
    """Each `receive` gives what came since, an end gives b"", and silence raises."""
    heard: list[bytes] = []

    async def talk(link: NetworkLink) -> None:
        heard.extend([await link.receive() for _ in range(3)])

    played(Script((0.1, b"hello"), (0.2, b"one"), (0.3, b"two"), (0.4, EOFError())), talk)
    assert heard == [b"one", b"two", b""]

    async def wait(link: NetworkLink) -> None:
        with pytest.raises(TimeoutError):
            await link.receive()

    played(Script((0.1, b"hello")), wait)


def test_one_account_at_the_end(tls_version):
    """After its release a connection still says all that it showed, whoever made it."""
    peer = Peer()
    state = peer.connect(config_for(tls_version)).account.states[-1]
    account = peer.connect(config_for(tls_version), state).account
    assert isinstance(account, Account)
    assert (account.established, account.resumed, account.failure) == (True, True, None)
    assert (account.offer.state, account.set_session) == (state, 1)
    assert account.transcript.accepted
    assert account.cipher
    assert "localhost" not in repr(account.offer)


def test_transports_say_what_they_can():
    """Each is found by its name; a flight to be presented again only where there is early
    data."""
    assert {name: each.name for name, each in TRANSPORTS.items()} == {
        name: name for name in ("tcp", "dtls", "quic")
    }
    assert [each.name for each in TRANSPORTS.values() if each.stream] == ["tcp"]
    for each in TRANSPORTS.values():
        if not each.capabilities.early_data:
            with pytest.raises(NotImplementedError):
                each.first_flight(ClientConfig(), ClientOffer(), clock=Tick())
    words = Words(ClientConfig(), ClientOffer(), clock=Tick(), on_message=None)
    words.end(EndCause.CLOSED)
    words.end(EndCause.BROKEN)
    assert words.over
    assert words.ended is EndCause.CLOSED
    with pytest.raises(TypeError):
        words.ask(object())  # type: ignore[arg-type]  # what only QUIC can ask

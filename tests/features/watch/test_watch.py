"""features/watch/sampling.py: when samples are taken, and what one look at a real server finds."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import replace

import pytest

from tests.findings.test_rotation import ONE, A, sample, seen
from tests.helpers.peers import refused_port
from tlsresume.errors import HistoryFileError, first_of
from tlsresume.features.watch.history import History
from tlsresume.features.watch.samples import Sample
from tlsresume.features.watch.sampling import Watch, take_sample
from tlsresume.network import before_tls
from tlsresume.network.dial import failure_from
from tlsresume.options import ConnectOptions, WatchOptions
from tlsresume.results.connection import Failure
from tlsresume.sessions import asn1
from tlsresume.targets.target import Target, parse_target

TARGETS = [parse_target("one.example"), parse_target("two.example")]


@pytest.fixture
def history(tmp_path):
    with History(tmp_path / "h") as opened:
        yield opened


class Clock:
    """Time that passes while a sample is taken, and in sleep."""

    def __init__(self, takes: float = 0.0) -> None:
        self.time = 100.0
        self.takes = takes
        self.slept: list[float] = []
        self.taken: list[tuple[float, str]] = []

    async def sample(self, target: Target):
        self.taken.append((self.time - 100.0, target.name))
        if target is TARGETS[-1]:
            self.time += self.takes
        return Sample(time=self.time, target=target.name, sightings=tuple(seen(ONE, A))), []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def watch(self, history: History, **options) -> Watch:
        return Watch(
            TARGETS,
            WatchOptions(**options),
            history,
            sampler=self.sample,
            sleep=self.sleep,
            now=lambda: self.time,
        )


def times(clock: Clock) -> list[float]:
    return [time for time, name in clock.taken if name == TARGETS[0].name]


def test_at_an_interval_until_the_end(history):
    """A sample of each target at once and then at every interval, as long as was asked."""
    clock = Clock()
    asyncio.run(clock.watch(history, every=600, duration=1800).run())
    assert times(clock) == [0, 600, 1200, 1800]
    assert len(history.samples()) == 8


def test_once(history):
    """--once is one sample of each, and no sleep."""
    clock = Clock()
    asyncio.run(clock.watch(history, once=True).run())
    assert (times(clock), clock.slept, len(history.samples())) == ([0], [], 2)


def test_the_time_of_a_sample_is_no_delay(history):
    """The interval counts from start to start; a round that was missed is left out."""
    clock = Clock(takes=100)
    asyncio.run(clock.watch(history, every=600, duration=1200).run())
    assert times(clock) == [0, 600, 1200]
    slow = Clock(takes=700)
    asyncio.run(slow.watch(history, every=600, duration=2400).run())
    assert times(slow) == [0, 1200, 2400]


def test_what_was_sampled_is_written_at_once(history):
    """A watch that is ended while it takes a sample has written all the others."""
    clock = Clock()

    async def sampler(target):
        if len(clock.taken) == 3:
            raise KeyboardInterrupt
        return await clock.sample(target)

    watch = clock.watch(history, every=600)
    watch.sampler = sampler
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(watch.run())
    assert len(history.samples()) == 3


def test_a_history_that_cannot_be_written(history):
    """An error of the history file ends the watch, as that error."""
    clock = Clock()
    watch = clock.watch(history, once=True)
    history.close()
    with pytest.raises(BaseExceptionGroup) as caught:
        asyncio.run(watch.run())
    assert isinstance(first_of(caught.value), HistoryFileError)


# ------------------------------------------------------------------ real servers

OPTIONS = WatchOptions(connect=ConnectOptions(ticket_wait=1.0, timeout=5.0), tries=3)


def look(port: int, history: History) -> Sample:
    found, kept = asyncio.run(take_sample(parse_target(f"127.0.0.1:{port}"), OPTIONS, history))
    history.add(found, kept)
    return found


def test_a_sample_of_a_server(server, history):
    """One look finds one key on both versions; the next one offers the session from before,
    and it is resumed."""
    port = server().port
    first = look(port, history)
    assert first.error is None
    assert {each.mechanism for each in first.sightings} == {"psk", "ticket"}
    assert all(each.key_name and each.connections == 3 for each in first.sightings)
    assert (first.offers, first.connections) == ((), 6)
    second = look(port, history)
    assert [offer.outcome for offer in second.offers] == ["resumed", "resumed"]
    assert not any(offer.crosses for offer in second.offers)
    assert {s.key_name for s in first.sightings} == {s.key_name for s in second.sightings}


def test_nodes_with_keys_of_their_own(server, history):
    """Two nodes behind one address are two key names in one sample."""
    found = look(server(nodes=2).port, history)
    names = {each.key_name for each in found.sightings if each.mechanism == "psk"}
    assert len(names) == 2


def test_a_server_that_is_gone(history):
    """A target that cannot be reached is a failed sample with the reason, and loses none of
    what is known."""
    history.add(sample(0, seen(ONE, A)))
    with refused_port() as port:
        found = look(port, history)
    assert found.error is not None
    assert found.sightings == ()
    assert len(history.samples()) == 2


def test_want_of_descriptors_is_a_failed_sample(server, history, monkeypatch):
    """A look that this machine could not take says so; the session from before was not offered,
    and is neither expired nor refused."""
    port = server().port
    look(port, history)

    async def short(*_: object) -> Failure:
        return failure_from(OSError(errno.EMFILE, "Too many open files"), "connect", "h:1")

    monkeypatch.setattr(before_tls, "dial", short)
    monkeypatch.setattr("tlsresume.network.dialling._PATIENCE_ALONE", 0.0)
    monkeypatch.setattr("tlsresume.network.dialling._ROOM_PAUSE", 0.0)
    quick = replace(OPTIONS, connect=replace(OPTIONS.connect, timeout=0.05))
    found, _ = asyncio.run(take_sample(parse_target(f"127.0.0.1:{port}"), quick, history))
    assert found.error is not None
    assert "ulimit -n" in found.error
    assert (found.sightings, found.offers) == ((), ())


def test_a_session_that_is_too_old(server, history, monkeypatch):
    """A session past its lifetime is not offered: `expired`."""
    port = server().port
    look(port, history)
    with history._transaction() as database:
        rows = database.execute("SELECT rowid, data FROM session").fetchall()
        for row, data in rows:
            structure, peer = asn1.decode(data)
            old = replace(structure, time=(structure.time or 0) - 1_000_000)
            database.execute(
                "UPDATE session SET data = ? WHERE rowid = ?", (asn1.encode(old, peer), row)
            )
    found = look(port, history)
    assert {offer.outcome for offer in found.offers} == {"expired"}
    assert found.connections == 6


def test_a_session_that_openssl_cannot_read(server, history):
    """A kept session that OpenSSL refuses (a cipher of no number) costs its offer; the sample is
    as good as without it."""
    port = server().port
    look(port, history)
    with history._transaction() as database:
        for row, data in database.execute("SELECT rowid, data FROM session").fetchall():
            structure, peer = asn1.decode(data)
            broken = asn1.encode(replace(structure, cipher=b"\x7f\x7f"), peer)
            database.execute("UPDATE session SET data = ? WHERE rowid = ?", (broken, row))
    found = look(port, history)
    assert found.error is None
    assert [offer.outcome for offer in found.offers] == ["not-offered"] * 2
    assert all(each.connections == 3 for each in found.sightings)

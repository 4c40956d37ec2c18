"""What strangers can make many of is counted in bounded memory."""

from __future__ import annotations

import os

from tests.features.capture.packets import START, shifted
from tests.features.capture.reading import report_of
from tests.features.capture.talks import Talk
from tlsresume.features.capture.key_names import KeyNames, stand_in
from tlsresume.features.capture.limits import Heaviest
from tlsresume.features.capture.tally import MOST_INTERVALS, Counts
from tlsresume.tickets.key_names import KeyNaming


def counted(most: int) -> Heaviest[str, Counts]:
    return Heaviest(most, lambda _name: Counts(), lambda counts: counts.connections)


def test_the_heaviest_stay():
    """Of many keys those with the most connections are kept, and the others are numbered."""
    table = counted(10)
    for _ in range(5):
        table.get("heavy").connections += 1
    for number in range(5000):
        table.get(f"light {number}").connections += 1
        assert len(table) <= 20
    assert dict(table.items())["heavy"].connections == 5
    assert 4500 < table.total < 5500
    few = counted(10)
    for number in range(20):
        few.get(str(number))
    assert few.total == 20


def test_key_names_survive_many_tickets():
    """Thousands of tickets of two keys are counted under two names; nameless ones are dropped."""
    names = KeyNames()
    one, other = b"A" * 16, b"B" * 16
    for number in range(3000):
        ticket = (one if number % 3 else other) + os.urandom(144)
        names.use(ticket).offered += 1
        assert len(names._waiting) <= 512
    found = names.named()
    assert {name: use.offered for name, use in found.items()} == {
        one.hex(): 2000,
        other.hex(): 1000,
    }
    nameless = KeyNames()
    for _ in range(2000):
        nameless.use(os.urandom(160)).offered += 1
    assert nameless.named() == {}
    assert nameless.dropped >= 1024


def test_stand_ins_are_named_alike():
    """A shortened ticket has the name that the whole one has, of every length."""
    for length in (32, 40, 79, 80, 96, 160, 161, 208, 2000):
        tickets = [b"N" * 16 + os.urandom(length - 16) for _ in range(3)]
        short = [stand_in(ticket) for ticket in tickets]
        assert len(set(short)) == 3
        whole_naming, short_naming = KeyNaming.learn(tickets), KeyNaming.learn(short)
        assert [whole_naming.name_of(each) for each in tickets] == [
            short_naming.name_of(each) for each in short
        ], length


def test_intervals_grow_with_the_span(tmp_path):
    """Over any span the rate has a bounded number of intervals, that hold all handshakes."""
    talk = Talk()
    talk.connect("1.3")
    frames = []
    for number in range(100):
        frames += shifted(talk.frames, number * 3_600 * 10**9 * (50 if number > 90 else 1))
    report = report_of(tmp_path, frames)
    (server,) = report.servers
    assert len(server.rates) <= MOST_INTERVALS + 1
    assert sum(each.handshakes for each in server.rates) == 100


def test_clocks_that_make_no_sense(tmp_path):
    """Times at both ends of what a file can say end in a report."""
    talk = Talk()
    talk.connect("1.3")
    for shift in (-START, 2**32 * 10**9 - START - 10**10):
        (server,) = report_of(tmp_path, shifted(talk.frames, shift)).servers
        assert server.handshakes == 1


def test_work_is_linear_in_bytes_without_tls():
    """A stream that looks like the start of TLS again and again is searched once."""
    from tlsresume.tls import records

    searched = 0
    original = records._CLIENT_HELLO

    class Counting:
        def search(self, data, start=0):
            nonlocal searched
            searched += len(data) - start
            return original.search(data, start)

    records._CLIENT_HELLO = Counting()  # type: ignore[assignment]
    try:
        from tests.features.capture.packets import Conversation
        from tests.features.capture.reading import connections_of

        totals = []
        for size in (20_000, 40_000):
            searched = 0
            conversation = Conversation().open()
            conversation.say(0, b"\x16\x03\x01 " * (size // 4))
            assert connections_of(conversation.frames) == []
            totals.append(searched)
        assert totals[1] < 2.2 * totals[0] < 2.2 * 1.2 * 20_000
    finally:
        records._CLIENT_HELLO = original

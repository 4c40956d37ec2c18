"""Handshake times of servers that serve one connection at a time, and of others."""

from __future__ import annotations

import random

from tests.helpers.trials import trial
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.own_queue import Span, handshake_times, own_waits, waits_for_ourselves
from tlsresume.evidence.purposes import Discover, Tries
from tlsresume.evidence.summary import summarise_address
from tlsresume.evidence.trial import Trial
from tlsresume.results.connection import Timings
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig

PLAN = ClientConfig(minimum=ProtocolVersion.TLSv1_3)


def run(workers: int, count: int = 24, work: float = 0.004, stay: float = 0.006) -> list[Trial]:
    """Connections in four lanes to a server of so many workers: a handshake takes `work`
    seconds, and the connection stays `stay` more. The first one goes alone."""
    dice = random.Random(5)
    lanes, free = [0.0] * 4, [0.0] * workers
    journal = []
    for n in range(1, count + 1):
        lane = 0 if n == 1 else min(range(4), key=lanes.__getitem__)
        begins = lanes[lane] + dice.random() / 1000
        worker = min(range(workers), key=free.__getitem__)
        served = max(begins, free[worker])
        done = served + work
        end = free[worker] = done + stay
        if n == 1:
            lanes = [done] * 4
        lanes[lane] = end
        journal.append(
            trial(
                n=n,
                ask=n,
                time=begins,
                address="192.0.2.1",
                port=443,
                purpose=Discover.FULL if n == 1 else Tries.FULL,
                mechanism="psk",
                config=PLAN,
                handshake_done=True,
                tls_version=ProtocolVersion.TLSv1_3,
                server_hello_seen=True,
                resumed=n % 2 == 0,
                answered_ms=(served - begins + work / 2) * 1000,
                timings=Timings(
                    connect=0.0,
                    handshake=(done - begins) * 1000,
                    total=(end - begins) * 1000,
                ),
            )
        )
    return journal


def median_of(journal: list[Trial]) -> tuple[float, float]:
    summary = summarise_address("192.0.2.1", 443, Evidence(journal))
    timing = summary.mechanisms[0].timing
    assert timing.full_ms is not None
    assert timing.resumed_ms is not None
    return timing.full_ms, timing.resumed_ms


def test_a_wait_for_our_own_connections_is_left_out_of_medians() -> None:
    """One worker makes three of our four lanes wait: the medians are those of handshakes."""
    journal = run(1)
    raw = [a.timings.handshake or 0.0 for a in journal]
    assert sorted(raw)[len(raw) // 2] > 20
    for median in median_of(journal):
        assert abs(median - 4.0) < 0.5


def test_a_server_of_enough_workers_is_measured_as_it_is() -> None:
    """Where handshakes end beside open connections, a late answer is the server's own."""
    for workers in (4, 8):
        journal = run(workers)
        assert handshake_times(journal, own_waits(journal)) == [
            a.timings.handshake for a in journal
        ]


def test_few_or_small_waits_are_no_queue() -> None:
    """Without connections, with two, and where answers differ by a millisecond."""
    assert waits_for_ourselves([]) == {}
    assert handshake_times([], {}) == []
    few = run(1, count=3)
    assert handshake_times(few, own_waits(few)) == [a.timings.handshake for a in few]
    spans = [
        Span(n=n, hello=n, done=n + 0.004, end=n + 0.006, answer=2 + n % 2, handshake=4)
        for n in range(20)
    ]
    assert waits_for_ourselves(spans) == {}


def test_the_work_grows_no_faster_than_the_run() -> None:
    """A run of many thousand connections is looked at in one pass."""
    spans = [
        Span(n=n, hello=n, done=n + 0.9, end=n + 0.95, answer=800 + n % 7, handshake=900)
        for n in range(50_000)
    ]
    waits_for_ourselves(spans)

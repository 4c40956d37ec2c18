"""Servers that say in clear that they limit connections."""

from __future__ import annotations

import asyncio

import pytest

from tests.helpers.evidence import Story
from tests.helpers.peers import RawPeer
from tests.helpers.purposes import purpose_of
from tlsresume.errors import LimitedByServer, PreludeError
from tlsresume.findings.judge import judge, judge_way
from tlsresume.lab import Budget, Gate, Route, Task
from tlsresume.network.before_tls import BeforeTLS
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.protocols.table import script_of
from tlsresume.protocols.talk import Prelude
from tlsresume.transports.config import ClientConfig

HERE = "127.0.0.1"
ERRAND = Task(purpose=purpose_of("test", "full"))


def test_the_numbers_of_smtp_and_ftp_are_limits_and_http_is_not() -> None:
    """421 and 450 before TLS are limits; other refusals, and HTTP's 421, are not."""
    cases = (
        ("smtp", b"421 4.7.0 too many connections\r\n", "rate-limit"),
        ("smtp", b"450 4.7.0 slow down\r\n", "rate-limit"),
        ("smtp", b"554 5.7.1 no\r\n", "refused"),
        ("smtp", b"454 4.7.0 TLS not available\r\n", "refused"),
        ("lmtp", b"421 busy\r\n", "rate-limit"),
        ("ftp", b"421 Too many connections. Service temporarily unavailable.\r\n", "rate-limit"),
        ("ftp", b"530 no\r\n", "refused"),
        ("smtp", b"HTTP/1.1 421 Misdirected Request\r\n\r\n", "garbled"),
    )
    for protocol, said, why in cases:
        prelude = Prelude(script_of(protocol), "a.example")
        with pytest.raises(PreludeError) as caught:
            prelude.receive(said)
        assert caught.value.why == why, said
        assert any("--tries 1" in hint for hint in caught.value.hints) is (why == "rate-limit")


@pytest.mark.usefixtures("brief_pauses")
@pytest.mark.parametrize("starttls", ["smtp", None])
def test_the_lab_waits_and_then_asks_for_no_more(starttls) -> None:
    """A connection that is turned away so is tried again after pauses; where that is in vain no
    further one is made."""
    refusing = RawPeer("too many connections")

    async def ask() -> NetworkLab:
        lab = NetworkLab(
            Budget(9), Gate(), LabOptions(timeout=5.0, before_tls=BeforeTLS(starttls=starttls))
        )
        route = Route(HERE, refusing.port)
        attempt = await lab.connect(route, ClientConfig(), ERRAND)
        assert attempt.error is not None
        assert attempt.error.kind == "rate-limit"
        for _ in range(2):
            with pytest.raises(LimitedByServer, match="421"):
                await lab.connect(route, ClientConfig(), ERRAND)
        return lab

    with refusing:
        lab = asyncio.run(ask())
    assert len(lab.journal) == 3
    assert [attempt.ask for attempt in lab.journal] == [1, 1, 1]


def test_what_is_turned_away_is_no_crash_and_no_evidence() -> None:
    """Neither stopped-answering nor connections-break is said of it: the server explains itself."""
    story = Story("psk").full()
    story.resumed().resumed()
    for _ in range(6):
        story.failed("tries", kind="rate-limit")
    for _ in range(3):
        story.broken(kind="rate-limit", offered=None)
    assert [finding.code for finding in judge([story.view()])] == ["rate-limited"]
    story = Story("psk").failed("discover", kind="rate-limit")
    assert [finding.code for finding in judge_way([story.view()])] == ["rate-limited"]

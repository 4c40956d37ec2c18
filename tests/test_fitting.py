"""Directives are those of the software that makes such tickets, where only one kind does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.evidence import Story
from tlsresume.diagnosis.fitting import SOFTWARE, fitting
from tlsresume.diagnosis.judge import judge
from tlsresume.results import Ticket
from tlsresume.session.layouts import LAYOUTS

DIRECTIVES = ("nginx ssl_x on", "Go tls.Config.X", "Go: nothing", "Java X")


def story(*tickets: Ticket) -> Story:
    told = Story("psk")
    for ticket in tickets:
        told.full()
        told.journal[-1] = replace(told.journal[-1], tickets=(ticket,))
    return told


def go(n: int) -> Ticket:
    return Ticket(bytes([n]) * 105, 604_800, 1.0, age_add=n, nonce=b"")


def openssl(n: int) -> Ticket:
    return Ticket(bytes(16) + bytes([n]) * 208, 7200, 1.0, age_add=n, nonce=bytes(8))


def test_go_is_told_what_go_has():
    """Beside tickets that only Go makes no other software's settings are named."""
    assert fitting(story(go(1), go(2)).view(), DIRECTIVES) == ("Go tls.Config.X", "Go: nothing")


def test_a_finding_carries_what_fits():
    """The finding on Go's lifetime names none of nginx."""
    (finding,) = [f for f in judge([story(go(1), go(2)).view()]) if "lifetime" in f.code]
    assert finding.directives
    assert all(line.startswith("Go") for line in finding.directives)


@pytest.mark.parametrize(
    "tickets",
    [
        pytest.param((), id="no tickets"),
        pytest.param((openssl(1), openssl(2)), id="a layout that many share"),
    ],
)
def test_all_stay_where_the_software_is_not_known(tickets):
    """Nothing is left out by a guess."""
    assert fitting(story(*tickets).view(), DIRECTIVES) == DIRECTIVES


def test_all_stay_where_none_is_for_this_software():
    """Other software's settings still show what kind of thing to look for."""
    assert fitting(story(go(1), go(2)).view(), DIRECTIVES[:1]) == DIRECTIVES[:1]


def test_software_is_named_for_layouts_that_exist():
    """A row of the table is a layout's."""
    assert set(SOFTWARE) <= {layout.name for layout in LAYOUTS}

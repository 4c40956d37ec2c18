"""FTPS data connections in words."""

from __future__ import annotations

import pytest

from tlsresume.features.ftps.text import put_address
from tlsresume.formats.page import Page, View
from tlsresume.results.measured import AddressResult, FTPData, Series


def shown(row: FTPData) -> str:
    page = Page(View(width=200))
    put_address(page, AddressResult(address="192.0.2.1", port=21, ftp_data=(row,)))
    return page.render()


def test_each_question_of_an_ftp_user_has_its_line():
    """Which resumed, the first failure, and whether the server demands it, in its words."""
    row = FTPData(
        mechanism="psk",
        tls_version="TLSv1.3",
        fresh=Series.count("RRRR"),
        same=Series.count("RRNN"),
        same_failure=3,
        required=True,
        tickets=2,
        replies=("522 session reuse required",),
    )
    assert shown(row) == (
        "  FTPS data, TLS 1.3: fresh ticket each time: 4 of 4 data connections resumed; same ticket:"
        " 2 of 4 data connections resumed, number 3 is the first that fails\n"
        "                      without a session it is refused: 522 session reuse required;"
        " 2 tickets on a control connection\n"
    )


def test_what_was_not_tried_is_said():
    """No series, no demand: nothing is claimed."""
    text = shown(FTPData(mechanism="ticket", tls_version="TLSv1.2", tickets=1))
    assert text.count("not tried") == 2
    assert "refused" not in text
    demanded = FTPData(
        mechanism="psk", tls_version="TLSv1.3", fresh=Series.count("R"), required=False
    )
    assert "works, too" in shown(demanded)


@pytest.mark.parametrize(
    ("required", "words"),
    [(True, "without one it is refused: 522 reuse"), (False, "without one a listing works")],
)
def test_where_there_is_nothing_to_offer_it_is_said(required, words):
    """A server that gives no sessions has no numbers, and one answer."""
    text = shown(
        FTPData(
            mechanism="psk",
            tls_version="TLSv1.3",
            required=required,
            replies=("522 reuse",) if required else (),
        )
    )
    assert "the server gives no session to offer" in text
    assert words in text
    assert "not tried" not in text


def test_replies_of_servers_are_made_safe():
    """Control characters of a server do not reach the terminal."""
    row = FTPData(
        mechanism="psk", tls_version="TLSv1.3", required=True, replies=("522 \x1b[31m\u202e",)
    )
    assert "\x1b" not in shown(row)
    assert "\u202e" not in shown(row)

"""Evidence in words: exact, short, and safe to print."""

from __future__ import annotations

from tests.helpers.causes import ROWS, Row
from tests.helpers.evidence import Story, alert
from tests.helpers.rows import each_row
from tlsresume.findings.judge import judge
from tlsresume.findings.wording import exchange, short, tally
from tlsresume.tls.registry import AlertDescription
from tlsresume.units import connections, span

KEY_A, KEY_B = "3f9a41c0" + "00" * 12, "9a07be11" + "00" * 12


@each_row(
    "value, words",
    [
        (0, "0 s"),
        (0.25, "0.25 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7200, "2 h"),
        (5400, "90 min"),
        (86400 * 7, "7 days"),
        (100_000, "27.8 h"),
        (86400 * 24855, "24855 days"),
        (-60, "-60 s"),
    ],
)
def test_spans_of_time(value: float, words: str) -> None:
    """Seconds in the unit that people would use."""
    assert span(value) == words


def test_key_names_are_short() -> None:
    """Eight digits tell keys apart; an invisible name says so."""
    assert short(KEY_A) == "3f9a41c0"
    assert short(None) == "(not visible)"


def test_key_names_that_begin_the_same_are_whole() -> None:
    """WolfSSL's next key has the name of the one before but for a bit at its end: eight digits
    would show one key where there are two."""
    other = KEY_A[:-1] + ("0" if KEY_A[-1] == "1" else "1")
    assert short(KEY_A, (KEY_A, KEY_B, None)) == "3f9a41c0"
    assert short(KEY_A, (KEY_B, other)) == KEY_A
    assert tally([KEY_A, KEY_A, other]) == f"key {KEY_A} on 2 connections, {other} on 1"


def test_a_tally_counts_connections() -> None:
    """The most common key comes first."""
    assert tally([KEY_B, KEY_A, KEY_A]) == "key 3f9a41c0 on 2 connections, 9a07be11 on 1"
    assert tally([KEY_A]) == "key 3f9a41c0 on 1 connection"
    assert connections(1) == "1 connection"
    assert connections(0) == "0 connections"


def test_an_exchange_names_message_and_field() -> None:
    """What was offered and what came back, by the names of the RFCs, with sizes and keys."""
    story = Story("psk").full(key="b").full(key="a").declined(key="b").resumed().full(key="a")
    view = story.view()
    _, full, declined, reused, _ = (exchange(view, attempt) for attempt in view.attempts)
    new, old = (short(view.issued_key(a)) for a in view.attempts[:2])
    assert full.startswith("#2 ClientHello: no session; ServerHello; Certificate; NewSessionTicket")
    assert declined == (
        f"#3 ClientHello.pre_shared_key: 1 identity, 176 bytes, key name {old};"
        " ServerHello: no pre_shared_key; Certificate;"
        f" NewSessionTicket: 176 bytes, key name {new}"
    )
    assert "ServerHello: pre_shared_key; no Certificate" in reused


def test_an_exchange_that_failed_says_how_far_it_got() -> None:
    """Without a ServerHello that is said, and the error in its own words."""
    internal = alert(AlertDescription.internal_error)
    view = Story("ticket").full().broken(alerts=(internal,)).view()
    words = exchange(view, view.broken[0])
    assert "ClientHello.session_ticket: 176 bytes" in words
    assert words.endswith("no ServerHello; the server sent alert internal_error")


@each_row("row", ROWS, ids=str)
def test_words_are_ascii_lines(row: Row) -> None:
    """Nothing of what a rule says breaks a line or needs more than ASCII."""
    for finding in judge([row.story().view()]):
        for line in (*finding.evidence, *finding.details, *finding.not_known, finding.advice):
            assert line.isascii()
            assert line.isprintable()
            assert line == line.strip()

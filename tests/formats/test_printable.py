"""Text that others wrote cannot steer a terminal, and stays readable."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.rows import each_row
from tlsresume.formats.page import Page, View, cells, pad
from tlsresume.formats.printable import json_safe, printable
from tlsresume.units import count, duration, milliseconds, utc

ANY_TEXT = st.text(st.characters(codec=None))


@given(ANY_TEXT)
def test_only_visible_characters_come_out(text):
    """Whatever goes in, only printable characters come out, and a second pass changes nothing."""
    safe = printable(text)
    assert safe.isprintable()
    assert printable(safe) == safe


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_plain_text_is_left_alone(text):
    """Text without control, format or separator characters is not changed."""
    assert printable(text) == text


@each_row(
    "text, shown",
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\r\t", r"a\nb\r\t"),
        ("\x9b2J\x7f", r"\x9b2J\x7f"),
        ("\u202eabc\u2066", r"\u202eabc\u2066"),
        ("\u200b\ufeff", r"\u200b\ufeff"),
        ("\ud800", r"\ud800"),
        ("\U000e0001", r"\U000e0001"),
        ("naïve 漢字", "naïve 漢字"),
    ],
)
def test_escapes_are_those_of_python(text, shown):
    """What is dangerous is shown as the escape that would write it in Python."""
    assert printable(text) == shown


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_keeps_its_value(text):
    """Escaping in a JSON document changes its letters, never its value."""
    document = json_safe(json.dumps({"text": text}, ensure_ascii=False))
    assert json.loads(document) == {"text": text}
    assert all(letter.isprintable() or letter == "\n" for letter in document)


def test_no_text_is_a_command_to_a_ci_runner():
    """`##[error]` from a server is not obeyed by GitHub's or Azure's log, as text or as JSON."""
    page = Page(View())
    page.line("a ##[stop-commands]x")
    page.prose("a ##[error]x")
    assert page.render() == "a ##\\[stop-commands]x\na ##\\[error]x\n"
    document = json_safe(json.dumps({"text": "##[error]x"}))
    assert "##[" not in document
    assert json.loads(document) == {"text": "##[error]x"}


@given(ANY_TEXT, st.integers(20, 100))
def test_prose_loses_no_word(text, width):
    """Wrapped prose has all words of the text, in order, and breaks none: only a command to a
    runner is broken up."""
    page = Page(View(width=width))
    page.prose(text, first="lead: ")
    printed = page.render()
    assert printed.removeprefix("lead:").split() == printable(text).replace("##[", "##\\[").split()


def test_wide_characters_are_padded_by_cells():
    """A column stays a column beside characters that take two cells."""
    assert cells("漢字") == 4
    assert pad("漢字", 6) == "漢字  "
    assert pad("toolong", 3) == "toolong"


@each_row(
    "seconds, words",
    [
        (0, "0 s"),
        (1.4, "1 s"),
        (119, "119 s"),
        (120, "2 min"),
        (300, "5 min"),
        (301, "301 s"),
        (3600, "1 h"),
        (7200, "2 h"),
        (7380, "2 h 3 min"),
        (86400, "1 d"),
        (100_000, "1 d 3 h"),
        (604_800, "7 d"),
        (-60, "-60 s"),
    ],
)
def test_durations_are_said_in_two_units_at_most(seconds, words):
    """A duration reads as a person would say it."""
    assert duration(seconds) == words


def test_small_numbers_keep_a_digit():
    """Milliseconds below ten have one digit after the point; counts have their plural."""
    assert (milliseconds(1.25), milliseconds(9.96), milliseconds(41.2)) == (
        "1.2 ms",
        "10 ms",
        "41 ms",
    )
    assert (count(1, "address"), count(2, "address"), count(0, "try", "tries")) == (
        "1 address",
        "2 addresses",
        "0 tries",
    )
    assert utc("2026-01-31T12:00:00+00:00") == "2026-01-31T12:00:00Z"

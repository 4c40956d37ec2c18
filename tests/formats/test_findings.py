"""Findings for people: what is shown, what is kept short, and how it is wrapped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers.rows import each_row
from tlsresume.findings.wording import clause
from tlsresume.formats.findings import NORMAL, put_findings
from tlsresume.formats.page import Page, View
from tlsresume.results.judged import Finding

FINDING = Finding(
    code="other-ticket-key",
    severity="error",
    title="Nodes here use different ticket keys",
    cause="A ticket can be opened only with the key that sealed it.",
    advice="Give every node the same ticket key file.",
    address="192.0.2.10",
    mechanism="psk",
    evidence=("key 3f9a41c0 on 24 connections, 9a07be11 on 23, alternating",),
    details=("#4 ClientHello.pre_shared_key: 1 identity, 208 bytes, key name 3f9a41c0",),
    directives=("nginx ssl_session_ticket_key", "haproxy tls-ticket-keys"),
    not_known=("which node answered: one address (try --node-header)",),
    candidates=("consumed", "cache-miss"),
)


def show(*findings: Finding, verbose: bool = False, width: int = 80, place: bool = True) -> str:
    page = Page(View(width=width, verbose=verbose))
    put_findings(page, findings, place=place)
    return page.render()


def test_a_finding_reads_from_seen_to_do():
    """A finding says what was seen, what to do and where, what else it may be and what is
    not known, and where to read on."""
    assert show(FINDING) == (
        "\n"
        "error other-ticket-key: nodes here use different ticket keys (192.0.2.10, psk)\n"
        "  seen:  key 3f9a41c0 on 24 connections, 9a07be11 on 23, alternating\n"
        "  do:    Give every node the same ticket key file.\n"
        "         nginx ssl_session_ticket_key | haproxy tls-ticket-keys\n"
        "  also possible: consumed; cache-miss\n"
        "  not known: which node answered: one address (try --node-header)\n"
        "More: tlsresume explain other-ticket-key\n"
    )


def test_verbose_shows_the_wire():
    """With -v the cause and the messages and fields behind it are shown."""
    shown = show(FINDING, verbose=True)
    assert "  why:   A ticket can be opened only with the key that sealed it.\n" in shown
    assert "  wire:  #4 ClientHello.pre_shared_key: 1 identity, 208 bytes, key name" in shown
    assert "wire:" not in show(FINDING)


def test_the_place_is_left_out_where_there_is_one():
    """On one address only the mechanism is named."""
    assert "different ticket keys (psk)\n" in show(FINDING, place=False)


@pytest.mark.parametrize("width", [40, 80])
def test_directives_are_not_broken_inside(width):
    """A line of directives ends between two, however narrow the page."""
    many = replace(FINDING, directives=tuple(f"server{n} some_directive {n}" for n in range(6)))
    shown = show(many, width=width)
    for directive in many.directives:
        assert directive in shown
    assert max(map(len, shown.splitlines()[2:])) <= width


@each_row("code", sorted(NORMAL))
def test_what_is_normal_is_shown_to_those_who_ask(code):
    """Information that explains a normal thing appears with -v only."""
    finding = replace(FINDING, code=code, severity="info")
    assert show(finding) == ""
    assert f"info {code}: " in show(finding, verbose=True)


@pytest.mark.parametrize("code", ["single-use", "early-data-rejected", "cross-name-refused"])
def test_what_changes_what_to_do_is_always_shown(code):
    """Information that a client must act on is shown with its advice."""
    shown = show(replace(FINDING, code=code, severity="info"))
    assert f"info {code}: " in shown
    assert "  do:  " in shown


def test_a_mechanism_that_is_not_judged_is_kept_short():
    """A cause of a mechanism that is no part of the verdict says so, in place of advice."""
    aside = replace(FINDING, code="cache-miss", severity="info", mechanism="session-id")
    shown = show(aside)
    assert "only clients without tickets use session IDs here" in " ".join(shown.split())
    assert "  do:  " not in shown
    assert "  do:  " in show(aside, verbose=True)


def test_information_on_what_is_judged_is_not_put_aside():
    """Where session IDs are judged, as no ticket is issued, nothing else is said of them."""
    found = replace(FINDING, code="expired-at-server", severity="info", mechanism="session-id")
    page = Page(View(width=80))
    put_findings(page, [found], place=False, judged={"psk", "session-id"})
    assert "no part of the verdict" not in page.render()
    assert "  do:  " in page.render()


def test_one_cause_is_not_told_twice():
    """The cause of an unjudged mechanism is left out where a graver finding tells it."""
    aside = replace(FINDING, severity="info", mechanism="session-id")
    assert show(FINDING, aside) == show(FINDING)
    assert show(FINDING, aside, verbose=True).count("More: ") == 2


def test_many_lines_of_evidence_are_cut_with_a_word():
    """More lines than a screen can hold are counted, and shown with -v."""
    many = replace(FINDING, evidence=tuple(f"line {n}" for n in range(20)))
    assert "         and 12 more: -v shows them\n" in show(many)
    assert "line 19\n" in show(many, verbose=True)


@each_row(
    "title, expected",
    [
        ("Nodes here use keys", "nodes here use keys"),
        ("A HelloRetryRequest came first", "a HelloRetryRequest came first"),
        ("TLS 1.3 is gone", "TLS 1.3 is gone"),
        ("FTPS data connections fail", "FTPS data connections fail"),
        ("declined", "declined"),
    ],
)
def test_titles_follow_a_colon(title, expected):
    """After the code a title has a small letter, unless it begins with a name."""
    assert clause(title) == expected


def test_settings_of_very_many_programs_do_not_fill_the_screen():
    """They are named by where they stand; with -v all are shown."""
    many = replace(FINDING, directives=tuple(f"program{n} setting" for n in range(21)))
    short = show(many)
    assert "Lines for 21 programs: tlsresume explain other-ticket-key\n" in short
    assert "program20" not in short
    assert "program20 setting" in show(many, verbose=True)

"""The pages of `tlsresume explain`, and the command: every code has one, and it is whole."""

from __future__ import annotations

import json

import pytest

from tests.commands import runner
from tlsresume.diagnosis.catalogue import IMPOSSIBLE, RULES
from tlsresume.errors import ExitStatus
from tlsresume.features import entries
from tlsresume.formats import explanation
from tlsresume.formats.page import View

EVERY = explanation.pages(entries())
PAGES = {page.code: page for page in EVERY}


@pytest.fixture
def run(capsys):
    return runner(capsys)


def test_every_code_has_one_page():
    """Each rule, entry of a feature and impossible cause has a page of its own, in the order of groups."""
    codes = [rule.code for rule in RULES] + [cause.code for cause in IMPOSSIBLE]
    codes += [entry.code for entry in entries()]
    assert sorted(PAGES) == sorted(codes)
    groups = [page.group for page in EVERY]
    assert groups == sorted(groups, key=list(explanation.GROUPS).index)


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.code)
def test_a_page_is_whole(page):
    """A page has a title, a cause, advice and a source, and all of it is shown at any width."""
    assert page.title
    assert page.cause
    assert page.advice
    assert page.sources
    assert (page.severity is None) == (page.why_not_here is not None)
    for width in (40, 80, 100):
        shown = explanation.render_page(page, View(width=width))
        flat = " ".join(shown.split())
        for text in (page.title, page.cause, page.advice, page.how_told, page.why_not_here):
            assert " ".join((text or "").replace("`", "").split()) in flat
        for text in (*page.directives, *page.sources):
            assert " ".join(text.split()) in flat


def test_causes_of_groups_a_to_d_say_how_they_are_told():
    """Each cause of groups A to D says what evidence tells it from the others."""
    assert [r.code for r in RULES if r.group in "ABCD" and not PAGES[r.code].how_told] == []


def test_the_list_names_every_code():
    """Without a code all of them are listed with their titles, within the width."""
    shown = explanation.render_list(View(width=80), EVERY)
    for page in PAGES.values():
        assert f"  {page.code} " in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_page_is_printed(run):
    """`explain CODE` prints the page on stdout, and exits 0."""
    status, out, err = run("explain", "other-ticket-key")
    assert (status, err) == (ExitStatus.OK, "")
    assert out.startswith("other-ticket-key: Nodes here use different ticket keys\n")
    assert "nginx ssl_session_ticket_key" in out
    status, out, err = run("explain", "context-mismatch")
    assert "not in tlsresume" in out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("other-ticket-kye", "other-ticket-key"),
        ("OTHER_TICKET_KEY", "other-ticket-key"),
        ("consumption", "consumed"),
        ("early-data", "early-data-rejected"),
    ],
)
def test_an_unknown_code_is_a_usage_error_with_the_nearest(run, typed, meant):
    """A mistyped code ends with status 2 and the command that was most likely meant."""
    status, out, err = run("explain", typed)
    assert (status, out) == (ExitStatus.USAGE, "")
    assert f"hint: did you mean: tlsresume explain {meant}\n" in err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("session id context uninitialized", "no-session-id-context"),
        ("s_client -reconnect", "captured-too-early"),
        ("IDs assigned but not accepted", "never-honoured"),
        ("unexpected eof while reading", "marked-not-resumable"),
        ("Application Load Balancer", "cache-miss"),
        ("openssl#10714", "captured-too-early"),
    ],
)
def test_words_of_other_tools_lead_to_their_page(run, words, code):
    """Who comes with a line of a log finds the page that tells what it means."""
    status, _, err = run("explain", words)
    assert status == ExitStatus.USAGE
    assert f"hint: these words are in: tlsresume explain {code}\n" in err


def test_a_code_like_none_has_no_suggestion(run):
    """What resembles no code is answered with the way to the list only."""
    status, _, err = run("explain", "zzzzzzzz")
    assert status == ExitStatus.USAGE
    assert "did you mean" not in err
    assert "hint: all codes: tlsresume explain\n" in err


def test_pages_are_json_too(run):
    """`--format json` gives one document: the one page, or all of them."""
    status, out, _ = run("explain", "single-use", "--format", "json")
    (page,) = json.loads(out)["explanations"]
    assert status == ExitStatus.OK
    assert (page["code"], page["severity"], page["group"]) == ("single-use", "info", "D")
    everything = json.loads(run("explain", "--format", "json")[1])["explanations"]
    assert [page["code"] for page in everything] == list(PAGES)

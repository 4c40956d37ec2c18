"""The table of rules: each code from its own evidence, and from no other's."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from tests.helpers.canned_lab import mint
from tests.helpers.causes import ROWS, Row
from tests.helpers.evidence import STATEFUL, Story
from tests.helpers.rows import assert_complete, each_row
from tlsresume import findings
from tlsresume.evidence.observation import Ticket
from tlsresume.evidence.summary import summarise_address
from tlsresume.experiments.ladder import EXPERIMENTS
from tlsresume.findings.catalogue import IMPOSSIBLE, RULES
from tlsresume.findings.judge import causes, judge, matches, named, wanted
from tlsresume.findings.rules import registered
from tlsresume.findings.view import View
from tlsresume.results.connection import Mechanism

CAUSES = "ABC"

#: Codes by group that have evidence of each mechanism; a new one may be added, and need not be.
CATALOGUE = {
    "A": (
        "file-unreadable",
        "captured-too-early",
        "not-issued",
        "expired-at-client",
        "version-not-allowed",
        "client-ticket-off",
        "lifetime-zero",
    ),
    "B": (
        "other-ticket-key",
        "cache-miss",
        "expired-at-server",
        "consumed",
        "hash-mismatch",
        "context-changed",
        "name-changed",
        "version-changed",
        "never-honoured",
        "unclean-close",
        "ems-upgraded",
        "other-terminator",
        "mechanism-removed",
        "mixed-ticket-pool",
    ),
    "C": (
        "no-session-id-context",
        "aged-ticket-alert",
        "wrong-binder",
        "cipher-removed",
        "ems-dropped",
        "wrong-secret",
        "cross-name-refused",
        "ems-changed",
        "mixed-version-pool",
        "dies-on-session",
    ),
    "D": (
        "session-id-changed",
        "ticket-renewed",
        "resumed-by-id",
        "resumed-then-refused",
        "resumption-not-verified",
        "early-data-rejected",
        "hello-retry",
        "single-use",
    ),
}
#: Causes that other clients meet, and this one cannot.
IMPOSSIBLE_HERE = {"marked-not-resumable", "context-mismatch", "already-used"}
#: What no client can prove is only ever a candidate.
ONLY_CANDIDATE = "server-policy"

BY_CODE = {rule.code: rule for rule in RULES}
GROUP = {rule.code: rule.group for rule in RULES}


@cache
def view_of(row: Row) -> View:
    """Derived once for all promises: the evidence of a row is not changed by looking at it."""
    return row.story().view()


@each_row("row", ROWS, ids=str)
def test_evidence_names_its_cause_and_no_other(row: Row) -> None:
    """From the evidence of one code exactly that code is named, and beside it only what the
    row says."""
    found = {finding.code for finding in judge([view_of(row)])}
    assert found == {row.code} | row.aside


@each_row("row", [r for r in ROWS if GROUP.get(r.code, "D") in CAUSES], ids=str)
def test_a_cause_is_proven_or_leaves_candidates(row: Row) -> None:
    """A cause that is not proven names what else may be; one that is names no rule that
    fits as well as a candidate."""
    view = view_of(row)
    (match,) = [j.match for j in matches(view) if j.rule.code == row.code]
    chosen = named(view)
    assert match.aside if chosen is None else chosen.match == match
    (finding,) = [f for f in judge([view]) if f.code == row.code]
    assert match.proven or finding.candidates or finding.not_known
    assert finding.evidence, "nothing was seen"


@each_row("row", ROWS, ids=str)
def test_no_more_is_asked_for(row: Row) -> None:
    """The evidence of each row is whole: no experiment is wanted any more."""
    assert wanted(view_of(row)) == ()


@each_row("row", ROWS, ids=str)
def test_a_rule_stays_silent_on_the_evidence_of_others(row: Row) -> None:
    """No rule claims to be proven by another code's evidence, unless that code comes first."""
    order = {r.code: n for n, r in enumerate(RULES)}
    for code, match in ((j.rule.code, j.match) for j in matches(view_of(row))):
        if row.code == code or code in row.aside:
            continue
        if row.code == "single-use" and GROUP[code] == "B":
            continue  # the refused half of right behaviour: no cause is named beside it
        assert GROUP[code] in CAUSES, code
        assert not match.proven or order[code] > order[row.code], code


@pytest.mark.parametrize("group", CATALOGUE)
def test_every_code_of_the_catalogue_is_a_rule(group: str) -> None:
    """Each code named here is a rule of that group, with rows for its mechanisms."""
    for code in CATALOGUE[group]:
        assert GROUP[code] == group
        told = {row.mechanism for row in ROWS if row.code == code}
        where = f"tests/helpers/causes.py, @row({code!r}, ...)"
        assert_complete(told, BY_CODE[code].mechanisms, where)


def test_every_rule_of_a_cause_has_rows() -> None:
    """No rule of groups A to D is without evidence, also those beyond the catalogue."""
    told = {row.code for row in ROWS}
    wanted = {rule.code for rule in RULES if rule.group in "ABCD"}
    assert_complete(told, wanted, "tests/helpers/causes.py, a function with @row(CODE, ...)")


def test_every_module_with_rules_is_in_the_order() -> None:
    """No rule stands in a module that the catalogue does not ask."""
    for module in pkgutil.iter_modules(findings.__path__, f"{findings.__name__}."):
        importlib.import_module(module.name)
    homes = {rule.home for rule in RULES}
    wanted = {rule.home for rule in registered()}
    assert_complete(homes, wanted, "tlsresume/findings/catalogue.py, _ORDER")


def test_what_no_client_can_prove_is_only_a_candidate() -> None:
    """`server-policy` is no rule, and is named as a candidate."""
    assert ONLY_CANDIDATE not in BY_CODE
    story = Story("ticket").full().resumed().declined().retry("RRNRR")
    (finding,) = judge([story.view()])
    assert any(candidate.startswith(ONLY_CANDIDATE) for candidate in finding.candidates)


def test_ids_of_a_server_that_asks_for_certificates() -> None:
    """Where OpenSSL asks for client certificates and has no session id context it keeps no
    session: IDs that are never honoured may be due to that; elsewhere it is not named."""
    for asked in (True, False):
        story = Story("session-id").keep(Story("session-id").session(age=5))
        story.declined(experiment="resume", series="resume", certificate_requested=asked)
        for _ in range(5):
            story.full("retry", certificate_requested=asked)
            story.declined(story.journal[-1].sessions[-1], "retry", "at-once")
        (finding,) = judge([story.view()])
        assert finding.code == "never-honoured"
        named = any(each.startswith("no-session-id-context") for each in finding.candidates)
        assert named is asked


@pytest.mark.parametrize("mechanism", ["session-id", "ticket", "psk"])
def test_an_id_does_not_show_who_made_it(mechanism) -> None:
    """Another certificate and a session ID that is declined: another device may answer. Tickets
    show that by their form, and have a rule for it."""
    (told,) = (
        row for row in ROWS if (row.name, row.mechanism) == ("renewed-certificate", mechanism)
    )
    (finding,) = judge([told.story().view()])
    other = any(each.startswith("other-terminator") for each in finding.candidates)
    assert other is (mechanism == "session-id")


def test_what_cannot_happen_here_has_a_page_and_no_rule() -> None:
    """Causes that this tool's design excludes are explained, and are never a finding."""
    assert {each.code for each in IMPOSSIBLE} == IMPOSSIBLE_HERE
    assert not IMPOSSIBLE_HERE & set(BY_CODE)
    for each in IMPOSSIBLE:
        assert all((each.title, each.cause, each.advice, each.why_not_here, each.sources))


@each_row("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_has_a_page(rule) -> None:
    """A code is a slug; title, cause and advice are sentences of printable ASCII; there are
    sources."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.code)
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.cause.endswith(".")
    assert rule.advice.endswith((".", ")."))
    assert rule.sources
    for text in (rule.title, rule.cause, rule.advice, *rule.directives, *rule.sources):
        assert re.fullmatch(r"[ -~]+", text)
        assert "  " not in text
    assert rule.mechanisms
    assert rule.severity in ("info", "warning", "error")


def test_codes_and_titles_are_unique() -> None:
    """No code and no title is used twice."""
    codes = [rule.code for rule in RULES] + [each.code for each in IMPOSSIBLE]
    titles = [rule.title for rule in RULES] + [each.title for each in IMPOSSIBLE]
    assert [c for c, n in Counter(codes).items() if n > 1] == []
    assert [t for t, n in Counter(titles).items() if n > 1] == []


@each_row("row", ROWS, ids=str)
def test_candidates_and_experiments_exist(row: Row) -> None:
    """What a match asks for is an experiment; a candidate that looks like a code is one."""
    for judged in matches(view_of(row)):
        assert set(judged.match.ask) <= set(EXPERIMENTS)
        for candidate in judged.match.candidates:
            word = candidate.split(" ")[0].split(":")[0]
            if "-" in word:
                assert word in {*BY_CODE, ONLY_CANDIDATE}, candidate


def test_a_key_is_another_also_where_the_refusal_brings_no_ticket() -> None:
    """The fresh tickets' name is compared where the declining handshake renewed nothing."""
    story = Story("ticket")
    story.keep(story.session("old", age=60))
    story.declined(experiment="resume", series="resume", key=None)
    (finding,) = judge([story.retry(key="new").view()])
    assert finding.title == "the ticket key is not the session's any more"
    assert not finding.candidates


def test_young_sessions_without_key_names_are_not_laid_to_nodes() -> None:
    """One node that was restarted is not called several, where no name can tell."""
    story = Story("ticket")
    story.keep(story.session("", age=60))
    story.declined(experiment="resume", series="resume", key="")
    (finding,) = judge([story.retry(key="").view()])
    assert "nodes" not in finding.title
    assert "may not be" in finding.title
    assert finding.candidates


def test_a_short_handle_is_an_entry_of_a_cache() -> None:
    """Stateful tickets of 16 bytes, as of Erlang, that are refused after a restart: the cache
    has lost them, and no ticket key is blamed."""
    story = Story("psk")
    story.keep(mint("psk", bytes(range(16)), story.now - 60))
    again = b"0123456789abcdef"
    for n in range(3):
        fresh = Ticket(again[n:] + again[:n], 7200, 3.0)
        story.declined(experiment="resume", series="resume", key=None, tickets=(fresh,))
    codes = {judged.rule.code for judged in causes(story.view())}
    assert "cache-miss" in codes
    assert "other-ticket-key" not in codes


@each_row("mechanism", ["psk", "session-id"])
@each_row(
    "order, told",
    [("RRRRRNNNNN", True), ("RNNNN", False), ("RRNNN", False), ("RRRNRNNNNN", False)],
)
def test_a_cache_that_lost_the_session_is_told_from_separate_caches(
    mechanism: Mechanism, order: str, told: bool
) -> None:
    """One session accepted each time and then never again was lost; where luck may have made
    the order, or the answers are mixed, nodes and workers stay in question."""
    story = Story(mechanism).full(key=STATEFUL)
    first = story._latest()
    for answer in order:
        story = story.resumed(first) if answer == "R" else story.declined(first, key=STATEFUL)
    story.full("retry", key=STATEFUL)
    story.resumed(story.journal[-1].sessions[-1], "retry", "at-once")
    (finding,) = [f for f in judge([story.view()]) if f.code == "cache-miss"]
    assert ("meanwhile" in finding.title) is told
    assert any("pushed it out" in each for each in finding.candidates) is told
    assert any("nodes or workers" in each for each in finding.not_known) is not told


@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_the_key_of_another_name_is_no_second_key(mechanism: Mechanism) -> None:
    """--cross-name reaches what may be another server: its key is none of the target's, neither
    in the summary nor for the rules."""
    story = Story(mechanism).full().resumed().resumed().full("cross-name")
    other = replace(story.config, server_name="other.test", verify_name="other.test")
    story.declined(story.journal[-1].sessions[-1], "cross-name", "offer", key="b", config=other)
    story.full("cross-name", "control", key="b", config=other)
    view = story.view()
    assert len(set(view.keys_in_order)) == 1
    summary = summarise_address(view.address, view.port, story.evidence)
    (row,) = summary.mechanisms
    assert row.tickets is not None
    assert len(row.tickets.key_names) == 1


@pytest.mark.parametrize(("beside", "words"), [(False, "1 while no other"), (True, "a limit on")])
def test_connections_that_break_are_counted(beside: bool, words: str) -> None:
    """What breaks while nothing else of ours is open is no matter of how many there are at a
    time, and is told from what breaks in company. Neither touches the verdict."""
    story = Story("psk").full().resumed().resumed().broke_at_first(beside=beside).resumed()
    (finding,) = judge([story.view()])
    assert (finding.code, finding.severity) == ("connections-break", "info")
    (line,) = finding.evidence
    assert line.startswith("1 of 5 connections broke: closed; ")
    assert words in line


def test_what_breaks_again_is_no_chance() -> None:
    """A connection that breaks with the session each time is for the rules of group C."""
    story = Story("psk").full().broken(kind="closed").broken(kind="closed")
    assert "connections-break" not in {finding.code for finding in judge([story.view()])}

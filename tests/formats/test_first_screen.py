"""The first screen: 24 rows of 80 columns for each kind of result, and one line each for many."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.golden import cases
from tests.helpers.causes import ROWS
from tests.helpers.rows import each_row
from tlsresume.findings.catalogue import RULES
from tlsresume.findings.judge import judge
from tlsresume.formats import text
from tlsresume.formats.causes_text import put_causes
from tlsresume.formats.folding_text import folded, keys_sentence
from tlsresume.formats.page import UNWRAPPED, Page, View, cut
from tlsresume.formats.session_text import render_resume
from tlsresume.policy.exit_status import decided
from tlsresume.results.judged import Change, Check, Finding
from tlsresume.results.measured import AddressResult, KeyName, Series, Skipped
from tlsresume.results.report import TargetResult

SCREEN = View(width=80)
#: Rows of a terminal without that of the shell's next prompt.
ROWS_SHOWN = 23

STUCK = cases.psk("EEE", "EEE", state="not-resumed", tries_asked=5)


def many_addresses(count: int, *, own_keys: bool = False) -> tuple[AddressResult, ...]:
    """Addresses that resume; the fourth, or each, with a ticket key of its own."""
    found = []
    for n in range(1, count + 1):
        name = f"{n:032x}" if own_keys else cases.KEY_B if n == 4 else cases.KEY_A
        row = cases.psk("RRRRR", "RRRRR", tickets=cases.tickets(KeyName(name, 12)))
        found.append(cases.address(f"127.0.0.{n}", row))
    return tuple(found)


def with_findings(*findings: Finding) -> TargetResult:
    return replace(cases.PARTLY, findings=findings)


DEMANDS = tuple(
    Check(demand=f"max-lifetime={n}h", kind="limit", outcome="broken", message="live " * 30)
    for n in range(12)
)
CHANGES = tuple(
    Change(what=f"thing {n}", before="good " * 20, after="bad " * 20, worse=True) for n in range(12)
)

#: Each kind of result that one target can have.
KINDS: dict[str, TargetResult] = {
    "resumes": cases.GOOD,
    "partly": cases.PARTLY,
    "breaks off": cases.BROKEN,
    "not reachable": cases.UNREACHABLE,
    "no address": cases.UNRESOLVED,
    "hostile": cases.HOSTILE_TARGET,
    "silent": replace(cases.GOOD, addresses=(cases.address("192.0.2.1", STUCK),)),
    "ten addresses": replace(cases.GOOD, addresses=many_addresses(10)),
    "ten keys": replace(cases.PARTLY, addresses=many_addresses(10, own_keys=True)),
    "ten unlike addresses": replace(
        cases.PARTLY,
        addresses=tuple(
            replace(
                each,
                mechanisms=(
                    replace(each.mechanisms[0], fixed=Series.count("R" * n + "N"), state="partly"),
                    cases.ticket("R" * n, "R", reason=f"reason {n}"),
                ),
            )
            for n, each in enumerate(many_addresses(10), 1)
        ),
    ),
    "many findings": with_findings(
        *(replace(cases.FINDING, code=f"code-{n}", evidence=("seen " * 60,)) for n in range(12))
    ),
    "much left out": replace(
        cases.PARTLY, skipped=tuple(Skipped(f"part {n}", "for a reason " * 20) for n in range(30))
    ),
    "many demands": replace(cases.PARTLY, checks=DEMANDS),
    "much worse": replace(cases.PARTLY, checks=DEMANDS[:2], changes=CHANGES),
}


def screen(target: TargetResult, view: View = SCREEN) -> str:
    """All that a run of one target prints."""
    report = decided(cases.report(target))
    if target.checks:
        report = replace(report, policy="a policy")
    if target.changes:
        report = replace(report, baseline="before.json")
    return text.render(report, view) + text.summary(report, view)


def size(printed: str) -> tuple[int, int]:
    """Rows and columns, escape sequences left aside."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", printed).splitlines()
    return len(lines), max(map(len, lines))


@each_row("kind", KINDS)
def test_each_kind_of_result_fits_a_screen(kind):
    """In colour and without, one target takes 24 rows of 80 columns at most; its first row has
    the verdict, its last ones decide."""
    plain = screen(KINDS[kind])
    coloured = screen(KINDS[kind], SCREEN._replace(colour="standard"))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    rows, columns = size(plain)
    if kind != "hostile":  # words without a space are never broken
        assert columns <= 80
    assert rows <= ROWS_SHOWN, plain
    first, *_, last = plain.splitlines()
    assert KINDS[kind].target in first
    assert KINDS[kind].verdict.upper() in first
    whole = " ".join(plain.split())
    assert re.search(r"(OK: |FAIL \(exit \d\): |INTERRUPTED \(exit 130\): )", whole)
    assert last


def test_each_cause_takes_three_lines():
    """Whatever is found, of real evidence: what it is, what decides, what to do; no more."""
    known = {row.code: row for row in ROWS}
    for code, row in known.items():
        findings = [each for each in judge([row.story().view()]) if each.code == code]
        page = Page(SCREEN)
        put_causes(page, findings, ())
        lines = page.render().splitlines()
        shown = [line for line in lines if not line.startswith(("More: ", "beside "))]
        assert len(shown) <= 3, lines
        assert all(len(line) <= 80 for line in lines), lines
        assert f"explain {code}" in page.render() or not lines


def test_one_cause_of_two_mechanisms_is_told_once():
    """Psk and ticket with the same cause have one title and one line of evidence; the report
    keeps both findings."""
    both = with_findings(
        replace(cases.FINDING, mechanisms=("psk",)),
        replace(cases.FINDING, mechanism="ticket", mechanisms=("ticket",)),
    )
    printed = screen(both)
    assert printed.count("error  other-ticket-key: ") == 1
    assert printed.count("key 3f9a41c0 on 24 connections") == 1
    assert len(both.findings) == 2
    assert screen(both, SCREEN._replace(verbose=True)).count("error other-ticket-key: ") == 2


def test_the_setting_of_recognised_software_is_the_third_line():
    """Where the settings of one software are left, the first is shown; where nothing was
    recognised, what to do, or the command that explains it."""
    every = next(rule for rule in RULES if rule.code == "other-ticket-key").directives
    nginx = tuple(line for line in every if line.startswith("nginx"))
    known = replace(cases.FINDING, directives=nginx)
    assert f"       {nginx[0]}: same key file on every node; rotate ...\n" in screen(
        with_findings(known)
    )
    unknown = replace(cases.FINDING, directives=every)
    assert not any(line in screen(with_findings(unknown)) for line in every)
    assert "       same key file on every node; rotate together\n" in screen(with_findings(unknown))
    second = replace(unknown, code="cache-miss", advice="much to do " * 20)
    assert "       tlsresume explain cache-miss\n" in screen(with_findings(unknown, second))


def test_tries_made_are_told_of_tries_asked():
    """A series that was ended early says so beside its number."""
    assert "0/3 of 5" in screen(KINDS["silent"])
    whole = cases.psk("EEEEE", "EEEEE", state="not-resumed", tries_asked=5)
    target = replace(cases.GOOD, addresses=(cases.address("192.0.2.1", whole),))
    assert "0/5 " in screen(target)
    assert "of 5 " not in screen(target)


def test_addresses_that_are_alike_are_one_block():
    """Ten addresses have one table, and a sentence names the one with another key."""
    printed = screen(KINDS["ten addresses"])
    assert printed.count("same session") == 1
    assert "127.0.0.1, .2, .3, .4, .5, .6, .7, .8, .9, .10\n" in printed
    assert "127.0.0.4 uses another ticket key than the other nine.\n" in printed
    assert "Each of the ten addresses uses a ticket key of its own." in screen(KINDS["ten keys"])


def test_the_odd_key_is_told_in_words():
    """Who differs is named, by as few names as there are; alike addresses have no sentence."""
    three = many_addresses(5)
    assert keys_sentence(three[:3]) == ""
    assert keys_sentence(three[2:4]) == "127.0.0.3 and .4 use different ticket keys."
    assert keys_sentence((*three[:4], replace(three[3], address="127.0.0.9"))) == (
        "127.0.0.4 and .9 use another ticket key than the other three."
    )
    mixed = cases.psk("RN", "RN", tickets=cases.tickets(*cases.TWO_KEYS))
    both = cases.address("127.0.0.7", mixed)
    assert keys_sentence((*three[:2], both)) == (
        "Ticket key names differ: 127.0.0.1, .2 3f9a41c0; 127.0.0.7 3f9a41c0, 9a07be11."
    )


def test_addresses_are_written_in_short():
    """Each address that begins as the one before is written by its end; many are counted."""
    assert folded(["127.0.0.1", "127.0.0.2", "10.0.0.3"]) == "127.0.0.1, .2, 10.0.0.3"
    assert folded(["2001:db8::1:20", "2001:db8::1:21"]) == "2001:db8::1:20, :21"
    assert folded(["192.0.2.1", "2001:db8::1"]) == "192.0.2.1, 2001:db8::1"
    assert folded(["/run/a.sock", "/run/b.sock"]) == "/run/a.sock, /run/b.sock"
    assert folded(f"10.0.0.{n}" for n in range(40)).endswith(", .11, and 28 more")


def test_many_targets_have_a_line_each_the_worst_first():
    """What breaks comes before what does not resume, and that before what was not reached;
    each line has the verdict, the time and the cause."""
    breaking = replace(KINDS["silent"], target="mail.example.com:25", verdict="does-not-resume")
    targets = (cases.GOOD, cases.UNRESOLVED, cases.PARTLY, breaking)
    report = decided(cases.report(*targets))
    many = SCREEN._replace(many=True)
    assert text.render(replace(report, targets=targets[:1]), many) == ""
    lines = text.summary(report, many).splitlines()
    assert lines[0] == "4 targets: 1 resumes, 1 partly, 1 does-not-resume, 1 untested"
    assert [line.split()[0] for line in lines[1:5]] == [
        each.target for each in (breaking, cases.PARTLY, cases.UNRESOLVED, cases.GOOD)
    ]
    assert lines[2].split()[1:4] == ["PARTLY", "3.0", "s"]
    assert "other-ticket-key: " in lines[2]
    assert "nowhere.invalid has no address" in lines[3]
    assert lines[-2].startswith("FAIL (exit 6): ")
    assert text.render(report, many._replace(verbose=True)).startswith("example.com:443  RESUMES")


@pytest.mark.parametrize("bad", [0, 3, 60])
def test_a_hundred_targets_fit_a_screen(bad):
    """Targets that are as asked are counted where a line each has no room; the worst are shown."""
    good = [replace(cases.GOOD, target=f"{n}.example.com:443") for n in range(100)]
    broken = [replace(cases.PARTLY, target=f"bad{n}.example.com:443") for n in range(bad)]
    printed = text.summary(decided(cases.report(*good, *broken)), SCREEN._replace(many=True))
    rows, columns = size(printed)
    assert rows <= ROWS_SHOWN
    assert columns <= 80
    assert "targets as asked\n" in printed
    assert printed.count("PARTLY") == min(bad, 15)
    piped = text.summary(decided(cases.report(*good, *broken)), View(many=True))
    assert piped.count("\n") >= 100 + bad


def test_a_pipe_gets_whole_lines():
    """What goes into a pipe is not wrapped, not cut, and not limited to the rows of a screen."""
    view = View()
    assert not view.wraps
    assert view.width == UNWRAPPED
    printed = screen(KINDS["many findings"], view)
    assert printed.count("error  code-") == 12
    assert " ..." not in printed
    assert printed.splitlines()[-1].startswith("FAIL (exit 3): ")


def test_cuts_end_between_words():
    """A text is cut where a word ends, with dots; one that fits is left alone."""
    assert cut("one two three", 13) == "one two three"
    assert cut("one two three", 12) == "one two ..."
    assert cut("one, two three", 9) == "one ..."
    assert cut("abcdefghijkl", 8) == "abcde..."


@each_row("case", cases.RESUMES)
def test_a_resume_fits_a_screen(case):
    """What became of a saved session takes 22 rows at most; its first line has Reused or New,
    its last ones decide, and what was left out is there with -v."""
    result = replace(cases.RESUMES[case], exit_status=3, why="the session was not reused")
    found = replace(cases.FINDING, evidence=("seen " * 30,) * 5)
    result = replace(result, findings=(found,), notes=result.notes + ("a note",) * 3)
    printed = render_resume(result, SCREEN)
    if case != "hostile":
        assert size(printed)[0] <= 22, printed
    if not result.each_address and case not in ("failed", "no-reason", "hostile"):
        assert printed.startswith(("Reused, ", "New, "))
    assert printed.splitlines()[-1].startswith("FAIL (exit 3): ")
    whole = render_resume(result, SCREEN._replace(verbose=True))
    assert "traffic" not in printed or "traffic" in whole
    assert "More: -v" not in whole

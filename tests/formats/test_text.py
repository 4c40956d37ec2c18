"""Golden texts of every format of every case, and what no text may ever hold."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.golden import cases, check
from tests.helpers.rows import each_row
from tlsresume.formats import FORMATS, text
from tlsresume.formats.address_text import put_address
from tlsresume.formats.attempts import put_attempts
from tlsresume.formats.page import Page, View
from tlsresume.formats.session_text import render_resume, render_save
from tlsresume.results.measured import KeyName, Series

NARROW = View(width=80)
LOUD = View(width=80, verbose=True)


def whole_run(name: str, report, view: View) -> str:
    """What a run prints, in a format that speaks per run or per target."""
    form = FORMATS[name]
    view = view._replace(many=len(report.targets) > 1)
    if form.per == "run":
        return form.renderer()(report, view)
    parts = [form.renderer()(replace(report, targets=(each,)), view) for each in report.targets]
    parts = [part for part in parts if part]
    summary = form.summary()
    return form.between.join(parts) + (summary(report, view) if summary else "")


@each_row("case", cases.REPORTS)
@each_row("name", ["text", "json"])
def test_a_report_reads_as_agreed(name, case):
    """Each format prints each known report as its golden file says."""
    ending = "json" if FORMATS[name].document else "txt"
    check(f"probe-{case}.{ending}", whole_run(name, cases.REPORTS[case], NARROW))


def test_verbose_lists_every_attempt():
    """With -v each attempt has a line that can be found in a balancer's log."""
    check("probe-partly-verbose.txt", text.render(cases.REPORTS["partly"], LOUD))


@pytest.mark.parametrize("case", cases.SAVES)
def test_a_save_reads_as_agreed(case):
    """What save tells is as its golden file says."""
    check(f"save-{case}.txt", render_save(cases.SAVES[case], NARROW))


@each_row("case", cases.RESUMES)
def test_a_resume_reads_as_agreed(case):
    """What resume tells is as its golden file says."""
    check(f"resume-{case}.txt", render_resume(cases.RESUMES[case], NARROW))


def every_text(view: View) -> list[str]:
    return [
        *(whole_run("text", report, view) for report in cases.REPORTS.values()),
        *(render_save(result, view) for result in cases.SAVES.values()),
        *(render_resume(result, view) for result in cases.RESUMES.values()),
    ]


def test_no_text_can_steer_a_terminal():
    """Whatever a server says, a plain text holds visible characters, spaces and line ends only."""
    for printed in every_text(LOUD):
        assert all(letter.isprintable() or letter == "\n" for letter in printed)
        assert "error: faked line" not in [line.strip() for line in printed.splitlines()]


def test_colour_adds_only_colour():
    """In colour every text says the same; the only escape sequences are colours of ours."""
    for plain, coloured in zip(
        every_text(LOUD), every_text(LOUD._replace(colour="standard")), strict=True
    ):
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_markup_in_data_is_data():
    """Names that look like rich's markup or emoji codes are printed as they are."""
    printed = whole_run("text", cases.REPORTS["hostile"], LOUD._replace(colour="truecolor"))
    assert "[bold]x[/bold] :smile:" in printed


@pytest.mark.parametrize("result", [cases.REUSED, cases.RESUMES["disagreement"]])
def test_a_resumed_connection_is_never_called_verified(result):
    """No resumed connection's certificate is said to be verified, whatever was stored."""
    good = replace(result.verification, code=0, message="ok")
    printed = render_resume(replace(result, verification=good), NARROW)
    assert "from the saved session, not sent by the server now" in printed
    assert not re.search(r"(?<!nothing was) verified", printed)


def test_the_first_line_of_a_resume_is_that_of_s_client():
    """The first line begins with Reused or New and the TLS version."""
    assert render_resume(cases.REUSED, NARROW).startswith("Reused, TLSv1.3, ")
    assert render_resume(cases.NEW, NARROW).startswith("New, TLSv1.3, ")


@pytest.mark.parametrize("case", ["good", "partly", "mixed", "unreachable"])
def test_the_screen_fits_into_80_columns(case):
    """At 80 columns no line of the first screen is wider."""
    printed = whole_run("text", cases.REPORTS[case], NARROW)
    assert max(len(line) for line in printed.splitlines()) <= 80


def test_long_orders_are_shortened():
    """A thousand tries do not print a thousand letters."""
    many = cases.psk("RN" * 500, "R" * 1000, state="partly")
    target = replace(cases.GOOD, addresses=(cases.address("192.0.2.1", many),))
    for view in (NARROW, LOUD):
        printed = text.render(cases.report(target), view)
        assert "500/1000" in printed
        assert "(the first 50 of 1000)" in " ".join(printed.split())


def test_many_keys_are_counted():
    """A server with a key for each connection does not fill the screen; -v shows them all."""
    row = cases.psk("RN", "RN", state="partly")
    assert row.tickets is not None
    names = tuple(KeyName(f"{n:032x}", 1) for n in range(12))
    row = replace(row, tickets=replace(row.tickets, key_names=names))
    target = replace(cases.GOOD, addresses=(cases.address("192.0.2.1", row),))
    assert "12 names\n" in text.render(cases.report(target), NARROW)
    assert text.render(cases.report(target), LOUD).count(" on 1 connection") == 12


def test_an_unknown_subject_is_said():
    """A certificate without a subject is named as such."""
    nameless = replace(cases.CERTIFICATE, subject="", verify_code=18, verify_message="self-signed")
    target = replace(cases.GOOD, addresses=(cases.address("192.0.2.1", certificate=nameless),))
    assert "(no subject)" in text.render(cases.report(target), NARROW)


def test_a_session_known_at_times_is_not_one_node():
    """Where any mechanism is accepted at times only, nothing is called one node."""
    good = cases.REPORTS["good"].targets[0]
    at_times = replace(good.addresses[0].mechanisms[-1], judged=False, fixed=Series.count("RNNRN"))
    address = replace(good.addresses[0], mechanisms=(*good.addresses[0].mechanisms[:-1], at_times))
    page = Page(View())
    put_address(page, good.addresses[0])
    assert "one node" in page.render()
    page = Page(View())
    put_address(page, address)
    assert "one node" not in page.render()


def test_a_version_that_is_not_spoken_has_a_row():
    """A reader who misses TLS 1.3 in the table is told why."""
    page = Page(View())
    put_address(page, replace(cases.REPORTS["good"].targets[0].addresses[0], unspoken=("TLSv1.3",)))
    assert "  TLS 1.3             not spoken here\n" in page.render()


def test_a_data_connection_is_listed_with_its_own_port():
    """The line of an attempt names the port that it went to."""
    page = Page(View())
    put_attempts(page, (replace(cases.ATTEMPTS[1], port=50021), cases.ATTEMPTS[1]), "192.0.2.1", 21)
    first, second = page.render().splitlines()
    assert "to 192.0.2.1:50021" in first
    assert "to 192.0.2.1:21 " in second

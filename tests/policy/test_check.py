"""Demands held against results: each demand, met, broken, and not to be told."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from tests.golden import cases
from tests.helpers.rows import each_row
from tlsresume.formats import FORMATS
from tlsresume.formats.checks import title
from tlsresume.formats.page import View
from tlsresume.policy import exit_status
from tlsresume.policy.baseline import compare
from tlsresume.policy.check import check_target
from tlsresume.policy.demands import Asked, Demands
from tlsresume.policy.judge import Judge
from tlsresume.policy.reading import parse_policy
from tlsresume.results.judged import Check
from tlsresume.results.measured import KeyName, Skipped

A, B = KeyName(cases.KEY_A, 3), KeyName(cases.KEY_B, 3)


def target(*mechanisms, **fields):
    tried = tuple(
        cases.row(number, mechanism=name)
        for number, name in enumerate(("psk", "ticket", "session-id"), 1)
    )
    one = cases.address("192.0.2.1", *mechanisms, attempts=tried, **fields)
    return replace(cases.GOOD, addresses=(one,), skipped=())


GOOD = target(cases.psk("RRR", "RRR"), cases.ticket("RRR", "RRR"), cases.session_id("RRR", "RRR"))
ONLY_12 = target(cases.ticket("RRR", "RRR"), tls_versions=("TLSv1.2",))
NO_TICKETS = target(cases.session_id("RRR", "RRR"), tls_versions=("TLSv1.2",))


def life(seconds: int, **fields):
    return target(cases.psk("RRR", "RRR", tickets=cases.tickets(A, lifetime=seconds, **fields)))


NOT_STATED = target(cases.ticket("RRR", "RRR", tickets=cases.tickets(A, lifetime=0, count=1)))
EARLY = life(7200, max_early_data=16384)
TWO_KEYS = target(cases.psk("RRR", "RRR", tickets=cases.tickets(A, B)))
HIDDEN = target(cases.psk("RRR", "RRR", tickets=cases.tickets()))
STATEFUL = target(cases.psk("RRR", "RRR", tickets=cases.tickets(stateful=True)))
SINGLE_USE = target(cases.psk("NNN", "RRR", reason="single-use: a ticket is accepted once"))
BAD_CERTIFICATE = target(
    cases.psk("RRR", "RRR"),
    certificate=replace(cases.CERTIFICATE, verify_code=10, verify_message="expired"),
)
NO_CERTIFICATE = target(cases.psk("RRR", "RRR"), certificate=None)
SILENT_13 = replace(
    ONLY_12,
    skipped=(Skipped("TLSv1.3 on 192.0.2.1", "timeout", "in-doubt", "192.0.2.1", "TLSv1.3"),),
)
NOT_TRIED = replace(
    ONLY_12,
    addresses=(replace(ONLY_12.addresses[0], attempts=(cases.row(1, mechanism="ticket"),)),),
)

TABLE = (
    (GOOD, Demands(), {"met"}),
    (SINGLE_USE, Demands(), {"met"}),
    (SINGLE_USE, Demands(min_rate=1.0), {"met"}),
    (GOOD, Demands(expect={"psk": "resumed"}), {"met", "not-checked"}),
    (GOOD, Demands(expect={"psk": "not-resumed"}), {"broken", "not-checked"}),
    (ONLY_12, Demands(expect={"psk": "resumed"}), {"broken", "not-checked"}),
    (ONLY_12, Demands(expect={"psk": "not-resumed"}), {"met", "not-checked"}),
    (SILENT_13, Demands(expect={"psk": "not-resumed"}), {"untestable", "not-checked"}),
    (NOT_TRIED, Demands(expect={"psk": "resumed"}), {"untestable", "not-checked"}),
    (life(3600), Demands(min_rate=1.0, max_lifetime="1h"), {"met"}),
    (life(3601), Demands(min_rate=1.0, max_lifetime="1h"), {"met", "broken"}),
    (life(0), Demands(min_rate=1.0, max_lifetime="1h"), {"met"}),
    (NOT_STATED, Demands(min_rate=1.0, max_lifetime="1h"), {"met", "untestable"}),
    (NO_TICKETS, Demands(max_lifetime="1h"), {"met", "untestable"}),
    (NO_TICKETS, Demands(min_lifetime="1h", min_rate=1.0), {"broken", "untestable"}),
    (life(300), Demands(min_lifetime="5m"), {"met"}),
    (life(299), Demands(min_lifetime="5m"), {"met", "broken"}),
    (GOOD, Demands(min_tickets=2), {"met"}),
    (GOOD, Demands(min_tickets=3), {"met", "broken"}),
    (ONLY_12, Demands(min_tickets=1), {"met", "broken"}),
    (EARLY, Demands(early_data="require"), {"met"}),
    (EARLY, Demands(early_data="forbid"), {"met", "broken"}),
    (GOOD, Demands(early_data="require"), {"met", "broken"}),
    (ONLY_12, Demands(early_data="require"), {"met", "broken"}),
    (ONLY_12, Demands(early_data="forbid"), {"met"}),
    (GOOD, Demands(max_ticket_keys=1), {"met"}),
    (TWO_KEYS, Demands(max_ticket_keys=1), {"met", "broken"}),
    (TWO_KEYS, Demands(max_ticket_keys=2), {"met"}),
    (HIDDEN, Demands(max_ticket_keys=1), {"met", "untestable"}),
    (STATEFUL, Demands(max_ticket_keys=1), {"met"}),
    (GOOD, Demands(require_valid_certificate=True), {"met"}),
    (BAD_CERTIFICATE, Demands(require_valid_certificate=True), {"met", "broken"}),
    (NO_CERTIFICATE, Demands(require_valid_certificate=True), {"met", "untestable"}),
    (cases.UNREACHABLE, Demands(max_ticket_keys=1, every_address=True), {"unreachable"}),
    (cases.UNRESOLVED, Demands(max_ticket_keys=1, every_address=True), {"unreachable"}),
)


@each_row("result, demands, outcomes", TABLE)
def test_each_demand(result, demands, outcomes):
    """Every demand comes out as met, broken, or not to be told, as the table says."""
    found = check_target(result, demands)
    assert {check.outcome for check in found} == outcomes, found


def test_unnamed_mechanisms_are_listed():
    """Mechanisms that no expectation names are listed as not checked."""
    found = check_target(GOOD, Demands(expect={"psk": "resumed"}))
    left = [check.demand for check in found if check.outcome == "not-checked"]
    assert left == ["ticket", "session-id"]


def test_a_rate_is_a_share_of_offers():
    """K of n offers meet a rate of exactly k/n, and no higher one."""
    result = target(cases.psk("RRRRN", "RRRRN", state="partly"))
    assert check_target(result, Demands(min_rate=0.8))[0].outcome == "met"
    assert check_target(result, Demands(min_rate=0.81))[0].outcome == "broken"
    expected = Demands(expect={"psk": "resumed"}, min_rate=0.8)
    assert check_target(result, expected)[0].outcome == "met"


def judge(text: str, **fields) -> Judge:
    return Judge(
        today=dt.date(2026, 2, 1), policy=parse_policy(text, "p.toml"), name="p.toml", **fields
    )


def test_findings_are_graded():
    """A finding's severity is the policy's; error breaks it, warning does not."""
    text = '[findings]\nother-ticket-key = "warning"\nsingle-use = "error"\n'
    report = judge(text).report(cases.report(cases.PARTLY))
    assert [finding.severity for finding in report.targets[0].findings] == ["warning", "error"]
    graded = {each.demand: each.severity for each in report.violations if each.demand != "resumes"}
    assert graded == {"other-ticket-key": "warning", "single-use": "error"}


def test_findings_on_all_targets_together_are_graded():
    """A finding that several targets show together breaks the policy as well."""
    report = replace(cases.report(GOOD), findings=(cases.FINDING,))
    graded = judge('[findings]\nother-ticket-key = "error"\n').report(report)
    assert [each.target for each in graded.violations] == ["all targets"]
    assert exit_status.exit_status(graded) == 3


def test_a_finding_that_is_not_there_is_met():
    """A graded finding is a demand: where it is absent, that is said."""
    report = judge('[findings]\nsingle-use = "error"\n').report(cases.report(GOOD))
    assert [check.outcome for check in report.targets[0].checks if check.kind == "finding"] == [
        "met"
    ]


def test_waivers_name_what_they_cover():
    """A waiver covers a demand by its key or whole, on the targets that it names only."""
    text = (
        "[defaults]\nmax-lifetime = 3600\n[[waivers]]\ntarget = 'example.com'\n"
        "demand = '{}'\nreason = 'soon'\nexpires = 2026-12-31\n"
    )
    for demand, outcome in (
        ("max-lifetime", "waived"), ("max-lifetime=1h", "waived"), ("*", "waived"),
        ("min-lifetime", "broken"),
    ):  # fmt: skip
        report = judge(text.format(demand)).report(cases.report(GOOD))
        limits = {check.outcome for check in report.targets[0].checks if check.kind == "limit"}
        assert limits == {outcome}
        assert bool(report.violations) == (outcome == "broken")
    other = replace(GOOD, target="other.test:443")
    assert judge(text.format("*")).report(cases.report(other)).violations


def test_a_check_says_its_mechanism_unless_its_demand_does():
    """A demand on a mechanism names it; a finding whose code begins with the same word does not."""
    for key, value, words in (
        ("ticket", "resumed", "ticket=resumed on 192.0.2.1"),
        ("ticket-key-weak", None, "ticket-key-weak on 192.0.2.1 ticket"),
        ("min-rate", "0.9", "min-rate=0.9 on 192.0.2.1 ticket"),
    ):
        check = Check(
            demand=Asked(key, value).text, key=key, kind="finding", outcome="broken", message="",
            address="192.0.2.1", mechanism="ticket",
        )  # fmt: skip
        assert title(check) == words


def test_a_judged_report_judged_again_is_the_same():
    """Judging is a function of the report and the demands, and can be repeated."""
    once = judge("[defaults]\nmax-lifetime = 3600\n").report(cases.report(GOOD, cases.PARTLY))
    assert judge("[defaults]\nmax-lifetime = 3600\n").report(once) == once


# -------------------------------------------------------------------- baseline


def words(old, new) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for change in compare(old, new):
        found[change.what] = found.get(change.what, False) or change.worse
    return found


def test_nothing_changed():
    """A result compared with itself has no change."""
    for each in (GOOD, cases.PARTLY, cases.UNREACHABLE, cases.BROKEN, cases.HOSTILE_TARGET):
        assert compare(each, each) == ()


@each_row(
    "old, new, what, worse",
    [
        (GOOD, replace(GOOD, verdict="partly"), "verdict", True),
        (replace(GOOD, verdict="partly"), GOOD, "verdict", False),
        (GOOD, target(cases.psk("NNN", "NNN", state="not-resumed")), "state", True),
        (target(cases.psk("NNN", "NNN", state="not-resumed")), GOOD, "state", False),
        (GOOD, BAD_CERTIFICATE, "certificate", True),
        (GOOD, TWO_KEYS, "ticket keys", True),
        (life(7200), life(300), "lifetime", False),
        (GOOD, EARLY, "early data", False),
        (GOOD, cases.UNREACHABLE, "error", True),
        (cases.UNREACHABLE, GOOD, "error", False),
        (GOOD, ONLY_12, "TLS versions", False),
        (
            target(cases.psk("R" * 40, "R" * 30 + "N" * 10, state="partly")),
            target(cases.psk("N" * 30 + "R" * 10, "N" * 40, state="partly")),
            "rate",
            True,
        ),
        (
            target(cases.psk("NNN", "NNN", state="not-resumed")),
            target(cases.psk("EEE", "EEE", state="not-resumed")),
            "refusal",
            True,
        ),
        (GOOD, replace(GOOD, findings=(cases.FINDING,)), "finding", True),
        (
            GOOD,
            replace(GOOD, findings=(replace(cases.FINDING, severity="info"),)),
            "finding",
            False,
        ),
    ],
)
def test_changes(old, new, what, worse):
    """Each kind of change is named, and called worse only if it is."""
    assert words(old, new)[what] is worse


def test_targets_that_a_run_left_out_are_named():
    """A list that lost a line must not look like a run in which all went well."""
    held = Judge(
        today=dt.date(2026, 1, 31),
        baseline=cases.report(GOOD, cases.PARTLY),
        baseline_name="old.json",
    )
    assert held.report(cases.report(cases.PARTLY)).missing == (GOOD.target,)
    assert held.report(cases.report(GOOD, cases.PARTLY)).missing == ()
    assert replace(held, baseline=None).report(cases.report(GOOD)).missing == ()


def test_a_target_that_the_baseline_lacks_is_new():
    """Of a new target nothing is known to be worse, and it is said that it is new."""
    held = Judge(today=dt.date(2026, 1, 31), baseline=cases.report(GOOD), baseline_name="old.json")
    (change,) = held.report(cases.report(cases.PARTLY)).targets[0].changes
    assert (change.what, change.after, change.worse) == ("target", "new", False)


@each_row("name", ["text", "json", "junit", "github", "markdown", "nagios", "html"])
def test_every_format_names_what_a_run_left_out(name):
    """Whoever reads only one report still learns it."""
    report = replace(cases.report(GOOD), missing=("gone.example:443",), baseline="old.json")
    form = FORMATS[name]
    show = form.summary() or form.renderer()
    assert "gone.example" in show(report, View())


def test_chance_is_no_change():
    """A rate that moved no more than chance allows is not reported."""
    old = target(cases.psk("RRRNR", "RRNRR", state="partly"))
    new = target(cases.psk("RRNNR", "RRNNR", state="partly"))
    assert compare(old, new) == ()


def test_addresses_that_come_and_go_are_named():
    """A new address and a missing one are changes, but no worse by themselves."""
    two = replace(
        GOOD, addresses=(*GOOD.addresses, replace(GOOD.addresses[0], address="192.0.2.2"))
    )
    assert words(GOOD, two) == {"address": False}
    assert words(two, GOOD) == {"address": False}

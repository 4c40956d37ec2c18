"""Unsafe or broken fails: what a finding does to the exit status, and how each format says so."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.golden import cases
from tests.helpers.commands import runner
from tests.helpers.rows import assert_complete
from tests.policy.test_exit_statuses import BREAKS, NOT, PARTLY, RESUMES
from tlsresume.cli import failing
from tlsresume.errors import ExitStatus
from tlsresume.findings.catalogue import RULES
from tlsresume.formats import FORMATS
from tlsresume.formats.page import View
from tlsresume.formats.reading import parse_report
from tlsresume.policy.demands import Demands
from tlsresume.policy.exit_status import decided
from tlsresume.policy.judge import Judge
from tlsresume.policy.names import FAIL_ON
from tlsresume.policy.plugin_state import PluginState, plugin_state
from tlsresume.policy.reading import builtin_policy, parse_policy
from tlsresume.policy.resume_status import ResumeDemands, decided_resume
from tlsresume.results.connection import Mechanism
from tlsresume.results.early_data import EarlyData
from tlsresume.results.judged import Finding
from tlsresume.results.report import Report, TargetResult
from tlsresume.runs import many_targets as scan

TODAY = dt.date(2026, 2, 1)
JUDGE = Judge(today=TODAY)
ERRORS = [rule for rule in RULES if rule.severity == "error"]

#: Error codes that only say why sessions are not resumed. All others fail whatever is demanded.
EXPLAIN = {
    "file-unreadable", "version-changed", "hash-mismatch", "other-ticket-key", "cache-miss",
    "never-honoured", "mixed-ticket-pool", "routed-by-size", "routed-by-session",
}  # fmt: skip


def finding(
    code: str = "other-ticket-key", mechanism: Mechanism | None = "psk", **more: Any
) -> Finding:
    (rule,) = (rule for rule in RULES if rule.code == code)
    known: dict[str, Any] = {
        "code": code, "severity": rule.severity, "title": rule.title, "cause": rule.cause,
        "advice": rule.advice, "address": None, "mechanism": mechanism,
        "mechanisms": (mechanism,) if mechanism else (), "harm": rule.harm,
    }  # fmt: skip
    return Finding(**(known | more))


def with_finding(target: TargetResult, *found: Finding) -> TargetResult:
    """The target with findings that speak of all its addresses."""
    where = tuple(address.address for address in target.addresses)
    return replace(
        target, findings=tuple(replace(f, addresses=f.addresses or where) for f in found)
    )


def judged(target: TargetResult, **judge: Any) -> Report:
    return replace(JUDGE, **judge).report(cases.report(target))


def status(target: TargetResult, **judge: Any) -> int | None:
    return judged(target, **judge).exit_status


NOTHING_RESUMES = replace(
    NOT,
    addresses=(
        cases.address(
            "192.0.2.1",
            cases.psk("NNN", "NNN", state="not-resumed"),
            cases.ticket("NNN", "NNN", state="not-resumed"),
            cases.session_id("NNN", "NNN", state="not-resumed"),
        ),
    ),
)

#: Replays of early data were asked for, and tickets allow none.
NO_EARLY_DATA = replace(
    RESUMES,
    addresses=tuple(replace(each, early_data=EarlyData(max=0)) for each in RESUMES.addresses),
)

#: A demand, a target that meets it, and whether a finding that only explains refusals of psk
#: says no more than the demand asks for.
DEMANDS: tuple[tuple[Demands, TargetResult, bool], ...] = (
    (Demands(), RESUMES, False),
    (Demands(resumes=True), RESUMES, False),
    (Demands(expect={"psk": "resumed"}), RESUMES, False),
    (Demands(expect={"ticket": "resumed"}), RESUMES, False),
    (Demands(expect={"psk": "not-resumed"}), NOT, True),
    (Demands(expect={"psk": "any", "ticket": "resumed"}), RESUMES, True),
    (Demands(expect={"psk": "resumed", "ticket": "not-resumed"}, min_rate=0.3),
     replace(PARTLY, addresses=(
         cases.address("192.0.2.1", cases.psk("NRNRN", "NRRNN", state="partly"),
                       cases.ticket("NNN", "NNN", state="not-resumed")),)), True),
    (Demands(min_rate=0.3), PARTLY, True),
    (Demands(warning="20:"), PARTLY, True),
    (Demands(critical="20:"), PARTLY, True),
    (Demands(max_lifetime="24h"), RESUMES, False),
    (Demands(min_lifetime="1h"), RESUMES, False),
    (Demands(max_ticket_keys=1), RESUMES, False),
    (Demands(min_tickets=1), RESUMES, False),
    (Demands(early_data="forbid"), RESUMES, False),
    (Demands(require_valid_certificate=True), RESUMES, False),
    (Demands(every_address=True), RESUMES, False),
    (Demands(early_data_replay="forbid"), NO_EARLY_DATA, False),
)  # fmt: skip


@pytest.mark.slow
def test_every_error_code_meets_every_demand():
    """An error fails a run under every demand, but where it only says what the demand asks for.
    Which codes those are is written down here, and a new demand needs its row."""
    fields = {name for each, *_ in DEMANDS for name in each.__struct_fields__
              if getattr(each, name) not in (None, {})}  # fmt: skip
    assert fields == set(Demands.__struct_fields__)
    for demands, target, allowed in DEMANDS:
        assert status(target, demands=demands) == 0, demands
        for rule in ERRORS:
            report = judged(with_finding(target, finding(rule.code)), demands=demands)
            spared = allowed and rule.code in EXPLAIN
            assert report.exit_status == (0 if spared else 3), (demands, rule.code)
            assert report.targets[0].findings[0].effect == ("as-demanded" if spared else "fails")
            assert spared or rule.code in report.why


def test_every_error_code_meets_every_built_in_policy():
    """The same under the policies that come with the tool."""
    for name in ("default", "strict", "load-balanced"):
        policy = builtin_policy(name)
        assert status(RESUMES, policy=policy, name=name) == 0
        for rule in ERRORS:
            target = with_finding(RESUMES, finding(rule.code))
            assert status(target, policy=policy, name=name) == 3
    none = builtin_policy("no-resumption")
    assert status(NOTHING_RESUMES, policy=none) == 0
    for rule in ERRORS:
        found = with_finding(NOTHING_RESUMES, finding(rule.code))
        assert status(found, policy=none) == (0 if rule.code in EXPLAIN else 3)


def test_a_demand_on_one_mechanism_excuses_no_other():
    """A finding on two mechanisms fails where only one of them may be refused."""
    both = finding("never-honoured", mechanism=None, mechanisms=("psk", "ticket"))
    target = with_finding(NOTHING_RESUMES, both)
    assert status(target, demands=Demands(expect={"psk": "not-resumed"})) == 3
    demands = Demands(expect={"psk": "not-resumed", "ticket": "not-resumed"})
    assert status(target, demands=demands) == 0


def test_the_rate_must_be_met_for_other_keys_to_be_forgiven():
    """Where the rate is not met the demand fails, and the finding with it."""
    report = judged(with_finding(PARTLY, finding()), demands=Demands(min_rate=0.9))
    assert report.exit_status == 3
    assert report.targets[0].findings[0].effect == "fails"


def test_how_grave_a_finding_must_be():
    """--fail-on moves the bar, for findings only; policy grades come before it."""
    kinds = {
        "error": finding("weak-ticket-key"),
        "warning": finding("tickets-not-fresh"),
        "info": finding("single-use"),
    }
    expected = {"error": {"error"}, "warning": {"error", "warning"}, "never": set()}
    for fail_on in FAIL_ON:
        for severity, found in kinds.items():
            target = with_finding(RESUMES, found)
            fails = severity in expected[fail_on]
            assert status(target, fail_on=fail_on) == (3 if fails else 0)
            state = plugin_state(judged(target, fail_on=fail_on))
            assert state is (PluginState.CRITICAL if fails else PluginState.OK)
        assert status(NOT, fail_on=fail_on) == 3
    text = '[findings]\nsingle-use = "error"\nweak-ticket-key = "warning"\n'
    policy = parse_policy(text, "p.toml")
    graded = {"fail_on": "error", "policy": policy, "name": "p.toml"}
    assert status(with_finding(RESUMES, kinds["info"]), **graded) == 3
    assert status(with_finding(RESUMES, kinds["error"]), **graded) == 0
    assert status(with_finding(RESUMES, kinds["info"]), **graded | {"fail_on": "never"}) == 0


def test_what_is_waived_ignored_or_known_does_not_fail():
    """Waivers of a policy, --ignore and a baseline each forgive a finding, and say so."""
    bad = with_finding(RESUMES, finding("weak-ticket-key"))
    policy = parse_policy(
        "extends = 'default'\n[[waivers]]\ntarget = '*'\ndemand = 'weak-ticket-key'\n"
        "reason = 'a test'\nexpires = 2026-02-01\n",
        "p.toml",
    )
    ways: dict[str, dict[str, Any]] = {
        "waived": {"policy": policy, "name": "p.toml"},
        "ignored": {"ignore": ("weak-ticket-key",)},
        "known": {"baseline": cases.report(bad), "baseline_name": "old.json"},
    }
    for effect, judge in ways.items():
        report = judged(bad, **judge)
        assert report.exit_status == 0
        assert plugin_state(report) is PluginState.OK
        (found,) = report.targets[0].findings
        assert (found.effect, found.severity) == (effect, "error")
        for name, form in FORMATS.items():
            shown = form.renderer()(report, View())
            assert "UNSAFE" not in shown, name
            if name not in ("prometheus", "csv"):
                assert {"known": "baseline"}.get(effect, effect) in shown, name
    assert "ignored: weak-ticket-key" in judged(bad, ignore=("weak-ticket-key",)).why
    assert status(bad, **(ways["waived"] | {"today": TODAY + dt.timedelta(1)})) == 3
    assert status(bad, ignore=("other-ticket-key",)) == 3


def test_a_baseline_forgives_only_what_it_has():
    """Another place, a graver severity and another code are new; a new address, and reports
    without the newer fields, are compared with all that the old one had."""
    old = with_finding(RESUMES, finding("weak-ticket-key"))
    two = replace(RESUMES, addresses=(
        *RESUMES.addresses, replace(RESUMES.addresses[0], address="192.0.2.2")))  # fmt: skip
    plain = replace(
        old, findings=tuple(replace(f, mechanisms=(), addresses=()) for f in old.findings)
    )

    def after(before: TargetResult, now: TargetResult) -> int | None:
        return status(now, baseline=cases.report(before))

    assert after(old, old) == after(plain, old) == 0
    assert after(old, with_finding(two, finding("weak-ticket-key"))) == 0
    healthy_there = with_finding(two, finding("weak-ticket-key", addresses=("192.0.2.10",)))
    assert after(healthy_there, with_finding(two, finding("weak-ticket-key"))) == 3
    both = finding("weak-ticket-key", mechanism=None, mechanisms=("psk", "ticket"))
    assert after(old, with_finding(RESUMES, both)) == 3
    milder = replace(old, findings=(replace(old.findings[0], severity="info"),))
    assert after(milder, old) == 3
    assert after(old, with_finding(RESUMES, finding("ticket-not-sealed"))) == 3
    assert after(RESUMES, old) == 3


def test_what_nobody_depends_on_is_no_reason_to_fail():
    """A grade does not lift a finding on a mechanism that is neither judged nor named; it does
    where the mechanism is named, and lost security is never aside."""
    text = '[findings]\nnever-honoured = "error"\n'
    judge = {"policy": parse_policy(text, "p.toml"), "name": "p.toml"}
    aside = finding("never-honoured", mechanism="session-id", severity="info")
    target = with_finding(RESUMES, aside)
    assert status(target, **judge) == 0
    named = Demands(expect={"session-id": "resumed"})
    assert status(target, demands=named, **judge) == 3
    unsafe = finding("plaintext-injection", mechanism="session-id")
    assert status(with_finding(RESUMES, unsafe)) == 3


def test_the_order_of_statuses_stays():
    """6 wins over an error finding, and that over 5 and 4; an interrupt over all."""
    found = finding("weak-ticket-key")
    table = {
        ExitStatus.FAILS_WITH_SESSION: BREAKS,
        ExitStatus.NOT_AS_ASKED: cases.UNREACHABLE,
        ExitStatus.INTERRUPTED: replace(RESUMES, interrupted=True),
    }
    for expected, target in table.items():
        assert status(with_finding(target, found)) == expected
        assert decided(cases.report(with_finding(target, found))).exit_status == expected


#: What a format shows of a target that fails for its findings alone.
MARKS = {
    "text": "RESUMES, UNSAFE: ",
    "json": '"effect": "fails"',
    "jsonl": '"effect":"fails"',
    "csv": "weak-ticket-key",
    "junit": "<failure",
    "github": "::error ",
    "markdown": "❌",
    "prometheus": 'tlsresume_finding{code="weak-ticket-key",severity="error",target="example.com:443"} 1.0',
    "nagios": "RESUMPTION CRITICAL - example.com:443 resumes, UNSAFE: ",
    "html": '<span class="badge bad">resumes, UNSAFE</span>',
}  # fmt: skip


def test_every_format_fails_an_unsafe_target():
    """Each format says that an unsafe server fails, though it resumes, and none that a healthy
    one does."""
    assert_complete(MARKS, FORMATS, "tests/findings/test_findings_fail.py, MARKS")
    bad = judged(with_finding(RESUMES, finding("weak-ticket-key")))
    good = judged(with_finding(RESUMES, finding("single-use")))
    assert bad.targets[0].verdict == "resumes"
    for name, form in FORMATS.items():
        assert MARKS[name] in form.renderer()(bad, View()), name
        assert MARKS[name] not in form.renderer()(good, View()), name


def test_headlines_say_what_the_verdict_does_not():
    """UNSAFE where security is lost, BROKEN where users are hurt and the verdict is good."""
    text = FORMATS["text"].renderer()
    broken = judged(with_finding(RESUMES, finding()))
    assert text(broken, View()).startswith("example.com:443  RESUMES, BROKEN: nodes here use")
    assert text(judged(with_finding(PARTLY, finding())), View()).startswith(
        "lb.example.com:443  PARTLY  "
    )
    unsafe = with_finding(PARTLY, finding(), finding("weak-ticket-key"))
    head = text(judged(unsafe), View(width=100)).splitlines()[0]
    assert "PARTLY, UNSAFE: " in head
    assert head.endswith(", and 1 more")
    assert "BROKEN" not in text(judged(with_finding(RESUMES, finding()), fail_on="never"), View())
    warned = with_finding(RESUMES, finding("tickets-not-fresh"))
    assert "RESUMES, WARNING: " in text(judged(warned, fail_on="warning"), View())
    assert "WARNING" not in text(judged(warned), View())


def test_findings_of_all_targets_together_fail_as_well():
    """What several targets show together counts, in every format, and can be ignored."""
    shared = finding("ticket-key-shared", mechanism=None)
    report = replace(cases.report(RESUMES), findings=(shared,))
    assert JUDGE.report(report).exit_status == 0
    strict = replace(JUDGE, fail_on="warning")
    bad = strict.report(report)
    assert (bad.exit_status, plugin_state(bad)) == (3, PluginState.CRITICAL)
    assert "ticket-key-shared" in bad.why
    assert "<failure" in FORMATS["junit"].renderer()(bad, View())
    assert "::error" in FORMATS["github"].renderer()(bad, View())
    for judge in (
        replace(strict, ignore=("ticket-key-shared",)),
        replace(strict, baseline=report),
    ):
        assert judge.report(report).exit_status == 0
    elsewhere = replace(report, findings=(replace(shared, addresses=("192.0.2.9",)),))
    assert replace(strict, baseline=elsewhere).report(report).exit_status == 0
    more = replace(report, findings=(replace(shared, addresses=("192.0.2.8", "192.0.2.9")),))
    assert replace(strict, baseline=elsewhere).report(more).exit_status == 3


# ---------------------------------------------------------------- the sentence


def test_the_sentence_says_why():
    """One sentence for each kind of end; of many targets it names the worst."""
    why = {
        "as asked": RESUMES,
        "TLS 1.3 and TLS 1.2 tickets resume at times only on 192.0.2.20": PARTLY,
        "TLS 1.3 tickets are not resumed": NOT,
        "TLS 1.3 tickets break the handshake when they are offered": BREAKS,
        "nowhere.invalid has no address": cases.UNRESOLVED,
        "interrupted": replace(RESUMES, interrupted=True),
    }
    for sentence, target in why.items():
        assert judged(target).why == sentence
        assert decided(cases.report(target)).why == sentence
    many = JUDGE.report(cases.report(RESUMES, NOT, BREAKS))
    assert many.exit_status == 6
    assert many.why.startswith("2 of 3; example.com:443: TLS 1.3 tickets break the handshake")
    assert JUDGE.report(cases.report(RESUMES, RESUMES)).why == "2 targets, all as asked"
    unsafe = with_finding(PARTLY, finding(), finding("weak-ticket-key"))
    assert judged(unsafe).why.startswith("weak-ticket-key: ")
    assert judged(unsafe).why.endswith("; and 1 more")


def test_each_line_of_jsonl_has_its_own_status():
    """A line of JSON Lines speaks of its target alone."""
    report = JUDGE.report(cases.report(RESUMES, NOT, BREAKS))
    lines = FORMATS["jsonl"].renderer()(report, View()).splitlines()
    assert [json.loads(line)["exit_status"] for line in lines] == [0, 3, 6]


# --------------------------------------------------------- through the command line


@pytest.fixture
def run(capsys):
    return runner(capsys)


@pytest.fixture
def answer(monkeypatch):
    asked: list[Any] = []

    def install(result: Report) -> list[Any]:
        def fake(plans, *, on_result=None, **_):
            asked.append(plans)
            for target in result.targets:
                on_result(target)
            return result

        monkeypatch.setattr(scan, "scan", fake)
        return asked

    return install


def test_the_command_line(run, answer, tmp_path):
    """--fail-on, --ignore and --exit-zero decide the status; the report holds all of it; -q hides
    no failing target."""
    answer(cases.report(with_finding(RESUMES, finding("weak-ticket-key"))))
    code, out, _ = run("probe", "a")
    assert code == 3
    assert re.search(r"^FAIL \(exit 3\): weak-ticket-key: ", out, re.MULTILINE)
    code, out, _ = run("probe", "a", "-q")
    assert (code, "UNSAFE" in out, "FAIL (exit 3)" in out) == (3, True, True)
    assert run("probe", "a", "--fail-on", "never")[0] == 0
    assert run("probe", "a", "--fail-on", "warning")[0] == 3
    code, out, _ = run("probe", "a", "--ignore", "weak-ticket-key", "--ignore", "cache-miss")
    assert (code, "ignored" in out) == (0, True)
    assert out.endswith("OK: as asked; ignored: weak-ticket-key\n")
    assert run("probe", "a", "-q", "--ignore", "weak-ticket-key") == (0, "", "")
    path = tmp_path / "report.json"
    code, out, _ = run("probe", "a", "--exit-zero", "--format", f"json={path}")
    assert (code, "FAIL (exit 3, but 0 by --exit-zero)" in out) == (0, True)
    written = json.loads(path.read_text())
    assert (written["exit_status"], written["exit_zero"]) == (3, True)
    assert written["why"].startswith("weak-ticket-key: ")
    assert written["targets"][0]["verdict"] == "resumes"
    assert parse_report(path.read_bytes(), "report.json").exit_status == 3
    assert run("probe", "a", "--baseline", str(path))[0] == 0


def test_a_code_that_no_finding_has_is_a_usage_error(run):
    """A mistyped --ignore is refused, with the nearest code, before anything is contacted."""
    status, _, err = run("probe", "a", "--ignore", "weak-tiket-key")
    assert status == 2
    assert "weak-ticket-key" in err
    assert run("probe", "a", "--fail-on", "info")[0] == 2
    assert run("resume", "x", "--ignore", "nonsense")[0] == 2
    assert failing.codes(None, None, ("cache-miss", "cache-miss")) == ("cache-miss",)


def test_demanded_mechanisms_reach_the_probe(run, answer):
    """What is expected of a mechanism gives findings on it their full weight."""
    asked = answer(cases.report(RESUMES))
    run("probe", "a", "--expect", "session-id=resumed", "--expect", "psk=any")
    run("probe", "a")
    assert [plans[0][1].demanded for plans in asked] == [("session-id",), ()]


# ------------------------------------------------------------------------ resume


def test_resume_fails_on_an_error_finding():
    """A resumed session of an unsafe server is 3; what only says why it was refused is not, where
    that was expected; 6 wins."""
    unsafe, other = finding("weak-ticket-key"), finding()
    table: tuple[tuple[Any, Finding, ResumeDemands, int], ...] = (
        (cases.REUSED, unsafe, ResumeDemands(), 3),
        (cases.REUSED, unsafe, ResumeDemands(expected="any"), 3),
        (cases.REUSED, unsafe, ResumeDemands(fail_on="never"), 0),
        (cases.REUSED, unsafe, ResumeDemands(ignore=("weak-ticket-key",)), 0),
        (cases.REUSED, finding("tickets-not-fresh"), ResumeDemands(), 0),
        (cases.REUSED, finding("tickets-not-fresh"), ResumeDemands(fail_on="warning"), 3),
        (cases.NEW, other, ResumeDemands(), 3),
        (cases.NEW, other, ResumeDemands(expected="not-resumed"), 0),
        (cases.NEW, unsafe, ResumeDemands(expected="not-resumed"), 3),
        (cases.FAILED, unsafe, ResumeDemands(), 6),
    )
    for result, found, demands, expected in table:
        held = decided_resume(replace(result, findings=(found,)), demands)
        assert held.exit_status == expected, (found.code, demands)
        assert held.why
    each = replace(
        cases.REUSED, each_address=(cases.REUSED, replace(cases.REUSED, findings=(unsafe,)))
    )
    held = decided_resume(each, ResumeDemands())
    assert (held.exit_status, "weak-ticket-key" in held.why) == (3, True)

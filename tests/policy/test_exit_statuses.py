"""Exit statuses: every combination that the design names, as a table.

0 as asked, 1 a bug, 2 usage, 3 not as asked, 4 inconclusive, 5 not reached, 6 fails only
with the session, 7 a file, 130 interrupted; over several targets the first of 7, 6, 3, 5, 4.
"""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from typing import Any

import pytest

from tests.golden import cases
from tests.helpers.commands import runner
from tests.helpers.rows import each_row
from tlsresume.errors import EXIT_STATUS_PRECEDENCE, BindingError, ExitStatus, FileError
from tlsresume.policy.demands import Demands
from tlsresume.policy.exit_status import exit_status, with_exit_zero
from tlsresume.policy.judge import Judge
from tlsresume.policy.plugin_state import PluginState as State
from tlsresume.policy.plugin_state import plugin_state as state
from tlsresume.policy.reading import parse_policy
from tlsresume.policy.resume_status import expected_status
from tlsresume.results.measured import Series, Skipped
from tlsresume.results.report import Report, TargetResult
from tlsresume.runs import many_targets as scan

TODAY = dt.date(2026, 2, 1)

RESUMES = replace(cases.GOOD, skipped=())
PARTLY = replace(cases.PARTLY, findings=())
NOT = replace(
    cases.GOOD,
    verdict="does-not-resume",
    addresses=(cases.address("192.0.2.1", cases.psk("NNN", "NNN", state="not-resumed")),),
)
BREAKS = replace(
    cases.GOOD,
    verdict="does-not-resume",
    addresses=(cases.address("192.0.2.1", cases.psk("EEE", "EEE", state="not-resumed")),),
)
UNTESTED = replace(
    cases.GOOD,
    verdict="untested",
    addresses=(cases.address("192.0.2.1", cases.psk("CCC", "", state="untested")),),
)
LEFT_OUT = replace(
    RESUMES,
    verdict="untested",
    incomplete=True,
    skipped=(Skipped("tries on 192.0.2.10", "the budget of 20 connections is spent", "budget"),),
)
REFUSED = cases.UNREACHABLE
UNRESOLVED = cases.UNRESOLVED
ONE_DOWN = replace(RESUMES, addresses=(*RESUMES.addresses, *REFUSED.addresses))
PARTLY_DOWN = replace(PARTLY, addresses=(*PARTLY.addresses, *REFUSED.addresses))
NO_ROUTE = replace(
    RESUMES, skipped=(Skipped("2001:db8::10", "no route from this machine", "no-route"),)
)
INTERRUPTED = replace(LEFT_OUT, interrupted=True)

#: Each result by itself, with no demands: our status, and that of a monitoring plugin.
ALONE: dict[str, tuple[TargetResult, ExitStatus, State]] = {
    "resumes": (RESUMES, ExitStatus.OK, State.OK),
    "partly": (PARTLY, ExitStatus.NOT_AS_ASKED, State.WARNING),
    "does-not-resume": (NOT, ExitStatus.NOT_AS_ASKED, State.CRITICAL),
    "fails-with-session": (BREAKS, ExitStatus.FAILS_WITH_SESSION, State.CRITICAL),
    "untested": (UNTESTED, ExitStatus.INCONCLUSIVE, State.UNKNOWN),
    "left-out": (LEFT_OUT, ExitStatus.INCONCLUSIVE, State.UNKNOWN),
    "refused": (REFUSED, ExitStatus.UNREACHABLE, State.UNKNOWN),
    "unresolved": (UNRESOLVED, ExitStatus.UNREACHABLE, State.UNKNOWN),
    "one-address-down": (ONE_DOWN, ExitStatus.UNREACHABLE, State.UNKNOWN),
    "partly-and-one-down": (PARTLY_DOWN, ExitStatus.NOT_AS_ASKED, State.WARNING),
    "no-route-to-another": (NO_ROUTE, ExitStatus.OK, State.OK),
    "interrupted": (INTERRUPTED, ExitStatus.INTERRUPTED, State.UNKNOWN),
}


def report(*targets: TargetResult) -> Report:
    return cases.report(*targets)


def judged(*targets: TargetResult, **judge: Any) -> Report:
    name = "command line" if judge else None
    return Judge(today=TODAY, name=name, **judge).report(report(*targets))


@each_row("name", ALONE)
def test_one_target(name):
    """Each kind of result has its status, the same whether or not demands were looked at."""
    target, status, plugin = ALONE[name]
    assert exit_status(report(target)) == status
    assert exit_status(judged(target)) == status
    assert state(judged(target)) == plugin


@each_row("pair", tuple(itertools.combinations(ALONE, 2)), ids="+".join)
def test_two_targets(pair):
    """Of two targets the graver one gives the status, in the order 130, 6, 3, 5, 4."""
    targets = [ALONE[name][0] for name in pair]
    statuses = [ALONE[name][1] for name in pair]
    order = (ExitStatus.INTERRUPTED, *EXIT_STATUS_PRECEDENCE, ExitStatus.OK)
    worst = min(statuses, key=order.index)
    for each in (report(*targets), judged(*targets), judged(*reversed(targets))):
        assert exit_status(each) == worst


def test_the_order_is_the_documented_one():
    """The first of 7, 6, 3, 5, 4 that occurred wins."""
    assert [int(status) for status in EXIT_STATUS_PRECEDENCE] == [7, 6, 3, 5, 4]


@each_row("status", ExitStatus)
def test_exit_zero_forgives_answers_only(status):
    """--exit-zero turns 3, 4 and 6 into 0, and nothing else."""
    forgiven = status in (0, 3, 4, 6)
    assert with_exit_zero(status, exit_zero=True) == (0 if forgiven else status)
    assert with_exit_zero(status, exit_zero=False) == status


#: A result, what is demanded of it, and the status. The first column names a row of ALONE.
DEMANDED: tuple[tuple[str, Demands, int], ...] = (
    ("resumes", Demands(expect={"psk": "resumed"}), 0),
    ("resumes", Demands(expect={"psk": "not-resumed"}), 3),
    ("resumes", Demands(expect={"psk": "any"}, max_lifetime="24h"), 0),
    ("resumes", Demands(max_lifetime="1h"), 3),
    ("resumes", Demands(min_lifetime="3h"), 3),
    ("resumes", Demands(min_rate=1.0), 0),
    ("resumes", Demands(require_valid_certificate=True), 0),
    ("resumes", Demands(early_data="require"), 3),
    ("resumes", Demands(every_address=True), 0),
    ("no-route-to-another", Demands(every_address=True), 4),
    ("one-address-down", Demands(every_address=True), 5),
    ("left-out", Demands(every_address=True), 4),
    ("left-out", Demands(expect={"psk": "resumed"}), 4),
    ("partly", Demands(expect={"session-id": "not-resumed"}), 0),
    ("partly", Demands(min_rate=0.3), 0),
    ("partly", Demands(min_rate=0.9), 3),
    ("partly", Demands(max_ticket_keys=1), 3),
    ("does-not-resume", Demands(expect={"psk": "not-resumed"}), 0),
    ("does-not-resume", Demands(expect={"psk": "resumed"}), 3),
    ("does-not-resume", Demands(expect={"psk": "any"}, max_lifetime="24h"), 0),
    ("does-not-resume", Demands(max_lifetime="24h"), 3),
    ("does-not-resume", Demands(expect={"ticket": "resumed"}), 4),
    ("fails-with-session", Demands(expect={"psk": "resumed"}), 6),
    ("fails-with-session", Demands(expect={"psk": "any"}, max_lifetime="24h"), 0),
    ("untested", Demands(expect={"psk": "resumed"}), 4),
    ("untested", Demands(expect={"psk": "not-resumed"}), 4),
    ("refused", Demands(expect={"psk": "not-resumed"}), 5),
    ("unresolved", Demands(max_ticket_keys=1), 5),
    ("partly", Demands(critical="20:"), 0),
    ("partly", Demands(critical="50:"), 3),
    ("partly", Demands(warning="90:"), 0),
    ("interrupted", Demands(expect={"psk": "resumed"}), 130),
)


@each_row("name, demands, status", DEMANDED)
def test_demands(name, demands, status):
    """Expectations and rates replace the verdict, other demands add to it."""
    assert exit_status(judged(ALONE[name][0], demands=demands)) == status


@pytest.mark.parametrize(
    ("waived_until", "status"), [("2026-02-01", 0), ("2026-01-31", 3), ("2027-01-01", 0)]
)
def test_waivers(waived_until, status):
    """A waiver forgives until its last day is over; after that it is a violation itself."""
    policy = parse_policy(
        "[defaults]\nresumes = true\n[[waivers]]\ntarget = '*'\ndemand = 'resumes'\n"
        f"reason = 'known'\nexpires = {waived_until}\n",
        "p.toml",
    )
    assert exit_status(judged(NOT, policy=policy)) == status
    healthy = exit_status(judged(RESUMES, policy=policy))
    assert healthy == (0 if status == 0 else 3)


@each_row(
    "before, now, status",
    [
        ("does-not-resume", "does-not-resume", 0),
        ("partly", "partly", 0),
        ("resumes", "does-not-resume", 3),
        ("does-not-resume", "resumes", 0),
        ("does-not-resume", "fails-with-session", 6),
        ("fails-with-session", "fails-with-session", 0),
        ("resumes", "refused", 5),
        ("refused", "refused", 0),
        ("unresolved", "unresolved", 0),
        ("resumes", "untested", 4),
        ("untested", "untested", 0),
    ],
)
def test_a_baseline_forgives_what_was_so_before(before, now, status):
    """With a baseline only what got worse fails a run."""
    old = replace(ALONE[before][0], target="x:443")
    new = replace(ALONE[now][0], target="x:443")
    assert exit_status(judged(new, baseline=report(old))) == status


def test_a_target_that_the_baseline_lacks_is_judged_as_ever():
    """A new target has no past to be forgiven for."""
    assert exit_status(judged(NOT, baseline=report())) == 3


# --------------------------------------------------------- through the command line


@pytest.fixture
def run(capsys):
    return runner(capsys)


@pytest.fixture
def answer(monkeypatch):
    def install(result: Any) -> None:
        def fake(_targets, *, on_result=None, **_):
            if isinstance(result, BaseException):
                raise result
            for target in result.targets:
                on_result(target)
            return result

        monkeypatch.setattr(scan, "scan", fake)

    return install


@pytest.mark.parametrize("name", ALONE)
def test_the_command_exits_so(run, answer, name):
    """The process ends with the status, and with that of a plugin where it speaks as one."""
    target, status, plugin = ALONE[name]
    answer(report(target))
    assert run("probe", "a")[0] == status
    assert run("probe", "a", "--format", "nagios")[0] == plugin
    forgiven = 0 if status in (3, 4, 6) else status
    assert run("probe", "a", "--exit-zero")[0] == forgiven


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BindingError("no such name"), 1),
        (RuntimeError("a bug"), 1),
        (FileError("cannot read it", path="x"), 7),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_exit_so(run, answer, error, status):
    """What ends a run has its status; a plugin says UNKNOWN, on stdout too."""
    answer(error)
    assert run("probe", "a")[0] == status
    assert run("probe", "a", "--exit-zero")[0] == status
    found, out, err = run("probe", "a", "--format", "nagios")
    assert found == State.UNKNOWN
    assert out.startswith("RESUMPTION UNKNOWN - ")
    assert out.count("\n") == 1
    assert "tlsresume: " in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-option"],
        [],
        ["a", "--expect", "psk=maybe"],
        ["a", "--expect", "quic=resumed"],
        ["a", "--expect", "psk=resumed", "--expect", "psk=not-resumed"],
        ["a", "--expect", "psk=any"],
        ["a", "--min-rate", "1.1"],
        ["a", "--min-rate", "nan"],
        ["a", "--max-lifetime", "soon"],
        ["a", "--min-lifetime", "2h", "--max-lifetime", "1h"],
        ["a", "--require-early-data", "--forbid-early-data"],
        ["a", "--warning", "x:"],
        ["a", "--deadline", "0s"],
        ["a", "--retries", "-1"],
        ["a", "-q", "-v"],
        ["a:b:c"],
    ],
)
def test_usage_errors(run, arguments):
    """What makes no sense is 2 before anything is contacted, and UNKNOWN for a plugin."""
    assert run("probe", *arguments)[0] == ExitStatus.USAGE
    for spelled in (("--format", "nagios"), ("--format=nagios",), ("--format", "nagios=-")):
        found, out, _ = run("probe", *spelled, *arguments)
        assert (found, out[:21]) == (State.UNKNOWN, "RESUMPTION UNKNOWN - ")


def test_exit_zero_and_a_plugin_exclude_each_other(run):
    """A plugin's status is its answer: nothing may turn it into OK."""
    assert run("probe", "a", "--exit-zero", "--format", "nagios")[0] == State.UNKNOWN


@pytest.mark.parametrize("option", ["--policy", "--baseline"])
def test_files_that_cannot_be_used(run, tmp_path, option):
    """A policy or baseline that is missing or wrong is 7, and names the file."""
    bad = tmp_path / "bad"
    bad.write_text("{")
    for path in (bad, tmp_path / "missing", tmp_path):
        status, out, err = run("probe", "a", option, str(path))
        assert (status, out) == (ExitStatus.FILE, "")
        assert str(path) in err


def test_reports_are_written_before_a_failure(run, answer, tmp_path):
    """Every report is there, whole, when a run exits with something other than 0."""
    answer(report(NOT, REFUSED))
    names = ("json", "jsonl", "junit", "github", "markdown", "prometheus", "nagios", "html", "text")
    options = [word for name in names for word in ("--format", f"{name}={tmp_path / name}")]
    status, out, _ = run("probe", "a", *options)
    assert (status, out) == (3, "")
    for name in names:
        assert (tmp_path / name).read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_one_report_that_cannot_be_written_takes_no_other(run, answer, tmp_path):
    """When one file cannot be written the others are, and the status is 7."""
    answer(report(NOT))
    good = tmp_path / "good.xml"
    status, _, err = run(
        "probe", "a", "--format", f"json={tmp_path}/no/x", "--format", f"junit={good}"
    )
    assert status == ExitStatus.FILE
    assert "cannot write" in err
    assert good.read_text().startswith("<?xml")


def test_a_failed_run_leaves_documents_that_say_so(run, answer, tmp_path):
    """A run that fails replaces old reports by ones with the error, in every format."""
    answer(FileError("cannot read it", path="x"))
    path = tmp_path / "metrics.prom"
    path.write_text("tlsresume_run_success 1.0\n")
    assert run("probe", "a", "--format", f"prometheus={path}")[0] == 7
    assert "tlsresume_run_success 0.0" in path.read_text()


def test_quiet_is_silent_about_what_is_as_asked(run, answer):
    """-q prints nothing for a good target, all for another, and nothing but that."""
    answer(report(RESUMES))
    assert run("probe", "a", "-q") == (0, "", "")
    answer(report(RESUMES, NOT, RESUMES))
    status, out, err = run("probe", "a", "-q")
    assert (status, err) == (3, "")
    assert out.startswith("example.com:443  DOES-NOT-RESUME")
    assert "RESUMES " not in out.replace("DOES-NOT-RESUME", "")
    assert "targets:" not in out


def test_the_job_summary_is_added(run, answer, tmp_path, monkeypatch):
    """The github format adds Markdown to the file that the runner names, and keeps what is there."""
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    answer(report(PARTLY))
    _, out, _ = run("probe", "a", "--format", "github")
    assert out.startswith("::error title=")
    assert path.read_text().startswith("before\n## TLS session resumption\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "summary.md"))
    status, _, err = run("probe", "a", "--format", "github")
    assert status == 3
    assert "cannot write the summary" in err


def test_a_long_summary_is_shortened(tmp_path, monkeypatch):
    """A report that a step's summary has no room for is cut to verdicts, not lost."""
    from tlsresume.cli import github_summary

    path = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    monkeypatch.setattr(github_summary, "LARGEST", 500)
    github_summary.add_summary(judged(PARTLY))
    assert path.stat().st_size <= 500
    assert "partly" in path.read_text()


REUSED, NEW, FAILED = cases.REUSED, cases.NEW, cases.FAILED
SOMETIMES = replace(NEW, tries=Series.count("RRNR"), session_reused=True)


@each_row(
    "result, expected, min_rate, status",
    [
        (REUSED, "resumed", None, 0),
        (REUSED, "not-resumed", None, 3),
        (REUSED, "any", None, 0),
        (NEW, "resumed", None, 3),
        (NEW, "not-resumed", None, 0),
        (NEW, "any", None, 0),
        (FAILED, "not-resumed", None, 6),
        (FAILED, "any", None, 6),
        (cases.RESUMES["disagreement"], "resumed", 0.5, 3),
        (cases.RESUMES["no-reason"], "not-resumed", None, 5),
        (SOMETIMES, "resumed", None, 3),
        (SOMETIMES, "resumed", 0.75, 0),
        (SOMETIMES, "resumed", 0.8, 3),
        (SOMETIMES, "not-resumed", None, 3),
        (cases.RESUMES["each-address"], "resumed", None, 3),
        (cases.RESUMES["each-address"], "any", None, 0),
    ],
)
def test_expectations_of_a_resumption(result, expected, min_rate, status):
    """`resume` exits by what was expected of the session, over every address."""
    assert expected_status(result, expected, min_rate) == status

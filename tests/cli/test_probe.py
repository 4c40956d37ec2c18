"""`tlsresume probe`: what it asks for, what it prints where, and how it ends."""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
from dataclasses import replace

import pytest

from tests.golden import cases
from tests.helpers.commands import runner
from tlsresume.errors import ExitStatus, FileError
from tlsresume.features.fleet.engine import Here
from tlsresume.features.fleet.selection import Job
from tlsresume.formats import document
from tlsresume.formats.page import View
from tlsresume.options import ProbeOptions
from tlsresume.policy.judge import Judge
from tlsresume.results.configuration import OptionValue
from tlsresume.results.report import Report, TargetResult
from tlsresume.runs import many_targets as scan
from tlsresume.targets.target import parse_target


@pytest.fixture
def run(capsys):
    return runner(capsys)


class FakeScan:
    """A scan that answers with a known report, and remembers what it was asked."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.late = 0
        self.asked: list[tuple[object, ProbeOptions]] = []
        self.trace: object = None

    def __call__(
        self,
        targets,
        *,
        on_result=None,
        trace=None,
        deadline=None,
        began=None,
        progress=None,
        status=None,
    ) -> Report:
        self.deadline = deadline
        self.asked = list(targets)
        self.trace = trace
        self.status = status
        if status is not None:
            status("7 connections in 2 s; a: tries to resume")
        for target in self.report.targets[self.late :]:
            on_result(replace(target))
        return self.report


@pytest.fixture
def fake(monkeypatch):
    def install(case: str) -> FakeScan:
        found = FakeScan(cases.REPORTS[case])
        monkeypatch.setattr(scan, "scan", found)
        return found

    return install


#: What holds where nothing is said.
DEFAULTS: dict[str, OptionValue] = {
    "tries": 5, "concurrency": 4, "budget": 200, "max-addresses": 8, "starttls": "auto",
    "timeout": 10, "ticket-wait": 3, "mtu": 1200, "fail-on": "error", "retries": 0,
}  # fmt: skip


def as_json(case: str, *formats: str) -> str:
    """The JSON of a case, held against the default demands, as a run in those formats has it."""
    judged = Judge(today=dt.date(2026, 1, 31)).report(cases.REPORTS[case])
    options = DEFAULTS | {"format": formats}
    return document.render(replace(judged, options=options), View())


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("good", ExitStatus.OK),
        ("partly", ExitStatus.NOT_AS_ASKED),
        ("unreachable", ExitStatus.UNREACHABLE),
        ("mixed", ExitStatus.INTERRUPTED),
    ],
)
def test_the_answer_is_on_stdout_and_in_the_status(run, fake, monkeypatch, case, status):
    """Stdout has the report and nothing else, stderr is silent, the status says the verdict."""
    fake(case)
    found, out, err = run("probe", "a", "b")
    assert (found, err) == (status, "")
    for target in cases.REPORTS[case].targets:
        assert target.target in out
    assert "\x1b" not in out
    found, out, err = run("probe", "a", "b", "--format", "json")
    assert (found, err) == (status, "")
    assert out == as_json(case, "json")


def test_targets_are_shown_once_each_and_then_counted(run, fake):
    """Of several targets each has one line at the end, also one that was never shown; with -v
    each is printed whole as it is done."""
    found = fake("mixed")
    found.late = 1
    out = run("probe", "a", "b")[1]
    for target in found.report.targets:
        lines = [line.split() for line in out.splitlines()]
        assert sum(words[:2] == [target.target, target.verdict.upper()] for words in lines) == 1
    counted, *_, last = out.splitlines()
    assert counted == "4 targets: 1 resumes, 1 partly, 1 does-not-resume, 1 untested"
    whole = run("probe", "a", "b", "-v")[1]
    for target in found.report.targets:
        assert f"\n{target.target}  {target.verdict.upper()}  " in f"\n{whole}"
    assert f"\n{counted}\n" in whole
    assert last == "INTERRUPTED (exit 130): interrupted; 3 of 4 targets were done"


@pytest.mark.parametrize(
    ("case", "status"),
    [("partly", ExitStatus.OK), ("unreachable", ExitStatus.UNREACHABLE), ("good", ExitStatus.OK)],
)
def test_exit_zero_forgives_answers_only(run, fake, case, status):
    """--exit-zero turns an unwelcome answer into 0, but not the lack of one."""
    fake(case)
    assert run("probe", "a", "--exit-zero")[0] == status


def test_options_reach_the_probe(run, fake):
    """Every option of probe is in the ProbeOptions; the defaults are the library's."""
    found = fake("good")
    run("probe", "a", "https://b:8443/x")
    assert found.asked == [
        (parse_target("a"), ProbeOptions()),
        (parse_target("https://b:8443/x"), ProbeOptions()),
    ]
    assert found.trace is None
    run(
        "probe", "a", "--tries", "7", "--concurrency", "2", "--budget", "50", "--max-addresses",
        "3", "--no-explain", "--node-header", "X-Served-By", "--timeout", "2", "-v",
    )  # fmt: skip
    ((_, options),) = found.asked
    assert options == ProbeOptions(
        connect=replace(ProbeOptions().connect, timeout=2.0),
        tries=7,
        concurrency=2,
        budget=50,
        max_addresses=3,
        explain=False,
        node_header="X-Served-By",
    )
    assert found.trace is not None
    assert found.status is None


def test_a_status_is_gone_before_the_report(run, fake, monkeypatch):
    """On a terminal a line says what is done; elsewhere, and with -v, there is none."""
    fake("good")
    assert "connections in 2 s" not in run("probe", "a")[2]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    _, out, err = run("probe", "a")
    assert "RESUMES" in out
    assert err.endswith("\r\x1b[K7 connections in 2 s; a: tries to resume\r\x1b[K")


def test_targets_come_from_stdin_too(run, monkeypatch):
    """--targets - reads the list from the standard input, after the targets named."""
    asked = []

    async def probed(self: Here, job: Job) -> TargetResult:
        asked.append((job.target.name, job.options.connect.tls))
        return TargetResult(target=job.target.name, verdict="resumes")

    monkeypatch.setattr(Here, "probe", probed)
    lines = b"two --tls 1.2\nthree:8443\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    _, out, _ = run("probe", "one", "--targets", "-", "--parallel", "1")
    assert "3 targets: 3 resumes" in out
    assert [name for name, _ in asked] == ["one:443", "two:443", "three:8443"]
    assert [len(versions) for _, versions in asked] == [2, 1, 2]


def test_one_run_writes_several_formats(run, fake, tmp_path):
    """Text on the terminal and JSON in a file come from one run."""
    fake("partly")
    path = tmp_path / "report.json"
    path.write_text('{"schema": 1, "tool": {"name": "tlsresume"}, "targets": []}')
    status, out, _ = run("probe", "a", "--format", "text", "--format", f"json={path}")
    assert status == ExitStatus.NOT_AS_ASKED
    assert out.startswith("lb.example.com:443  PARTLY")
    assert path.read_text() == as_json("partly", "text", f"json={path}")
    assert path.stat().st_mode & 0o777 == 0o644


def test_text_can_go_to_a_file(run, fake, tmp_path):
    """A format for people can go to a file, whole, while stdout stays empty."""
    fake("mixed")
    path = tmp_path / "report.txt"
    _, out, err = run("probe", "a", "b", "--format", f"text={path}")
    assert (out, err) == ("", "")
    assert path.read_text().count("1 untested\n") == 1
    assert "\nINTERRUPTED (exit 130): " in path.read_text()


def test_a_report_that_cannot_be_written_is_status_7(run, fake, tmp_path):
    """A report file in a folder that does not exist is an error of its own."""
    fake("good")
    status, _, err = run("probe", "a", "--format", f"json={tmp_path}/no/report.json")
    assert status == ExitStatus.FILE
    assert "cannot write" in err


@pytest.mark.parametrize(
    "formats",
    [
        ["--format", "json", "--format", "text"],
        ["--format", "json", "--json"],
        ["--format", "json=-", "--format", "text"],
        ["--format", "json=x", "--format", "text=x"],
        ["--format", "json="],
    ],
)
def test_formats_do_not_share_a_place(run, fake, formats):
    """Two formats for one place are a usage error, before anything is contacted."""
    found = fake("good")
    assert run("probe", "a", *formats)[0] == ExitStatus.USAGE
    assert found.asked == []


def test_json_has_a_short_name(run, fake):
    """--json is --format json."""
    fake("good")
    assert json.loads(run("probe", "a", "--json")[1])["targets"][0]["verdict"] == "resumes"


def test_an_error_of_the_scan_is_a_document(run, monkeypatch):
    """A scan that cannot begin leaves a JSON document with the error, and its status."""

    def refuse(*_, **__):
        raise FileError("the key does not fit the certificate", path="key.pem")

    monkeypatch.setattr(scan, "scan", refuse)
    status, out, err = run("probe", "a", "--format", "json")
    assert status == ExitStatus.FILE
    assert json.loads(out)["error"]["message"] == "the key does not fit the certificate"
    assert err == "tlsresume: error: the key does not fit the certificate\n"


def test_a_real_server_is_probed(run, server):
    """Against the built-in server, a probe says `resumes`, exits 0, and shows messages with -v."""
    running = server()
    status, out, err = run("probe", f"127.0.0.1:{running.port}", "--tries", "3", "-v")
    assert status == ExitStatus.OK
    assert f"127.0.0.1:{running.port}  RESUMES" in out
    assert "Behaves as one node from this client." in out
    assert "ClientHello" in err

"""`tlsresume selftest`: it passes on a sound installation, and it notices a wrong answer."""

from __future__ import annotations

import subprocess

import pytest

from tests.helpers.commands import runner
from tests.helpers.rows import each_row
from tlsresume.errors import ExitStatus
from tlsresume.runs import selftest as action
from tlsresume.runs.selftest import STEPS, Outcome, Step, judge, look_up
from tlsresume.server.behaviour import TRUTHS

pytestmark = pytest.mark.slow


def test_every_behaviour_is_tried_with_every_command():
    """Each behaviour has steps and a truth; all four commands are among what is run."""
    assert set(STEPS) == set(TRUTHS)
    named = {step.arguments[0] for steps in STEPS.values() for step in steps}
    assert named | {"probe"} == {"probe", "save", "resume", "inspect"}


def test_it_passes_here(capsys, monkeypatch):
    """With real processes, one behaviour's answers are the known truth: a line each, and with
    -v the whole output."""
    monkeypatch.setattr(action, "TRUTHS", {"single-use": TRUTHS["single-use"]})
    monkeypatch.setattr(action, "datagram_cases", lambda: ())
    status, out, err = runner(capsys)("selftest")
    assert (status, err) == (ExitStatus.OK, "")
    assert "  \u2713 probe 127.0.0.1:" in out
    assert "\n  \u2713 resume psk.pem -> Reused\n" in out
    assert "\n  \u2713 resume psk.pem -> New, exit 3\n" in out
    assert "selftest passed: 4 answers, each the known truth\n" in out
    assert max(map(len, out.splitlines())) <= 80
    status, out, _ = runner(capsys)("selftest", "-v")
    assert status == ExitStatus.OK
    assert "$ tlsresume probe 127.0.0.1:" in out
    assert "\n  Reused, TLSv1.3" in out
    assert "\n  New, TLSv1.3" in out
    assert out.endswith("selftest passed: 4 answers, each the known truth\n")


def test_the_tour_has_40_to_60_lines(monkeypatch):
    """Each command has one line, and all of them fit into three screens at most."""
    fits = Outcome(0, "much\n" * 50, {"saved": True})
    monkeypatch.setattr(action, "_run", lambda *_: fits)
    monkeypatch.setattr(action, "judge", lambda *_: [])
    said: list[str] = []
    assert action.selftest(said.append) is True
    assert 40 <= len(said) <= 60
    assert all(len(line) <= 80 for line in said)
    steps = len(STEPS) + sum(map(len, STEPS.values()))
    steps += sum(len(case.steps) for case in action.datagram_cases())
    assert sum("\u2713" in line for line in said) == steps


def test_a_wrong_answer_is_a_failure(capsys, monkeypatch):
    """Where an answer is not the truth, that is said, with what the command printed, and the
    status is not 0."""
    wrong = Step(arguments=("inspect", "nothing"), truth={"files.0.path": "nothing"})
    monkeypatch.setattr(action, "TRUTHS", {"none": TRUTHS["none"]})
    monkeypatch.setattr(action, "datagram_cases", lambda: ())
    monkeypatch.setattr(action, "STEPS", {"none": (wrong,)})
    monkeypatch.setattr(action, "_probe", lambda *_: wrong)
    status, out, _ = runner(capsys)("selftest")
    assert status == ExitStatus.BUG
    assert "$ tlsresume inspect nothing\n" in out
    assert "WRONG: exit status 7, not 0\n" in out
    assert "WRONG: files.0.path is None, not 'nothing'\n" in out
    assert "  \u2717 inspect nothing -> no answer, exit 7\n" in out
    assert out.endswith("selftest FAILED: 2 of 2 answers were wrong\n")


def test_a_command_that_hangs_is_a_failure(monkeypatch):
    """A command without an answer in time is a wrong answer, not a hang."""

    def hang(*_, **__):
        raise subprocess.TimeoutExpired("tlsresume", 1)

    monkeypatch.setattr(subprocess, "run", hang)
    monkeypatch.setattr(action, "TRUTHS", {"none": TRUTHS["none"]})
    monkeypatch.setattr(action, "datagram_cases", lambda: ())
    said: list[str] = []
    assert action.selftest(said.append) is False
    assert "WRONG: no answer within 120 s" in said


@each_row(
    "path, value",
    [
        ("a", {"b": 1}),
        ("a.b", 1),
        ("list.1", "y"),
        ("list.9", None),
        ("a.b.c", None),
        ("missing", None),
        ("mechanisms.psk.state", "resumed"),
        ("mechanisms.ticket.state", None),
    ],
)
def test_values_are_found_by_path(path, value):
    """A dotted path finds fields, places in arrays and mechanisms; else it finds nothing."""
    document = {
        "a": {"b": 1},
        "list": ["x", "y"],
        "mechanisms": [{"mechanism": "psk", "state": "resumed"}],
    }
    assert look_up(document, path) == value


def test_a_missing_document_is_a_fault():
    """Without JSON an answer cannot be right."""
    assert judge(Step(arguments=()), Outcome(0, "", None)) == ["no JSON document was written"]

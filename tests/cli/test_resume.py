"""`tlsresume resume`: what it asks for, how its answer ends, and the renewed session."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.golden import cases
from tests.helpers import sessions
from tests.helpers.commands import runner
from tests.helpers.rows import each_row
from tests.paths import GOLDEN
from tlsresume.errors import ExitStatus
from tlsresume.options import ResumeOptions
from tlsresume.policy.exit_status import with_exit_zero
from tlsresume.policy.resume_status import resume_status
from tlsresume.results.measured import Series
from tlsresume.runs import resume as action
from tlsresume.sessions.file import format_session_file, read_session_file
from tlsresume.targets.target import parse_target


class FakeResume:
    """A resume that answers with a known result, and remembers what it was asked."""

    def __init__(self) -> None:
        self.result = cases.REUSED
        self.renewed = None
        self.asked: list[tuple] = []

    def __call__(self, file, target, options, *, trace=None, **_told):
        self.asked.append((file, target, options))
        return self.result, self.renewed


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = format_session_file(sessions.session("openssl40-psk"), sessions.METADATA)
    (tmp_path / "s.pem").write_bytes(data)
    (tmp_path / "s.pem").chmod(0o600)
    return runner(capsys)


@pytest.fixture
def fake(monkeypatch):
    found = FakeResume()
    monkeypatch.setattr(action, "resume", found)
    return found


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("reused", ExitStatus.OK),
        ("new", ExitStatus.NOT_AS_ASKED),
        ("disagreement", ExitStatus.NOT_AS_ASKED),
        ("failed", ExitStatus.FAILS_WITH_SESSION),
        ("no-reason", ExitStatus.UNREACHABLE),
        ("each-address", ExitStatus.NOT_AS_ASKED),
    ],
)
def test_the_answer_is_on_stdout_and_in_the_status(run, fake, case, status):
    """Stdout has the answer, stderr is silent, and the status says whether it was wanted."""
    fake.result = cases.RESUMES[case]
    found, out, err = run("resume", "s.pem")
    assert (found, err) == (status, "")
    assert out.split()[0] in ("Reused,", "New,", "Failed,")
    found, out, err = run("resume", "s.pem", "--format", "json")
    assert (found, err) == (status, "")
    document = json.loads(out)
    expected = json.loads((GOLDEN / f"resume-{case}.json").read_text(encoding="utf-8"))
    assert (document["exit_status"], document["exit_zero"]) == (status, False)
    assert document["why"]
    decided: dict[str, Any] = {
        "tool": None,
        "exit_status": None,
        "why": "",
        "each_address": [],
        "findings": [],
        "options": None,
    }
    assert (document["options"]["tries"], document["options"]["format"]) == (1, ["json"])
    assert document | decided == expected | decided
    assert {
        "session_reused", "offered", "accepted", "tls_version", "mechanism", "reason",
        "error_stack",
    } <= set(document)  # fmt: skip


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (replace(cases.REUSED, tries=Series.count("RRN")), ExitStatus.NOT_AS_ASKED),
        (replace(cases.REUSED, tries=Series.count("RRR")), ExitStatus.OK),
        (replace(cases.FAILED, fails_with_session=None), ExitStatus.UNREACHABLE),
        (replace(cases.FAILED, fails_with_session=None, set_session=0), ExitStatus.FILE),
    ],
)
def test_every_try_counts(result, status):
    """Only a session that is reused in every try is 0; a refused one is the file's fault."""
    assert resume_status(result) == status


@each_row("status", ExitStatus)
def test_exit_zero_forgives_answers_only(status):
    """--exit-zero turns 3, 4 and 6 into 0, and nothing else."""
    forgiven = status in (3, 4, 6)
    assert with_exit_zero(status, exit_zero=True) == (ExitStatus.OK if forgiven else status)
    assert with_exit_zero(status, exit_zero=False) == status


def test_options_reach_the_action(run, fake, tmp_path):
    """Every option of resume is in the ResumeOptions; the defaults are the library's."""
    run("resume", "s.pem")
    ((file, target, options),) = fake.asked
    assert (file.path, target, options) == ("s.pem", None, ResumeOptions())
    (tmp_path / "early").write_bytes(b"\x00GET")
    run(
        "resume", "s.pem", "other.example", "--resolve-now", "--any-host", "--tries", "3",
        "--early-data", "@early", "--no-pin", "--unclean-close", "--no-explain",
    )  # fmt: skip
    _, target, options = fake.asked[1]
    assert target == parse_target("other.example")
    assert options == ResumeOptions(
        pin=False,
        where="now",
        any_host=True,
        tries=3,
        early_data=b"\x00GET",
        explain=False,
        clean_close=False,
    )
    run("resume", "s.pem", "--each-address", "--early-data", r"\x41\n")
    assert (fake.asked[2][2].where, fake.asked[2][2].early_data) == ("each", b"A\n")


def test_a_route_option_changes_the_saved_target(run, fake):
    """--connect without TARGET keeps the saved target's name and SNI, and goes elsewhere."""
    run("resume", "s.pem", "--connect", "127.0.0.1:4433")
    target = fake.asked[0][1]
    assert (target.name, target.server_name, target.connect) == (
        "example.test:443",
        "example.test",
        ("127.0.0.1", 4433),
    )


@pytest.mark.parametrize(
    "arguments", [["--early-data", ""], ["--early-data", "@missing"], ["--tries", "1001"]]
)
def test_bad_options_are_usage_errors(run, fake, arguments):
    """Early data that is empty or cannot be read is refused before anything is contacted."""
    assert run("resume", "s.pem", *arguments)[0] == ExitStatus.USAGE
    assert fake.asked == []


def test_a_file_that_others_can_read_is_warned_about(run, fake, tmp_path):
    """Permissions that show the secrets to others are said on stderr, and do not stop it."""
    (tmp_path / "s.pem").chmod(0o644)
    status, _, err = run("resume", "s.pem")
    assert status == ExitStatus.OK
    assert err.startswith("tlsresume: warning: others can read this file")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x30\x82\xff"])
def test_a_bad_file_is_status_7_and_a_document(run, fake, tmp_path, content):
    """A file without a session is status 7, one line on stderr, and a valid JSON document."""
    (tmp_path / "bad").write_bytes(content)
    status, out, err = run("resume", "bad", "--format", "json")
    assert status == ExitStatus.FILE
    assert json.loads(out)["error"]["kind"] == "sessionfile"
    assert err.startswith("tlsresume: error: bad ")
    assert fake.asked == []


def test_a_target_before_the_file_is_told(run, fake, tmp_path):
    """Who types TARGET FILE reads what to type; a TARGET alone is a file that is not there."""
    path = tmp_path / "s.pem"
    path.write_text("x")
    status, _, err = run("resume", "joe:secret@h.example:443", str(path))
    assert status == ExitStatus.USAGE
    assert "FILE comes before TARGET" in err
    assert f"tlsresume resume {path} " in err
    assert "secret" not in err
    assert run("resume", "h.example:443")[0] == ExitStatus.FILE
    assert run("resume", str(path), "h.example:443")[0] == ExitStatus.FILE


def test_update_stores_the_renewed_session(run, fake, tmp_path):
    """--update replaces the file by the renewed session, and says so."""
    renewed = sessions.session("openssl40-psk"), replace(sessions.METADATA, tickets=7)
    fake.renewed = renewed
    status, out, err = run("resume", "s.pem", "--update")
    assert (status, err) == (ExitStatus.OK, "")
    assert "stored in           s.pem\n" in out
    found = read_session_file("s.pem")
    assert (found.metadata.tickets, found.mode) == (7, 0o600)


def test_update_without_a_renewed_session_changes_nothing(run, fake, tmp_path):
    """Where no renewed session came, the file stays, and that is said on stderr."""
    before = (tmp_path / "s.pem").read_bytes()
    _, _, err = run("resume", "s.pem", "--update")
    assert err == "tlsresume: no renewed session came: s.pem stays as it is\n"
    assert (tmp_path / "s.pem").read_bytes() == before
    assert run("resume", "-", "--update")[0] == ExitStatus.USAGE


def test_a_real_session_is_resumed(run, server):
    """Against the built-in server the answer begins as in s_client, and agrees with the wire."""
    running = server()
    assert run("save", f"127.0.0.1:{running.port}", "-o", "real.pem")[0] == ExitStatus.OK
    status, out, err = run("resume", "real.pem", "--update", "-v")
    assert status == ExitStatus.OK
    assert out.startswith("Reused, TLSv1.3, Cipher is TLS_")
    assert "offered, accepted, no Certificate message" in out
    assert "pre_shared_key" in err
    document = json.loads(run("resume", "real.pem", "--format", "json")[1])
    assert (document["session_reused"], document["offered"], document["accepted"]) == (
        True,
        True,
        True,
    )


def test_brief_leaves_the_attempts_out(run, fake):
    """--brief empties `attempts`, on every address, and says so; text has no such choice."""
    one = replace(cases.REUSED, attempts=cases.ATTEMPTS)
    fake.result = replace(one, each_address=(one, one))
    whole = json.loads(run("resume", "s.pem", "--json")[1])
    brief = json.loads(run("resume", "s.pem", "--json", "--brief")[1])
    assert (whole["brief"], brief["brief"]) == (False, True)
    for before, after in zip(
        (whole, *whole["each_address"]), (brief, *brief["each_address"]), strict=True
    ):
        assert before["attempts"]
        assert after["attempts"] == []
        assert before["why"] == after["why"]
    assert run("resume", "s.pem", "--brief")[0] == 2

"""`tlsresume inspect`: what it shows, what it keeps secret, and how it ends."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace

import pytest

from tests import sessions
from tests.commands import runner
from tests.golden import cases, check
from tlsresume.actions.inspect import inspect
from tlsresume.errors import ExitStatus
from tlsresume.formats.inspection_text import render_inspection, render_unreadable
from tlsresume.formats.page import View
from tlsresume.session.file import SessionFile, SessionMetadata, format_session_file

VIEW = View(width=80)
PSK = "openssl40-psk"
SECRET = sessions.session(PSK).fields.master_key.hex()


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.pem").write_bytes(format_session_file(sessions.session(PSK), sessions.METADATA))
    (tmp_path / "s.pem").chmod(0o600)
    (tmp_path / "bad.pem").write_text("nonsense")
    return runner(capsys)


@pytest.mark.parametrize("name", sessions.NAMES)
def test_each_kind_of_session_reads_as_agreed(name):
    """Every vector is shown as its golden file says, a minute after it was made."""
    session = sessions.session(name)
    file = SessionFile(path=f"{name}.der", session=session)
    found = inspect(file, session.fields.time + 60)
    check(f"inspect-{name}.txt", render_inspection(found, VIEW))


def test_every_detail_reads_as_agreed():
    """Metadata, the ticket's dump and the secret are shown as the golden file says, if asked."""
    session = sessions.altered(PSK, max_early_data=16384)
    file = SessionFile(
        path="s.pem", session=session, metadata=sessions.METADATA, format="pem+metadata",
        mode=0o644, warnings=("others can read this file",),
    )  # fmt: skip
    found = inspect(file, session.fields.time - 90, show_secrets=True, show_ticket=True)
    check("inspect-all.txt", render_inspection(found, VIEW))


def test_what_others_wrote_is_made_safe():
    """Names in metadata and certificates cannot steer the terminal."""
    metadata = SessionMetadata(target=cases.HOSTILE, sni=cases.HOSTILE, tool=cases.HOSTILE)
    session = sessions.session(PSK)
    found = inspect(SessionFile(path=cases.HOSTILE, session=session, metadata=metadata))
    assert found.certificate is not None
    certificate = replace(
        found.certificate,
        subject=cases.HOSTILE,
        subject_alternative_names=(cases.HOSTILE,) * 9,
        error=cases.HOSTILE,
    )
    printed = render_inspection(replace(found, certificate=certificate), VIEW)
    printed += render_unreadable(cases.HOSTILE, cases.REFUSED, VIEW)
    assert all(letter.isprintable() or letter == "\n" for letter in printed)
    assert "and 1 more" in printed


def test_secrets_are_shown_only_when_asked(run):
    """The PSK is in no output, text or JSON, without --show-secrets."""
    for arguments in ([], ["--hex"], ["--format", "json"]):
        status, out, err = run("inspect", "s.pem", *arguments)
        assert (status, err) == (ExitStatus.OK, "")
        assert SECRET not in out.lower()
    assert SECRET in run("inspect", "s.pem", "--show-secrets")[1]
    document = json.loads(run("inspect", "s.pem", "--show-secrets", "--json")[1])
    assert document["files"][0]["inspection"]["master_key"] == SECRET


def test_the_ticket_is_dumped_on_request(run):
    """--hex shows the ticket's bytes."""
    assert "    0000  " not in run("inspect", "s.pem")[1]
    assert "    0000  " in run("inspect", "s.pem", "--hex")[1]


def test_an_expired_session_is_still_status_0(run):
    """The vector is long expired: it is read, said not to be usable, and that is 0."""
    status, out, _ = run("inspect", "s.pem")
    assert status == ExitStatus.OK
    assert "sable now: " in out


def test_one_bad_file_is_an_error(run):
    """A file without a session is status 7: a line on stderr, or a JSON document besides."""
    status, out, err = run("inspect", "bad.pem")
    assert (status, out) == (ExitStatus.FILE, "")
    assert err.startswith("tlsresume: error: bad.pem holds no session")
    status, out, err = run("inspect", "bad.pem", "--format", "json")
    assert status == ExitStatus.FILE
    assert json.loads(out)["error"]["kind"] == "sessionfile"


def test_good_files_are_shown_beside_bad_ones(run):
    """Among several files a bad one has its own error, and the others are shown; status 7."""
    status, out, err = run("inspect", "s.pem", "bad.pem")
    assert (status, err) == (ExitStatus.FILE, "")
    assert out.startswith("s.pem  psk, TLSv1.3")
    assert "\nbad.pem  no session\nerror: bad.pem holds no session" in out
    status, out, _ = run("inspect", "s.pem", "bad.pem", "--format", "json")
    first, second = json.loads(out)["files"]
    assert (first["error"], second["inspection"]) == (None, None)
    assert second["path"] == "bad.pem"


def test_stdin_is_a_file(run, monkeypatch):
    """- reads a session from the standard input, once."""
    stdin = io.TextIOWrapper(io.BytesIO(sessions.der(PSK)))
    monkeypatch.setattr(sys, "stdin", stdin)
    status, out, _ = run("inspect", "-")
    assert status == ExitStatus.OK
    assert out.startswith("standard input  psk, TLSv1.3")
    assert run("inspect", "-", "-")[0] == ExitStatus.USAGE

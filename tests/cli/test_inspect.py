"""`tlsresume inspect`: what it shows, what it keeps secret, and how it ends."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace

import pytest

from tests.golden import cases, check
from tests.helpers import sessions
from tests.helpers.commands import runner
from tests.helpers.rows import each_row
from tests.paths import VECTORS
from tlsresume.errors import ExitStatus
from tlsresume.formats.inspection_text import render_inspection, render_unreadable
from tlsresume.formats.page import View
from tlsresume.runs.inspect import inspect
from tlsresume.sessions import file as sessions_file
from tlsresume.sessions.file import SessionFile, format_session_file
from tlsresume.sessions.metadata import SessionMetadata

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


@each_row("name", sessions.NAMES)
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
    loud = VIEW._replace(verbose=True)
    printed = render_inspection(replace(found, certificate=certificate), loud)
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


FILES = VECTORS / "files"


def test_what_openssl_prints_is_shown(run):
    """A log of s_client is status 0: the fields of each printed session, and why it cannot be
    offered; JSON has them apart from sessions."""
    log = str(FILES / "sclient13.log")
    status, out, err = run("inspect", log)
    assert (status, err) == (ExitStatus.OK, "")
    assert out.startswith(f"{log} (session 1 of 2)  printed by openssl, TLSv1.3, TLS_AES_256")
    assert "only -sess_out makes a file" in out
    assert "ticket              208 bytes" in out
    first, second = json.loads(run("inspect", log, "--json")[1])["files"]
    assert (first["inspection"], first["error"]) == (None, None)
    assert (first["partial"]["number"], second["partial"]["of"]) == (1, 2)
    assert first["partial"]["source"] == "printed"
    assert first["partial"]["ticket"]["length"] == 208
    assert run("resume", log, "localhost:1")[0] == ExitStatus.FILE


def test_a_ticket_alone_is_shown(run):
    """A bare ticket is status 0, with its key name and layout, and its dump if asked for."""
    ticket = str(FILES / "node20-13.ticket")
    status, out, _ = run("inspect", ticket, "--hex")
    assert status == ExitStatus.OK
    assert out.startswith(f"{ticket}  a ticket without its session\n")
    assert "key name            probably" in out
    assert "OpenSSL family" in out
    assert "    0000  " in out
    assert run("resume", ticket, "localhost:1")[0] == ExitStatus.FILE


def test_a_key_tells_who_made_a_ticket_alone(run, tmp_path):
    """--ticket-keys opens a bare ticket, and one that was only printed."""
    keys = str(FILES / "h2o.yaml")
    session = sessions_file.read_session_file(str(FILES / "h2o12.pem")).session
    (tmp_path / "t").write_bytes(session.fields.ticket or b"")
    _, out, _ = run("inspect", "t", "--ticket-keys", keys)
    assert f"made by             {keys}" in out
    assert "the MAC matches" in out
    _, out, _ = run("inspect", str(FILES / "ruby12.txt"), "--ticket-keys", keys)
    assert "made by             none of the given keys" in out


def test_what_cannot_be_offered_is_shown_with_its_reason(run):
    """A session with a PSK cipher is status 0, in the words that resume uses."""
    for name, kind, words in (
        ("s_client-psk12.pem", "cipher", "not usable by this tool: its cipher is PSK-AES128-GCM"),
    ):
        path = str(FILES / name)
        status, out, _ = run("inspect", path)
        assert status == ExitStatus.OK
        assert f"\n{words}" in out
        assert "sable now" not in out
        (file,) = json.loads(run("inspect", path, "--json")[1])["files"]
        found = file["inspection"]
        assert (found["usable"], found["unsupported"]) == (False, kind)
        assert found["reason"].startswith(words)
        status, _, err = run("resume", path)
        assert status == ExitStatus.FILE
        assert words in err


def test_a_session_of_dtls_says_so(run):
    """What `openssl s_client -dtls` saved is a session like others, of another transport."""
    path = str(FILES / "s_client-dtls12.pem")
    status, out, _ = run("inspect", path)
    assert status == ExitStatus.OK
    assert "ticket, DTLSv1.2," in out
    (file,) = json.loads(run("inspect", path, "--json")[1])["files"]
    found = file["inspection"]
    assert (found["transport"], found["tls_version"], found["unsupported"]) == (
        "dtls", "DTLSv1.2", None,
    )  # fmt: skip


def test_max_fragment_length_is_shown(run):
    """The length that a session asks for stands among its facts."""
    assert (
        "max fragment length 1024 bytes"
        in run("inspect", str(FILES / "s_client-maxfraglen-12.pem"))[1]
    )


def test_a_wrapping_and_each_of_several_sessions_are_named(run, tmp_path):
    """Where a session was found, and which of how many it is, stand beside it."""
    session = sessions.session(PSK)
    (tmp_path / "s.hex").write_text(session.data.hex())
    assert "file                der, in hex, mode 0" in run("inspect", "s.hex")[1]
    pem = format_session_file(session, SessionMetadata())
    (tmp_path / "two.pem").write_bytes(pem + pem)
    status, out, _ = run("inspect", "two.pem")
    assert status == ExitStatus.OK
    assert "two.pem (session 1 of 2)  psk" in out
    assert "two.pem (session 2 of 2)  psk" in out
    assert run("resume", "two.pem", "localhost:1")[0] == ExitStatus.FILE

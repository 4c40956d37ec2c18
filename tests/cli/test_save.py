"""`tlsresume save`: which file, when not, and what is said where."""

from __future__ import annotations

import json
import stat
from dataclasses import replace

import pytest

from tests.golden import cases
from tests.helpers.commands import runner
from tlsresume.cli.save import default_name, numbered
from tlsresume.errors import ExitStatus, UsageError
from tlsresume.options import SaveOptions
from tlsresume.runs import save as action
from tlsresume.sessions.file import read_session_file
from tlsresume.sessions.metadata import SessionMetadata
from tlsresume.sessions.session import Session
from tlsresume.targets.target import parse_target

SESSIONS = [
    (Session("openssl-der", data), SessionMetadata(target="example.com:443"))
    for data in (b"first", b"second")
]


class FakeSave:
    """A save that answers with a known result, and remembers what it was asked."""

    def __init__(self) -> None:
        self.result = replace(cases.SAVED, files=())
        self.sessions = SESSIONS
        self.asked: list[tuple[object, SaveOptions]] = []

    def __call__(self, target, options, *, trace=None, status=None):
        self.asked.append((target, options))
        return self.result, self.sessions if self.result.saved else []


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return runner(capsys)


@pytest.fixture
def fake(monkeypatch):
    found = FakeSave()
    monkeypatch.setattr(action, "save", found)
    return found


def test_the_session_goes_to_a_file_named_after_the_target(run, fake, tmp_path):
    """Without -o the newest session is in HOST_PORT.session.pem, for the owner only."""
    status, out, err = run("save", "example.com", "--mechanism", "psk")
    assert (status, err) == (ExitStatus.OK, "")
    assert out.startswith("Saved example.com_443.session.pem\n")
    (path,) = tmp_path.iterdir()
    assert path.name == "example.com_443.session.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"c2Vjb25k" in path.read_bytes()  # "second" in base64
    assert fake.asked == [(parse_target("example.com"), SaveOptions(mechanism="psk"))]


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("example.com", "example.com_443.session.pem"),
        ("[2001:db8::1]:8443", "2001_db8__1_8443.session.pem"),
        ("[fe80::1%eth0]:1", "fe80__1_eth0_1.session.pem"),
    ],
)
def test_default_names_are_fit_for_any_file_system(target, name):
    """A default file name has no colon, no slash and no percent sign."""
    assert default_name(parse_target(target)) == name


def test_numbers_go_before_the_ending():
    """The names of several files keep the ending that marks session files."""
    assert numbered("a.session.pem", 2) == "a.2.session.pem"
    assert numbered("dir.d/a.pem", 1) == "dir.d/a.1.pem"
    assert numbered("dir.d/a", 1) == "dir.d/a.1"


def test_all_tickets_are_files_of_their_own(run, fake, tmp_path):
    """--all-tickets writes a file for each ticket, in order."""
    status, out, _ = run("save", "a", "--all-tickets", "-o", "x.session.pem", "--format", "json")
    assert status == ExitStatus.OK
    assert json.loads(out)["files"] == ["x.1.session.pem", "x.2.session.pem"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "x.1.session.pem",
        "x.2.session.pem",
    ]
    assert b"Zmlyc3Q=" in (tmp_path / "x.1.session.pem").read_bytes()


@pytest.mark.parametrize("arguments", [[], ["--all-tickets"]])
def test_an_existing_file_is_refused_before_connecting(run, fake, tmp_path, arguments):
    """A file that exists is status 7, nothing is contacted and nothing changed; --force writes."""
    name = "x.1.pem" if arguments else "x.pem"
    (tmp_path / name).write_text("precious")
    status, out, err = run("save", "a", "-o", "x.pem", *arguments)
    assert (status, out) == (ExitStatus.FILE, "")
    assert err.startswith(f"tlsresume: error: {name} exists already\nhint: --force")
    assert fake.asked == []
    assert (tmp_path / name).read_text() == "precious"
    assert run("save", "a", "-o", "x.pem", "--force", *arguments)[0] == ExitStatus.OK
    assert "precious" not in (tmp_path / name).read_text()


def test_a_dangling_link_exists_too(run, fake, tmp_path):
    """A symbolic link to nothing is not written through."""
    (tmp_path / "x.pem").symlink_to("elsewhere")
    assert run("save", "a", "-o", "x.pem")[0] == ExitStatus.FILE
    assert fake.asked == []


@pytest.mark.parametrize("name", ["no/such/x.pem", "."])
def test_a_place_that_cannot_be_written_is_refused_before_connecting(run, fake, name):
    """A missing folder, or a folder where a file should be, is status 7 at once."""
    assert run("save", "a", "-o", name)[0] == ExitStatus.FILE
    assert fake.asked == []


def test_a_file_that_came_meanwhile_is_not_overwritten(run, fake, tmp_path, monkeypatch):
    """A file that appears while connecting is kept, and the JSON document says why."""
    ask = FakeSave.__call__

    def slow(self, *arguments, **more):
        (tmp_path / "x.pem").write_text("precious")
        return ask(self, *arguments, **more)

    monkeypatch.setattr(FakeSave, "__call__", slow)
    status, out, _ = run("save", "a", "-o", "x.pem", "--format", "json")
    assert status == ExitStatus.FILE
    assert "exists already" in json.loads(out)["error"]["message"]
    assert (tmp_path / "x.pem").read_text() == "precious"


def test_stdout_gets_the_session_and_stderr_the_talk(run, fake, tmp_path):
    """With -o - stdout is the PEM file and nothing else."""
    status, out, err = run("save", "a", "-o", "-")
    assert status == ExitStatus.OK
    assert out.startswith("Target: example.com:443\n-----BEGIN SSL SESSION PARAMETERS-----\n")
    assert out.endswith("-----END SSL SESSION PARAMETERS-----\n")
    assert err.startswith("Saved to the standard output\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("more", [["--format", "json"], ["--all-tickets"]])
def test_stdout_holds_one_thing(run, fake, more):
    """-o - excludes JSON on stdout, and several files."""
    assert run("save", "a", "-o", "-", *more)[0] == ExitStatus.USAGE
    assert fake.asked == []


def test_nothing_is_written_where_no_session_came(run, fake, tmp_path):
    """No ticket is status 3, said on stderr, and leaves no file."""
    fake.result = cases.SAVES["no-ticket"]
    status, out, err = run("save", "a")
    assert (status, out) == (ExitStatus.NOT_AS_ASKED, "")
    assert err.startswith("Not saved: no ticket within 3 s\n")
    assert list(tmp_path.iterdir()) == []
    status, out, err = run("save", "a", "--format", "json")
    assert (status, err) == (ExitStatus.NOT_AS_ASKED, "")
    assert json.loads(out)["saved"] is False


def test_an_unreachable_server_is_status_5(run, fake):
    """A connection that cannot be made is status 5."""
    fake.result = cases.SAVES["refused"]
    status, out, err = run("save", "a")
    assert (status, out) == (ExitStatus.UNREACHABLE, "")
    assert "error: connection to 192.0.2.30:443 refused\n" in err


def test_errors_of_the_library_keep_their_status(run, monkeypatch):
    """An error that save raises has its own status and line."""

    def refuse(*_, **__):
        raise UsageError("no such cipher")

    monkeypatch.setattr(action, "save", refuse)
    assert run("save", "a") == (ExitStatus.USAGE, "", "tlsresume: error: no such cipher\n")


def test_a_real_session_is_saved(run, server):
    """Against the built-in server a usable session lands in the file, with -v on stderr."""
    running = server()
    status, _, err = run("save", f"127.0.0.1:{running.port}", "-o", "s.pem", "-v")
    assert status == ExitStatus.OK
    assert "NewSessionTicket" in err
    assert read_session_file("s.pem").metadata.target == f"127.0.0.1:{running.port}"

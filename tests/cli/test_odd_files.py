"""What stands where a file was expected: pipes, devices and folders hang no command."""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.features.capture.packets import pcap
from tests.helpers import certificates
from tests.helpers.commands import runner
from tests.helpers.peers import refused_port
from tests.paths import VECTORS
from tlsresume import files
from tlsresume.cli.refuse_secrets import check
from tlsresume.errors import ExitStatus
from tlsresume.transports.openssl import contexts

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    contexts._context.cache_clear()
    files._held.clear()
    for name in ("SSLKEYLOGFILE", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    yield
    files.give_up_after(None)
    contexts._context.cache_clear()


@pytest.fixture
def run(capsys):
    return runner(capsys)


@pytest.fixture
def silent(tmp_path):
    """Make a pipe that somebody holds open and says nothing into."""
    held: list[int] = []

    def make() -> str:
        path = tmp_path / f"silent{len(held)}"
        os.mkfifo(path)
        held.append(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        return str(path)

    yield make
    for fd in held:
        os.close(fd)


#: Each option and argument that names a file to read, with what is typed before the name.
READ: dict[str, tuple[str, ...]] = {
    "inspect": ("inspect",),
    "inspect --ticket-keys": ("inspect", "{session}", "--ticket-keys"),
    "resume": ("resume", "{target}"),
    "policy": ("policy",),
    "--targets": ("probe", "--targets"),
    "--policy": ("probe", "{target}", "--policy"),
    "--baseline": ("probe", "{target}", "--baseline"),
    "--ticket-keys": ("probe", "{target}", "--ticket-keys"),
    "--cafile": ("probe", "{target}", "--cafile"),
    "--cert": ("probe", "{target}", "--cert"),
    "--key": ("probe", "{target}", "--cert", "{pem}", "--key"),
    "--passphrase-file": ("probe", "{target}", "--cert", "{pem}", "--passphrase-file"),
    "--proxy-password-file": (
        "probe", "{target}", "--proxy", "http://u@127.0.0.1:1", "--proxy-password-file",
    ),
    "--ftp-password-file": ("probe", "{target}", "--ftp-user", "u", "--ftp-password-file"),
    "--history": ("watch", "report", "--history"),
    "--keylogfile": ("capture", "{capture}", "--keylogfile"),
    "--anonymise-key": ("capture", "{capture}", "--anonymise-key"),
    "capture --ticket-keys": ("capture", "{capture}", "--ticket-keys"),
    "capture --policy": ("capture", "{capture}", "--policy"),
}  # fmt: skip


@pytest.fixture
def words(tmp_path) -> Callable[..., list[str]]:
    """The words of a command of READ for a file."""
    identity = certificates.localhost()
    pem = tmp_path / "both.pem"
    pem.write_bytes(identity.certificate_pem + identity.key_pem)
    session = next(iter(sorted(VECTORS.rglob("*psk*.pem"))))
    capture = tmp_path / "x.pcap"
    capture.write_bytes(pcap([]))

    def make(before: tuple[str, ...], name: str, target: str) -> list[str]:
        places = {
            "{target}": target,
            "{pem}": str(pem),
            "{session}": str(session),
            "{capture}": str(capture),
        }
        return [*(places.get(word, word) for word in before), name]

    return make


def test_what_is_no_file_ends_each_command(run, words, silent, server, tmp_path, monkeypatch):
    """A silent pipe, a pipe without a writer, an endless device and a folder, given to any
    option that reads a file, end in an error, and never in waiting or in a bug."""
    monkeypatch.setattr(files, "PATIENCE", 0.01)
    target = f"127.0.0.1:{server().port}"
    for option, before in READ.items():
        empty = tmp_path / f"empty {option}"
        os.mkfifo(empty)
        for name in (silent(), str(empty), "/dev/zero", "/dev/null", str(tmp_path)):
            status, _, err = run(*words(before, name, target))
            told = (option, name, status, err)
            assert "bug" not in err, told
            # An empty password may be meant; then what becomes of the connection counts. An empty
            # key log opens nothing, and is warned of.
            if ("pass" in option or option == "--keylogfile") and name in (str(empty), "/dev/null"):
                assert status in (ExitStatus.OK, ExitStatus.UNREACHABLE), told
            else:
                assert status in (ExitStatus.FILE, ExitStatus.USAGE), told


def test_a_deadline_ends_the_waiting_for_a_file(run, silent, monkeypatch):
    """--deadline counts from the start of the run, files included."""
    waits: list[float] = []
    real = select.select

    def counting(*arguments):
        waits.append(arguments[3])
        return real(arguments[0], arguments[1], arguments[2], 0)

    monkeypatch.setattr(select, "select", counting)
    status, _, err = run("probe", "127.0.0.1", "--policy", silent(), "--deadline", "2s")
    assert status == ExitStatus.FILE
    assert "nothing came from" in err
    assert 0 < max(waits) <= 2


def test_pems_may_come_through_pipes(run, server, tmp_path):
    """Certificates, a key and trust that a shell's <(...) gives are used, for every connection."""
    identity = certificates.localhost()
    given = {
        "--cafile": certificates.authority_pem(),
        "--cert": identity.certificate_pem,
        "--key": identity.key_pem,
    }
    words, fds = [], []
    for option, data in given.items():
        reading, writing = os.pipe()
        os.write(writing, data)
        os.close(writing)
        fds.append(reading)
        words += [option, f"/dev/fd/{reading}"]
    try:
        status, out, err = run("probe", f"localhost:{server().port}", "--verify", *words)
    finally:
        for fd in fds:
            os.close(fd)
    assert status == ExitStatus.OK, (out, err)


def test_a_default_of_trust_that_is_no_file(run, server, silent, monkeypatch):
    """$SSL_CERT_FILE, which OpenSSL itself would open, may name a pipe or a device, too."""
    monkeypatch.setattr(files, "PATIENCE", 0.01)
    target = f"127.0.0.1:{server().port}"
    for name in (silent(), "/dev/zero"):
        contexts._context.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", name)
        status, _, err = run("probe", target, "--tries", "1")
        assert (status, name in err) == (ExitStatus.FILE, True), err


def test_a_key_log_that_is_a_pipe(run, server, tmp_path):
    """A pipe without a reader is refused at once; one with a reader gets the secrets."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = ("probe", f"127.0.0.1:{server().port}", "--tries", "1", "--keylogfile", str(pipe))
    status, _, err = run(*words)
    assert status == ExitStatus.FILE
    assert "a pipe that nobody reads" in err
    contexts._context.cache_clear()
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run(*words)[0] == ExitStatus.OK
        assert b"SECRET" in os.read(reading, 65536)
    finally:
        os.close(reading)


def test_a_key_log_that_others_can_read(run, server, tmp_path):
    """Secrets go into a loosely readable file only with a warning, given once."""
    log = tmp_path / "keys.log"
    words = ("probe", f"127.0.0.1:{server().port}", "--tries", "1", "--keylogfile", str(log))
    _, _, err = run(*words)
    assert "warning" not in err
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    for mode, what in ((0o644, "read"), (0o620, "change"), (0o666, "read")):
        log.chmod(mode)
        _, _, err = run(*words)
        assert err.count("warning") == 1, err
        assert f"others can {what} this file (mode {mode:04o})" in err
        assert f"chmod 600 {log}" in err


def test_reports_into_pipes_and_devices(run, tmp_path, monkeypatch):
    """A report is not written into a pipe, and a job summary that is one costs a warning."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with refused_port() as port:
        target = f"127.0.0.1:{port}"
        status, _, err = run("probe", target, "--format", f"json={pipe}")
        assert (status, "not a regular file" in err) == (ExitStatus.FILE, True)
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pipe))
        status, _, err = run("probe", target, "--format", "github")
    assert status == ExitStatus.UNREACHABLE
    assert "warning: cannot write the summary" in err


def test_the_hook_against_secrets_waits_for_no_pipe(tmp_path, silent, monkeypatch, capsys):
    """The pre-commit hook says that it cannot read what is no file."""
    monkeypatch.setattr(files, "PATIENCE", 0.01)
    assert check([silent(), str(tmp_path)]) == 2
    assert "nothing came from" in capsys.readouterr().err


# ------------------------------------------------------------------------ SIGTERM


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """How a process that was told to end does so; killed where it does not."""
    try:
        process.send_signal(signal.SIGTERM)
        # Far below all that the process would wait for by itself, far above what it needs.
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    return process.returncode, err


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tlsresume", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


#: What each server says first, and then for ever.
FLOODS: dict[str, tuple[bytes, bytes]] = {
    "xmpp": (b"<stream a='", b">"),
    "imap": (b"* OK ", b"{0}\r\n"),
    "smtp": (b"220-", b""),
    "mysql": (b"\xff", b""),
}


def test_sigterm_ends_each_prelude():
    """A peer that is silent in the middle of its greeting, or sends 8 KB of nonsense, holds up
    no SIGTERM."""
    for name, (first, more) in FLOODS.items():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            place = f"127.0.0.1:{listener.getsockname()[1]}"
            process = start("probe", place, "--starttls", name, "--timeout", "600")
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(first + more * (8192 // max(1, len(more))))
                    status, err = ended(process)
            finally:
                process.kill()
                process.wait()
        assert status == ExitStatus.INTERRUPTED, (name, err)
        assert b"Traceback" not in err, name


def test_sigterm_ends_the_reading_of_a_pipe(tmp_path):
    """A pipe whose writer is silent is given up when the process is told to end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start("probe", "127.0.0.1:1", "--policy", str(pipe))
    try:
        # Opened for writing as soon as the process reads it.
        writing = os.open(pipe, os.O_RDWR)
        drained = threading.Event()
        os.write(writing, b"[defaults]\n")

        def wait() -> None:
            with suppress(OSError):
                os.write(writing, b"#" * 200_000)
            drained.set()

        # More than a pipe holds, so it is read by now when this ends.
        threading.Thread(target=wait, daemon=True).start()
        assert drained.wait(30)
        status, err = ended(process)
        os.close(writing)
    finally:
        process.kill()
        process.wait()
    assert status == ExitStatus.INTERRUPTED, err
    assert b"Traceback" not in err

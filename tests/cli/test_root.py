"""The command line as a whole: start-up, errors, exit statuses, broken pipes."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.helpers import sessions
from tests.helpers.commands import runner
from tlsresume import __version__
from tlsresume.cli import console, main, root
from tlsresume.cli.outputs import Outputs, output_options
from tlsresume.error_queue import ErrorEntry, ErrorStack
from tlsresume.errors import ExitStatus, FileError, OutputFileError, TLSResumeError
from tlsresume.sessions import asn1

HEAVY = {"OpenSSL", "rich", "msgspec", "asyncio", "cryptography"}


@pytest.fixture
def run(capsys):
    return runner(capsys)


def modules(*arguments: str, status: int = 0) -> set[str]:
    """The modules that a command line imports, by Python's own account."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tlsresume", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr[-2000:]
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def imported(*arguments: str, status: int = 0) -> set[str]:
    """The top-level names among them."""
    return {name.partition(".")[0] for name in modules(*arguments, status=status)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-V"],
        ["-h"],
        ["--version"],
        ["--help"],
        ["help", "probe"],
        ["probe", "-h"],
        *([*name.split(), "--help"] for name in (*root.COMMANDS, *root.SUBCOMMANDS)),
    ],
)
def test_help_costs_click_and_nothing_heavier(arguments):
    """Neither --version nor any --help imports OpenSSL, rich, msgspec, asyncio, cryptography."""
    names = imported(*arguments)
    assert "click" in names
    assert not names & HEAVY


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["resume"], ["save"], ["inspect"], ["nonsense"]])
def test_a_usage_error_costs_no_more_than_help(arguments):
    """What click alone can refuse is refused at once."""
    assert not imported(*arguments, status=2) & HEAVY


def test_a_plan_costs_nothing_that_connects():
    """`probe --plan` imports neither OpenSSL nor X.509, nor what probes, judges or opens keys."""
    names = modules("probe", "--plan", "a.example")
    assert "tlsresume.runs.plan" in names
    assert not names & {
        "OpenSSL", "cryptography.x509", "tlsresume.transports.openssl.client", "tlsresume.network.lab",
        "tlsresume.runs.probe", "tlsresume.findings.judge", "tlsresume.tickets.key_files",
        "statistics", "csv", "tomllib", "rich", "pathlib", "json", "secrets",
    }  # fmt: skip


#: What only some targets and options need: by what a module's name begins with.
NOT_OF_HTTPS = (
    # other ways to a server
    "tlsresume.transports.quic", "tlsresume.features.ftps.data_connections", "tlsresume.network.proxy",
    "tlsresume.network.prelude", "tlsresume.protocols.talk", "tlsresume.targets.proxying",
    "tlsresume.runs.tcp_and_quic", "tlsresume.runs.over_quic", "tlsresume.transports.openssl.dtls",
    "tlsresume.transports.openssl.plain_answers",
    # experiments by name, and for several addresses
    "tlsresume.experiments.age", "tlsresume.experiments.crossing",
    "tlsresume.experiments.early_data", "tlsresume.experiments.other_names",
    # files of keys and sessions, and what is printed with -v
    "tlsresume.tickets.key_file", "tlsresume.sessions.contents", "tlsresume.sessions.identify",
    "tlsresume.sessions.unwrap", "tlsresume.sessions.file", "tlsresume.tls.describe",
    # other commands, fleets, formats
    "tlsresume.features.capture", "tlsresume.features.serve", "tlsresume.features.watch",
    "tlsresume.features.exporter", "tlsresume.features.fleet.engine", "tlsresume.server",
    "tlsresume.cli.replaceable", "tlsresume.formats.html", "tlsresume.formats.junit",
    # libraries
    "rich", "aioquic", "jinja2", "pathlib", "json", "csv", "tomllib", "statistics", "queue",
    "cryptography.hazmat.primitives.serialization",
)  # fmt: skip


@pytest.mark.slow
def test_a_probe_of_https_imports_nothing_of_other_ways(server):
    """A plain probe imports neither QUIC, FTP, proxies, STARTTLS nor key files, and no
    experiment that nobody asked for."""
    names = modules("probe", f"127.0.0.1:{server(versions=('1.2', '1.3')).port}")
    assert "tlsresume.transports.openssl.client" in names
    assert "tlsresume.formats.screen_text" in names
    assert not {name for name in names if name.startswith(NOT_OF_HTTPS)}


@pytest.mark.slow
def test_what_contacts_nothing_imports_no_network():
    """`explain` and `inspect` do without OpenSSL's bindings and asyncio."""
    path = sessions.VECTORS / "openssl40-psk.der"
    for arguments in (["explain"], ["explain", "not-issued"], ["inspect", str(path)]):
        names = modules(*arguments)
        assert not {name.partition(".")[0] for name in names} & {"OpenSSL", "asyncio", "rich"}
        assert not names & {
            "tlsresume.runs.probe", "tlsresume.network.lab", "tlsresume.experiments.tries",
            "tlsresume.formats.overview_text", "cryptography.hazmat.primitives.serialization",
        }  # fmt: skip


def test_the_version_is_said_plainly(run):
    """--version prints the name and the version."""
    assert run("--version") == (0, f"tlsresume {__version__}\n", "")


def test_help_names_every_command(run):
    """--help lists each command with what it is for, and each command can be loaded."""
    status, out, err = run("--help")
    assert (status, err) == (0, "")
    for name, lazy in root.COMMANDS.items():
        assert name in out
        assert lazy.about in out
        command = root.root.get_command(click.Context(root.root), name)
        assert command is not None
        assert command.name == name


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["frob"], "no such command 'frob'"),
        (["probe", "--frob", "x"], "no such option"),
        (["probe"], "missing TARGET: name one, or a file of them with --targets"),
        (["save"], "missing argument 'TARGET'"),
        (["inspect"], "missing argument 'FILE...'"),
        (["probe", "a..b"], "'a..b' is not a target: the host has an empty label"),
        (["probe", "x", "--tries", "0"], "invalid value for '--tries'"),
        (["probe", "x", "--tls", "1.1"], "invalid value for '--tls'"),
        (["probe", "x", "--format", "xml"], "'xml' is not one of text, json"),
    ],
)
def test_usage_errors_are_one_line_and_exit_2(run, arguments, line):
    """A command line that makes no sense gives one line, a hint at most, and status 2."""
    status, out, err = run(*arguments)
    assert (status, out) == (ExitStatus.USAGE, "")
    first, *rest = err.splitlines()
    assert first.startswith("tlsresume: error: ")
    assert line in first
    assert all(each.startswith("hint: ") for each in rest)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["prob", "x"], "did you mean: tlsresume probe"),
        (["probe", "localhost", "4433"], "a port goes with its host: HOST:4433"),
        (["probe", "http://x"], "https://HOST:PORT"),
        (["resume", "x.example:443"], "a session file is made by: tlsresume save TARGET"),
    ],
)
def test_typical_mistakes_are_told_the_next_step(run, arguments, hint):
    """A forgotten command, a port apart, a target where a file goes: each names what helps."""
    _, out, err = run(*arguments)
    assert out == ""
    assert hint in err


@pytest.mark.parametrize("target", ["joe:secret@x.example", "https://joe:secret@x.example/"])
def test_a_password_in_a_target_is_not_repeated(run, target):
    """What was typed by mistake does not reach a log."""
    status, _, err = run("probe", target)
    assert status == ExitStatus.USAGE
    assert "refused" in err
    assert "secret" not in err


STACK = ErrorStack(
    "d2i_SSL_SESSION", "NULL", (ErrorEntry("asn1", "wrong\x1b tag", 0x068000A8, "Type=X"),)
)


@pytest.fixture
def failing(monkeypatch):
    """Make `tlsresume fail` raise an error, after its --format is known."""

    def install(error: BaseException) -> None:
        @click.command("fail")
        @output_options("text", "json")
        def command(outputs: Outputs) -> None:
            raise error

        monkeypatch.setattr(root.LazyGroup, "get_command", lambda *_: command)

    return install


def test_an_error_is_a_line_a_stack_and_hints(run, failing):
    """An error prints its line, then OpenSSL's stack, then its hints, and sets the status."""
    failing(FileError("cannot use it", path="x", hints=("try another",), stack=STACK))
    status, out, err = run("fail")
    assert (status, out) == (ExitStatus.FILE, "")
    assert err == (
        "tlsresume: error: cannot use it\n"
        "d2i_SSL_SESSION returned NULL; the error queue, oldest first:\n"
        "  #1 asn1: wrong\\x1b tag\n"
        "     code 068000A8, data: Type=X\n"
        "hint: try another\n"
    )


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (FileError("bad file", path="x", stack=STACK), ExitStatus.FILE, "file"),
        (TLSResumeError("anything"), ExitStatus.BUG, "tlsresume"),
        (RuntimeError("oops\n\x1b[2J"), ExitStatus.BUG, "tlsresume"),
        (KeyboardInterrupt(), ExitStatus.INTERRUPTED, "interrupted"),
        (RecursionError(), ExitStatus.BUG, "tlsresume"),
    ],
)
def test_json_is_one_document_whatever_happens(run, failing, error, status, kind):
    """With --format json stdout is one valid document also when the command fails."""
    failing(error)
    found = run("fail", "--format", "json")
    assert found[0] == status
    assert json.loads(found[1])["error"]["kind"] == kind
    assert "Traceback" not in found[2]
    assert "\x1b" not in found[1] + found[2]


def test_a_failing_run_completes_the_document_in_a_file(run, failing, tmp_path):
    """A JSON document that goes to a file is written too when the command fails."""
    failing(FileError("bad file", path="x"))
    path = tmp_path / "out.json"
    status, out, _ = run("fail", "--format", f"json={path}")
    assert (status, out) == (ExitStatus.FILE, "")
    assert json.loads(path.read_text())["error"]["message"] == "bad file"


def test_a_bug_is_called_one(run, failing):
    """An unexpected exception is one line that says so, status 1, and no traceback."""
    failing(ZeroDivisionError("division by zero"))
    status, out, err = run("fail")
    assert (status, out) == (ExitStatus.BUG, "")
    assert err == (
        "tlsresume: error: this is a bug in tlsresume: ZeroDivisionError: division by zero\n"
        "hint: run it again with TLSRESUME_DEBUG=1 to see where, and report that\n"
    )


def test_debug_shows_the_traceback(run, failing, monkeypatch):
    """TLSRESUME_DEBUG=1 shows where an exception came from."""
    monkeypatch.setenv("TLSRESUME_DEBUG", "1")
    failing(ZeroDivisionError("division by zero"))
    assert "Traceback" in run("fail")[2]


def test_an_interrupt_is_130(run, failing):
    """Ctrl-C ends with status 130 and a word on stderr."""
    failing(KeyboardInterrupt())
    status, out, err = run("fail")
    assert (status, out) == (130, "")
    assert err.strip().endswith("tlsresume: error: interrupted")


@pytest.mark.slow
def test_a_reader_that_went_away_is_no_error():
    """Output into a closed pipe is dropped quietly, and the answer's status stays."""
    read, write = os.pipe()
    os.close(read)
    code = (
        "from tlsresume.cli import console\n"
        "for _ in range(3): console.write_data('x' * 100000)\n"
        "print('more')\n"
        "raise SystemExit(3)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (3, b"")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", ["inspect nothing --format json", "--version", "probe -h"])
def test_a_full_disk_is_an_error(arguments):
    """Output that cannot be written is status 7 and one line, not silence."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tlsresume", *arguments.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == ExitStatus.FILE
    assert b"cannot write to the standard output: No space left" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_a_real_process(number):
    """A real process that gets SIGINT or SIGTERM ends with 130 and without a traceback."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tlsresume", "inspect", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TLSRESUME_DEBUG": ""},
    )
    try:
        # Reading stdin is the last thing it does, so the pipe's emptiness shows nothing; a
        # full pipe that was drained does.
        assert process.stdin is not None
        process.stdin.write(b"x" * 300_000)
        process.stdin.flush()
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == ExitStatus.INTERRUPTED
    assert b"Traceback" not in err


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Attribute:UserWarning")
def test_no_warning_of_a_library_is_shown(tmp_path):
    """A certificate with a name that is too long is shown, and what a library thinks of it is
    not told on stderr."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x" * 70, _validate=False)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    structure, _ = asn1.decode(sessions.der("openssl40-psk"))
    path = tmp_path / "s.der"
    path.touch(0o600)
    path.write_bytes(asn1.encode(structure, certificate))
    done = subprocess.run(
        [sys.executable, "-m", "tlsresume", "inspect", str(path)],
        capture_output=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"},
    )
    assert (done.returncode, done.stderr) == (ExitStatus.OK, b"")
    assert b"x" * 70 in done.stdout.replace(b"\n", b"").replace(b" ", b"")


def shell(line: str, *arguments: str) -> list[str]:
    """A line of shell that runs `tlsresume` with arguments as "$@"."""
    return ["/bin/sh", "-c", line, "sh", sys.executable, "-m", "tlsresume", *arguments]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("closed", "arguments", "status", "said"),
    [
        (">&-", ["explain"], ExitStatus.FILE, b"cannot write to the standard output"),
        ("<&-", ["inspect", "-"], ExitStatus.FILE, b"empty"),
        ("2>&-", ["inspect", "nothing"], ExitStatus.FILE, b""),
        ("<&- >&- 2>&-", ["--version"], ExitStatus.FILE, b""),
    ],
)
def test_closed_streams(closed, arguments, status, said):
    """A standard stream that does not exist is told as such, and is no bug of ours."""
    done = subprocess.run(
        shell(f'exec "$@" {closed}', *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == status
    assert said in done.stderr
    assert b"bug" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("trap", ["", "trap '' INT; "], ids=["in front", "behind"])
def test_sigterm_leaves_a_report(trap):
    """A scan that is told to end leaves a document with what is known, also as a job behind
    `&`, which ignores Ctrl-C."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            shell(f'{trap}exec "$@"', "probe", place, "--format", "json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal.SIGTERM)
                out, err = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()
    assert (process.returncode, err) == (ExitStatus.INTERRUPTED, b"")
    (target,) = json.loads(out)["targets"]
    assert (target["interrupted"], target["verdict"]) == (True, "untested")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("1", False)])
def test_colours_are_for_terminals_without_no_color(monkeypatch, no_color, coloured):
    """A terminal gets colours, unless NO_COLOR is set; anything else never does."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.delenv("COLORTERM", raising=False)
    view = console.view_of(Terminal())
    assert (view.colour is not None) == coloured
    assert view.width == 120
    assert console.view_of(io.StringIO()).colour is None
    assert not console.view_of(io.StringIO()).wraps


def test_stderr_that_is_gone_is_no_error(monkeypatch):
    """A message that nobody can read is dropped."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as broken:
        monkeypatch.setattr(sys, "stderr", broken)
        console.warn("nobody hears this")


def test_trace_lines_are_safe(capsys):
    """A handshake message shown with -v names connection, direction and text, made safe."""
    from tlsresume.network.trace import TraceLine

    console.trace_line(
        TraceLine(connection=3, where="192.0.2.1:443", sender="server", text="Alert \x1b[31m")
    )
    console.note("a note")
    assert capsys.readouterr().err == ("#3   192.0.2.1:443 < Alert \\x1b[31m\ntlsresume: a note\n")


def test_main_ends_the_process(monkeypatch, capsys):
    """The entry point takes the process's arguments and ends it with the status."""
    monkeypatch.setattr(sys, "argv", ["tlsresume", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("tlsresume ")


def test_writing_fails_with_our_error(monkeypatch):
    """An error of the operating system on stdout is an OutputFileError."""
    with Path("/dev/null").open("w") as nothing:

        class Full:
            def flush(self) -> None:
                raise OSError(28, "No space left on device")

            fileno = nothing.fileno

        monkeypatch.setattr(sys, "stdout", Full())
        with pytest.raises(OutputFileError):
            console.write_data("x")

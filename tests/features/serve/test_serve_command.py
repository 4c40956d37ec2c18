"""`tlsresume serve` as a command: what it runs, prints, and ends with."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.helpers.commands import runner
from tlsresume.features.serve.results import CommandResult, ServeReport
from tlsresume.features.serve.shell import fill_in, run_command

pytestmark = pytest.mark.slow

CLIENT = """
import socket, ssl, sys
port, cafile, keep = int(sys.argv[1]), sys.argv[2], sys.argv[3:] != ["anew"]
context, session = ssl.create_default_context(cafile=cafile), None
for _ in range(2):
    plain = socket.create_connection(("localhost", port), timeout=10)
    with context.wrap_socket(plain, server_hostname="localhost", session=session) as tls:
        tls.sendall(b"GET / HTTP/1.1\\r\\nUser-Agent: mine/1.0\\r\\n\\r\\n")
        while tls.recv(4096):
            pass
        session = tls.session if keep else None
        tls.unwrap()
"""


@pytest.fixture
def client(tmp_path: Path) -> str:
    """A shell command that makes two connections, the second with the session of the first."""
    script = tmp_path / "client.py"
    script.write_text(CLIENT)
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} {{port}} {{cafile}}"


@pytest.fixture
def run(capsys):
    return runner(capsys)


def test_a_client_that_resumes_and_one_that_does_not(run, client):
    """With --run the exit status is 0 for a client that resumes, else 3; the last line says why."""
    status, out, err = run("serve", "--run", client)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "OK: every judged client did as expected"
    assert "mine/1.0" in out
    status, out, _ = run("serve", "--run", f"{client} anew", "--tls", "1.3")
    assert status == 3
    assert "never-offers" in out
    assert out.splitlines()[-1].startswith("FAIL (exit 3): in default")
    status, _, _ = run("serve", "--run", f"{client} anew", "--expect", "not-resumed")
    assert status == 0
    status, _, _ = run("serve", "--run", f"{client} anew", "--exit-zero")
    assert status == 0
    status, out, _ = run("serve", "--quiet", "--run", client)
    assert (status, out) == (0, "")


def test_the_report_as_json(run, client):
    """The JSON document has the fields that were promised, and none is missing."""
    status, out, _ = run("serve", "--run", client, "--format", "json", "--behaviour", "default",
                         "--behaviour", "refuse")  # fmt: skip
    report = json.loads(out)
    assert status == 0
    assert msgspec.json.decode(out, type=ServeReport).verdict == report["verdict"]
    assert report["schema"] == 1
    assert {"tool", "verdict", "exit_status", "exit_zero", "why", "servers"} <= report.keys()
    assert [server["behaviour"] for server in report["servers"]] == ["default", "refuse"]
    for server in report["servers"]:
        assert {"behaviour", "url", "connections", "clients", "command"} <= server.keys()
        assert server["command"]["exit"] == 0
        (each,) = server["clients"]
        assert each["label"] == "mine/1.0"
        assert (each["connections"], each["could_offer"], each["offered"]) == (2, 1, 1)
        assert each["mechanisms"]["psk"]["offered"] == 1
        assert each["findings"] == []


def test_every_format(run, client):
    """Each format is what its readers accept, and tells the same."""
    arguments = ["serve", "--run", f"{client} anew", "--tls", "1.3", "--format"]
    status, out, _ = run(*arguments, "jsonl")
    (line,) = out.splitlines()
    assert (status, json.loads(line)["server"]["clients"][0]["verdict"]) == (3, "never-offers")
    _, out, _ = run(*arguments, "junit")
    suite = ET.fromstring(out)[0]
    failures = [case for case in suite.iter("testcase") if case.find("failure") is not None]
    assert [case.get("name") for case in failures] == ["mine/1.0"]
    _, out, _ = run(*arguments, "prometheus")
    samples = {
        (sample.name, sample.labels.get("verdict")): sample.value
        for family in text_string_to_metric_families(out)
        for sample in family.samples
    }
    assert samples["tlsresume_serve_exit_status", None] == 3
    assert samples["tlsresume_serve_client_verdict", "never-offers"] == 1
    _, out, _ = run(*arguments, "html")
    assert out.startswith("<!DOCTYPE html>")
    assert "never-offers" in out
    assert "<script" not in out
    _, out, _ = run("explain", "never-offers")
    assert "ClientSessionCache" in out


def test_what_a_client_says_of_itself_is_data(run, tmp_path):
    """Escape sequences and markup in a client's name reach neither terminal nor page."""
    script = tmp_path / "client.py"
    script.write_text(CLIENT.replace("mine/1.0", "\\x1b[31m<b>x</b>"))
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} {{port}} {{cafile}}"
    for form in ("text", "html", "junit", "prometheus", "json"):
        _, out, _ = run("serve", "--run", command, "--format", form)
        assert "\x1b" not in out
        if form == "html":
            assert "<b>x" not in out


def test_failures_of_the_command(run, client):
    """A command that fails in default, or never connects, ends with 5; one connection with 4."""
    for command, status, words in (
        ("exit 7", 5, "the command exits 7 in default"),
        ("true", 5, "no client connected"),
        (f"{client}; exit 1", 5, "the command exits 1 in default"),
    ):
        found, out, _ = run("serve", "--run", command)
        assert (found, out.splitlines()[-1]) == (status, f"FAIL (exit 5): {words}")
    once = client.replace("client.py", "once.py")
    path = Path(shlex.split(client)[1])
    path.with_name("once.py").write_text(CLIENT.replace("range(2)", "range(1)"))
    found, out, _ = run("serve", "--run", once)
    assert found == 4
    assert "two connections" in out
    found, _, _ = run("serve", "--run", once, "--repeat", "2")
    assert found == 3


def test_the_environment_and_fields(run, tmp_path):
    """The command gets the trust by environment and by replaced fields; what else stands in
    braces is the shell's."""
    file = tmp_path / "out"
    names = "SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE NODE_EXTRA_CA_CERTS"
    variables = " ".join(f"${{{name}}}" for name in names.split())
    command = (
        f"X=y; echo {{url}} {{host}} {{port}} {{cafile}} {{truststore}} ${{X}} $TLSRESUME_URL"
        f" {variables} {{url}}strict $NO_PROXY > {shlex.quote(str(file))}; cat {{cafile}}"
    )
    run("serve", "--run", command)
    words = file.read_text().split()
    url, host, port, cafile, truststore, x, same, *bundles = words[:11]
    assert (url, host, x, same) == (f"https://localhost:{port}/", "localhost", "y", url)
    assert bundles == [cafile] * 4
    assert truststore.endswith(".p12")
    assert words[11] == f"{url}strict"
    assert "localhost" in words[12]
    assert not Path(cafile).exists()


def test_fields_are_quoted_where_the_shell_needs_it():
    """A path with a space stays one word, and a plain one is left as it is."""
    assert fill_in("x {cafile} {url}strict", {"cafile": "/a b", "url": "https://h:1/"}) == (
        "x '/a b' https://h:1/strict"
    )


def ends(process: int) -> bool:
    """Whether a process that is not our child is gone, or is within five seconds: its end and
    that of those who started it have no order."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":  # dead; its new parent has not looked yet
            return True
        time.sleep(0.01)
    return False


def test_a_command_ends_with_its_children():
    """When its time is up, or it has ended, nothing of what a command started is left."""
    commands = (
        ("sleep 600 & echo $!; sleep 600", True),
        ("sleep 600 & echo $!", False),
        ("trap '' TERM; (trap '' TERM; sleep 600) & echo $!; sleep 600", True),
        ("setsid sh -c 'echo $$; exec sleep 600' & sleep 600", True),
        ("setsid -f sh -c 'echo $$; exec sleep 600'; sleep 1", False),
    )

    def ran(row: tuple[str, bool]) -> CommandResult:
        return run_command(row[0], os.environ, seconds=1.5 if row[1] else 30.0)

    # Side by side, as most of it is waiting for their time to be up.
    with ThreadPoolExecutor(len(commands)) as side_by_side:
        results = list(side_by_side.map(ran, commands))
    for (command, timed_out), done in zip(commands, results, strict=True):
        assert (done.timed_out, done.succeeded) == (timed_out, not timed_out)
        assert ends(int(done.output[0])), f"{command}: a child still runs"


def test_a_command_that_prints_without_end_costs_no_memory():
    """Only the end of the output is kept, and the command never waits for a reader."""
    done = run_command("yes | head -c 20000000; echo the end", os.environ, seconds=60)
    assert done.output[-1] == "the end"
    assert len(done.output) <= 12


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tlsresume", "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_interrupt_is_an_end_like_any_other(tmp_path):
    """Without --run, SIGTERM ends the serving with the report and its own status; with --run it
    is an interruption, and the command ends too."""
    running = start("--format", "json", "--listen", "127.0.0.1:0")
    assert running.stderr is not None
    said = [running.stderr.readline() for _ in range(3)]
    assert "default at https://localhost:" in said[0]
    assert "Ctrl-C ends it and prints the report" in said[2]
    running.send_signal(signal.SIGTERM)
    out, _ = running.communicate(timeout=60)
    assert (running.returncode, json.loads(out)["verdict"]) == (0, "untested")
    mark = tmp_path / "pid"
    running = start("--format", "json", "--run", f"echo $$ > {mark}; sleep 600")
    while not mark.exists() or not mark.read_text().strip():
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert json.loads(out)["servers"][0]["command"] is None
    assert ends(int(mark.read_text()))


def test_what_cannot_be_served_is_told_in_one_line(run):
    """A port that is taken, over TCP or UDP, a name that no certificate can have and an empty
    command are one clear line and status 2."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        socket.socket(type=socket.SOCK_DGRAM) as datagrams,
    ):
        datagrams.bind(("127.0.0.1", 0))
        tcp, udp = (f"127.0.0.1:{each.getsockname()[1]}" for each in (taken, datagrams))
        for options, words in (
            (("--listen", tcp), f"cannot listen on {tcp}: address already in use"),
            (("--listen", udp, "--quic"), f"cannot listen on {udp}: address already in use"),
            (("--name", "bad name"), "'bad name' is neither a host name nor an address"),
            (("--run", " "), "--run needs a command"),
        ):
            status, out, err = run("serve", "--for", "1ms", *options)
            assert (status, out) == (2, ""), err
            assert err.splitlines()[0].endswith(words)


def test_enough_connections(run, client):
    """--connections ends a command that would not end, and that is a success."""
    command = f"while true; do {client}; done"
    status, out, _ = run("serve", "--run", command, "--connections", "4", "--format", "json")
    server = json.loads(out)["servers"][0]
    assert (status, server["command"]["timed_out"]) == (3, False)
    assert server["connections"] >= 4


def test_where_the_authority_is_kept_is_told(run, tmp_path):
    """With --ca the file that clients must trust is the one that stays; a --listen without an
    address is told the form that it has."""
    folder = tmp_path / "authority"
    _, _, err = run("serve", "--for", "1ms", "--ca", str(folder))
    assert f"clients must trust {folder}/ca.pem" in err
    assert "Ctrl-C" not in err  # it ends by itself
    _, _, err = run("serve", "--for", "1ms", "--listen", "8443")
    assert "'8443' is no address, as in 127.0.0.1:8443 or :8443" in err


def test_usage_errors(run, tmp_path):
    """What makes no sense is refused with status 2, what cannot be read with 7, in one line."""
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for arguments, status in (
        (("--behaviour", "nonsense"), 2),
        (("--expect", "refuse=right"), 2),
        (("--expect", "perhaps"), 2),
        (("--listen", "here:1"), 2),
        (("--listen", "127.0.0.1:99999"), 2),
        (("--repeat", "2"), 2),
        (("--name", "ä"), 2),
        (("--cert", str(empty)), 2),
        (("--cert", str(empty), "--key", str(empty)), 7),
        (("--client-ca", str(tmp_path / "missing")), 7),
        (("--tls", "1.3", "--behaviour", "session-ids"), 2),
    ):
        found, out, err = run("serve", "--for", "1s", *arguments)
        assert (found, out) == (status, ""), (arguments, err)
        assert err.startswith("tlsresume: error: ")
        assert "Traceback" not in err


def test_a_kept_authority(run, tmp_path, client):
    """--ca keeps one authority from run to run, its key for its owner only; it may not sign for
    names that it was not made for."""
    folder = tmp_path / "authority"
    command = f"cmp {{cafile}} {folder}/ca.pem && {client}"
    for _ in range(2):
        status, out, _ = run("serve", "--ca", str(folder), "--name", "a.test", "--run", command)
        assert status == 0, out
    assert stat.S_IMODE((folder / "ca-key.pem").stat().st_mode) == 0o600
    status, _, err = run("serve", "--ca", str(folder), "--name", "b.test", "--for", "1s")
    assert status == 7
    assert "may not sign for b.test" in err

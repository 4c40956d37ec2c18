"""Where other tools mislead, each beside ours on the same server.

A peer's fault is shown as it is today, so that these tests also tell when it is mended.
Races are shown by numbers: if the peer happens to win every one, the test is skipped,
after ours was right each time.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.causes import KEY, OTHER_KEY, SHARED_CACHE, wait_until_older
from tests.servers.command import tlsresume
from tests.servers.conftest import require
from tests.servers.harness import HOST, Recipe, Running, find_program, serve
from tests.servers.installed import installed
from tests.servers.material import Material
from tests.servers.servers import RECIPES
from tests.servers.test_causes import check, nginx, probe, saved
from tests.servers.test_sessions import resume, save

SSLYZE = "sslyze==6.3.1"
SECONDS = 120.0
RACES = 20


def run(*command: str, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
    """Run a peer with its standard input at its end, as in a script or from cron."""
    if find_program(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )


def s_client(target: str, *options: str) -> subprocess.CompletedProcess[str]:
    return run("openssl", "s_client", "-connect", target, "-noservername", *options)


def resumes(target: str, *more: str) -> None:
    """Ours: everything resumes, and the exit status says so."""
    answer = probe(target, *more)
    assert answer.document["targets"][0]["verdict"] == "resumes", str(answer)
    assert answer.status == 0


@pytest.fixture(scope="module")
def good(material: Material) -> Iterator[Running]:
    """An nginx that resumes by every mechanism."""
    with nginx(material, SHARED_CACHE, KEY) as running:
        yield running


@pytest.fixture(scope="module")
def only_13(material: Material) -> Iterator[Running]:
    """An nginx that speaks TLS 1.3 only, and resumes."""
    with nginx(material, KEY, "ssl_protocols TLSv1.3;") as running:
        yield running


@pytest.fixture(scope="session")
def sslyze() -> str:
    return str(installed("sslyze", SSLYZE) / "bin" / "sslyze")


# ------------------------------------------------------------------ openssl(1)


def test_s_client_reconnect_calls_tls13_new(good: Running) -> None:
    """`s_client -reconnect` never waits for a TLS 1.3 ticket, so each connection is New."""
    output = s_client(good.target, "-tls1_3", "-reconnect").stdout
    assert output.count("New, TLSv1.3") == 6
    assert "Reused," not in output
    resumes(good.target, "--tls", "1.3")


def test_s_client_sess_out_loses_a_race(good: Running, tmp_path: Path) -> None:
    """`s_client -sess_out` with its input closed writes no file when it ends before the
    ticket, and exits 0; `save` writes one each time."""
    missing = 0
    for n in range(RACES):
        path = tmp_path / f"{n}.pem"
        done = s_client(good.target, "-tls1_3", "-sess_out", str(path))
        assert done.returncode == 0
        missing += not path.exists()
    for n in range(5):
        assert save(good.target, "psk", tmp_path / f"ours-{n}.pem").status == 0
    if not missing:
        pytest.skip(f"s_client won the race {RACES} of {RACES} times on this machine")


def test_s_client_writes_files_that_others_can_read(good: Running, tmp_path: Path) -> None:
    """A session file is a secret: s_client leaves it to the umask, `save` does not."""
    path = tmp_path / "theirs.pem"
    s_client(good.target, "-tls1_2", "-sess_out", str(path))
    assert path.stat().st_mode & 0o044
    assert saved(good, "ticket", tmp_path).stat().st_mode & 0o777 == 0o600


def test_s_client_says_new_and_not_why(material: Material, tmp_path: Path) -> None:
    """For an expired session, another key and another version s_client says New, exits 0 and
    gives no reason; `resume` exits 3 and names each cause."""
    with nginx(material, KEY, "ssl_session_timeout 1s;") as running:
        psk = saved(running, "psk", tmp_path)
        ticket = saved(running, "ticket", tmp_path)
        wait_until_older(psk, 3.1)
        assert says_new(running, psk, "-tls1_3")
        check(resume(psk), "expired-at-client")
    with nginx(material, OTHER_KEY) as running:
        assert says_new(running, ticket, "-tls1_2")
        check(resume(ticket, running.target), "other-ticket-key")
        assert says_new(running, ticket)
        check(resume(ticket, running.target, "--no-pin"), "version-changed")


def says_new(running: Running, path: Path, *options: str) -> bool:
    done = s_client(running.target, *options, "-sess_in", str(path))
    assert done.returncode == 0
    assert not re.search(r"expired|other key|declined|not offered|reason", done.stdout)
    return "New, TLSv1" in done.stdout


def test_sess_id_prints_the_secret(good: Running, tmp_path: Path) -> None:
    """`openssl sess_id -text` prints the secret, and no verdict; `inspect` the reverse."""
    path = saved(good, "psk", tmp_path)
    theirs = run("openssl", "sess_id", "-in", str(path), "-noout", "-text").stdout
    secret = re.search(r"(?:Resumption PSK|Master-Key): ([0-9A-F]{64,})", theirs)
    assert secret
    ours = tlsresume("inspect", str(path))
    assert secret[1].lower() not in (ours.stdout + ours.stderr).lower()
    assert "\nUsable " in ours.stdout, str(ours)


def test_s_time_reuse_times_full_handshakes(good: Running) -> None:
    """`s_time -reuse` on TLS 1.3 reuses nothing unless it also reads a page; ours says how
    many of its measured handshakes were resumed."""
    done = run("openssl", "s_time", "-connect", good.target, "-reuse", "-time", "1", "-tls1_3")
    _, _, marks = done.stdout.partition("Now timing with session id reuse.")
    line = marks.split("starting", 1)[-1].split("\n\n", 1)[0]
    assert done.returncode == 0
    assert len(line) > 10, done.stdout
    assert line.count("r") <= 1, line[:80]
    answer = probe(good.target, "--tls", "1.3")
    (mechanism,) = answer.document["targets"][0]["addresses"][0]["mechanisms"]
    assert mechanism["chained"]["order"] == "RRRRR"
    assert mechanism["timing"]["resumed_ms"] > 0


# -------------------------------------------------------------------- gnutls-cli


def test_gnutls_cli_completes_what_was_not_resumed(material: Material) -> None:
    """`gnutls-cli -r` says that the resume handshake was completed, and exits 0, though
    nothing was resumed."""
    with nginx(material, "ssl_session_tickets off;") as running:
        done = run("gnutls-cli", "-r", "--insecure", "-p", str(running.port), HOST)
        assert done.returncode == 0
        assert "Resume Handshake was completed" in done.stdout
        assert "This is a resumed session" not in done.stdout
        check(probe(running.target, "--tls", "1.3"), "never-honoured")


def test_gnutls_cli_waits_for_ever(material: Material) -> None:
    """`gnutls-cli -r --waitresumption` never returns where no ticket comes; ours says for how
    long it waited."""
    require("s_server")
    with serve(RECIPES["s_server"], ("-www", "-num_tickets", "0"), material) as running:
        with pytest.raises(subprocess.TimeoutExpired):
            run(
                *("gnutls-cli", "-r", "--waitresumption", "--insecure"),
                *("-p", str(running.port), HOST),
                seconds=6,
            )
        finding = check(probe(running.target, "--tls", "1.3"), "not-issued")
    assert re.search(r"none within \d", " ".join(finding["evidence"]))


# ------------------------------------------------------------------------ sslyze


def test_sslyze_does_not_test_tls13(only_13: Running, sslyze: str) -> None:
    """On a server of TLS 1.3 only sslyze has no answer, and says OK."""
    done = run(sslyze, "--resum", only_13.target)
    assert "only supports TLS 1.3" in done.stdout
    assert "successful resumptions" not in done.stdout
    resumes(only_13.target)


def test_sslyze_cuts_connections_and_blames_the_server(material: Material, sslyze: str) -> None:
    """A stateful server forgets the sessions of connections that sslyze does not close, so
    its session IDs are "not supported"; closed cleanly they all resume."""
    require("s_server")
    with serve(RECIPES["s_server"], ("-www",), material) as running:
        done = run(sslyze, "--resum", running.target)
        assert re.search(r"With Session IDs:\s+NOT SUPPORTED \(0 successful", done.stdout)
        answer = probe(running.target, "--tls", "1.2")
    found = {m["mechanism"]: m for m in answer.document["targets"][0]["addresses"][0]["mechanisms"]}
    assert found["session-id"]["state"] == "resumed", str(answer)


def test_sslyze_wants_the_same_ticket_again(
    material: Material, newest_go: Recipe, sslyze: str
) -> None:
    """Go 1.21 and newer renews the ticket with each resumed TLS 1.2 handshake; sslyze compares
    the tickets, and calls that not supported."""
    with serve(newest_go, (), material) as running:
        done = run(sslyze, "--resum", running.target)
        assert re.search(r"With TLS Tickets:\s+NOT SUPPORTED \(0 successful", done.stdout), done
        resumes(running.target, "--tls", "1.2")


def test_sslyze_exits_0_where_nobody_answers(material: Material, sslyze: str) -> None:
    """An unreachable target is no success: ours exits 5."""
    with nginx(material) as running:
        target = running.target
    assert run(sslyze, "--resum", target).returncode == 0
    assert probe(target).status == 5


# -------------------------------------------------------------------- testssl.sh


def test_testssl_reads_more_than_there_is(only_13: Running) -> None:
    """On a server of TLS 1.3 only testssl.sh speaks of session IDs, which do not exist there,
    or misses resumption; and takes the lifetime of tickets for the rotation of their key,
    which is in a file and never rotates, or, where the ticket loses a race, sees none."""
    done = run("testssl", "-S", "--color", "0", "--warnings", "off", only_13.target)
    assert re.search(r"Session Resumption .*(ID: yes|no)", done.stdout), done.stdout
    assert re.search("rotated|no lifetime advertised", done.stdout), done.stdout
    answer = probe(only_13.target)
    assert answer.status == 0, str(answer)
    (mechanism,) = answer.document["targets"][0]["addresses"][0]["mechanisms"]
    assert mechanism["mechanism"] == "psk"
    assert mechanism["state"] == "resumed"
    assert "rotat" not in answer.stdout


def test_testssl_exits_0_without_resumption(material: Material) -> None:
    """Where tickets and IDs are issued and none is honoured, testssl.sh exits as if all were
    well; ours exits 3."""
    with nginx(material, "ssl_session_tickets off;") as running:
        done = run("testssl", "-S", "--color", "0", "--warnings", "off", running.target)
        answer = probe(running.target)
    assert answer.status == 3, str(answer)
    if done.returncode:
        pytest.skip(f"testssl.sh exits {done.returncode} here")

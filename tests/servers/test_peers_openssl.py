"""Where openssl(1) misleads, with ours beside it on the same server."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.servers.causes import (
    KEY,
    OTHER_KEY,
    check,
    edit,
    nginx,
    saved,
    wait_until_older,
)
from tests.servers.command import probe, resume, save, tlsresume
from tests.servers.harness import Running
from tests.servers.material import Material
from tests.servers.peer_commands import resumes, run

RACES = 20


def s_client(target: str, *options: str) -> subprocess.CompletedProcess[str]:
    return run("openssl", "s_client", "-connect", target, "-noservername", *options)


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
    """For an expired session, another key, another hash and another version s_client says New,
    exits 0 and gives no reason; `resume` exits 3 and names each cause."""
    (tmp_path / "again").mkdir()
    with nginx(material, KEY, "ssl_session_timeout 1s;") as running:
        psk = saved(running, "psk", tmp_path)
        wait_until_older(psk, 3.1)
        assert says_new(running, psk, "-tls1_3")
        check(resume(psk), "expired-at-client")
    with nginx(material, KEY) as running:
        ticket = saved(running, "ticket", tmp_path)
    with nginx(material, OTHER_KEY) as running:
        assert says_new(running, ticket, "-tls1_2")
        check(resume(ticket, running.target), "other-ticket-key")
        assert says_new(running, ticket)
        check(resume(ticket, running.target, "--no-pin"), "version-changed")
    with nginx(material, KEY) as running:
        psk = saved(running, "psk", tmp_path / "again")
        aes_128 = "TLS_AES_128_GCM_SHA256"
        assert says_new(running, psk, "-tls1_3", "-ciphersuites", aes_128)
        check(resume(psk, "--ciphersuites", aes_128), "hash-mismatch")


def says_new(running: Running, path: Path, *options: str) -> bool:
    done = s_client(running.target, *options, "-sess_in", str(path))
    assert done.returncode == 0
    assert not re.search(r"expired|other key|declined|not offered|reason", done.stdout)
    return "New, TLSv1" in done.stdout


def test_s_client_blames_a_damaged_file_on_asn1(good: Running, tmp_path: Path) -> None:
    """Of a session file that was cut s_client prints errors of ASN.1 and PEM, or none that
    names a cause; `resume` says what is wrong with the file, and exits 7."""
    path = saved(good, "psk", tmp_path)
    edit(path, cipher=b"\x99\x99")
    theirs = s_client(good.target, "-tls1_3", "-sess_in", str(path))
    assert "open session file" in theirs.stdout
    assert "cipher" not in theirs.stdout
    assert resume(path).status == 7
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-4] + lines[-1:]) + "\n")
    theirs = s_client(good.target, "-tls1_3", "-sess_in", str(path))
    assert not re.search(r"cut|short|truncated", theirs.stdout)
    ours = resume(path)
    assert ours.status == 7
    assert "is cut short" in ours.stderr


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

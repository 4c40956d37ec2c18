"""Real clients of HTTP/3 and of FTP with TLS against `tlsresume serve`."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import newer
from tests.servers.client_programs import FILES

SECONDS = 120


def serve(command: str, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit status and report of `tlsresume serve --run`."""
    done = subprocess.run(
        [sys.executable, "-m", "tlsresume", "serve", "--format", "json", "--for", "60s",
         "--run", command, *options],
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def the_client(report: dict[str, Any], transport: str = "tcp") -> dict[str, Any]:
    (server,) = (each for each in report["servers"] if each["transport"] == transport)
    assert len(server["clients"]) == 1, report
    client: dict[str, Any] = server["clients"][0]
    return client


def need(program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"no {program} here")


# ------------------------------------------------------------------------------ HTTP/3


@pytest.fixture
def at() -> Iterator[newer.Folder]:
    with newer.folder() as made:
        yield made


def gtlsclient(at: newer.Folder, *, keep: bool) -> str:
    """Three connections of ngtcp2's client, with its sessions in a file."""
    files = f"--session-file={at.inside('s')} --tp-file={at.inside('t')}" if keep else ""
    one = (
        f"chroot {at.root} gtlsclient {files} --sni=localhost --exit-on-all-streams-close"
        f" {'--wait-for-ticket' if keep else ''} -q 127.0.0.1 {{port}} https://localhost:{{port}}/"
    )
    return "; ".join([one] * 3)


def test_gtlsclient(at):
    """ngtcp2's client resumes with its session file, also with early data, goes on where a
    session is refused, and is told never to offer without the file."""
    for behaviour, keep, verdict, status, accepted, early in (
        ("default", True, "resumes", 0, 2, 0),
        ("early-data", True, "resumes", 0, 2, 2),
        ("late-tickets", True, "resumes", 0, 2, 0),
        ("rotated-key", True, "partly", 0, 1, 0),
        ("refuse", True, "not-accepted", 0, 0, 0),
        ("default", False, "never-offers", 3, 0, 0),
    ):
        for name in ("s", "t"):
            (at.path / name).unlink(missing_ok=True)
        command = gtlsclient(at, keep=keep)
        got, report = serve(command, "--quic", "--behaviour", behaviour)
        client = the_client(report, "quic")
        told = (client["verdict"], got, client["accepted"], client["early_data"]["accepted"])
        assert told == (verdict, status, accepted, early), (behaviour, keep, report)
        assert client["label"] == "nghttp3/ngtcp2 client"


BROWSE = """
export HOME=$(mktemp -d)
mkdir -p "$HOME/.pki/nssdb"
certutil -d "sql:$HOME/.pki/nssdb" -N --empty-password
certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n tlsresume -i "$2"
pin=$(openssl x509 -in "$2" -noout -pubkey | openssl pkey -pubin -outform der \\
  | openssl dgst -sha256 -binary | base64)
chromium --no-sandbox --headless --disable-gpu --disable-background-networking \\
  --user-data-dir="$HOME/profile" --origin-to-force-quic-on=localhost:$4 \\
  --ignore-certificate-errors-spki-list=$pin --dump-dom "file://$3/browse.html?url=$1" \\
  >"$HOME/out" 2>&1
rm -rf "$HOME"
"""


def test_chromium(tmp_path):
    """A browser that is made to use HTTP/3 resumes over it."""
    need("chromium")
    need("openssl")
    need("certutil")
    Path(tmp_path, "browse.html").write_text(FILES["browse.html"])
    Path(tmp_path, "browse.sh").write_text(BROWSE)
    folder = shlex.quote(str(tmp_path))
    command = f"bash {folder}/browse.sh {{url}} {{cafile}} {folder} {{port}}"
    status, report = serve(command, "--quic")
    client = the_client(report, "quic")
    assert (client["verdict"], status) == ("resumes", 0), report
    assert "Chrome" in client["label"]


# --------------------------------------------------------------------------------- FTP

LFTP = (
    "lftp -u u,p -e 'set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:ca-file {cafile};"
    " ls; cat hello.txt; put {folder}/up; bye' {url}"
)
CURL = "curl -sS --ssl-reqd -u u:p {url} {url}hello.txt && curl -sS --ssl-reqd -u u:p -T {folder}/up {url}"
FTPLIB = """
import ftplib, io, ssl, sys
client = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=sys.argv[3]))
client.connect(sys.argv[1], int(sys.argv[2]))
client.login()
client.prot_p()
client.nlst()
client.retrbinary("RETR hello.txt", print)
client.storbinary("STOR up", io.BytesIO(b"some text"))
client.quit()
"""


def test_clients_of_ftp(tmp_path):
    """Curl and lftp put the control connection's session on each data connection, whole
    transfers go through, and Python's ftplib is told that it does not."""
    (tmp_path / "up").write_text("some text\n")
    (tmp_path / "ftp.py").write_text(FTPLIB)
    folder = shlex.quote(str(tmp_path))
    python = f"{shlex.quote(sys.executable)} {folder}/ftp.py {{host}} {{port}} {{cafile}}"
    finding = "data-connection-offers-nothing"
    for program, command, protocols, reuses in (
        ("curl", CURL, ("ftp", "ftps"), True),
        ("lftp", LFTP, ("ftp", "ftps"), True),
        ("python3", python, ("ftp",), False),
    ):
        if not shutil.which(program):
            continue
        for protocol in protocols:
            for version in ("1.2", "1.3"):
                where = (program, protocol, version)
                _, report = serve(
                    command.replace("{folder}", folder), "--starttls", protocol, "--tls", version
                )
                (server,) = report["servers"]
                assert server["command"]["exit"] == 0, (where, server["command"])
                data = the_client(report)["data"]
                assert data["connections"] == data["could_offer"] == 3, where
                assert data["own"] == data["accepted"] == (3 if reuses else 0), where
                codes = {each["code"] for each in the_client(report)["findings"]}
                assert (finding in codes) is not reuses, where

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
from tests.servers.quic_ftp_clients import (
    CHROMIUM,
    CHROMIUM_NEEDS,
    FTP_PROGRAMS,
    QUIC_FTP_FILES,
    gtlsclient,
)

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


def written(folder: Path) -> str:
    """The programs as files in a folder; its path for a shell."""
    for name, text in QUIC_FTP_FILES.items():
        (folder / name).write_text(text)
    return shlex.quote(str(folder))


def need(program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"no {program} here")


# ------------------------------------------------------------------------------ HTTP/3


@pytest.fixture
def at() -> Iterator[newer.Folder]:
    with newer.folder() as made:
        yield made


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
        command = gtlsclient(at, keep=keep)
        got, report = serve(command, "--quic", "--behaviour", behaviour)
        client = the_client(report, "quic")
        told = (client["verdict"], got, client["accepted"], client["early_data"]["accepted"])
        assert told == (verdict, status, accepted, early), (behaviour, keep, report)
        assert client["label"] == "nghttp3/ngtcp2 client"


def test_chromium(tmp_path):
    """A browser that is made to use HTTP/3 resumes over it."""
    for program in CHROMIUM_NEEDS:
        need(program)
    command = CHROMIUM.replace("{folder}", written(tmp_path))
    status, report = serve(command, "--quic")
    client = the_client(report, "quic")
    assert (client["verdict"], status) == ("resumes", 0), report
    assert "Chrome" in client["label"]


# --------------------------------------------------------------------------------- FTP


def test_clients_of_ftp(tmp_path):
    """Curl and lftp put the control connection's session on each data connection, whole
    transfers go through, and Python's ftplib is told that it does not."""
    folder = written(tmp_path)
    finding = "data-connection-offers-nothing"
    for program in FTP_PROGRAMS:
        if not shutil.which(program.needs):
            continue
        command = program.command.replace("{folder}", folder)
        for protocol in program.protocols:
            for version, truth in zip(("1.3", "1.2"), program.truth, strict=True):
                where = (program.name, protocol, version)
                status, report = serve(command, "--starttls", protocol, "--tls", version)
                reuses = truth == "resumes"
                assert (report["verdict"], status) == (truth, 0 if reuses else 3), where
                (server,) = report["servers"]
                assert server["command"]["exit"] == 0, (where, server["command"])
                data = the_client(report)["data"]
                assert data["connections"] == data["could_offer"] == 3, where
                assert data["own"] == data["accepted"] == (3 if reuses else 0), where
                codes = {each["code"] for each in the_client(report)["findings"]}
                assert (finding in codes) is not reuses, where

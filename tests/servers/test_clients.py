"""Real clients against `tlsresume serve`: what each does is what the tool says of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.servers.client_programs import FILES, PROGRAMS, Program
from tests.servers.installed import installed

VERSIONS = ("1.3", "1.2")
SECONDS = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs as files; Go's is built."""
    path = tmp_path_factory.mktemp("clients")
    for name, text in FILES.items():
        (path / name).write_text(text.lstrip())
    if shutil.which("go"):
        environment = os.environ | {"GOCACHE": str(path / "cache"), "GOFLAGS": "-mod=mod"}
        subprocess.run(
            ["go", "build", "-o", "fetch-go", "fetch.go"],
            cwd=path,
            env=environment,
            timeout=300,
            check=True,
        )
    return path


def serve(command: str, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit status and report of `tlsresume serve --run`."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tlsresume",
            "serve",
            "--format",
            "json",
            "--run",
            command,
            *options,
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def filled(command: str, program: Program, folder: Path) -> str:
    """A command with its folder and Python; the rest in braces is the tool's."""
    if program.needs == "{python}":
        python = installed("clients") / "bin" / "python"
        command = command.replace("{python}", str(python))
    return command.replace("{folder}", str(folder))


def need(program: Program) -> None:
    if program.needs != "{python}" and not shutil.which(program.needs):
        pytest.skip(f"no {program.needs} here")


def only_client(report: dict[str, Any]) -> dict[str, Any]:
    (server,) = report["servers"]
    assert len(server["clients"]) == 1, server
    client: dict[str, Any] = server["clients"][0]
    return client


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
@pytest.mark.timeout(600)
def test_what_a_client_does_is_told_and_its_cure_flips_the_status(program, folder):
    """Each client has its verdict on both TLS versions and the exit status that goes with it;
    a client that does not resume is healthy with its cure, and the status is 0."""
    need(program)
    for version, truth in zip(VERSIONS, program.truth, strict=True):
        if truth is None:
            continue
        status, report = serve(filled(program.command, program, folder), "--tls", version)
        client = only_client(report)
        assert (client["verdict"], status) == (truth, 0 if truth == "resumes" else 3), report
        codes = {finding["code"] for finding in client["findings"]}
        if version == "1.3":
            assert program.codes <= codes
        if truth == "resumes":
            grave = [each for each in client["findings"] if each["severity"] != "info"]
            assert grave == []
        elif program.cure is not None:
            status, report = serve(filled(program.cure, program, folder), "--tls", version)
            assert (only_client(report)["verdict"], status) == ("resumes", 0), report


@contextmanager
def captured(port: int, file: Path) -> Iterator[None]:
    """What passes on loopback at a port, into a file, by dumpcap."""
    command = ["dumpcap", "-q", "-i", "lo", "-f", f"tcp port {port}", "-w", str(file)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        empty = None
        while True:  # refused connections are packets, too: they show that it captures
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            if running.poll() is not None:
                pytest.skip("nothing can be captured on loopback here")
            size = file.stat().st_size if file.exists() else 0
            if empty is not None and size > empty:
                break
            empty = size if size and empty is None else empty
            time.sleep(0.05)
        yield
        time.sleep(1.5)  # dumpcap takes packets from the kernel once a second
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)


@pytest.mark.parametrize(
    "name",
    ["curl, one process", "wget", "Python ssl, session= right after the handshake",
     "Node https, one agent", "Ruby Net::HTTP, one object"],
)  # fmt: skip
def test_the_wire_says_the_same(name, folder, tmp_path):
    """The ClientHellos in a capture, read by tshark, are as many as the connections that were
    told of, and as many of them offer a PSK."""
    (program,) = (each for each in PROGRAMS if each.name == name)
    need(program)
    if not shutil.which("dumpcap") or not shutil.which("tshark"):
        pytest.skip("no tshark here")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = tmp_path / "capture.pcapng"
    with captured(port, file):
        command = filled(program.command, program, folder)
        _, report = serve(command, "--tls", "1.3", "--listen", f"127.0.0.1:{port}")
    fields = ["-T", "fields", "-e", "tls.handshake.extension.type"]
    done = subprocess.run(
        ["tshark", "-r", str(file), "-d", f"tcp.port=={port},tls",
         "-Y", "tls.handshake.type == 1", *fields],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    hellos = [line.split(",") for line in done.stdout.splitlines() if line.strip()]
    client = only_client(report)
    assert len(hellos) == client["connections"]
    assert sum("41" in each for each in hellos) == client["offered"]

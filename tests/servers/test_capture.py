"""`capture` beside those who know: tcpdump's packets of real servers and clients, the programs'
own words, probe's report of the same run, and tshark's counts.

tcpdump needs the right to capture; where it has none, these tests are skipped.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.features.capture.packets import START, Frame, ip4, pcap, udp
from tests.servers import oracle
from tests.servers.command import DROPPED, Answer, probe, tlsresume
from tests.servers.harness import HOST, Running, find_program, serve, stop
from tests.servers.installed import installed
from tests.servers.material import Material
from tests.servers.servers import RECIPES

SECONDS = 30.0


def needs(*programs: str) -> None:
    for program in programs:
        if find_program(program) is None:
            pytest.skip(f"{program} is not installed")


def until(what: Any) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # between two looks; the loop ends by what it sees


@contextmanager
def captured(port: int, path: Path, *more: str) -> Iterator[None]:
    """Tcpdump on loopback, of one port and both protocols, into a file until the block ends."""
    needs("tcpdump")
    marker, mark = free_datagram_port(), os.urandom(16)
    log = path.with_suffix(".log")
    filter_ = f"port {port} or udp port {marker}"
    options = ["-i", "lo", "-n", "-U", "-s", "0", "-B", "65536", "-Z", "root", "-w", str(path)]
    command = [find_program("tcpdump") or "tcpdump", *options, *more, filter_]
    with log.open("wb") as words:
        process = subprocess.Popen(
            command, stderr=words, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        until(lambda: b"listening on" in log.read_bytes() or process.poll() is not None)
        if process.poll() is not None:
            pytest.skip(f"tcpdump cannot capture here: {log.read_text(errors='replace')[-200:]}")
        yield
        # What was sent before is in the file once this is.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            until(lambda: sender.sendto(mark, (HOST, marker)) and mark in path.read_bytes())
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)
    finally:
        stop(process)
    if not re.search(rb"^0 packets dropped by kernel", log.read_bytes(), re.MULTILINE):
        pytest.skip("the kernel dropped packets: this machine is too busy to compare counts")


def free_datagram_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((HOST, 0))
        return int(bound.getsockname()[1])


def capture(*arguments: str) -> Answer:
    return tlsresume("capture", *arguments)


def server_of(answer: Answer, **wanted: Any) -> dict[str, Any]:
    found = [
        each
        for each in answer.document["servers"]
        if all(each[name] == value for name, value in wanted.items())
    ]
    assert len(found) == 1, str(answer)
    return found[0]


def tshark(path: Path, shown: str, *more: str) -> int:
    """How many packets tshark finds."""
    needs("tshark")
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-Y", shown, "-T", "fields", "-e", "frame.number", *more],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return len(done.stdout.split())


@pytest.fixture
def nginx(material: Material) -> Iterator[Running]:
    needs("nginx", "openssl")
    lines = ("ssl_session_cache shared:S:1m;", "ssl_session_ticket_key {stek48};")
    with serve(RECIPES["nginx"], lines, material) as running:
        yield running


def test_openssl_against_nginx(nginx: Running, material: Material, tmp_path: Path) -> None:
    """Every mechanism, by s_client: its own words, tshark's counts, and the operator's key."""
    path = tmp_path / "x.pcap"
    said: Counter[tuple[str, str | None]] = Counter()
    keys = tmp_path / "keys.txt"
    with captured(nginx.port, path):
        for mechanism in ("psk", "ticket", "session-id"):
            session = tmp_path / f"{mechanism}.pem"
            more = ("-keylogfile", str(keys))
            oracle.save(nginx.port, mechanism, session, more)
            for _ in range(2):
                said[mechanism, oracle.resume(nginx.port, mechanism, session, more).result] += 1
    answer = capture(str(path), "--format", "json", "--ticket-keys", str(material.files["stek48"]))
    server = server_of(answer, transport="tcp")
    for row in server["mechanisms"]:
        assert row["accepted"] == said[row["mechanism"], "Reused"], str(answer)
        assert row["refused"] == said[row["mechanism"], "New"]
        assert row["unknown"] == 0
    assert {row["mechanism"] for row in server["mechanisms"]} == {"psk", "ticket", "session-id"}
    assert server["handshakes"] == 9 == tshark(path, "tls.handshake.type == 2")
    assert server["connections"] == tshark(path, "tls.handshake.type == 1")
    chosen = "tls.handshake.type == 2 && tls.handshake.extension.type == 41"
    psk = next(row for row in server["mechanisms"] if row["mechanism"] == "psk")
    assert psk["accepted"] == tshark(path, chosen)
    (name,) = server["key_names"]
    assert name["name"] == material.key_names["stek48"]
    (key,) = server["ticket_keys"]
    assert key["file"] == str(material.files["stek48"])
    assert (key["offered"], key["accepted"]) == (4, 4)
    # With secrets tickets of TLS 1.3 are seen, and how many tshark tells too.
    seeing = server_of(capture(str(path), "--format", "json", "--keylogfile", str(keys)))
    issued = sum(each["issued"] for each in seeing["key_names"])
    assert issued > sum(each["issued"] for each in server["key_names"])
    tickets = ("-T", "fields", "-e", "tls.handshake.session_ticket_length")
    opened = ("-o", f"tls.keylog_file:{keys}", *tickets)
    assert issued >= tshark(path, "tls.handshake.type == 4", *opened[:2])


def test_packet_numbers_are_those_of_tshark(nginx: Running, tmp_path: Path) -> None:
    """The lines' numbers are the frames in which tshark sees the hellos."""
    path = tmp_path / "x.pcap"
    with captured(nginx.port, path):
        session = tmp_path / "s.pem"
        oracle.save(nginx.port, "ticket", session)
        oracle.resume(nginx.port, "ticket", session)
    lines = [
        json.loads(line) for line in capture(str(path), "--format", "jsonl").stdout.splitlines()
    ]
    for kind, name in ((1, "packet"), (2, "answer_packet")):
        for line in lines:
            assert (
                tshark(path, f"frame.number == {line[name]} && tls.handshake.type == {kind}") == 1
            )


def test_other_clients_and_programs(nginx: Running, tmp_path: Path) -> None:
    """Curl never offers, gnutls-cli does: they are told apart by program."""
    needs("curl", "gnutls-cli")
    path = tmp_path / "x.pcap"
    curls = 5
    with captured(nginx.port, path):
        for _ in range(curls):
            curl = ["curl", "-sk", "-o", os.devnull, f"https://localhost:{nginx.port}/"]
            subprocess.run(curl, timeout=SECONDS, check=True)
        gnutls = ["gnutls-cli", "--insecure", "-r", "-p", str(nginx.port), "localhost"]
        done = subprocess.run(
            gnutls, input=b"\n", capture_output=True, timeout=SECONDS, check=False
        )
    resumed = b"This is a resumed session" in done.stdout
    server = server_of(capture(str(path), "--format", "json"), server="localhost")
    programs = {each["connections"]: each for each in server["by_software"]}
    assert programs[curls]["offered"] == 0
    assert programs[2]["accepted"] == resumed
    (found,) = [each for each in server["findings"] if each["code"] == "never-offers"]
    assert found["software"] == [programs[curls]["software"]]


def test_the_report_of_probe(nginx: Running, tmp_path: Path) -> None:
    """What probe offered and saw accepted is what its packets show, mechanism by mechanism."""
    path = tmp_path / "x.pcap"
    with captured(nginx.port, path):
        answer = probe(nginx.target, "--servername", "localhost")
    assert answer.stdout, str(answer)
    (target,) = answer.document["targets"]
    rows = [row for address in target["addresses"] for row in address["attempts"]]
    offered = Counter(row["mechanism"] for row in rows if row["offered"])
    accepted = Counter(row["mechanism"] for row in rows if row["reused"])
    found = capture(str(path), "--format", "json").document
    counted = Counter[str]()
    taken = Counter[str]()
    for server in found["servers"]:
        for row in server["mechanisms"]:
            counted[row["mechanism"]] += row["offered"]
            taken[row["mechanism"]] += row["accepted"]
    assert found["connections"] == tshark(path, "tls.handshake.type == 1") == len(rows)
    assert (counted, taken) == (offered, accepted), str(answer)


def test_a_stream_from_tcpdump(nginx: Running, tmp_path: Path) -> None:
    """`tcpdump -w - | tlsresume capture -` ends with the stream, and reports."""
    needs("tcpdump", "openssl")
    path = tmp_path / "x.pcap"
    with captured(nginx.port, path):
        session = tmp_path / "s.pem"
        oracle.save(nginx.port, "psk", session)
        oracle.resume(nginx.port, "psk", session)
    whole = capture(str(path), "--format", "json").document["servers"]
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED}
    reading = subprocess.Popen(
        [find_program("tcpdump") or "tcpdump", "-r", str(path), "-U", "-w", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    done = subprocess.run(
        [sys.executable, "-m", "tlsresume", "capture", "-", "--format", "json"],
        stdin=reading.stdout,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment,
        check=False,
    )
    assert reading.stdout is not None
    reading.stdout.close()
    reading.wait(SECONDS)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["servers"] == whole


def test_files_of_other_tools(nginx: Running, tmp_path: Path) -> None:
    """Pcapng with embedded secrets, nanoseconds, cut and doubled packets, as editcap writes them."""
    needs("editcap")
    path, keys = tmp_path / "x.pcap", tmp_path / "keys.txt"
    with captured(nginx.port, path):
        session = tmp_path / "s.pem"
        oracle.save(nginx.port, "psk", session, ("-keylogfile", str(keys)))
        oracle.resume(nginx.port, "psk", session, ("-keylogfile", str(keys)))
    plain = server_of(capture(str(path), "--format", "json"))
    made = {
        "secrets": ("-F", "pcapng", "--inject-secrets", f"tls,{keys}"),
        "nanoseconds": ("-F", "nsecpcap"),
        "pcapng": ("-F", "pcapng"),
    }
    for name, options in made.items():
        other = tmp_path / name
        subprocess.run(
            ["editcap", *options, str(path), str(other)], check=True, timeout=SECONDS,
            capture_output=True,
        )  # fmt: skip
        found = server_of(capture(str(other), "--format", "json"))
        same = ("connections", "offered", "accepted", "rates", "clients", "by_software")
        assert {key: found[key] for key in same} == {key: plain[key] for key in same}, name
        assert bool(found["key_names"]) is True
        if name == "secrets":
            assert sum(each["issued"] for each in found["key_names"]) > 0
    for length in (64, 90, 200):
        short = tmp_path / "short"
        subprocess.run(
            ["editcap", "-F", "pcap", "-s", str(length), str(path), str(short)], check=True,
            timeout=SECONDS, capture_output=True,
        )  # fmt: skip
        for server in capture(str(short), "--format", "json").document["servers"]:
            assert server["refused"] == 0


def test_quic_of_aioquic(material: Material, tmp_path: Path) -> None:
    """Initial packets of another implementation: the second connection is seen to resume."""
    python = installed("aioquic") / "bin" / "python"
    done = subprocess.run(
        [
            str(python),
            str(Path(__file__).with_name("quic_talk.py")),
            str(material.files["certificate"]),
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *said, resumed = [json.loads(line) for line in done.stdout.splitlines()]
    ends = (("192.0.2.1", 50000), ("198.51.100.1", 443))
    frames = []
    for number, (sender, data) in enumerate(said):
        source, destination = ends[sender], ends[1 - sender]
        payload = udp(source[1], destination[1], bytes.fromhex(data))
        frames.append(Frame(START + number * 10**6, ip4(17, source[0], destination[0], payload)))
    path = tmp_path / "quic.pcap"
    path.write_bytes(pcap(frames))
    server = server_of(capture(str(path), "--format", "json"), server="quic.example")
    assert server["transport"] == "quic"
    assert (server["connections"], server["offered"], server["accepted"]) == (2, 1, int(resumed))
    assert resumed


def test_a_live_view_on_a_terminal(nginx: Running, tmp_path: Path) -> None:
    """On a terminal a stream is shown while it comes; Ctrl-C ends with the report."""
    needs("tmux", "tcpdump")
    path = tmp_path / "x.pcap"
    with captured(nginx.port, path):
        session = tmp_path / "s.pem"
        oracle.save(nginx.port, "psk", session)
        oracle.resume(nginx.port, "psk", session)
    socket_, out = tmp_path / "tmux", tmp_path / "report.json"
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    program = f"{sys.executable} -m tlsresume capture - --format json={out} < {fifo}; read _"

    def tmux(*words: str) -> str:
        command = ["tmux", "-S", str(socket_), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        return done.stdout

    tmux("-f", os.devnull, "new-session", "-d", "-x", "80", "-y", "24", program)
    try:
        writer = os.open(fifo, os.O_WRONLY)
        data = path.read_bytes()
        os.write(writer, data)
        until(lambda: re.search(r"TLS connections?, ", tmux("capture-pane", "-p")))
        tmux("send-keys", "C-c")
        until(out.exists)
        assert json.loads(out.read_text())["connections"] >= 2
        os.close(writer)
    finally:
        tmux("kill-server")

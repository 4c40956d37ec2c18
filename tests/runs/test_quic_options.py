"""`--quic` beside the things it works with: watch, target lists, and what contradicts it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.helpers.commands import runner
from tests.helpers.datagram_peers import quic_service
from tlsresume.features.watch.history import History
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.datagrams import DatagramServer
from tlsresume.server.server import Server

HERE = "127.0.0.1"


@pytest.fixture
def run(capsys):
    return runner(capsys)


@contextmanager
def both() -> Iterator[int]:
    """The port of a server that speaks TLS over TCP and QUIC."""
    with Server(Behaviour()) as tcp, DatagramServer(quic_service().side, HERE, tcp.port):
        yield tcp.port


def test_watch_keeps_quic_apart(run, tmp_path) -> None:
    """With --quic each sample has HTTP/3 as a target of its own, whose session is offered in the
    next; --alpn and --ciphers are for TCP; the report has both."""
    words = ("--once", "--tries", "1", "--ticket-wait", "1", "--history", str(tmp_path / "h"),
             "--quic", "--alpn", "http/1.1", "--ciphers", "DEFAULT", "--format", "json")  # fmt: skip
    with both() as port:
        plain = f"https://{HERE}:{port}"
        for _ in range(2):
            status, out, err = run("watch", plain, *words)
            assert status == 0, err
    targets = [each["target"] for each in json.loads(out)["targets"]]
    assert targets == [f"{HERE}:{port}", f"h3://{HERE}:{port}"]
    with History(tmp_path / "h") as history:
        samples = [s for s in history.samples() if s.target.startswith("h3")]
    assert [s.error for s in samples] == [None, None]
    assert [offer.outcome for offer in samples[1].offers] == ["resumed"]


def test_a_line_of_a_target_list_asks_for_quic(run, tmp_path) -> None:
    """A line has --quic for its own target, and others stay with TCP."""
    with both() as one, both() as other:
        targets = tmp_path / "targets"
        targets.write_text(f"https://{HERE}:{one} --quic\nhttps://{HERE}:{other}\n")
        status, out, err = run("probe", "--targets", str(targets), "--tries", "1",
                               "--no-explain", "--format", "json")  # fmt: skip
    assert status == 0, err
    found = {
        target["target"]: [address["transport"] for address in target["addresses"]]
        for target in json.loads(out)["targets"]
    }
    assert found == {f"{HERE}:{one}": ["tcp", "quic"], f"{HERE}:{other}": ["tcp"]}


def test_what_contradicts_it(run, tmp_path) -> None:
    """Where QUIC cannot lead to a target, --quic ends with status 2 before anything is sent, and a
    bad line is named."""
    for words in (
        ("watch", "--once", "--history", str(tmp_path / "h"), "--quic", "smtp://localhost"),
        (
            "watch",
            "--once",
            "--history",
            str(tmp_path / "h"),
            "--quic",
            "--tls",
            "1.2",
            "localhost",
        ),
        ("probe", "--quic", "--proxy", "http://127.0.0.1:9", "localhost"),
    ):
        status, _, err = run(*words)
        assert (status, "QUIC" in err or "--quic" in err) == (2, True), err
    targets = tmp_path / "targets"
    targets.write_text("localhost\nunix:/s --quic\n")
    status, _, err = run("probe", "--targets", str(targets))
    assert (status, "unix" in err) == (2, True), err

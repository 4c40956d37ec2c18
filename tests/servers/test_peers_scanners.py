"""Where sslyze and testssl.sh mislead, with ours beside them on the same server."""

from __future__ import annotations

import re

import pytest

from tests.servers.causes import (
    nginx,
)
from tests.servers.command import probe
from tests.servers.conftest import require
from tests.servers.harness import Recipe, Running, serve
from tests.servers.installed import installed
from tests.servers.material import Material
from tests.servers.peer_commands import resumes, run
from tests.servers.servers import RECIPES


@pytest.fixture(scope="session")
def sslyze() -> str:
    return str(installed("sslyze") / "bin" / "sslyze")


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

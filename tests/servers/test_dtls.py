"""DTLS 1.2: what a probe says of real servers, beside what `openssl s_client` says of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.helpers.commands import runner
from tests.servers import newer
from tests.servers.harness import HOST
from tests.servers.newer import NAME, Folder


@pytest.fixture
def at() -> Iterator[Folder]:
    with newer.folder() as made:
        yield made


@pytest.fixture
def run(capsys):
    return runner(capsys)


def probed(run, target: str, *more: str) -> tuple[int, dict]:
    status, out, err = run("probe", target, "-4", "--timeout", "20", "--concurrency", "1",
                           "--format", "json", *more)  # fmt: skip
    assert out, err
    return status, json.loads(out)["targets"][0]


def test_servers_by_their_mechanisms(at, run):
    """OpenSSL and GnuTLS resume by ticket and by session ID, coturn by ticket alone."""
    for start, session_id in (
        (newer.s_server, "resumed"),
        (newer.gnutls_serv, "resumed"),
        (newer.coturn, "not-issued"),
        (lambda at: newer.s_server(at, "-no_ticket"), "resumed"),
    ):
        port = start(at)
        _, target = probed(run, f"dtls://{NAME}:{port}", "--tries", "3", "--cafile", at.cafile)
        (address,) = target["addresses"]
        states = {row["mechanism"]: row["state"] for row in address["mechanisms"]}
        assert (address["transport"], address["tls_versions"]) == ("dtls", ["DTLSv1.2"])
        assert states["session-id"] == session_id
        assert states["ticket"] in ("resumed", "not-issued")
        assert address["certificate"]["verify_code"] == 0


def test_small_datagrams(at, run):
    """With a small MTU messages are cut into fragments, and all works as before."""
    port = newer.s_server(at)
    status, target = probed(run, f"dtls://{NAME}:{port}", "--tries", "2", "--mtu", "300")
    assert (status, target["verdict"]) == (0, "resumes")


def test_sessions_go_from_us_to_openssl_and_back(at, run):
    """A saved DTLS session is OpenSSL's: s_client resumes ours, and we resume its."""
    port = newer.s_server(at)
    ours = str(at.path / "ours.pem")
    assert run("save", f"dtls://{NAME}:{port}", "-4", "-o", ours)[0] == 0
    client = ("openssl", "s_client", "-dtls1_2", "-connect", f"{HOST}:{port}", "-servername",
              NAME, "-noservername")[:-1]  # fmt: skip
    said = at.run(*client, "-sess_in", at.inside("ours.pem"), input_="Q\n")
    assert "\nReused, TLSv1.2" in said or "\nReused, DTLSv1.2" in said, said[-1500:]
    at.run(*client, "-sess_out", at.inside("theirs.pem"), input_="Q\n")
    status, out, err = run("resume", str(at.path / "theirs.pem"), f"{NAME}:{port}", "--connect",
                           HOST)  # fmt: skip
    assert status == 0, err
    assert out.startswith("Reused, DTLSv1.2")

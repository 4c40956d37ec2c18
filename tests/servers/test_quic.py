"""QUIC: what a probe says of real servers, beside what gtlsclient says of them."""

from __future__ import annotations

import itertools
import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.helpers.commands import runner
from tests.servers import newer
from tests.servers.harness import HOST
from tests.servers.newer import NAME, Folder
from tlsresume.features.watch.history import History
from tlsresume.server.datagrams import DatagramServer

pytest.importorskip("aioquic")


@pytest.fixture
def at() -> Iterator[Folder]:
    with newer.folder() as made:
        yield made


@pytest.fixture
def run(capsys):
    return runner(capsys)


def probed(run, target: str, *more: str) -> tuple[int, dict]:
    """A probe's exit status and the document's only target."""
    status, out, err = run("probe", target, "-4", "--timeout", "20", "--format", "json", *more)
    assert out, err
    return status, json.loads(out)["targets"][0]


def codes(target: dict) -> set[str]:
    return {found["code"] for found in target["findings"]}


def resumed_by_gtlsclient(at: Folder, port: int) -> bool:
    """Whether another client resumes there: its second connection sends early data, which can be
    taken only where the session is."""
    command = ("gtlsclient", "--session-file", at.inside("session"), "--tp-file", at.inside("tp"),
               "--exit-on-all-streams-close", "--wait-for-ticket",
               HOST, str(port), f"https://{NAME}:{port}/")  # fmt: skip
    at.run(*command)
    said = at.run(*command)
    return "0RTT STREAM" in said and "reject" not in said.lower()


def test_servers_that_resume(at, run):
    """nginx, HAProxy, gtlsserver and Knot resume, with the tickets and tokens that each has."""
    for start, scheme, count, early, token, lifetime in (
        (lambda at: newer.nginx(at, "return 200 ok;"), "h3", 2, 0, False, 300),
        (newer.haproxy, "h3", 2, 0, False, 7200),
        (newer.gtlsserver, "h3", 1, 0xFFFFFFFF, True, 21600),
        (newer.knot, "doq", 3, 0xFFFFFFFF, True, 21600),
    ):
        port = start(at)
        _, target = probed(run, f"{scheme}://{NAME}:{port}", "--cafile", at.cafile)
        (address,) = target["addresses"]
        (row,) = address["mechanisms"]
        tickets = row["tickets"]
        assert (target["verdict"], row["state"], address["transport"]) == (
            "resumes", "resumed", "quic",
        )  # fmt: skip
        assert (tickets["count"], tickets["max_early_data"]) == (count, early)
        assert lifetime - 30 < tickets["lifetime"] <= lifetime
        assert address["certificate"]["verify_code"] == 0
        assert (address["quic"]["version"], address["quic"]["token_issued"]) == (1, token)
        # Knot ends each connection on which its own token is shown.
        assert ("fails-with-token" in codes(target)) == (scheme == "doq")


def test_retry_and_tokens(at, run):
    """A Retry costs a round trip, which nginx's token spares: apart from the session."""
    port = newer.nginx(at, "quic_retry on; return 200 ok;")
    status, target = probed(run, f"h3://{NAME}:{port}")
    assert status == 0
    assert target["addresses"][0]["quic"] == {
        "version": 1, "retry": True, "token_issued": True, "token_spares_retry": True,
    }  # fmt: skip
    assert not codes(target) & {"retry-each-time", "token-refused"}


def test_quic_and_tcp_differ(at, run):
    """One nginx with tickets over QUIC and without a cache over TCP: --quic names the difference,
    and with the same settings there is none."""
    port = newer.nginx(at, "return 200 ok;", "ssl_session_tickets off; return 200 ok;")
    status, target = probed(run, f"https://{NAME}:{port}", "--quic", "--no-explain")
    assert status == 3
    assert [each["transport"] for each in target["addresses"]] == ["tcp", "quic"]
    (found,) = [each for each in target["findings"] if each["code"] == "quic-tcp-differ"]
    assert (found["severity"], found["addresses"]) == ("warning", [HOST])
    port = newer.nginx(at, "return 200 ok;", "return 200 ok;")
    status, target = probed(run, f"https://{NAME}:{port}", "--quic", "--no-explain")
    assert (status, target["verdict"]) == (0, "resumes")
    assert "quic-tcp-differ" not in codes(target)


def test_promises_of_http3_that_are_not_kept(at, run):
    """Where Alt-Svc promises HTTP/3 and UDP says nothing, that is a warning and the status is
    TCP's."""
    port = newer.free_port()
    line = f"add_header Alt-Svc 'h3=\":{port}\"'; return 200 ok;"
    newer.nginx(at, None, line, port)
    status, target = probed(run, f"https://{NAME}:{port}", "--quic", "--no-explain")
    (found,) = [each for each in target["findings"] if each["code"] == "quic-unreachable"]
    assert (status, found["severity"]) == (0, "warning")


def test_nodes_with_different_keys_behind_a_udp_balancer(at, run):
    """Two nodes with keys of their own resume their own sessions only."""
    nodes = [newer.gtlsserver(at), newer.gtlsserver(at)]
    turns = itertools.cycle(nodes)
    with ExitStack() as stack:

        def make_side() -> _Forwarding:
            side = _Forwarding(next(turns))
            stack.callback(side.close)
            return side

        balancer = stack.enter_context(DatagramServer(make_side))
        status, target = probed(run, f"h3://127.0.0.1:{balancer.port}", "--tries", "8")
    assert status == 3
    assert target["verdict"] == "partly"
    assert "other-ticket-key" in codes(target)


class _Forwarding:
    """One client's datagrams to and from a node."""

    def __init__(self, port: int) -> None:
        self._sock = socket.socket(type=socket.SOCK_DGRAM)
        self._sock.connect((HOST, port))
        self._sock.setblocking(False)

    def receive(self, data: bytes, _now: float) -> None:
        self._sock.send(data)

    def datagrams(self, _now: float) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self._sock.recv(65_536))
            except OSError:
                return found

    def timer(self) -> float | None:
        return 0.0

    def close(self) -> None:
        self._sock.close()

    def on_timer(self, _now: float) -> None:
        """Look for what came back."""


def test_another_client_agrees(at, run):
    """What is saved from gtlsserver resumes, also with another client of QUIC."""
    port = newer.gtlsserver(at)
    file = str(at.path / "s.pem")
    assert run("save", f"h3://{NAME}:{port}", "-4", "-o", file)[0] == 0
    status, out, _ = run("resume", file)
    assert (status, out.startswith("Reused, TLSv1.3")) == (0, True)
    assert resumed_by_gtlsclient(at, port)
    assert (at.path / "session").exists()


def test_ages_names_and_certificates(at, run):
    """Ages, lifetimes, names and addresses are asked over QUIC as over TCP."""
    port = newer.nginx(at, "ssl_session_timeout 2s; return 200 ok;")
    words = ("--find-lifetime", "4", "--cross-name", "other.example", "--tries", "2")
    _, target = probed(run, f"h3://{NAME}:{port}", "--no-explain", *words)
    (lifetime,) = target["lifetimes"]
    assert (lifetime["transport"], lifetime["promised_s"]) == ("quic", 2)
    assert lifetime["honoured_s"] <= 3
    series = {row["series"] for row in target["addresses"][0]["attempts"]
              if row["experiment"] == "cross-name"}  # fmt: skip
    assert series == {"full", "offer", "control"}


def test_keys_and_client_certificates(at, run):
    """A guessable key is an error, the operator's own key is recognised, and what resumption does
    to a client certificate is told, over QUIC as over TCP."""
    for name, key, expected in (
        ("zero.key", bytes(80), "weak-ticket-key"),
        ("own.key", os.urandom(80), None),
    ):
        (at.path / name).write_bytes(key)
        (at.path / name).chmod(0o600)
        line = f"ssl_session_ticket_key {at.inside(name)}; return 200 ok;"
        keys = ("--ticket-keys", str(at.path / name))
        status, target = probed(run, f"h3://{NAME}:{newer.nginx(at, line)}", *keys)
        assert (status, expected in codes(target)) == ((3, True) if expected else (0, False))
        (use,) = target["ticket_keys"]
        assert (use["same_secret"], use["transport"]) == (True, "quic")
    line = f"ssl_verify_client on; ssl_client_certificate {at.inside('ca.pem')}; return 200 ok;"
    port = newer.nginx(at, line)
    _, target = probed(run, f"h3://{NAME}:{port}")
    assert "client-certificate-missing" in codes(target)
    status, target = probed(run, f"h3://{NAME}:{port}", "--cert", str(at.path / "both.pem"))
    assert (status, target["verdict"]) == (0, "resumes")
    assert "client-certificate" in codes(target)


def test_watch_remembers_quic(at, run, tmp_path):
    """A sample keeps a QUIC session, and the next one offers it."""
    port = newer.nginx(at, "return 200 ok;")
    words = ("watch", "--once", f"h3://{NAME}:{port}", "-4", "--history", str(tmp_path / "h"))
    for _ in range(2):
        status, _, err = run(*words)
        assert status == 0, err
    with History(tmp_path / "h") as history:
        first, second = history.samples()
    assert (first.error, second.error, first.target) == (None, None, f"h3://{NAME}:{port}")
    assert [offer.outcome for offer in second.offers] == ["resumed"]


def test_version_2_and_groups_that_aioquic_lacks(at, run):
    """A server that prefers QUIC version 2 gets it, and its tickets resume; one that wants P-521
    is skipped with the reason, and TCP's exit status stands."""
    port = newer.gtlsserver(at, "--preferred-versions=v2")
    status, target = probed(run, f"h3://{NAME}:{port}", "--no-explain")
    assert (status, target["verdict"]) == (0, "resumes")
    assert target["addresses"][0]["quic"]["version"] == 2
    port = newer.nginx(at, "ssl_ecdh_curve secp521r1; return 200 ok;", "return 200 ok;")
    for words, expected in (
        ((f"h3://{NAME}:{port}",), 4),
        ((f"https://{NAME}:{port}", "--quic"), 0),
    ):
        status, target = probed(run, *words, "--no-explain")
        assert status == expected
        assert any("aioquic can offer" in each["reason"] for each in target["skipped"])
        assert not {"quic-unreachable", "quic-tcp-differ"} & codes(target)


def test_the_matrix_of_addresses(at, run):
    """Two nodes with keys of their own, each at an address, decline each other's sessions."""
    one = newer.gtlsserver(at)
    at.start(one, "gtlsserver", "-q", "127.0.0.2", str(one), at.inside("key.pem"),
             at.inside("cert.pem"))  # fmt: skip
    where = f"{NAME}:{one}"
    status, target = probed(run, f"h3://{where}", "--resolve", f"{where}:{HOST},127.0.0.2")
    assert status == 3
    cells = {(c["issuing"], c["accepting"]): c["accepted"] for c in target["crossings"]}
    assert cells == {(HOST, "127.0.0.2"): 0, ("127.0.0.2", HOST): 0}

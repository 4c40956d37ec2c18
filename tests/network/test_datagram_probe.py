"""QUIC and DTLS over real sockets on loopback: probes, sessions in files, and peers that
misbehave."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import pytest

from tests.helpers.commands import runner
from tests.helpers.datagram_peers import (
    Losing,
    answering,
    dtls_service,
    hello_verify_request,
    quic_service,
    version_negotiation,
)
from tlsresume.errors import ExitStatus, UsageError
from tlsresume.formats import FORMATS
from tlsresume.lab import Gate, Route
from tlsresume.network import before_tls
from tlsresume.network.dial import open_datagram_socket
from tlsresume.options import ConnectOptions, ProbeOptions
from tlsresume.results.connection import Failure
from tlsresume.results.measured import AddressResult
from tlsresume.results.report import TargetResult
from tlsresume.runs.many_targets import scan
from tlsresume.runs.probe import probe
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.datagrams import DatagramServer, Side
from tlsresume.server.server import Server
from tlsresume.targets.target import parse_target

pytestmark = pytest.mark.slow

PATIENT = ConnectOptions(timeout=30)
HASTY = ConnectOptions(timeout=0.7)


@pytest.fixture
def run(capsys):
    return runner(capsys)


def states(address: AddressResult) -> dict[str, str]:
    return {row.mechanism: row.state for row in address.mechanisms}


def codes(result: TargetResult) -> set[str]:
    return {finding.code for finding in result.findings}


def test_a_probe_over_each_transport():
    """Mechanisms, versions and the transport are those of QUIC and DTLS, and causes are named."""
    quic, dtls = quic_service, dtls_service
    for scheme, service, expected, verdict, code in (
        ("h3", quic(), {"psk": "resumed"}, "resumes", None),
        ("h3", quic(honours=False), {"psk": "not-resumed"}, "does-not-resume", "never-honoured"),
        ("h3", quic(issues=False), {"psk": "not-issued"}, "does-not-resume", "not-issued"),
        ("dtls", dtls(), {"ticket": "resumed", "session-id": "resumed"}, "resumes", None),
        ("dtls", dtls(tickets=False), {"ticket": "not-issued", "session-id": "resumed"},
         "resumes", None),
        ("dtls", dtls(issues=False), {"ticket": "not-issued", "session-id": "not-issued"},
         "does-not-resume", "not-issued"),
    ):  # fmt: skip
        with DatagramServer(service.side) as server:
            connect = ConnectOptions(timeout=30, ticket_wait=0.2)
            options = ProbeOptions(connect=connect, tries=3, concurrency=2)
            result = probe(f"{scheme}://127.0.0.1:{server.port}", options)
        (address,) = result.addresses
        assert states(address) == expected
        assert address.transport == ("quic" if scheme == "h3" else "dtls")
        assert address.tls_versions == (("TLSv1.3",) if scheme == "h3" else ("DTLSv1.2",))
        # A ticket that is not issued beside a session ID makes "partly" nothing of it.
        assert result.verdict == verdict or states(address)["ticket"] == "not-issued"
        if code is not None:
            assert code in codes(result)
            assert {found.transport for found in result.findings} == {address.transport}


def test_one_report_of_tcp_and_quic(run, tmp_path):
    """--quic adds an entry of its own for the same address, every format tells the two apart,
    and that one resumes and the other does not is a finding."""
    service = quic_service(honours=False)
    with Server(Behaviour()) as tcp, DatagramServer(service.side, port=tcp.port):
        outputs = [word for name in FORMATS for word in ("--format", f"{name}={tmp_path / name}")]
        status, _, _ = run(
            "probe", "--quic", f"127.0.0.1:{tcp.port}", "--tries", "3", "--timeout", "30",
            "--no-explain", *outputs,
        )  # fmt: skip
    assert status == ExitStatus.NOT_AS_ASKED
    document = json.loads((tmp_path / "json").read_text())
    (target,) = document["targets"]
    assert [(each["address"], each["transport"]) for each in target["addresses"]] == [
        ("127.0.0.1", "tcp"), ("127.0.0.1", "quic"),
    ]  # fmt: skip
    assert target["addresses"][1]["quic"]["version"] == 1
    found = {each["code"]: each for each in target["findings"]}
    assert (found["quic-tcp-differ"]["severity"], found["quic-tcp-differ"]["transport"]) == (
        "warning", "quic",
    )  # fmt: skip
    broken = [each for each in target["checks"] if each["outcome"] == "broken"]
    assert {each["transport"] for each in broken if each["kind"] == "verdict"} == {"quic"}
    for name in ("json", "text", "html", "markdown", "junit"):
        written = (tmp_path / name).read_text()
        assert "quic" in written.lower(), name
    series = (tmp_path / "prometheus").read_text().splitlines()
    reachable = [line for line in series if line.startswith("tlsresume_address_reachable")]
    assert len(reachable) == 2
    assert sum('transport="quic"' in line for line in reachable) == 1
    assert sum("transport=" in line for line in reachable) == 1


def test_a_baseline_compares_each_transport_with_itself(run, tmp_path):
    """What got worse over QUIC alone is a change of QUIC's entry, and TCP's is as it was."""
    service = quic_service()
    baseline = str(tmp_path / "before.json")
    with Server(Behaviour()) as tcp, DatagramServer(service.side, port=tcp.port) as quic:
        del quic
        words = ("probe", "--quic", f"127.0.0.1:{tcp.port}", "--tries", "2", "--timeout", "30",
                 "--no-explain")  # fmt: skip
        assert run(*words, "--format", f"json={baseline}")[0] == ExitStatus.OK
        object.__setattr__(service, "honours", False)
        status, out, _ = run(*words, "--baseline", baseline, "--format", "json")
    assert status == ExitStatus.NOT_AS_ASKED
    (target,) = json.loads(out)["targets"]
    worse = [each for each in target["changes"] if each["worse"] and each["mechanism"] == "psk"]
    assert {(each["what"], each["transport"]) for each in worse} >= {("state", "quic")}
    assert {each["transport"] for each in worse} == {"quic"}


def test_udp_that_says_nothing_is_no_failure_of_tcp():
    """With --quic, where TCP answers and QUIC does not, the verdict is TCP's."""
    with Server(Behaviour()) as tcp:
        options = ProbeOptions(connect=PATIENT, tries=2, quic=True, explain=False)
        result = probe(f"127.0.0.1:{tcp.port}", options)
    assert (result.verdict, len(result.addresses)) == ("resumes", 1)
    (found,) = [each for each in result.findings if each.code == "quic-unreachable"]
    assert found.severity == "info"
    assert "UDP port is closed" in found.evidence[0]
    assert any("(QUIC)" in skipped.what for skipped in result.skipped)


def test_sessions_in_files(run, tmp_path):
    """A QUIC session is a file of its own kind, a DTLS session is OpenSSL's; each is resumed over
    its own transport, also where only host and port are named, and over no other."""
    for scheme, service, label in (
        ("h3", quic_service(), "TLSRESUME QUIC SESSION"),
        ("dtls", dtls_service(), "SSL SESSION PARAMETERS"),
    ):
        file = str(tmp_path / f"{scheme}.pem")
        with DatagramServer(service.side) as server:
            place = f"127.0.0.1:{server.port}"
            status, _, err = run("save", f"{scheme}://{place}", "-o", file)
            assert status == ExitStatus.OK, err
            assert f"-----BEGIN {label}-----" in (tmp_path / f"{scheme}.pem").read_text()
            assert (tmp_path / f"{scheme}.pem").stat().st_mode & 0o777 == 0o600
            for more in ((), (place,), (f"{scheme}://{place}",)):
                status, out, err = run("resume", file, *more, "--format", "json")
                assert status == ExitStatus.OK, err
                answer = json.loads(out)
                assert answer["session_reused"] is answer["offered"] is answer["accepted"] is True
                assert answer["transport"] == ("quic" if scheme == "h3" else "dtls")
            assert run("resume", file, place)[1].startswith("Reused, ")
        status, out, _ = run("inspect", file, "--format", "json")
        found = json.loads(out)["files"][0]["inspection"]
        assert (found["transport"], found["usable"]) == (answer["transport"], True)
        other = "dtls" if scheme == "h3" else "h3"
        status, _, err = run("resume", file, f"{other}://{place}")
        assert (status, "is reached over" in err) == (ExitStatus.USAGE, True)
    damaged = tmp_path / "h3.pem"
    text = damaged.read_text()
    damaged.write_text(text.replace("-----BEGIN", "-----BEGIN", 1).replace("eyJ", "eyK", 1))
    assert run("inspect", str(damaged))[0] == ExitStatus.FILE


def _losing(make_side: Callable[[], Side]) -> Losing:
    return Losing(make_side(), 4)


def test_a_path_that_loses_datagrams():
    """Lost datagrams are sent again and counted, and are no refusal."""
    for scheme, make_side in (("h3", quic_service().side), ("dtls", dtls_service().side)):
        with DatagramServer(partial(_losing, make_side)) as server:
            options = ProbeOptions(connect=PATIENT, tries=2, explain=False)
            result = probe(f"{scheme}://127.0.0.1:{server.port}", options)
        (address,) = result.addresses
        assert result.verdict == "resumes", result
        assert address.retransmissions
        assert "datagrams-lost" in codes(result)


def test_peers_that_misbehave():
    """A closed port, silence, garbage and another protocol are told apart, within the time
    allowed, and nothing hangs."""
    tls_alert = b"\x15\x03\x03\x00\x02\x02\x28"
    with socket.socket(type=socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for scheme in ("h3", "dtls"):
        error = probe(f"{scheme}://127.0.0.1:{port}", ProbeOptions(connect=HASTY)).error
        assert error is not None
        assert error.kind == "refused"
    cases: tuple[tuple[str, Callable[[bytes], list[bytes]], str, str], ...] = (
        ("h3", lambda _data: [], "timeout", "no answer"),
        ("dtls", lambda _data: [], "timeout", "no answer"),
        ("h3", lambda _data: [b"\xffjunk" * 20] * 3, "not-tls", "is not QUIC"),
        ("h3", lambda data: [data], "not-tls", "is not QUIC"),
        ("h3", lambda _data: [b"\x40" + bytes(50)], "not-tls", "is not QUIC"),
        ("dtls", lambda _data: [b"hello"], "not-tls", "is not DTLS"),
        ("dtls", lambda _data: [tls_alert], "not-tls", "is not DTLS"),
        ("h3", version_negotiation, "not-tls", "speaks no QUIC version of ours"),
        ("dtls", hello_verify_request, "closed", "cookie"),
    )
    # All at once, as most are only known when their time is up.
    options = ProbeOptions(connect=ConnectOptions(timeout=1.5), tries=1)
    with ExitStack() as stack:
        ports = [stack.enter_context(answering(answer)) for _, answer, _, _ in cases]
        targets = [
            parse_target(f"{scheme}://127.0.0.1:{port}")
            for (scheme, *_), port in zip(cases, ports, strict=True)
        ]
        results = scan([(target, options) for target in targets]).targets
    for (_, _, kind, words), result in zip(cases, results, strict=True):
        assert result.error is not None
        assert (result.error.kind, words in result.error.message) == (kind, True), result.error
        assert result.verdict == "untested"


def test_what_a_transport_cannot_do_is_said(run):
    """Options of another transport are refused with what helps, before anything is contacted;
    experiments that it cannot make are skipped with the reason."""
    for words, status, said in (
        (("quic://localhost:1",), ExitStatus.USAGE, "doq://HOST"),
        (("h3://localhost:1", "--tls", "1.2"), ExitStatus.USAGE, "QUIC has TLS 1.3 only"),
        (("h3://localhost:1", "--groups", "X25519"), ExitStatus.USAGE, "aioquic"),
        (("h3://localhost:1", "--starttls", "smtp"), ExitStatus.USAGE, "smtp"),
        (("h3://localhost:1", "--proxy", "http://p.example:1"), ExitStatus.USAGE, "over UDP"),
        (("dtls://localhost:1", "--tls", "1.3"), ExitStatus.USAGE, "version 1.2 only"),
        (("--quic", "localhost:1", "--proxy", "http://p.example:1"), ExitStatus.USAGE, "proxy"),
        (("--quic", "localhost:25", "--starttls", "smtp"), ExitStatus.USAGE, "STARTTLS"),
        (("--quic", "imaps://localhost:1"), ExitStatus.USAGE, "HTTP/3 beside HTTPS"),
        (("--quic", "dtls://localhost:1"), ExitStatus.USAGE, "targets of TCP"),
    ):
        found, _, err = run("probe", *words)
        assert (found, said in err) == (status, True), (words, err)
    with DatagramServer(quic_service().side) as server:
        options = ProbeOptions(connect=PATIENT, tries=1, experiments=("close", "same-ticket"))
        result = probe(f"h3://127.0.0.1:{server.port}", options)
    assert [each.reason for each in result.skipped if "close" in each.what] == [
        "a connection over UDP cannot be cut"
    ]


def test_without_aioquic_one_line_says_how_to_get_it(run, monkeypatch):
    """QUIC needs the extra; TCP does not miss it."""
    monkeypatch.setattr("tlsresume.transports.quic.binding.find_spec", lambda _name: None)
    status, out, err = run("probe", "h3://localhost:1")
    assert (status, out) == (ExitStatus.USAGE, "")
    assert err.splitlines() == [
        "tlsresume: error: QUIC needs the library aioquic, which is not installed",
        "hint: pip install 'tlsresume[quic]'",
    ]
    with pytest.raises(UsageError):
        probe("localhost:1", ProbeOptions(quic=True))


def test_a_rate_holds_over_udp(run, tmp_path, monkeypatch):
    """Each new connection of a run with --rate takes its turn, of QUIC and of DTLS alike: the
    n-th socket is opened no earlier than n turns after the first was asked for."""
    asked: list[float] = []
    opened: list[float] = []
    turn, open_socket = Gate.turn, open_datagram_socket

    async def asking(gate: Gate) -> None:
        asked.append(time.monotonic())
        await turn(gate)

    def opening(route: Route) -> socket.socket | Failure:
        opened.append(time.monotonic())
        return open_socket(route)

    monkeypatch.setattr(Gate, "turn", asking)
    monkeypatch.setattr(before_tls, "open_datagram_socket", opening)
    with (
        DatagramServer(quic_service().side) as quic,
        DatagramServer(dtls_service().side) as dtls,
    ):
        (tmp_path / "targets").write_text(
            f"h3://127.0.0.1:{quic.port}\ndtls://127.0.0.1:{dtls.port}\n"
        )
        status, text, err = run(
            "probe", "--targets", str(tmp_path / "targets"), "--rate", "50", "--quick",
            "--timeout", "30", "--ticket-wait", "0.2",
        )  # fmt: skip
    assert status == ExitStatus.OK, text + err
    assert len(opened) == len(asked) >= 6
    # Only ever later on a slow machine; a sleep may end a tick of the clock early.
    assert all(at - asked[0] >= n / 50 - 0.002 for n, at in enumerate(opened))

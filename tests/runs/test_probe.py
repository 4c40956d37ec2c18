"""Probe: the answer is right on servers that make it hard, and a failure of the peer is one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import certificates
from tests.helpers.peers import MISDEEDS, Kill, RawPeer, Relay, read_client_hello, refused_port
from tests.helpers.rows import each_row
from tlsresume.errors import ExitStatus
from tlsresume.lab import Gate
from tlsresume.network import dial
from tlsresume.network.resolve import Resolution
from tlsresume.options import ConnectOptions, ProbeOptions
from tlsresume.policy.exit_status import exit_status, target_status
from tlsresume.results.measured import AddressResult, ErrorResult, MechanismResult, Series, State
from tlsresume.results.report import Report, TargetResult
from tlsresume.runs import probe as action
from tlsresume.runs.before_probe import share_budget
from tlsresume.runs.many_targets import scan
from tlsresume.runs.probe import Probe
from tlsresume.targets.target import Target, parse_target
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientCertificate, Trust

pytestmark = pytest.mark.slow

BROKEN = "the handshake fails when the session is offered"
RESUMED = {"psk": "resumed", "ticket": "resumed", "session-id": "resumed"}

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="no openssl command")


def target(port: int, host: str = "localhost", **said) -> Target:
    return parse_target(f"https://{host}:{port}", **({"family": "ipv4"} | said))


def look(
    port: int | Target, timeout=5.0, connect: Any = None, **options: Any
) -> tuple[TargetResult, int]:
    """The result of a probe, and the exit status of a run with it alone."""
    goal = target(port) if isinstance(port, int) else port
    said = ConnectOptions(**({"timeout": timeout} | (connect or {})))
    chosen: dict[str, Any] = {"explain": False, "connect": said} | options
    report = scan([(goal, ProbeOptions(**chosen))])
    return report.targets[0], exit_status(report)


def mechanisms(result: TargetResult) -> dict[str, MechanismResult]:
    (address,) = result.addresses
    return {m.mechanism: m for m in address.mechanisms}


def states(result: TargetResult) -> dict[str, str]:
    return {name: m.state for name, m in mechanisms(result).items()}


def resumes(result: TargetResult, status: int) -> None:
    assert result.verdict == "resumes", (result.skipped, result.error, orders(result))
    assert (status, result.error) == (ExitStatus.OK, None)


def orders(result: TargetResult) -> dict[str, str]:
    return {
        f"{address.address} {m.mechanism}": f"{m.state} {m.fixed.order} {m.chained.order}"
        for address in result.addresses
        for m in address.mechanisms
    }


# ------------------------------------------------------- servers that make it hard


@pytest.mark.parametrize(
    "knobs",
    [
        pytest.param({}, id="plain"),
        pytest.param({"one_at_a_time": True}, id="one at a time"),
        pytest.param({"max_connections_per_client": 1}, id="one per client"),
        pytest.param({"max_connections_per_client": 2}, id="two per client"),
        pytest.param({"stateful": True, "one_at_a_time": True}, id="stateful, one at a time"),
        pytest.param({"tickets_after_data": True}, id="tickets after data"),
        pytest.param({"group": "secp384r1"}, id="HelloRetryRequest"),
        pytest.param({"group": "secp384r1", "stateful": True}, id="HelloRetryRequest, stateful"),
        pytest.param({"reset_every": 3}, id="resets every third"),
        pytest.param({"reset_every": 3, "stateful": True}, id="resets every third, stateful"),
        pytest.param({"close_notify": False}, id="no close_notify"),
        pytest.param({"http": False}, id="no HTTP"),
        pytest.param({"single_use": True}, id="single-use"),
        pytest.param({"single_use": True, "stateful": True}, id="single-use, stateful"),
        pytest.param({"early_data": 16_384}, id="early data"),
        pytest.param({"num_tickets": 1}, id="one ticket"),
        pytest.param({"num_tickets": 8}, id="eight tickets"),
        pytest.param({"backend": "stdlib"}, id="another library"),
    ],
)
def test_servers_that_resume_are_found_to(knobs, server):
    """However hard a server makes it, what resumes is called so."""
    result, status = look(server(**knobs).port)
    resumes(result, status)
    expected = RESUMED | ({"ticket": "not-issued"} if knobs.get("stateful") else {})
    assert states(result) == expected


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_servers_of_one_version(version, server):
    """The version that is not spoken is not missed."""
    result, status = look(server(versions=(version,)).port)
    resumes(result, status)
    assert result.addresses[0].tls_versions == (f"TLSv{version}",)
    assert result.skipped == ()


@pytest.mark.parametrize("names", [60, 300])
def test_large_tickets(names, server, tmp_path):
    """A ticket that carries a client's certificate has kilobytes, and spans records."""
    identity = certificates.client(names)
    path = tmp_path / "client.pem"
    path.write_bytes(identity.certificate_pem + identity.key_pem)
    given = {"certificate": ClientCertificate(str(path), str(path))}
    result, status = look(server(client_certificate=True).port, connect=given)
    resumes(result, status)
    tickets = mechanisms(result)["psk"].tickets
    assert tickets is not None
    assert tickets.length > names * 25


def test_a_slow_server_is_waited_for(server):
    """A byte now and then is progress; within the time allowed all is well."""
    with Relay(server().port, drip=0.0002) as relay:
        result, status = look(relay.port, timeout=20, tries=2)
    resumes(result, status)


def test_a_server_that_is_too_slow_is_an_error(server):
    """Where the handshake does not end in time, that is said, with what came."""
    with Relay(server().port, drip=0.05) as relay:
        result, status = look(relay.port, timeout=0.5)
    assert (result.verdict, status) == ("untested", ExitStatus.UNREACHABLE)
    assert result.error is not None
    assert re.search(r"within 0\.5 s \([1-9][0-9]* bytes came\)", result.error.message)


def test_no_goodbye_from_the_server(server):
    """A peer that never sends close_notify costs a wait, not the answer."""
    with Relay(server().port, swallow_close=True) as relay:
        resumes(*look(relay.port))


@needs_openssl
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-no_ticket",),
        ("-tls1_2", "-no_ticket"),
        ("-tls1_3",),
        ("-groups", "P-384"),
        ("-early_data",),
        ("-www",),
    ],
)
def test_s_server_serves_one_at_a_time_and_forgets_what_is_cut(options, tmp_path):
    """No connection of ours may time out in the queue: its session would be gone."""
    with s_server(tmp_path, *options) as port:
        result, status = look(port, timeout=3.0)
    resumes(result, status)


@contextlib.contextmanager
def s_server(folder: Path, *options: str) -> Iterator[int]:
    identity = certificates.localhost()
    pem = folder / "server.pem"
    pem.write_bytes(identity.certificate_pem + identity.key_pem)
    command = ["s_server", "-accept", "127.0.0.1:0", "-cert", str(pem), "-key", str(pem), *options]
    with subprocess.Popen(
        [str(OPENSSL), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as running:
        assert running.stdout is not None
        found = None
        while found is None:
            line = running.stdout.readline()
            assert line, "s_server ended"
            found = re.search(rb"ACCEPT \S*:([0-9]+)", line)
        rest = threading.Thread(target=running.stdout.read, daemon=True)
        rest.start()
        try:
            yield int(found[1])
        finally:
            running.terminate()
            rest.join()


# -------------------------------------------------- servers that do not, or in part


@pytest.mark.parametrize("stateful", [False, True])
@pytest.mark.parametrize("run", range(5))
def test_two_nodes_never_resume(run, stateful, server):
    """Two nodes with separate keys are found out every time."""
    result, status = look(server(nodes=2, stateful=stateful).port)
    assert result.verdict in ("partly", "does-not-resume"), orders(result)
    assert status == ExitStatus.NOT_AS_ASKED


def test_ten_nodes(server):
    """Among ten nodes resumption is rare; the key names show them."""
    result, status = look(server(nodes=10).port)
    assert result.verdict in ("partly", "does-not-resume")
    assert status == ExitStatus.NOT_AS_ASKED
    tickets = mechanisms(result)["psk"].tickets
    assert tickets is not None
    assert len(tickets.key_names) > 3


@pytest.mark.parametrize(
    ("knobs", "verdict", "expected"),
    [
        (
            {"honoured": False},
            "does-not-resume",
            dict.fromkeys(RESUMED, "not-resumed"),
        ),
        (
            {"tickets": False, "session_ids": False},
            "does-not-resume",
            dict.fromkeys(RESUMED, "not-issued"),
        ),
        (
            {"tickets": False},
            "partly",
            {"psk": "not-issued", "ticket": "not-issued", "session-id": "resumed"},
        ),
        ({"num_tickets": 0}, "partly", RESUMED | {"psk": "not-issued"}),
    ],
)
def test_servers_that_do_not_resume(knobs, verdict, expected, server):
    """What is not issued is told from what is not honoured."""
    result, status = look(server(**knobs).port, connect={"ticket_wait": 0.4})
    assert (result.verdict, states(result)) == (verdict, expected)
    assert status == ExitStatus.NOT_AS_ASKED


@pytest.mark.parametrize("explain", [True, False])
def test_the_longer_wait_for_a_ticket_begins_with_the_first(server, explain):
    """Where no TLS 1.3 ticket comes, the two waits overlap; without explanations there is one."""
    running = server(num_tickets=0)
    result, _ = look(running.port, connect={"ticket_wait": 1.0}, explain=explain)
    rows = [row for row in result.addresses[0].attempts if row.mechanism == "psk"]
    started = {row.experiment: datetime.fromisoformat(row.time) for row in rows}
    assert set(started) == ({"discover", "elicit"} if explain else {"discover"})
    assert len(rows) == len(started)
    if explain:
        assert started["elicit"] - started["discover"] < timedelta(seconds=0.9)
        assert [finding.code for finding in result.findings] == ["not-issued"]


@pytest.mark.usefixtures("brief_pauses")
@pytest.mark.parametrize("kill", ["fin", "rst", "alert", "silence"])
def test_a_server_that_dies_when_a_session_is_offered(kill, server):
    """Whatever way it dies, the state says so, and the exit status is 6."""
    with Relay(server().port, kill_offers=kill) as relay:
        result, status = look(relay.port, timeout=0.5)
    assert (result.verdict, status) == ("does-not-resume", ExitStatus.FAILS_WITH_SESSION)
    for mechanism in mechanisms(result).values():
        assert (mechanism.state, mechanism.reason) == ("not-resumed", BROKEN)
        assert set(mechanism.fixed.order + mechanism.chained.order) == {"E"}


@pytest.mark.usefixtures("brief_pauses")
@pytest.mark.parametrize("after", [4, 9])
def test_a_limit_on_connections_is_not_blamed_on_sessions(after, server):
    """Where connections without a session break as well, those with one tell nothing, be it
    from the first try on or later; and that is what the finding says."""
    with Relay(server().port, reset_after=after) as relay:
        result, status = look(relay.port, explain=True)
    assert (result.verdict, status) in {
        ("untested", ExitStatus.INCONCLUSIVE),
        ("resumes", ExitStatus.OK),
    }
    assert "breaks-anyway" in {finding.code for finding in result.findings}
    assert not any(finding.severity == "error" for finding in result.findings)


def test_a_server_without_session_id_context(server):
    """OpenSSL with client certificates and no context: alert 80 to each offer, exit 6."""
    result, status = look(server(client_certificate=True, session_id_context=False).port)
    assert status == ExitStatus.FAILS_WITH_SESSION
    assert mechanisms(result)["psk"].reason == BROKEN


# ------------------------------------------------------------------------ bad peers


@pytest.mark.usefixtures("brief_pauses")
@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_bad_peers(misdeed):
    """Each is an error of the address and of the target; nothing is judged."""
    with RawPeer(misdeed) as peer:
        result, status = look(peer.port, timeout=0.3, explain=True)
    assert (result.verdict, status) == ("untested", ExitStatus.UNREACHABLE)
    (address,) = result.addresses
    assert address.mechanisms == ()
    assert address.error is not None
    assert result.error == address.error
    limited = misdeed == "too many connections"
    assert [f.code for f in result.findings] == (["rate-limited"] if limited else [])
    words = {
        "plain HTTP": "plain HTTP",
        "SSH banner": "SSH",
        "garbage": "not TLS",
        "handshake_failure": "alert 40 handshake_failure",
        "protocol_version": "neither TLSv1.2 nor TLSv1.3",
        "silent": "0 bytes came",
    }
    assert words.get(misdeed, "") in address.error.message


def test_a_refused_port_costs_one_connection():
    """Nothing more is asked where nothing listens."""
    with refused_port() as port:
        result, status = look(port)
    assert (result.connections, status) == (1, ExitStatus.UNREACHABLE)


def test_no_such_host():
    """A name without addresses is the target's error, with a hint."""
    result, status = look(parse_target("nowhere.invalid"))
    assert (result.addresses, result.connections, status) == ((), 0, ExitStatus.UNREACHABLE)
    assert result.error is not None
    assert result.error.hints


@pytest.mark.parametrize(
    "identity", [certificates.expired, certificates.wrong_host, certificates.localhost]
)
def test_bad_certificates_are_reported_and_fatal_only_on_demand(identity, server, cafile):
    """Resumption is tested whatever the certificate, unless verify is demanded."""
    running = server(identity=identity())
    trust = Trust(cafile=str(cafile))
    good = identity is certificates.localhost
    result, status = look(running.port, connect={"trust": trust})
    resumes(result, status)
    certificate = result.addresses[0].certificate
    assert certificate is not None
    assert (certificate.verify_code == 0) == good
    result, status = look(running.port, connect={"trust": trust, "verify": True})
    if good:
        resumes(result, status)
        return
    assert (result.verdict, status) == ("untested", ExitStatus.UNREACHABLE)
    assert result.error is not None
    assert (result.error.kind, result.error.step) == ("verify", "handshake")


@needs_openssl
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_client_certificate_is_required(version, tmp_path):
    """Never `not-issued`: in TLS 1.3 the alert comes after our side's handshake is done."""
    for _ in range(5):
        with s_server(tmp_path, version, "-Verify", "1", "-verify_return_error") as port:
            result, status = look(port, timeout=2.0)
        assert (result.verdict, status) == ("untested", ExitStatus.UNREACHABLE)
        (address,) = result.addresses
        assert address.mechanisms == ()
        assert address.error is not None
        assert address.error.kind == "alert"
        assert any("client certificate" in hint for hint in address.error.hints)


@needs_openssl
def test_protocols_that_the_server_refuses(tmp_path):
    """ALPN without a common protocol is an error with a hint, not a lack of resumption."""
    with s_server(tmp_path, "-alpn", "h2") as port:
        result, status = look(port)
        assert status == ExitStatus.UNREACHABLE
        assert result.error is not None
        assert any("--alpn" in hint for hint in result.error.hints)
        resumes(*look(port, timeout=3.0, connect={"alpn": ("h2",)}))


class BreaksTLS13(Relay):
    """Breaks each connection whose ClientHello offers TLS 1.3 (or offers nothing else)."""

    how: Kill = "silence"
    only_alone = False

    def serve(self, connection, number):
        hello = read_client_hello(connection)
        both, alone = b"\x00\x2b\x00\x05\x04\x03\x04\x03\x03", b"\x00\x2b\x00\x03\x02\x03\x04"
        if alone in hello or (both in hello and not self.only_alone):
            self._kill(connection, self.how)
            return
        with self._turns:
            port = next(self._ports)
        upstream = socket.create_connection((self.host, port))
        self.adopt(upstream)
        try:
            upstream.sendall(hello)
            self._pass(connection, upstream)
        finally:
            self.disown(upstream)


@pytest.mark.parametrize("only_alone", [False, True])
@pytest.mark.parametrize("how", ["fin", "rst", "alert", "silence"])
def test_tls13_that_breaks_without_a_word(how, only_alone, server):
    """Taken for unspoken only where the server chooses TLS 1.2 when offered both."""
    relay = BreaksTLS13(server(versions=("1.2",)).port)
    relay.how, relay.only_alone = how, only_alone
    with relay:
        result, status = look(relay.port, timeout=0.5)
    assert states(result)["ticket"] == "resumed"
    if only_alone:
        resumes(result, status)
    else:
        assert (result.verdict, status) == ("untested", ExitStatus.INCONCLUSIVE)
        assert [skipped.what for skipped in result.skipped] == ["TLSv1.3 on 127.0.0.1"]


# ------------------------------------------------------------------------- addresses


def resolving_to(monkeypatch, *addresses: str) -> None:
    async def found(*_args, **_said) -> Resolution:
        return Resolution(addresses, 0.1)

    name = "addresses_for" if hasattr(action, "addresses_for") else "resolve"
    monkeypatch.setattr(action, name, found)


def test_both_families(server, monkeypatch):
    """IPv4 and IPv6 of one name are tested side by side, each by itself."""
    first = server()
    try:
        second = server(host="::1", honoured=False)
    except OSError:
        pytest.skip("no IPv6 loopback here")
    resolving_to(monkeypatch, "127.0.0.1", "::1")

    connect = dial._connect

    async def to_its_own_port(sock, route, deadline):
        port = second.port if route.address == "::1" else first.port
        return await connect(sock, replace(route, port=port), deadline)

    monkeypatch.setattr(dial, "_connect", to_its_own_port)
    result, status = look(target(first.port, family="any"))
    assert (result.verdict, status) == ("partly", ExitStatus.NOT_AS_ASKED)
    assert [address.address for address in result.addresses] == ["127.0.0.1", "::1"]
    assert {m.state for m in result.addresses[0].mechanisms} == {"resumed"}
    assert {m.state for m in result.addresses[1].mechanisms} == {"not-resumed"}


def test_one_address_refused(server, monkeypatch):
    """The other resumes, but a target with an address that cannot be reached is not fine."""
    running = server()
    resolving_to(monkeypatch, "127.0.0.1", "127.0.0.9")
    result, status = look(running.port)
    assert (result.verdict, status) == ("resumes", ExitStatus.UNREACHABLE)
    assert result.error is None
    assert [a.error is None for a in result.addresses] == [True, False]


@pytest.mark.parametrize("others", [True, False])
def test_no_route_is_no_failure_unless_it_is_all_there_is(others, server, monkeypatch):
    """An address that this machine cannot reach is skipped, with the reason."""
    running = server()
    addresses = ("127.0.0.1", "2001:db8::1") if others else ("2001:db8::1",)
    resolving_to(monkeypatch, *addresses)

    connect = dial._connect

    async def without_ipv6(sock, route, deadline):
        if ":" in route.address:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return await connect(sock, route, deadline)

    monkeypatch.setattr(dial, "_connect", without_ipv6)
    result, status = look(target(running.port, family="any"))
    if others:
        resumes(result, status)
        assert [(s.what, s.reason) for s in result.skipped] == [
            ("2001:db8::1", "no route from this machine")
        ]
        assert len(result.addresses) == 1
    else:
        assert (result.verdict, status) == ("untested", ExitStatus.UNREACHABLE)
        assert result.error is not None
        assert result.error.kind == "no-route"


def test_connect_keeps_the_name(server):
    """--connect goes elsewhere, and the target's name stays."""
    running = server()
    goal = parse_target(f"https://example.test:{running.port}", connect="127.0.0.1")
    result, status = look(goal)
    resumes(result, status)
    assert result.target == f"example.test:{running.port}"


# -------------------------------------------------------------------- budget and time


@each_row(
    "budget, addresses, tries, expected",
    [
        (200, 1, 5, (1, 5)),
        (200, 8, 5, (8, 3)),
        (200, 10, 5, (8, 3)),
        (36, 1, 5, (1, 5)),
        (35, 1, 5, (1, 4)),
        (24, 1, 5, (1, 3)),
        (23, 1, 5, (1, 3)),
        (1, 1, 5, (1, 3)),
        (1, 4, 5, (1, 3)),
        (47, 2, 5, (1, 5)),
        (48, 2, 5, (2, 3)),
        (18, 1, 1, (1, 1)),
        (12, 1, 2, (1, 2)),
        (1000, 0, 5, (0, 5)),
    ],
)
def test_a_short_budget_lowers_tries_before_addresses(budget, addresses, tries, expected):
    """Tries go down to 3 (or to what was asked, if less), then addresses are left out."""
    share = share_budget(budget, addresses, tries)
    assert (share.addresses, share.tries) == expected


@pytest.mark.parametrize("budget", [1, 2, 3, 4, 7, 12, 20, 23])
def test_a_budget_too_small_never_resumes(budget, server):
    """What was left out is named, and the verdict stays open."""
    result, status = look(server().port, budget=budget)
    assert (result.verdict, status) == ("untested", ExitStatus.INCONCLUSIVE)
    assert result.incomplete
    assert any("127.0.0.1" in skipped.what for skipped in result.skipped)
    assert result.connections <= budget


def test_a_budget_for_some_addresses_names_the_others(server, monkeypatch):
    """Addresses without budget are left out, named, and keep the verdict open."""
    running = server()
    resolving_to(monkeypatch, "127.0.0.1", "127.0.0.2", "127.0.0.3")
    result, _ = look(running.port, budget=30)
    assert result.verdict == "untested"
    assert {s.what for s in result.skipped} >= {"127.0.0.2", "127.0.0.3"}
    assert [address.address for address in result.addresses] == ["127.0.0.1"]


@pytest.mark.usefixtures("brief_pauses")
@pytest.mark.parametrize("budget", range(26, 56, 3))
def test_resets_within_a_short_budget_are_not_judged(budget, server):
    """A connection that broke, and could not be tried again, is no refusal."""
    result, _ = look(server(reset_every=3).port, budget=budget)
    assert result.verdict in ("untested", "resumes"), orders(result)
    assert result.connections <= budget


def test_the_whole_has_a_deadline(server, monkeypatch):
    """A target that takes too long is ended, with what is known by then."""
    monkeypatch.setattr(action, "_LEAST_TOTAL", 0.0)
    monkeypatch.setattr(action, "_TOTAL_FACTOR", 1)
    with Relay(server().port, delay=0.1) as relay:
        result, _ = look(relay.port, timeout=1.0, tries=200, budget=2000)
    assert result.incomplete
    assert result.verdict == "untested"
    assert any("were spent" in skipped.reason for skipped in result.skipped)
    assert result.connections > 3


@pytest.mark.parametrize("after", [0, 1, 2, 5, 20])
def test_an_interrupt_reports_what_is_known(after, server, monkeypatch):
    """Ctrl-C at any time ends the run at once; nothing half-done is judged, and offers that were
    made without an answer yet are told as such."""
    running = server()
    probe = Probe(
        target(running.port),
        ProbeOptions(tries=100, budget=2000, explain=False),
        Gate(4),
    )

    reached = asyncio.Event()
    record = probe.lab.record

    def watched(attempt):
        if len(probe.lab.journal) + 1 >= after:
            reached.set()
        return record(attempt)

    monkeypatch.setattr(probe.lab, "record", watched)

    async def interrupted() -> None:
        if not after:
            reached.set()
        task = asyncio.create_task(probe.run())
        await asyncio.sleep(0)
        await reached.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())
    result = probe.result()
    assert result.interrupted
    assert result.verdict == "untested"
    report = Report(tool=scan([]).tool, targets=(result,))
    assert exit_status(report) == ExitStatus.INTERRUPTED
    for address in result.addresses:
        for mechanism in address.mechanisms:
            assert set(mechanism.fixed.order + mechanism.chained.order) <= {"R", "U"}


def test_sigint_ends_a_scan_with_a_report():
    """The real signal, against a peer that says nothing: at once, and with a result."""
    with RawPeer("silent") as peer:
        main = threading.main_thread().ident
        timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
        timer.start()
        result, status = look(peer.port, timeout=30)
        timer.join()
    assert (result.interrupted, status) == (True, ExitStatus.INTERRUPTED)
    assert result.duration_ms < 5000


# --------------------------------------------------------------------- exit statuses


def test_versions_not_allowed_are_not_judged(server):
    """With TLS 1.2 only, a server whose TLS 1.3 does not resume passes."""
    running = server(num_tickets=0)
    resumes(*look(running.port, connect={"tls": (ProtocolVersion.TLSv1_2,)}))
    result, status = look(
        running.port, connect={"tls": (ProtocolVersion.TLSv1_3,), "ticket_wait": 0.3}
    )
    assert (result.verdict, status) == ("does-not-resume", ExitStatus.NOT_AS_ASKED)


def address_with(*mechanisms: MechanismResult, error: bool = False) -> AddressResult:
    trouble = ErrorResult("refused", "connect", "connection refused") if error else None
    return AddressResult(address="192.0.2.1", port=443, mechanisms=mechanisms, error=trouble)


def mechanism_with(order: str, *, judged: bool = True) -> MechanismResult:
    state: State = "resumed" if set(order) == {"R"} else "not-resumed"
    return MechanismResult(
        mechanism="psk",
        tls_version="TLSv1.3",
        state=state,
        judged=judged,
        fixed=Series.count(order),
    )


GOOD, NEW, DIES = (mechanism_with(order) for order in ("RRR", "NNN", "EE"))
DIES_UNJUDGED = mechanism_with("EE", judged=False)


@each_row(
    "verdict, addresses, status",
    [
        ("resumes", [address_with(GOOD)], ExitStatus.OK),
        ("resumes", [address_with(GOOD), address_with(error=True)], ExitStatus.UNREACHABLE),
        ("resumes", [address_with(GOOD, DIES_UNJUDGED)], ExitStatus.OK),
        ("partly", [address_with(GOOD), address_with(NEW)], ExitStatus.NOT_AS_ASKED),
        ("partly", [address_with(NEW), address_with(error=True)], ExitStatus.NOT_AS_ASKED),
        ("partly", [address_with(GOOD), address_with(DIES)], ExitStatus.FAILS_WITH_SESSION),
        ("does-not-resume", [address_with(NEW)], ExitStatus.NOT_AS_ASKED),
        (
            "does-not-resume",
            [address_with(NEW), address_with(error=True)],
            ExitStatus.NOT_AS_ASKED,
        ),
        (
            "does-not-resume",
            [address_with(DIES), address_with(error=True)],
            ExitStatus.FAILS_WITH_SESSION,
        ),
        ("does-not-resume", [address_with(mechanism_with("EEC"))], ExitStatus.FAILS_WITH_SESSION),
        ("does-not-resume", [address_with(mechanism_with("EN"))], ExitStatus.NOT_AS_ASKED),
        ("untested", [address_with()], ExitStatus.INCONCLUSIVE),
        ("untested", [address_with(error=True)], ExitStatus.UNREACHABLE),
        ("untested", [address_with(GOOD), address_with(error=True)], ExitStatus.UNREACHABLE),
        ("untested", [], ExitStatus.INCONCLUSIVE),
    ],
)
def test_exit_statuses(verdict, addresses, status):
    """The gravest of what occurred on a target: 6, 3, 5, 4, else 0."""
    result = TargetResult(target="a.test:443", verdict=verdict, addresses=tuple(addresses))
    assert target_status(result) == status

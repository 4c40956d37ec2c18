"""FTPS data connections: the experiment, what a report says of it, and the findings."""

from __future__ import annotations

import ssl

import pytest

from tests.helpers.ftp_peer import FTPPeer, LabOptions
from tlsresume.options import ConnectOptions, FTPLogin, ProbeOptions
from tlsresume.results.measured import FTPData
from tlsresume.results.report import TargetResult
from tlsresume.runs.probe import probe
from tlsresume.targets.target import parse_target

pytestmark = pytest.mark.slow

VERSIONS = {"psk": ssl.TLSVersion.TLSv1_3, "ticket": ssl.TLSVersion.TLSv1_2}


def probed(peer: FTPPeer, login: FTPLogin | None = None, budget: int = 200) -> TargetResult:
    starttls = "none" if peer.options.implicit else "ftp"
    url = f"ftps://127.0.0.1:{peer.port}" if peer.options.implicit else f"127.0.0.1:{peer.port}"
    target = parse_target(url, starttls="auto" if peer.options.implicit else starttls)
    options = ProbeOptions(
        connect=ConnectOptions(timeout=5, ticket_wait=1),
        tries=3,
        explain=False,
        budget=budget,
        ftp=login or FTPLogin(),
    )
    return probe(target, options)


def only_row(result: TargetResult) -> FTPData:
    (address,) = result.addresses
    (row,) = address.ftp_data
    return row


def ways(result: TargetResult) -> set[str]:
    return {finding.code for finding in result.findings if finding.code.startswith("ftp-")}


@pytest.mark.parametrize("mechanism", VERSIONS)
def test_a_server_that_demands_resumption_gets_it(mechanism):
    """522 without a session; with the control connection's session every listing succeeds."""
    with FTPPeer(LabOptions(required=True), VERSIONS[mechanism]) as peer:
        result = probed(peer)
    row = only_row(result)
    assert (row.mechanism, row.required) == (mechanism, True)
    assert (row.fresh.order, row.same.order) == ("RRR", "RRR")
    assert (row.fresh_failure, row.same_failure) == (None, None)
    assert row.replies == ("522 SSL connection failed: session reuse required",)
    assert ways(result) == {"ftp-reuse-required"}
    (finding,) = [f for f in result.findings if f.code == "ftp-reuse-required"]
    assert "522" in finding.evidence[0]
    assert any("control connection: 226 Sent / Done" in line for line in finding.details)


def test_a_server_that_demands_nothing_has_no_finding():
    """Listings work with a session and without; all resume."""
    with FTPPeer() as peer:
        result = probed(peer)
    row = only_row(result)
    assert (row.required, row.fresh.order, row.tickets) == (False, "RRR", 2)
    assert not ways(result)
    assert result.starttls == "ftp"


def test_the_login_is_plain_and_harmless():
    """Anonymous, protected, passive, listings only."""
    with FTPPeer() as peer:
        probed(peer)
        said = {line.split(" ")[0] for line in peer.said}
    assert said == {"AUTH", "USER", "PASS", "PBSZ", "PROT", "EPSV", "PASV", "LIST", "QUIT"}
    assert {"USER anonymous", "PBSZ 0", "PROT P"} <= set(peer.said)


@pytest.mark.parametrize(
    "options",
    [
        LabOptions(extended=False),
        LabOptions(extended=False, elsewhere=True),
        LabOptions(elsewhere=True),
        LabOptions(early=True),
        LabOptions(implicit=True),
    ],
)
def test_servers_differ(options):
    """PASV, also with an address elsewhere, which is a warning whether or not EPSV is known; TLS
    before the 150, and implicit TLS all work."""
    with FTPPeer(options) as peer:
        result = probed(peer)
    assert only_row(result).fresh.order == "RRR"
    told = {f.code: f.severity for f in result.findings if f.severity != "info"}
    assert told == ({"pasv-address-ignored": "warning"} if options.elsewhere else {})


def test_where_no_session_is_known_on_the_data_connection():
    """Listings work, and none resumes: a warning."""
    with FTPPeer(LabOptions(forgets=True)) as peer:
        result = probed(peer)
    row = only_row(result)
    # Data connections know each other's sessions, which is no consolation.
    assert (row.fresh.order, row.same.order) == ("NRR", "NNN")
    assert ways(result) == {"ftp-data-not-resumed"}


@pytest.mark.parametrize(
    "options", [LabOptions(broken=True), LabOptions(required=True, forgets=True)]
)
def test_where_no_client_can_transfer(options):
    """Refused with the session and without it: an error."""
    with FTPPeer(options) as peer:
        result = probed(peer)
    row = only_row(result)
    assert (row.required, row.fresh_failure) == (True, 1)
    assert ways(result) == {"ftp-reuse-fails"}


@pytest.mark.parametrize("required", [True, False])
def test_where_the_server_gives_nothing_to_offer(required):
    """Without tickets a data connection is tried without: where that is refused, no client can
    transfer, and that is an error; where it is taken, resumption is no concern of transfers."""
    with FTPPeer(LabOptions(required=required, tickets=0)) as peer:
        result = probed(peer)
    row = only_row(result)
    assert (row.mechanism, row.required) == ("psk", required)
    assert (row.fresh.order, row.same.order, row.tickets) == ("", "", 0)
    assert ways(result) == ({"ftp-reuse-fails"} if required else set())


def test_works_twice_and_then_fails():
    """The index of the first failure is told, and the server's words."""
    with FTPPeer(LabOptions(lasting=2)) as peer:
        result = probed(peer)
    row = only_row(result)
    assert (row.fresh_failure, row.same_failure) == (3, 3)
    (finding,) = [f for f in result.findings if f.code == "ftp-tickets-run-out"]
    assert finding.severity == "warning"
    assert "data connection 3 of 3 is the first that fails: 425" in finding.evidence[0]


def test_a_wrong_password_is_named_and_not_shown():
    """The probe stands, the data connections are skipped with the server's words."""
    with FTPPeer(LabOptions(password="right")) as peer:
        result = probed(peer, FTPLogin("tester", "wrong secret"))
    assert result.verdict == "resumes"
    (skipped,) = [s for s in result.skipped if s.what.startswith("FTPS")]
    assert skipped.reason == "login as tester: 530 Login incorrect"
    assert "wrong secret" not in repr(result)


def test_a_budget_too_small_is_named():
    """Data connections that the budget does not allow are left out, and said to be."""
    with FTPPeer() as peer:
        result = probed(peer, budget=18)
    assert any("budget" in s.reason for s in result.skipped if s.what.startswith("FTPS"))


def test_data_in_clear_behind_the_answer_is_a_finding():
    """CVE-2011-0411: nothing is sent after it, and the finding says what came."""
    with FTPPeer(LabOptions(injects=b"230 you are in\r\n")) as peer:
        result = probed(peer)
    assert result.error is not None
    assert (result.error.step, result.error.kind) == ("starttls", "injection")
    (finding,) = result.findings
    assert finding.code == "plaintext-injection"
    assert "230 you are in" in finding.details[0]
    assert result.connections == 1

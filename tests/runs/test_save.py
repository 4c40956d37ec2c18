"""Save: the session of each mechanism, what is known around it, and why there is none."""

from __future__ import annotations

import pytest

from tests.helpers.peers import MISDEEDS, RawPeer, Relay, refused_port
from tlsresume.errors import ExitStatus
from tlsresume.options import ConnectOptions, SaveOptions
from tlsresume.policy.resume_status import save_status
from tlsresume.runs.save import save
from tlsresume.targets.target import Target, parse_target
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import Trust

pytestmark = pytest.mark.slow

MECHANISMS = ("psk", "ticket", "session-id")
LABEL = {"psk": "TLSv1.3", "ticket": "TLSv1.2", "session-id": "TLSv1.2"}


def target(port: int, scheme: str = "https", **said) -> Target:
    return parse_target(f"{scheme}://localhost:{port}", family="ipv4", **said)


def options(mechanism=None, **connect) -> SaveOptions:
    connect = {"timeout": 2.0, "ticket_wait": 1.0} | connect
    return SaveOptions(connect=ConnectOptions(**connect), mechanism=mechanism)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_each_mechanism_gives_its_session(mechanism, server):
    """The session kept is of the mechanism asked for, and its metadata says where it is from."""
    running = server()
    result, kept = save(target(running.port), options(mechanism))
    assert (result.saved, result.error, result.reason) == (True, None, None)
    assert (result.mechanism, result.tls_version) == (mechanism, LABEL[mechanism])
    assert save_status(result) == ExitStatus.OK
    for session, metadata in kept:
        assert session.mechanism == mechanism
        assert session.resumable
        assert metadata.target == f"https://localhost:{running.port}"
        assert (metadata.address, metadata.port) == ("127.0.0.1", running.port)
        assert (metadata.sni, metadata.mechanism) == ("localhost", mechanism)
        assert result.certificate is not None
        assert metadata.leaf_sha256 == result.certificate.sha256
    assert running.wait(1)[0].clean


def test_every_ticket_of_tls13_is_kept(server):
    """Two tickets give two sessions, the newest last, each with its own ticket."""
    running = server()
    result, kept = save(target(running.port), options())
    assert (result.tickets, len(kept)) == (2, 2)
    assert len({session.fields.ticket for session, _ in kept}) == 2


@pytest.mark.parametrize("tickets", [1, 2, 5])
def test_as_many_sessions_as_tickets(server, tickets):
    """However many tickets the server sends, each is kept."""
    running = server(num_tickets=tickets)
    result, kept = save(target(running.port), options())
    assert (result.tickets, len(kept)) == (tickets, tickets)


def test_tickets_after_data_are_waited_for(server):
    """A server that sends tickets with its first answer is asked something."""
    running = server(tickets_after_data=True)
    assert save(target(running.port), options())[0].saved


def test_without_data_such_a_server_gives_none(server):
    """Told to send nothing, save says that no ticket came, and how one might."""
    running = server(tickets_after_data=True)
    result, kept = save(target(running.port), options(send=b"", ticket_wait=0.2))
    assert (result.saved, kept, result.error) == (False, [], None)
    assert result.reason == "no ticket within 0.2 s"
    assert any("--send" in hint for hint in result.hints)
    assert save_status(result) == ExitStatus.NOT_AS_ASKED


@pytest.mark.parametrize(
    ("mechanism", "reason"),
    [
        ("psk", "no ticket within 0.2 s"),
        ("ticket", "the server issued no ticket"),
        ("session-id", "the server gave no session ID"),
    ],
)
def test_a_server_that_issues_nothing(mechanism, reason, server):
    """Each mechanism that is not there is said in its own words, and nothing is kept."""
    running = server(tickets=False, session_ids=False)
    result, kept = save(target(running.port), options(mechanism, ticket_wait=0.2))
    assert (result.saved, result.reason, kept) == (False, reason, [])
    assert save_status(result) == ExitStatus.NOT_AS_ASKED


def test_a_ticket_is_not_taken_for_a_session_id(server):
    """A server with session IDs only has no ticket to save."""
    running = server(tickets=False)
    result, _ = save(target(running.port), options("ticket"))
    assert (result.saved, result.reason) == (False, "the server issued no ticket")


def test_a_version_that_is_not_spoken_is_an_error(server):
    """A psk from a server of TLS 1.2 cannot be had: the handshake fails."""
    running = server(versions=("1.2",))
    result, _ = save(target(running.port), options("psk"))
    assert result.error is not None
    assert result.error.kind == "alert"
    assert save_status(result) == ExitStatus.UNREACHABLE


def test_only_the_allowed_version_is_used(server):
    """--tls 1.2 saves a session of TLS 1.2, though the server has 1.3."""
    running = server()
    result, _ = save(target(running.port), options(tls=(ProtocolVersion.TLSv1_2,)))
    assert (result.tls_version, result.mechanism) == ("TLSv1.2", "ticket")


@pytest.mark.usefixtures("brief_pauses")
@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_bad_peers_are_errors_of_the_peer(misdeed):
    """No session, no exception: the failure is in the result."""
    with RawPeer(misdeed) as peer:
        result, kept = save(target(peer.port), options(timeout=0.5))
    assert kept == []
    assert result.error is not None
    assert save_status(result) == ExitStatus.UNREACHABLE


def test_a_refused_port_and_an_unknown_name():
    """Neither raises; the message names what was tried."""
    with refused_port() as port:
        result, _ = save(target(port), options())
        assert result.error is not None
        assert result.error.kind == "refused"
        assert f"127.0.0.1:{port}" in result.error.message
    result, _ = save("nowhere.invalid", options())
    assert result.error is not None
    assert result.error.step == "resolve"


def test_a_peer_that_never_says_goodbye(server):
    """Without close_notify from the server the session is saved all the same."""
    running = server()
    with Relay(running.port, swallow_close=True) as relay:
        assert save(target(relay.port), options())[0].saved


def test_verification_is_reported_and_fatal_only_when_demanded(server, cafile):
    """An untrusted certificate is told; with verify nothing is saved."""
    running = server()
    result, _ = save(target(running.port), options())
    assert result.saved
    assert result.certificate is not None
    assert result.certificate.verify_code != 0
    result, kept = save(target(running.port), options(verify=True))
    assert result.error is not None
    assert (result.error.kind, kept) == ("verify", [])
    trust = Trust(cafile=str(cafile))
    result, _ = save(target(running.port), options(verify=True, trust=trust))
    assert result.saved
    assert result.certificate is not None
    assert result.certificate.verify_code == 0


def test_the_alpn_of_the_connection_is_kept(server):
    """What the server selected goes into the file, to be pinned later."""
    running = server(alpn=("http/1.1",))
    _, kept = save(target(running.port), options())
    assert kept[0][1].alpn == "http/1.1"

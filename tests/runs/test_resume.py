"""Resume: each mechanism, each way that it is not resumed, and what may be offered to whom."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.helpers import sessions
from tests.helpers.evidence import Story
from tests.helpers.peers import MISDEEDS, RawPeer, Relay, refused_port
from tests.helpers.rows import each_row
from tlsresume.errors import ExitStatus, SessionFileError, UsageError
from tlsresume.network.resolve import Resolution
from tlsresume.options import ConnectOptions, ResumeOptions, SaveOptions
from tlsresume.policy.resume_status import resume_status
from tlsresume.results.connection import Failure
from tlsresume.results.report import ResumeResult
from tlsresume.runs import reach
from tlsresume.runs.inspect import inspect
from tlsresume.runs.resume import first_try, resume
from tlsresume.runs.save import save
from tlsresume.sessions import asn1
from tlsresume.sessions.file import SessionFile, SessionMetadata
from tlsresume.sessions.session import Session
from tlsresume.targets.target import Target, parse_target
from tlsresume.tls.registry import ProtocolVersion

pytestmark = pytest.mark.slow

MECHANISMS = ("psk", "ticket", "session-id")
LABEL = {"psk": "TLSv1.3", "ticket": "TLSv1.2", "session-id": "TLSv1.2"}
CONNECT = ConnectOptions(timeout=2.0, ticket_wait=0.5)
V12, V13 = ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3


def target(port: int, host: str = "localhost", **said) -> Target:
    return parse_target(f"https://{host}:{port}", family="ipv4", **said)


def keep(port: int, mechanism=None, connect=CONNECT, **said) -> SessionFile:
    result, found = save(target(port, **said), SaveOptions(connect=connect, mechanism=mechanism))
    assert found, result
    session, metadata = found[-1]
    return SessionFile(path="kept.pem", session=session, metadata=metadata)


def altered(file: SessionFile, **changes) -> SessionFile:
    structure, peer = asn1.decode(file.session.data)
    peer = changes.pop("peer", peer)
    data = asn1.encode(replace(structure, **changes), peer)
    return replace(file, session=Session("openssl-der", data))


def offer(file: SessionFile, to: Target | None = None, **options: Any) -> ResumeResult:
    said: dict[str, Any] = {"connect": CONNECT, "explain": False} | options
    return resume(file, to, ResumeOptions(**said))[0]


# ----------------------------------------------------------------------- resumed


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_each_mechanism_is_resumed(mechanism, server):
    """OpenSSL and the wire both say that the session was offered and accepted."""
    running = server()
    result = offer(keep(running.port, mechanism))
    assert (result.session_reused, result.set_session) == (True, 1)
    assert (result.offered, result.accepted, result.certificate_message) == (True, True, False)
    assert (result.tls_version, result.mechanism) == (LABEL[mechanism], mechanism)
    assert (result.reason, result.disagreement, result.error) == (None, None, None)
    assert resume_status(result) == ExitStatus.OK
    assert result.verification is not None
    assert result.verification.stored
    assert running.wait(2)[1].reused


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("nodes", [1, 2])
def test_tries_are_counted(mechanism, nodes, server):
    """With two nodes by turns, every other try is refused; all are in the order of tries."""
    running = server(nodes=nodes)
    result = offer(keep(running.port, mechanism), tries=4)
    assert result.tries.order == ("RRRR" if nodes == 1 else "NRNR")
    status = ExitStatus.OK if nodes == 1 else ExitStatus.NOT_AS_ASKED
    assert resume_status(result) == status


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_renewed_session_is_handed_back(mechanism, server):
    """The session to store next is usable itself, and keeps the saved certificate's hash."""
    running = server()
    file = keep(running.port, mechanism)
    _, renewed = resume(file, None, ResumeOptions(connect=CONNECT))
    assert renewed is not None
    session, metadata = renewed
    assert metadata.leaf_sha256 == file.metadata.leaf_sha256
    assert metadata.target == file.metadata.target
    if mechanism == "psk":
        assert session.fields.ticket != file.session.fields.ticket
    assert offer(replace(file, session=session, metadata=metadata)).session_reused


@pytest.mark.parametrize("mechanism", ["psk", "session-id"])
def test_a_server_that_forgets_after_an_unclean_close(mechanism, server):
    """Cut without close_notify a stateful session is gone; closed cleanly it is not."""
    running = server(stateful=True)
    file = keep(running.port, mechanism)
    assert offer(file).session_reused
    cut = offer(file, clean_close=False)
    assert cut.session_reused
    assert any("cut without close_notify" in note for note in cut.notes)
    running.wait(3)
    if mechanism == "session-id":
        assert offer(file).session_reused is False


# ------------------------------------------------------------------- not resumed


def test_an_expired_tls13_ticket_is_not_offered(server):
    """OpenSSL offers nothing and says nothing; the reason says expired."""
    file = keep(server().port, "psk")
    result = offer(altered(file, time=int(time.time()) - 9000))
    assert (result.offered, result.accepted, result.session_reused) == (False, None, False)
    assert result.reason is not None
    assert "expired" in result.reason
    assert resume_status(result) == ExitStatus.NOT_AS_ASKED


def test_an_expired_ticket_is_offered_once_its_lifetime_is_raised(server):
    """With a raised lifetime OpenSSL offers the old ticket, and the server decides."""
    file = altered(keep(server().port, "psk"), time=int(time.time()) - 9000)
    longer = replace(file, session=file.session.with_lifetime(20000))
    assert offer(longer).offered


def test_an_old_tls12_ticket_is_offered(server):
    """In TLS 1.2 OpenSSL looks at no lifetime: the server decides."""
    file = altered(keep(server().port, "ticket"), time=int(time.time()) - 9000)
    assert offer(file).offered


@pytest.mark.parametrize(
    ("mechanism", "changes", "word"),
    [
        ("psk", {"ticket": bytes(208)}, "another ticket key"),
        ("ticket", {"ticket": bytes(176)}, "another ticket key"),
        ("session-id", {"session_id": bytes(32)}, "a new session ID"),
    ],
)
def test_a_session_the_server_does_not_know_is_new(mechanism, changes, word, server):
    """Offered and declined; the reason tells what the server gave instead."""
    result = offer(altered(keep(server().port, mechanism), **changes))
    assert (result.offered, result.accepted, result.session_reused) == (True, False, False)
    assert result.certificate_message
    assert result.reason is not None
    assert word in result.reason
    assert result.error is None
    assert resume_status(result) == ExitStatus.NOT_AS_ASKED


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_server_that_honours_nothing(mechanism, server):
    """Every session is declined, under the key that sealed it."""
    result = offer(keep(server(honoured=False).port, mechanism))
    assert (result.offered, result.accepted) == (True, False)
    if mechanism != "session-id":
        assert result.reason is not None
        assert "names the same key" in result.reason


@pytest.mark.parametrize(
    ("mechanism", "kind"), [("psk", "alert"), ("ticket", "openssl"), ("session-id", "openssl")]
)
def test_a_wrong_secret_fails_the_handshake(mechanism, kind, server):
    """The call that failed is named, with OpenSSL's whole stack; without the session it works."""
    file = altered(keep(server().port, mechanism), master_key=bytes(48))
    result = offer(file, explain=True)
    assert result.error is not None
    assert (result.error.kind, result.error.step) == (kind, "handshake")
    assert result.error_stack is not None
    assert result.error_stack.call == "SSL_do_handshake"
    assert result.error_stack.entries
    if kind == "openssl":
        assert any("bad record mac" in entry.reason for entry in result.error_stack.entries)
    assert result.fails_with_session
    assert resume_status(result) == ExitStatus.FAILS_WITH_SESSION


@pytest.mark.usefixtures("brief_pauses")
@pytest.mark.parametrize("kill", ["fin", "rst", "alert", "silence"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_peer_that_dies_when_a_session_is_offered(mechanism, kill, server):
    """Found out by a handshake without the session: exit 6."""
    running = server()
    with Relay(running.port, kill_offers=kill) as relay:
        connect = replace(CONNECT, timeout=0.5)
        result = offer(keep(relay.port, mechanism), explain=True, connect=connect)
    assert result.error is not None
    assert result.fails_with_session
    assert result.tries.order == "E"
    assert resume_status(result) == ExitStatus.FAILS_WITH_SESSION


@pytest.mark.usefixtures("brief_pauses")
@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_bad_peers_are_errors_of_the_peer(misdeed, server):
    """A peer that fails without the session, too, is unreachable, and no cause is invented."""
    file = keep(server().port)
    with RawPeer(misdeed) as peer:
        metadata = replace(file.metadata, target=f"localhost:{peer.port}", port=peer.port)
        connect = replace(CONNECT, timeout=0.5)
        result = offer(replace(file, metadata=metadata), connect=connect, explain=True)
    assert result.error is not None
    assert not result.fails_with_session
    assert not [f.code for f in result.findings if f.severity == "error"]
    assert resume_status(result) == ExitStatus.UNREACHABLE


def test_a_first_try_that_offered_is_told():
    """Where the connection that offered the session broke, and the same once more did not
    come about, both are told: the session may have ended the server."""
    closed = "192.0.2.10:443: the server closed the connection in the handshake"
    story = Story("psk").keep(Story("psk").session(age=60)).broken(kind="closed")
    refused = Failure("connect", "refused", "connection refused")
    again = story._tell("resume", "resume", ask=1, retried=True, error=refused)
    first = story.journal[0] = replace(
        story.journal[0], error=Failure("handshake", "closed", closed)
    )
    (note,) = first_try(again, story.journal)
    assert note == f"#1 did offer the session: {closed}; #2 is the same, once more"
    assert first_try(first, story.journal) == ()
    assert first_try(replace(again, ask=2), story.journal) == ()


def test_a_refused_port_is_unreachable(server):
    """Nothing was offered, and that is said."""
    file = keep(server().port)
    with refused_port() as port:
        result = offer(replace(file, metadata=replace(file.metadata, port=port)))
    assert (result.offered, result.tries.order) == (False, "C")
    assert resume_status(result) == ExitStatus.UNREACHABLE


# --------------------------------------------------------------------- bad sessions


def test_a_session_that_openssl_refuses_is_a_file_error(server):
    """What our ASN.1 takes and OpenSSL does not: file and failed call are named, exit 7, and a
    hint leads to the cause's page."""
    file = altered(keep(server().port, "psk"), peer=b"\x30\x03\x02\x01\x01")
    with pytest.raises(SessionFileError, match=f"^{re.escape(file.path)}: ") as caught:
        offer(file)
    assert any("explain file-unreadable" in hint for hint in caught.value.hints)
    assert caught.value.exit_status == ExitStatus.FILE
    assert caught.value.stack is not None
    assert caught.value.stack.call == "d2i_SSL_SESSION"


@each_row(
    "name, changes, reason",
    [
        ("ticket", {"ssl_version": 0x0302}, "TLS 1.1"),
        ("ticket", {"ssl_version": 0x0301}, "TLS 1.0"),
        ("ticket", {"ssl_version": 0x0300}, "SSL 3"),
        ("ticket", {"ssl_version": 0x0002, "cipher": b"\x01\x00\x80"}, "SSL 2"),
        ("ticket", {"ssl_version": 0xFEFF}, "DTLS 1.0"),
        ("psk", {"ssl_version": 0xFEFC}, "DTLS 1.3"),
        ("ticket", {"cipher": b"\x00\xa8"}, "its cipher is PSK-AES128-GCM-SHA256"),
        ("ticket", {"cipher": b"\x00\x34"}, "its cipher is ADH-AES128-SHA"),
        ("ticket", {"cipher": b"\x00\x05"}, "its cipher is RC4-SHA"),
        ("psk", {"cipher": b"\x13\x99"}, "its cipher is 0x1399"),
    ],
)
def test_a_session_that_no_connection_can_offer(name, changes, reason):
    """It is refused before anything is contacted, with the words that inspect uses."""
    file = altered(
        SessionFile(path="s.pem", session=sessions.session(f"openssl40-{name}")), **changes
    )
    words = f"not usable by this tool: {reason}"
    with pytest.raises(SessionFileError, match=f"^s.pem: {words}"):
        resume(file, "localhost:1")
    found = inspect(file)
    assert (found.usable, found.reason.startswith(words)) == (False, True)


# -------------------------------------------------------------------------- pinning


def test_version_cipher_name_and_alpn_are_pinned(server):
    """The ClientHello offers what the session was made with, and nothing else."""
    running = server(alpn=("http/1.1", "h2"))
    result = offer(keep(running.port, connect=replace(CONNECT, alpn=("h2",))))
    assert result.pinned[0] == "TLSv1.3"
    assert set(result.pinned[1:]) == {"TLS_AES_256_GCM_SHA384", "SNI localhost", "ALPN h2"}
    assert (result.alpn, result.cipher) == ("h2", "TLS_AES_256_GCM_SHA384")


@pytest.mark.parametrize(("mechanism", "other"), [("psk", V12), ("ticket", V13)])
def test_another_version_is_an_explicit_option(mechanism, other, server):
    """The session cannot be offered under the other version; the reason says so."""
    connect = replace(CONNECT, tls=(other,))
    result = offer(keep(server().port, mechanism), connect=connect)
    assert (result.offered, result.session_reused) == (False, False)
    assert result.tls_version == other.label
    assert result.reason is not None
    assert result.reason.startswith("not offered")


def test_without_pins_the_server_may_choose_another_version(server):
    """A TLS 1.2 ticket is declined by a server that chooses TLS 1.3."""
    result = offer(keep(server().port, "ticket"), pin=False)
    assert (result.pinned, result.tls_version) == ((), "TLSv1.3")
    assert result.reason is not None
    assert "chose TLSv1.3" in result.reason


def test_another_cipher_of_tls12_is_an_explicit_option(server):
    """A session is bound to its cipher: OpenSSL's server refuses it under another."""
    connect = replace(CONNECT, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    result = offer(keep(server().port, "ticket"), connect=connect, explain=True)
    assert result.fails_with_session
    assert "ECDHE-ECDSA-AES256-GCM-SHA384" not in result.pinned


@pytest.mark.parametrize("named", [False, True])
def test_the_saved_name_is_pinned(named, server):
    """SNI is the saved one, also when the same target is named again."""
    running = server()
    file = keep(running.port, servername="other.test")
    result = offer(file, target(running.port) if named else None)
    assert result.server_name == "other.test"
    assert "SNI other.test" in result.pinned


def test_no_saved_name_is_pinned_too(server):
    """A session saved without SNI is offered without."""
    running = server()
    result = offer(keep(running.port, sni=False), target(running.port))
    assert result.server_name is None


@pytest.mark.parametrize(
    ("host", "said"), [("127.0.0.1", {"sni": False}), ("localhost", {"servername": "localhost"})]
)
def test_a_name_that_the_user_chose_is_not_replaced(host, said, server):
    """--no-sni and --servername win over the saved SNI, also where they say what the target
    has by itself: an address has no name, and a name has its own."""
    running = server()
    file = keep(running.port, host=host, servername="other.test")
    result = offer(file, target(running.port, host, **said), any_host=True)
    assert result.server_name == said.get("servername")
    assert not any(word.startswith("SNI") for word in result.pinned)


# ----------------------------------------------------------------------- any-host


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("127.0.0.1", {}),
        ("localhost", {"servername": "elsewhere.test"}),
        ("elsewhere.test", {}),
        ("elsewhere.test", {"servername": "localhost"}),
    ],
)
def test_a_session_goes_to_no_other_name(host, said, server):
    """Whoever else would learn of the session needs --any-host."""
    running = server()
    file = keep(running.port)
    other = target(running.port, host, connect=f"127.0.0.1:{running.port}", **said)
    with pytest.raises(UsageError, match="was made for localhost") as caught:
        offer(file, other)
    assert any("--any-host" in hint for hint in caught.value.hints)
    assert offer(file, other, any_host=True).session_reused


def test_an_address_for_the_same_name_is_no_other_host(server):
    """Going to a node by its address, with the saved SNI, offers the session to no other name."""
    running = server()
    result = offer(keep(running.port), target(running.port, "127.0.0.1", servername="localhost"))
    assert result.session_reused


def test_a_file_without_metadata_needs_a_target(server):
    """A session of `s_client` says no server; with one named it is resumed."""
    running = server()
    bare = replace(keep(running.port), metadata=SessionMetadata())
    with pytest.raises(UsageError, match="does not say which server"):
        offer(bare)
    assert offer(bare, target(running.port)).session_reused


# ----------------------------------------------------------------------- addresses


def test_it_goes_to_the_saved_address_and_says_so(server, monkeypatch):
    """DNS is not asked again unless told; then it is."""
    running = server()
    file = keep(running.port)
    assert any("saved address" in note for note in offer(file).notes)
    moved = replace(file, metadata=replace(file.metadata, address="127.0.0.9"))
    assert offer(moved).address == "127.0.0.9"
    again = offer(moved, where="now")
    assert (again.address, again.session_reused) == ("127.0.0.1", True)
    assert not any("saved address" in note for note in again.notes)


def test_another_port_of_the_host_is_another_server(server):
    """A target named with another port is not sent to the saved one."""
    file = keep(server().port)
    elsewhere = server()
    assert offer(file, target(elsewhere.port)).port == elsewhere.port


# ---------------------------------------------------------------------- early data


def test_early_data_is_accepted(server):
    """Sent with the ClientHello, and accepted, as EncryptedExtensions say."""
    running = server(early_data=16_384)
    result = offer(keep(running.port, "psk"), early_data=b"early")
    assert (result.early_data, result.session_reused) == ("accepted", True)
    assert running.wait(2)[1].early_data == 5


def test_early_data_is_rejected(server):
    """A server that has switched it off says so by silence, and resumes all the same."""
    running = server(single_use=True)
    file = keep(running.port, "psk")
    assert offer(file, early_data=b"early").early_data in ("accepted", "rejected")
    again = offer(file, early_data=b"early")
    assert (again.early_data, again.session_reused) == ("rejected", False)


@pytest.mark.parametrize(
    ("mechanism", "early", "limit", "words"),
    [
        ("psk", b"early", 0, "allows 0 bytes"),
        ("psk", b"e" * 20_000, 16_384, "allows 16384 bytes"),
        ("ticket", b"early", 16_384, "early data was not sent"),
    ],
)
def test_early_data_is_not_sent(mechanism, early, limit, words, server):
    """Where the session allows less than there is, nothing is sent, and a note says why."""
    running = server(early_data=limit)
    result = offer(keep(running.port, mechanism), early_data=early)
    assert (result.early_data, result.session_reused) == ("not-sent", True)
    assert any(words in note for note in result.notes)


# ---------------------------------------------------------------- injected failures


def resolving_to(monkeypatch, *addresses: str) -> None:
    async def found(*_args, **_said) -> Resolution:
        return Resolution(addresses, 0.1)

    name = "addresses_for" if hasattr(reach, "addresses_for") else "resolve"
    monkeypatch.setattr(reach, name, found)


def test_each_address_is_offered_the_session(server, monkeypatch):
    """One address accepts, the other is refused: both are told, and the worse one leads."""
    running = server()
    file = keep(running.port)
    resolving_to(monkeypatch, "127.0.0.1", "127.0.0.9")
    result = offer(file, where="each")
    assert [each.address for each in result.each_address] == ["127.0.0.1", "127.0.0.9"]
    assert [each.session_reused for each in result.each_address] == [True, None]
    assert result.address == "127.0.0.9"
    assert resume_status(result) == ExitStatus.UNREACHABLE

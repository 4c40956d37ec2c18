"""TLSClient against servers in memory: no sockets, no time, two TLS versions."""

from __future__ import annotations

import gc
import ssl
import weakref

import pytest

from tests.helpers import certificates
from tests.helpers.pair import ConnectionPair, Peer, Tick, config_for
from tests.helpers.peers import alert_record
from tests.helpers.rows import each_row
from tlsresume.error_queue import ErrorStack
from tlsresume.errors import UsageError
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import ContentType, ExtensionType, HandshakeType
from tlsresume.tls.transcript import Role
from tlsresume.transports.config import ClientConfig, Trust
from tlsresume.transports.failures import Broken
from tlsresume.transports.interface import SESSIONS_KEPT, EndCause
from tlsresume.transports.openssl import binding, binding_messages
from tlsresume.transports.openssl.client import TLSClient
from tlsresume.transports.openssl.plain_answers import describe_plain

BACKENDS = ("pyopenssl", "stdlib")


def client_for(config: ClientConfig | None = None, session: Session | None = None) -> TLSClient:
    return TLSClient(config or ClientConfig(), session, clock=Tick())


def failure_of(client: TLSClient) -> Broken:
    assert client.failure is not None
    return client.failure


def stack_of(client: TLSClient) -> ErrorStack:
    stack = failure_of(client).stack
    assert stack is not None
    return stack


def started(config: ClientConfig | None = None) -> TLSClient:
    client = client_for(config)
    client.start()
    client.drain()
    return client


@pytest.fixture(autouse=True)
def _nothing_listens_afterwards():
    """Every client that a test made was released."""
    yield
    assert binding_messages._listening == {}


# ------------------------------------------------------------- full and resumed


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_full_handshake_then_a_resumed_one(tls_version, backend):
    """The first connection is new, the second resumes its session, on either library."""
    peer = Peer(backend=backend)
    config = config_for(tls_version)
    full = peer.connect(config)
    assert full.established
    assert full.session_reused is False
    assert full.transcript.certificate_seen
    resumed = peer.connect(config, full.sessions[-1])
    assert resumed.session_reused is True
    assert resumed.transcript.accepted is True
    assert not resumed.transcript.certificate_seen
    assert resumed.set_session == 1
    assert resumed.failure is None


def test_a_session_id_is_resumed_without_tickets():
    """With tickets off in TLS 1.2 no ticket comes, and the session ID resumes."""
    peer = Peer()
    config = config_for("1.2", tickets=False)
    full = peer.connect(config)
    assert full.tickets == 0
    hello = full.transcript.client_hello
    assert hello is not None
    assert hello.session_ticket is None
    [session] = full.sessions
    assert session.mechanism == "session-id"
    assert peer.connect(config, session).session_reused is True


@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_tickets_session_is_kept(count):
    """As many sessions as TLS 1.3 tickets, each with its own ticket, and each one resumes."""
    peer = Peer(backend="stdlib", num_tickets=count)
    config = config_for("1.3")
    full = peer.connect(config)
    tickets = [message.ticket for _, message in full.transcript.new_session_tickets]
    assert len(set(tickets)) == count
    assert [session.fields.ticket for session in full.sessions] == tickets
    for session in full.sessions:
        assert peer.connect(config, session).session_reused is True


def test_no_ticket_no_session_in_tls13():
    """Without a ticket TLS 1.3 leaves no session to keep."""
    full = Peer(backend="stdlib", num_tickets=0).connect(config_for("1.3"))
    assert full.established
    assert full.sessions == []
    assert full.first_ticket_at is None


def test_nothing_to_resume_leaves_no_session_in_tls12():
    """A TLS 1.2 session with neither ticket nor ID is not kept."""
    full = Peer(session_ids=False, tickets=False).connect(config_for("1.2"))
    assert full.established
    assert full.sessions == []


def test_a_resumed_session_can_be_chained(tls_version):
    """What a resumed connection leaves can be resumed in turn."""
    peer = Peer()
    config = config_for(tls_version)
    session = peer.connect(config).sessions[-1]
    for _ in range(3):
        client = peer.connect(config, session)
        assert client.session_reused is True
        session = client.sessions[-1]


def test_sessions_kept_are_bounded(monkeypatch):
    """A server that sends tickets without end does not fill our memory."""
    monkeypatch.setattr("tlsresume.transports.openssl.client.SESSIONS_KEPT", 3)
    assert SESSIONS_KEPT > 16
    full = Peer(backend="stdlib", num_tickets=8).connect(config_for("1.3"))
    assert len(full.sessions) == 3
    assert full.tickets == 8


def test_byte_by_byte(tls_version):
    """How the network cuts the bytes changes nothing."""
    peer = Peer()
    config = config_for(tls_version)
    whole = peer.connect(config)
    full = peer.connect(config, chunk=1)
    assert full.received == pytest.approx(whole.received, abs=16)  # ECDSA signatures vary
    assert len(full.sessions) == len(whole.sessions)
    assert [e.handshake_type for e in full.transcript.entries] == [
        e.handshake_type for e in whole.transcript.entries
    ]
    assert peer.connect(config, full.sessions[0], chunk=1).session_reused is True


def test_hello_retry_request(tls_version):
    """A server that wants another group gets a second ClientHello in TLS 1.3, and resumes."""
    peer = Peer(group="secp384r1")
    config = config_for(tls_version)
    full = peer.connect(config)
    retried = tls_version == "1.3"
    assert (full.transcript.hello_retry_request is not None) is retried
    assert len(full.transcript.client_hellos) == 1 + retried
    resumed = peer.connect(config, full.sessions[-1])
    assert resumed.session_reused is True
    assert resumed.group in {"secp384r1", None}


def test_flights_and_bytes_are_counted(tls_version):
    """Full and resumed handshakes take the RFCs' numbers of flights; bytes are the wire's."""
    peer = Peer()
    config = config_for(tls_version)
    full = peer.connect(config)
    resumed = peer.connect(config, full.sessions[-1])
    assert (full.flights, resumed.flights) == ((4, 3) if tls_version == "1.2" else (3, 3))
    assert resumed.received < full.received
    assert resumed.first_ticket_at is None or resumed.first_ticket_at > 0


def test_data_both_ways(tls_version):
    """Application data arrives whole, also when it fills more than one record."""
    data = bytes(range(256)) * 200
    with Peer(http=False).pair(config_for(tls_version)) as pair:
        pair.start()
        pair.client.send(b"")
        pair.client.send(data)
        pair.side.write(data)
        pair.run()
        assert pair.received == data
        assert bytes(pair.client.data) == data


def test_a_clean_close_is_seen_by_both(tls_version):
    """close_notify goes out once, and the peer's is noted."""
    with Peer().pair(config_for(tls_version)) as pair:
        pair.start()
        pair.client.close()
        pair.client.close()
        pair.run()
        assert pair.side.closed
        assert not pair.client.peer_closed
        pair.side.shutdown()
        pair.run()
        assert pair.client.peer_closed
        assert pair.client.failure is None


def test_what_was_negotiated_is_told(tls_version):
    """Version, cipher, ALPN and group are OpenSSL's own answers, None before the handshake."""
    client = client_for()
    assert (client.cipher, client.group, client.alpn, client.session_reused) == (None,) * 4
    client.release()
    config = config_for(tls_version, alpn=("h2", "http/1.1"), groups="P-256")
    client = Peer(alpn=("http/1.1",)).connect(config)
    assert client.alpn == "http/1.1"
    assert client.group in {"prime256v1", "secp256r1", "P-256"}
    assert client.version == int(config.maximum)
    assert (client.cipher or "").startswith("TLS_") is (tls_version == "1.3")


def test_messages_are_handed_on_as_they_pass(tls_version):
    """The listener gets each handshake message with its sender, in order."""
    seen = []
    with Peer().pair(
        config_for(tls_version), on_message=lambda *message: seen.append(message)
    ) as pair:
        pair.start()
    kinds = [(who, raw[0]) for who, type_, raw in seen if type_ == ContentType.handshake]
    assert kinds[:2] == [
        (Role.CLIENT, HandshakeType.client_hello),
        (Role.SERVER, HandshakeType.server_hello),
    ]
    assert len(kinds) == len(pair.client.transcript.entries)


# ------------------------------------------------------------ what a plan changes


def hello_of(config: ClientConfig, session: Session | None = None):
    with ConnectionPair(Peer().sides, config, session) as pair:
        return pair.start().client.transcript.client_hellos[0]


def test_extended_master_secret_can_be_left_out():
    """Off removes extension 23 from the ClientHello; on is the default."""
    number = ExtensionType.extended_master_secret
    assert hello_of(config_for("1.2")).extension(number) == b""
    assert hello_of(config_for("1.2", extended_master_secret=False)).extension(number) is None


def test_the_plan_is_in_the_client_hello():
    """SNI, ALPN, groups, ciphers and versions are offered as planned."""
    hello = hello_of(
        ClientConfig(
            server_name="a.example",
            alpn=("h2", "http/1.1"),
            groups="P-384:X25519",
            ciphers="ECDHE-ECDSA-AES128-GCM-SHA256",
            ciphersuites="TLS_AES_128_GCM_SHA256",
        )
    )
    assert hello.server_name == "a.example"
    assert hello.alpn == (b"h2", b"http/1.1")
    assert hello.supported_groups == (0x18, 0x1D)
    assert {0xC02B, 0x1301} <= set(hello.cipher_suites) <= {0xC02B, 0x1301, 0x00FF}
    assert hello.supported_versions == (0x0304, 0x0303)
    bare = hello_of(ClientConfig())
    assert (bare.server_name, bare.alpn) == (None, ())


@each_row(
    "parts",
    [
        {"groups": "no-such-group"},
        {"ciphers": "NO-SUCH-CIPHER"},
        {"ciphersuites": "NO_SUCH_SUITE"},
        {"alpn": ("",)},
        {"alpn": ("x" * 256,)},
        {"alpn": ("\N{SNOWMAN}",)},
        {"server_name": "m\N{LATIN SMALL LETTER U WITH DIAERESIS}nchen.example"},
        {"server_name": "x" * 256},
        {"verify_name": "m\N{LATIN SMALL LETTER U WITH DIAERESIS}nchen.example"},
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_a_usage_error(parts):
    """OpenSSL's refusal of a plan is the caller's error, and leaves nothing behind."""
    with pytest.raises(UsageError):
        client_for(ClientConfig(**parts))


# ------------------------------------------------------------------- early data


@pytest.fixture
def early():
    """A server that takes 1000 bytes of early data, and a session of it."""
    peer = Peer(early_data=1000)
    return peer, peer.connect(config_for("1.3")).sessions[-1]


def test_early_data_accepted(early):
    """Early data arrives with the first flight, and the wire says that it was taken."""
    peer, session = early
    with peer.pair(config_for("1.3", early_data=b"early!"), session) as pair:
        pair.start()
        assert pair.received == b"early!"
        assert pair.side.early_data == 6
        assert pair.client.session_reused is True
        assert pair.client.transcript.early_data_accepted is True


def test_early_data_rejected(early):
    """A server that knows another key does a full handshake and drops the early data."""
    _, session = early
    with Peer(early_data=1000).pair(config_for("1.3", early_data=b"early!"), session) as pair:
        pair.start()
        assert pair.received == b""
        assert pair.client.established
        assert pair.client.session_reused is False
        assert pair.client.transcript.early_data_offered
        assert not pair.client.transcript.early_data_accepted
        assert pair.client.sessions


@pytest.mark.parametrize("case", ["none allowed", "too much", "no session", "TLS 1.2"])
def test_early_data_not_sent(early, case):
    """Early data that the session does not allow is not offered at all."""
    peer, session = early
    config, offer = config_for("1.3", early_data=b"early!"), session
    if case == "none allowed":
        peer = Peer()
        offer = peer.connect(config_for("1.3")).sessions[-1]
    elif case == "too much":
        config = config_for("1.3", early_data=b"x" * 1001)
    elif case == "no session":
        offer = None
    else:
        config = config_for("1.2", early_data=b"early!")
        offer = peer.connect(config_for("1.2")).sessions[-1]
    client = peer.connect(config, offer)
    assert client.established
    assert not client.transcript.early_data_offered


def test_early_data_and_hello_retry_request(early):
    """After a HelloRetryRequest the second ClientHello offers the session without early data."""
    peer = Peer(early_data=1000, group="secp384r1")
    session = peer.connect(config_for("1.3")).sessions[-1]
    config = config_for("1.3", early_data=b"early!", groups="X25519:P-384")
    with peer.pair(config, session) as pair:
        pair.start()
        transcript = pair.client.transcript
        assert transcript.hello_retry_request is not None
        assert [hello.early_data for hello in transcript.client_hellos] == [True, False]
        assert transcript.early_data_offered
        assert not transcript.early_data_accepted
        assert pair.received == b""
        assert pair.client.established
        assert pair.client.session_reused is True


# ----------------------------------------------------------------- verification


@pytest.fixture
def trust(cafile):
    return Trust(cafile=str(cafile))


#: identity, name to verify, whether the authority is trusted, X509_V_*
CHECKS = {
    "good name": (certificates.localhost, "localhost", True, 0),
    "good address": (certificates.localhost, "127.0.0.1", True, 0),
    "good v6 address": (certificates.localhost, "::1", True, 0),
    "expired": (certificates.expired, "localhost", True, 10),
    "wrong host": (certificates.wrong_host, "localhost", True, 62),
    "wrong address": (certificates.wrong_host, "127.0.0.1", True, 64),
    "unknown authority": (certificates.localhost, "localhost", False, None),
}


@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("case", CHECKS)
def test_verification_is_always_told_and_fatal_only_if_asked(case, verify, trust, tls_version):
    """OpenSSL's verdict is there in any case; only `verify` lets it end the handshake."""
    identity, name, trusted, code = CHECKS[case]
    config = config_for(
        tls_version, verify_name=name, verify=verify, trust=trust if trusted else Trust()
    )
    client = Peer(identity=identity()).connect(config)
    if code is not None:
        assert client.verify_result == code
    assert (client.verify_result == 0) is (code == 0)
    assert client.established is (code == 0 or not verify)
    if not client.established:
        assert client.failure is not None
        assert failure_of(client).kind == "verify"
        assert [e.reason for e in stack_of(client).entries] == ["certificate verify failed"]
        assert str(client.verify_result) in failure_of(client).message


def test_resumption_carries_the_stored_verdict(trust, tls_version):
    """A resumed handshake verifies nothing: it succeeds, with the first one's bad verdict."""
    peer = Peer(identity=certificates.expired())
    session = peer.connect(config_for(tls_version, trust=trust)).sessions[-1]
    resumed = peer.connect(config_for(tls_version, trust=trust, verify=True), session)
    assert resumed.session_reused is True
    assert resumed.verify_result == 10


# ------------------------------------------------------------------ broken peers


def broken_by(*answers: bytes) -> TLSClient:
    client = started(ClientConfig(server_name="localhost"))
    for answer in answers:
        if answer:
            client.receive(answer)
        else:
            client.end(EndCause.CLOSED)
    client.release()
    return client


@each_row(
    "answers, kind, words",
    [
        ([alert_record("handshake_failure")], "alert", "alert 40 handshake_failure"),
        ([alert_record("protocol_version")], "alert", "alert 70 protocol_version"),
        # TLS 1.3 says that the level means nothing.
        ([bytes([21, 3, 3, 0, 2, 1, 40]), b""], "alert", "alert 40 handshake_failure"),
        ([bytes([21, 3, 3, 0, 2, 1, 0])], "closed", "close_notify in the handshake"),
        ([b""], "closed", "closed the connection in the handshake"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "not-tls", "plain HTTP"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], "not-tls", "SSH"),
        ([b"220 mail.example ESMTP\r\n"], "not-tls", "STARTTLS"),
        ([bytes(range(255, 0, -1))], "not-tls", "not TLS"),
        ([b"\x16\x03\x03\x40\x00" + b"\x02" * 0x4000], "openssl", "SSL_do_handshake failed"),
        ([b"\x16\x03\x03\xff\xff"], "openssl", "SSL_do_handshake failed"),
    ],
)
def test_what_broke_the_handshake_is_told(answers, kind, words):
    """Each way to break a handshake has its kind, its words, and OpenSSL's whole stack."""
    client = broken_by(*answers)
    assert failure_of(client).kind == kind
    assert words in failure_of(client).message
    assert failure_of(client).message.isprintable()
    assert stack_of(client).call == "SSL_do_handshake"


@pytest.mark.parametrize(
    ("greeting", "protocol"),
    [(b"220 mail.example ESMTP\r\n", "smtp"), (b"* OK IMAP4rev1 ready\r\n", "imap")],
)
def test_a_port_that_starts_in_clear_names_the_option_that_helps(greeting, protocol):
    """Who forgot --starttls is told which one, by the server's own greeting."""
    failure = failure_of(broken_by(greeting))
    assert "TLS starts later here" in failure.message
    assert f"--starttls {protocol}" in failure.hints[0]


def test_an_end_after_half_a_message_is_a_closed_connection(tls_version):
    """EOF anywhere in the server's first flight says that the server closed."""
    with Peer().pair(config_for(tls_version)) as pair:
        pair.client.start()
        pair.side.feed(b"".join(pair.client.drain()))
        flight = pair.side.drain()
        pair.client.receive(flight[:-10])
        pair.client.end(EndCause.CLOSED)
        assert failure_of(pair.client).kind == "closed"
        assert pair.client.transcript.server_hello is not None


def test_an_end_without_close_notify_is_noted(tls_version):
    """EOF after the handshake is "closed", and does not take back what was done."""
    with Peer().pair(config_for(tls_version)) as pair:
        pair.start()
        pair.client.end(EndCause.CLOSED)
        assert failure_of(pair.client).kind == "closed"
        assert "without close_notify" in failure_of(pair.client).message
        assert pair.client.established
        assert pair.client.sessions


def test_a_broken_client_stays_quiet(tls_version):
    """After a failure, bytes and data are taken without effect, and the failure stays."""
    with Peer().pair(config_for(tls_version)) as pair:
        pair.start()
        pair.client.end(EndCause.CLOSED)
        failure = pair.client.failure
        pair.client.drain()  # OpenSSL's own alert about it
        pair.client.send(b"more")
        pair.client.receive(b"more")
        pair.client.close()
        assert pair.client.failure is failure
        assert pair.client.drain() == []


def test_a_server_of_another_version_is_named():
    """A server that chose a version which the plan forbids is told as such."""
    client = Peer(versions=("1.2",)).connect(config_for("1.3"))
    assert not client.established
    assert failure_of(client).kind == "alert" or "TLSv1.2" in failure_of(client).message


def test_a_flipped_bit_in_the_record_layer(tls_version):
    """A record that does not decrypt is OpenSSL's failure, not a crash."""
    with Peer().pair(config_for(tls_version)) as pair:
        pair.start()
        pair.side.write(b"hello")
        record = bytearray(pair.side.drain())
        record[-1] ^= 1
        pair.client.receive(bytes(record))
        assert failure_of(pair.client).kind == "openssl"
        assert stack_of(pair.client).call == "SSL_read"
        assert stack_of(pair.client).entries


@each_row("data", [b"", b"\x00", b"\x1b]0;title\x07", b"\x80\xff" * 40, b"HTTP/"])
def test_plain_bytes_are_described_in_printable_words(data):
    """Nothing that a server sends can reach a terminal as a control sequence."""
    assert describe_plain(data).isprintable()


@each_row(
    "greeting, words",
    [
        (b"220 mail.example.test ESMTP", "STARTTLS"),
        (b"* OK IMAP4rev1 ready", "STARTTLS"),
        (b"+OK POP3 ready", "STARTTLS"),
        (b"421 4.7.0 too many connections", "away in plain text: '421 4.7.0 too many connections'"),
        (b"554 no SMTP service here", "turns this client away"),
        (b"* BYE too many connections", "turns this client away"),
        (b"-ERR busy", "turns this client away"),
        (b"404 is no line of SMTP", "turns this client away"),
        (b"999 is no greeting", "not TLS"),
    ],
)
def test_greetings_in_clear(greeting, words):
    """A greeting says that TLS starts later; a refusal does not, and is shown whole."""
    assert words in describe_plain(greeting + b"\r\n")


# -------------------------------------------------------------- sessions refused


def test_a_session_that_openssl_cannot_read_is_told_with_its_stack():
    """A NULL of d2i_SSL_SESSION is a failure with that call's name and stack."""
    client = client_for(session=Session("openssl-der", b"\x30\x03\x02\x01\x01"))
    assert client.failure is not None
    assert client.failure.step == "session"
    assert client.set_session is None
    assert stack_of(client).call == "d2i_SSL_SESSION"
    assert stack_of(client).returned == "NULL"
    assert stack_of(client).entries
    client.start()
    assert client.drain() == []
    client.release()


def test_a_session_of_another_version_is_not_offered():
    """OpenSSL takes a TLS 1.2 session for a TLS 1.3 handshake and silently offers nothing."""
    peer = Peer()
    session = peer.connect(config_for("1.2")).sessions[-1]
    client = peer.connect(config_for("1.3"), session)
    assert client.established
    assert client.session_reused is False
    assert client.transcript.offered_form(session.fields.session_id, session.fields.ticket) is None


# ------------------------------------------------------------ callbacks, lifetimes


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_what_a_listener_raises_comes_out_of_the_call(error, tls_version):
    """An exception in the callback is raised after the OpenSSL call, once."""

    def listener(*_: object) -> None:
        raise error

    with Peer().pair(config_for(tls_version), on_message=listener) as pair:
        with pytest.raises(error):
            pair.client.start()
        pair.client._on_message = None
        assert pair.client.drain()


def test_what_a_listener_raises_at_the_goodbye_comes_out_too(tls_version):
    """close_notify is a message as well: its listener's error is not lost."""
    calls = []

    def listener(_role: Role, content_type: int, _raw: bytes) -> None:
        if content_type == ContentType.alert:
            calls.append(content_type)
            raise KeyboardInterrupt

    with Peer().pair(config_for(tls_version), on_message=listener) as pair:
        pair.start()
        with pytest.raises(KeyboardInterrupt):
            pair.client.close()
    assert calls == [ContentType.alert]


def test_release_is_enough_to_be_freed(tls_version):
    """A released client is freed by its last reference, without the garbage collector."""
    peer = Peer()
    gc.disable()
    try:
        client = peer.connect(config_for(tls_version))
        gone = weakref.ref(client)
        connection = weakref.ref(client._handle._connection)
        del client
        assert gone() is None
        assert connection() is None
    finally:
        gc.enable()


def test_release_twice_is_fine_and_what_was_seen_stays(tls_version):
    """After release the outcome can still be read."""
    client = Peer().connect(config_for(tls_version))
    client.release()
    client.release()
    assert client.session_reused is False
    assert client.transcript.server_hello is not None
    assert client.cipher


@pytest.mark.slow
def test_hundreds_of_connections_leave_nothing():
    """No crash and no growth over hundreds of connections, collected in between."""
    peer = Peer()
    config = config_for("1.3")
    session = peer.connect(config).sessions[-1]
    for n in range(400):
        client = client_for(config, session)
        client.start()
        if n % 2:
            client.receive(alert_record("internal_error"))
        client.release()
        if n % 50 == 0:
            del client
            gc.collect()
    assert binding_messages._listening == {}


def test_stale_errors_never_show_up():
    """What an earlier call left on the error queue is in no later stack."""
    with pytest.raises(ssl.SSLError):
        ssl.create_default_context().load_verify_locations(cadata="no certificate")
    stale = binding._lib.d2i_SSL_SESSION(
        binding._ffi.NULL, binding._ffi.new("const unsigned char **"), 0
    )
    assert stale == binding._ffi.NULL
    assert binding._lib.ERR_peek_error()
    reasons = [entry.reason for entry in stack_of(broken_by(b"")).entries]
    assert reasons in ([], ["unexpected eof while reading"])

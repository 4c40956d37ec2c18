"""tlsresume.tls.transcript: what passed, and what it says about resumption.

The real handshakes are made by the standard library's `ssl`, both sides in memory;
its (private) message callback gives what OpenSSL's own gives.
"""

from __future__ import annotations

import contextlib
import ssl

import pytest
import trustme
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.rows import each_row
from tlsresume.tls.buffer import push_list, push_opaque, push_uint
from tlsresume.tls.describe import describe
from tlsresume.tls.extensions import Extension
from tlsresume.tls.messages import (
    CertificateRequest,
    ClientHello,
    Finished,
    NewSessionTicket12,
    NewSessionTicket13,
    Other,
    ServerHello,
)
from tlsresume.tls.recorder import KEPT_BYTES_LIMIT, Recorder
from tlsresume.tls.registry import ExtensionType, HandshakeType, ProtocolVersion
from tlsresume.tls.transcript import (
    Entry,
    Role,
    Transcript,
)

E = ExtensionType
TLS12 = ProtocolVersion.TLSv1_2
TLS13 = ProtocolVersion.TLSv1_3
VERSIONS = {TLS12: ssl.TLSVersion.TLSv1_2, TLS13: ssl.TLSVersion.TLSv1_3}

# ---------------------------------------------------------- real handshakes


@pytest.fixture(scope="module")
def ca():
    return trustme.CA()


class Peers:
    """A client and a server context, and connections between them in memory."""

    def __init__(self, ca, version):
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("server.example").configure_cert(self.server)
        self.server.minimum_version = self.server.maximum_version = VERSIONS[version]
        self.server.set_alpn_protocols(["h2"])
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ca.configure_trust(self.client)
        self.client.set_alpn_protocols(["h2", "http/1.1"])

    def connect(self, session=None):
        """(transcript, session) of one connection that the client saw."""
        recorder = Recorder()

        def note(_conn, direction, _version, content_type, _type, data):
            sender = Role.CLIENT if direction == "write" else Role.SERVER
            if content_type == 22:
                recorder.handshake(sender, data, 1.5)
            elif content_type == 21:
                recorder.alert(sender, data, 2.5)

        self.client._msg_callback = note  # type: ignore[attr-defined]  # private to CPython
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.client.wrap_bio(
            to_client, to_server, server_hostname="server.example", session=session
        )
        server = self.server.wrap_bio(to_server, to_client, server_side=True)
        steps = [client.do_handshake, server.do_handshake]
        failure = None
        while steps:
            for step in list(steps):
                try:
                    step()
                    steps.remove(step)
                except ssl.SSLWantReadError:
                    continue
                except ssl.SSLError as error:
                    failure = failure or error
                    steps.remove(step)
            if failure is not None and not to_client.pending and not to_server.pending:
                break
        if failure is not None:
            return recorder.transcript(), None
        server.write(b"data")
        client.read(4)  # TLS 1.3 tickets come with the first read
        session = client.session
        # A server that is cut off forgets its session, so both say goodbye.
        for end in (client, server, client):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.unwrap()
        return recorder.transcript(), session


@pytest.fixture(params=[TLS12, TLS13], ids=lambda version: version.label)
def version(request):
    return request.param


@pytest.fixture
def peers(ca, version):
    return Peers(ca, version)


def test_full_handshake(ca, version, peers):
    """A first connection: nothing offered or accepted, a certificate and tickets seen."""
    transcript, session = peers.connect()
    assert session is not None
    assert transcript.problems == ()
    assert transcript.version is version
    assert transcript.offered is None
    assert transcript.accepted is False
    assert transcript.certificate_seen
    assert x509.load_der_x509_certificate(transcript.leaf_certificate).extensions
    assert transcript.finished_by == {Role.CLIENT, Role.SERVER}
    assert transcript.hello_retry_request is None
    assert transcript.certificate_request is None
    assert [(entry.sender, alert.name) for entry, alert in transcript.alerts] == [
        (Role.CLIENT, "close_notify"),
        (Role.SERVER, "close_notify"),
    ]
    assert transcript.extended_master_secret is (True if version is TLS12 else None)
    kind = NewSessionTicket12 if version is TLS12 else NewSessionTicket13
    assert [type(ticket) for _, ticket in transcript.new_session_tickets] == [kind] * (
        1 if version is TLS12 else 2
    )


def test_resumed_handshake(version, peers):
    """A session that was offered is seen on the wire, in its form, and as accepted."""
    first, session = peers.connect()
    ticket = first.new_session_tickets[-1][1].ticket
    second, _ = peers.connect(session)
    assert second.problems == ()
    assert second.accepted is True
    assert not second.certificate_seen
    assert second.certificate is None
    form = "ticket" if version is TLS12 else "psk"
    assert second.offered == form
    assert second.offered_form(session.id, ticket) == form
    assert second.offered_form(b"another", b"session") is None
    assert second.offered_form(None, None) is None
    if version is TLS12:
        assert second.offered_form(session.id, None) == "session-id"
        assert second.session_id_echoed


def test_session_id_resumption(ca):
    """Without tickets the session ID alone is offered, and its echo accepts it."""
    peers = Peers(ca, TLS12)
    peers.server.options |= ssl.OP_NO_TICKET
    peers.client.maximum_version = ssl.TLSVersion.TLSv1_2
    first, session = peers.connect()
    assert first.new_session_tickets == ()
    second, _ = peers.connect(session)
    assert second.offered == "session-id"
    assert second.offered_form(session.id, None) == "session-id"
    assert second.accepted is True


def test_session_id_in_a_hello_that_allows_13(ca):
    """A session ID that may be TLS 1.3's filler is no offer, unless it is known to be one."""
    peers = Peers(ca, TLS12)
    peers.server.options |= ssl.OP_NO_TICKET
    _, session = peers.connect()
    second, _ = peers.connect(session)
    assert TLS13 in second.client_hello.supported_versions
    assert second.offered is None
    assert second.offered_form(session.id, None) == "session-id"
    assert second.accepted is True


def test_declined_session(ca, version):
    """A server with other keys: offered, not accepted, certificate sent."""
    peers = Peers(ca, version)
    _, session = peers.connect()
    peers.server = Peers(ca, version).server
    transcript, _ = peers.connect(session)
    assert transcript.offered == ("ticket" if version is TLS12 else "psk")
    assert transcript.accepted is False
    assert transcript.certificate_seen


def test_hello_retry(ca):
    """Another group asked for first: two ClientHellos, and the last one counts."""
    peers = Peers(ca, TLS13)
    peers.server.set_ecdh_curve("secp521r1")
    transcript, _ = peers.connect()
    assert transcript.problems == ()
    assert transcript.hello_retry_request.selected_group == 25
    assert len(transcript.client_hellos) == 2
    assert transcript.client_hello is transcript.client_hellos[1]
    assert transcript.server_hello.selected_group == 25
    assert transcript.accepted is False
    lines = [describe(entry, transcript.version) for entry in transcript.entries]
    assert any(line.startswith("HelloRetryRequest") and "secp521r1" in line for line in lines)


def test_certificate_request(ca, version, peers):
    """A server that asks for a client certificate is seen to do so, with its authorities."""
    peers.server.verify_mode = ssl.CERT_OPTIONAL
    ca.configure_trust(peers.server)
    transcript, _ = peers.connect()
    assert transcript.problems == ()
    assert isinstance(transcript.certificate_request, CertificateRequest)
    assert transcript.certificate_request.signature_algorithms
    assert transcript.version is version


def test_encrypted_extensions(ca):
    """ALPN of TLS 1.3 is read from EncryptedExtensions."""
    transcript, _ = Peers(ca, TLS13).connect()
    assert transcript.encrypted_extensions.alpn == b"h2"
    assert transcript.early_data_accepted is False
    assert not transcript.early_data_offered


def test_failed_handshake(ca):
    """An alert ends the record: its sender and name are known, and nothing is made up."""
    peers = Peers(ca, TLS13)
    peers.client.maximum_version = ssl.TLSVersion.TLSv1_2
    transcript, _ = peers.connect()
    ((entry, alert),) = transcript.alerts
    assert (entry.sender, alert.name, alert.fatal) == (Role.SERVER, "protocol_version", True)
    assert describe(entry) == "Alert fatal protocol_version (70)"
    assert transcript.client_hello.server_name == "server.example"
    assert transcript.server_hello is None
    assert transcript.version is None
    assert transcript.accepted is None
    assert transcript.extended_master_secret is None
    assert transcript.early_data_accepted is None
    assert not transcript.certificate_seen
    assert transcript.finished_by == frozenset()


def test_real_messages_are_written_back(peers):
    """Every real hello and ticket is written back byte for byte."""
    full, session = peers.connect()
    resumed, _ = peers.connect(session)
    written = 0
    for entry, message in zip(
        full.entries + resumed.entries, full.messages + resumed.messages, strict=True
    ):
        if isinstance(message, ClientHello | ServerHello | NewSessionTicket12 | NewSessionTicket13):
            assert message.to_bytes() == entry.raw
            written += 1
    assert written >= 5


def test_descriptions_of_real_messages(version, peers):
    """Each message is one line with its name, size and the parts that matter."""
    _, session = peers.connect()
    transcript, _ = peers.connect(session)
    lines = [describe(entry, transcript.version) for entry in transcript.entries]
    assert lines == [describe(entry) for entry in transcript.entries]
    hello, answer = lines[:2]
    assert hello.startswith("ClientHello ")
    assert "; server_name server.example; alpn h2 http/1.1; " in hello
    assert f"ServerHello {transcript.entries[1].size} bytes: {version.label}, suite 0x" in answer
    if version is TLS13:
        assert "pre_shared_key 1 identity, " in hello
        assert "psk_key_exchange_modes psk_dhe_ke" in hello
        assert answer.endswith("pre_shared_key identity 0")
        assert "TLS_AES_256_GCM_SHA384" in answer
        assert any(
            line.startswith("NewSessionTicket ") and "nonce 8 bytes" in line for line in lines
        )
    else:
        assert "; session_ticket " in hello
        assert "extended_master_secret" in answer
    assert any(line.startswith("Finished ") for line in lines)


# --------------------------------------------------------- made by hand


def client_hello(*extensions, session_id=b""):
    return ClientHello(0x0303, bytes(32), session_id, (0x1301, 0xC02F), tuple(extensions))


def server_hello(*extensions, session_id=b"", version=0x0303):
    return ServerHello(version, b"\xaa" * 32, session_id, 0xC02F, tuple(extensions))


def bare(kind, body=b""):
    return push_uint(kind, 1) + push_opaque(body, 3)


def transcript_of(*messages):
    """A transcript of (sender, message or bytes) pairs."""
    recorder = Recorder()
    for n, (sender, message) in enumerate(messages):
        raw = message if isinstance(message, bytes) else message.to_bytes()
        recorder.handshake(sender, raw, float(n))
    return recorder.transcript()


CLIENT, SERVER = Role.CLIENT, Role.SERVER
CERTIFICATE = bare(HandshakeType.certificate, push_list([push_opaque(b"leaf", 3)], 3))
OFFER = client_hello(session_id=b"id")
ECHO = server_hello(session_id=b"id")
TICKET_ONLY = client_hello(Extension(E.session_ticket, b"ticket"))


@each_row(
    "messages, accepted",
    [
        ([], None),
        ([(CLIENT, OFFER)], None),
        ([(CLIENT, OFFER), (SERVER, ECHO)], True),
        ([(CLIENT, OFFER), (SERVER, server_hello(session_id=b"new"))], False),
        ([(CLIENT, OFFER), (SERVER, server_hello())], False),
        ([(CLIENT, OFFER), (SERVER, ECHO), (SERVER, CERTIFICATE)], False),
        ([(CLIENT, OFFER), (SERVER, ECHO), (SERVER, bare(14))], False),
        ([(CLIENT, OFFER), (SERVER, ECHO), (SERVER, bare(25, b"zipped"))], False),
        ([(CLIENT, client_hello()), (SERVER, server_hello())], False),
        ([(SERVER, ECHO)], None),
        ([(CLIENT, TICKET_ONLY), (SERVER, server_hello())], None),
        ([(CLIENT, TICKET_ONLY), (SERVER, server_hello()), (SERVER, bare(20))], True),
        ([(CLIENT, TICKET_ONLY), (SERVER, server_hello()), (SERVER, CERTIFICATE)], False),
    ],
)
def test_accepted_in_12(messages, accepted):
    """Before TLS 1.3 an echoed ID accepts, unless a full handshake follows all the same."""
    assert transcript_of(*messages).accepted is accepted


@pytest.mark.parametrize(
    ("extensions", "accepted"),
    [
        ([Extension(E.supported_versions, b"\x03\x04")], False),
        (
            [Extension(E.supported_versions, b"\x03\x04"), Extension(E.pre_shared_key, b"\0\0")],
            True,
        ),
    ],
)
def test_accepted_in_13(extensions, accepted):
    """In TLS 1.3 the selected PSK accepts, and the echoed session ID means nothing."""
    answer = server_hello(*extensions, session_id=b"id")
    assert transcript_of((CLIENT, OFFER), (SERVER, answer)).accepted is accepted


@each_row(
    "hello, offered",
    [
        (client_hello(), None),
        (OFFER, "session-id"),
        (client_hello(Extension(E.supported_versions, b"\x02\x03\x04"), session_id=b"x"), None),
        (client_hello(Extension(E.session_ticket), session_id=b"x"), "session-id"),
        (client_hello(Extension(E.session_ticket)), None),
        (TICKET_ONLY, "ticket"),
    ],
)
def test_offered(hello, offered):
    """What a ClientHello seems to offer."""
    assert transcript_of((CLIENT, hello)).offered == offered


@pytest.mark.parametrize("accepted", [True, False])
def test_early_data(accepted):
    """Early data is offered in the ClientHello and accepted in EncryptedExtensions."""
    block = push_list([Extension(E.early_data).to_bytes()] if accepted else [], 2)
    transcript = transcript_of(
        (CLIENT, client_hello(Extension(E.early_data))),
        (SERVER, server_hello(Extension(E.supported_versions, b"\x03\x04"))),
        (SERVER, bare(HandshakeType.encrypted_extensions, block)),
    )
    assert transcript.early_data_offered
    assert transcript.early_data_accepted is accepted
    assert describe(transcript.entries[0]).endswith("; early_data")


def test_nothing_at_all():
    """An empty transcript answers every question without an error."""
    transcript = Transcript()
    for name in dir(Transcript):
        if isinstance(getattr(Transcript, name), property):
            assert getattr(transcript, name) in (None, False, (), frozenset()), name
    assert transcript.offered_form(b"id", b"ticket") is None


def test_malformed_message_is_a_problem():
    """A message that cannot be parsed stays as an entry, and is named."""
    raw = bare(HandshakeType.server_hello, b"\x03\x03short")
    transcript = transcript_of((CLIENT, OFFER), (SERVER, raw))
    assert transcript.entries[1].raw == raw
    assert transcript.messages[1] is None
    assert transcript.server_hello is None
    assert transcript.accepted is None
    (problem,) = transcript.problems
    assert problem.startswith("server's ServerHello 11 bytes: truncated")
    assert describe(transcript.entries[1]).startswith("ServerHello 11 bytes: malformed: trunc")


def test_malformed_certificate_counts_as_seen():
    """A Certificate that cannot be read was sent all the same."""
    transcript = transcript_of((CLIENT, OFFER), (SERVER, ECHO), (SERVER, bare(11, b"\xff")))
    assert transcript.certificate_seen
    assert transcript.leaf_certificate is None
    assert transcript.accepted is False


def test_messages_of_the_wrong_side():
    """A ServerHello from the client, or a ClientHello from the server, is not believed."""
    transcript = transcript_of((SERVER, OFFER), (CLIENT, ECHO), (CLIENT, CERTIFICATE))
    assert transcript.client_hello is None
    assert transcript.server_hello is None
    assert transcript.version is None
    assert not transcript.certificate_seen


def test_renegotiation_is_another_question():
    """What follows in a second handshake does not change what the first one showed."""
    full = [(CLIENT, client_hello()), (SERVER, server_hello()), (SERVER, CERTIFICATE)]
    transcript = transcript_of((CLIENT, OFFER), (SERVER, ECHO), (SERVER, bare(20)), *full)
    assert transcript.accepted is True
    assert not transcript.certificate_seen
    assert transcript.client_hello == OFFER


def test_keys_are_not_kept():
    """Messages that only hold keys and signatures are kept without their bytes."""
    kinds = [12, 15, 16, 20]
    transcript = transcript_of(*((SERVER, bare(kind, b"k" * 300)) for kind in kinds))
    assert [entry.raw for entry in transcript.entries] == [b""] * 4
    assert [entry.size for entry in transcript.entries] == [304] * 4
    assert transcript.messages == (Other(12, 300), Other(15, 300), Other(16, 300), Finished(300))
    assert transcript.problems == ()


def test_tickets_have_their_entry():
    """A ticket comes with its entry, and so with its time and what was sent before."""
    recorder = Recorder()
    for sender, message in ((CLIENT, OFFER), (SERVER, server_hello())):
        recorder.handshake(sender, message.to_bytes(), 1.0)
    sent = NewSessionTicket12(300, b"ticket")
    recorder.handshake(SERVER, sent.to_bytes(), 41.5, after_data=True)
    ((entry, ticket),) = recorder.transcript().new_session_tickets
    assert ticket == sent
    assert (entry.at_ms, entry.after_data) == (41.5, True)


def test_memory_is_bounded():
    """A peer that never stops sending tickets cannot make the recorder grow for ever."""
    recorder = Recorder()
    raw = NewSessionTicket12(300, b"t" * 60000).to_bytes()
    for _ in range(200):
        recorder.handshake(SERVER, raw, 0.0)
    transcript = recorder.transcript()
    assert sum(len(entry.raw) for entry in transcript.entries) <= KEPT_BYTES_LIMIT
    assert transcript.omitted == 200 - len(transcript.entries)
    assert f"{transcript.omitted} more messages were too many to keep" in transcript.problems


# ------------------------------------------------------------- descriptions


def entry_of(message, sender=SERVER):
    raw = message if isinstance(message, bytes) else message.to_bytes()
    return Entry(sender, 22, raw, 0.0, len(raw), handshake_type=raw[0])


@each_row(
    "message, line",
    [
        (
            NewSessionTicket13(7200, 1, b"\0" * 8, b"\x3f\x9a\x41\xc0" * 52),
            (
                "NewSessionTicket 233 bytes: lifetime 7200 s, ticket 208 bytes, starts 3f9a41c0,"
                " nonce 8 bytes"
            ),
        ),
        (
            NewSessionTicket13(1, 1, b"", b"t", (Extension(E.early_data, b"\0\0\x40\0"),)),
            (
                "NewSessionTicket 26 bytes: lifetime 1 s, ticket 1 byte, starts 74, nonce 0 bytes,"
                " early_data up to 16384 bytes"
            ),
        ),
        (NewSessionTicket12(300, b""), "NewSessionTicket 10 bytes: lifetime 300 s, ticket 0 bytes"),
        (CERTIFICATE, "Certificate 14 bytes: 1 certificate"),
        (bare(HandshakeType.server_hello_done), "ServerHelloDone 4 bytes"),
        (bare(99, b"abc"), "handshake message 99 7 bytes"),
        (
            server_hello(Extension(E.session_ticket), session_id=b"\x01\x02", version=0x0305),
            (
                "ServerHello 50 bytes: 0x0305, suite 0xc02f, session_id 2 bytes, starts 0102,"
                " session_ticket"
            ),
        ),
    ],
)
def test_description(message, line):
    """One line per message, with exact numbers."""
    assert describe(entry_of(message)) == line


def test_description_of_hostile_text():
    """Text of a peer cannot send control sequences, or fill the screen."""
    name = b"\x1b]0;owned\x07\\" + b"\xff" * 4000
    names = push_list([b"\x00" + push_opaque(name, 2)], 2)
    line = describe(entry_of(client_hello(Extension(E.server_name, names)), CLIENT))
    assert "server_name \\x1b]0;owned\\x07" in line
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 300


# --------------------------------------------------------------- hypothesis


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(Role),
            st.binary(max_size=80)
            | st.builds(bare, st.integers(0, 255), st.binary(max_size=80))
            | st.sampled_from([OFFER.to_bytes(), ECHO.to_bytes(), CERTIFICATE]),
        ),
        max_size=6,
    ),
    st.lists(st.binary(max_size=4), max_size=2),
)
def test_any_messages(messages, alerts):
    """Whatever passes, recording, reading and describing it never fail."""
    recorder = Recorder()
    for sender, raw in messages:
        recorder.handshake(sender, raw, 0.0)
    for raw in alerts:
        recorder.alert(SERVER, raw, 0.0)
    transcript = recorder.transcript()
    assert len(transcript.entries) == len(transcript.messages) == len(messages) + len(alerts)
    assert len(transcript.problems) == transcript.messages.count(None)
    for name in dir(Transcript):
        if isinstance(getattr(Transcript, name), property):
            getattr(transcript, name)
    for entry in transcript.entries:
        for version in (transcript.version, None):
            line = describe(entry, version)
            assert line.isascii()
            assert line.isprintable()

"""tlsresume.tls.handshake and its parts: bytes to values and back."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.helpers.rows import each_row
from tlsresume.tls.buffer import WireError, push_list, push_opaque, push_uint
from tlsresume.tls.extensions import (
    CLIENT_HELLO_BODIES,
    ENCRYPTED_EXTENSIONS_BODIES,
    HELLO_RETRY_REQUEST_BODIES,
    NEW_SESSION_TICKET_BODIES,
    SERVER_HELLO_BODIES,
    Extension,
    PskIdentity,
)
from tlsresume.tls.handshake import PARSERS, parse_alert, parse_handshake, ticket_of
from tlsresume.tls.messages import (
    HELLO_RETRY_REQUEST_RANDOM,
    Alert,
    CertificateMessage,
    CertificateRequest,
    CertificateRequest12,
    CertificateRequest13,
    ClientHello,
    EncryptedExtensions,
    Finished,
    NewSessionTicket12,
    NewSessionTicket13,
    Other,
    ServerHello,
)
from tlsresume.tls.registry import (
    ExtensionType,
    HandshakeType,
    ProtocolVersion,
    cipher_hash,
    cipher_name,
    name_of,
    version_of,
)

E = ExtensionType
H = HandshakeType
TLS12 = ProtocolVersion.TLSv1_2
TLS13 = ProtocolVersion.TLSv1_3


def framed(kind, body):
    return push_uint(kind, 1) + push_opaque(body, 3)


def client_hello(*extensions, session_id=b"", version=0x0303, suites=(0x1301, 0xC02F)):
    return ClientHello(version, bytes(range(32)), session_id, suites, tuple(extensions))


def server_hello(*extensions, session_id=b"", random=b"\xaa" * 32):
    return ServerHello(0x0303, random, session_id, 0x1302, tuple(extensions))


def parsed(message, version=None):
    return parse_handshake(message.to_bytes(), version)


# ------------------------------------------------------------------ numbers


def test_version_labels():
    """Versions are written and read as people call them."""
    assert [v.label for v in ProtocolVersion] == [
        "SSLv3",
        "TLSv1.0",
        "TLSv1.1",
        "TLSv1.2",
        "TLSv1.3",
    ]
    for version in ProtocolVersion:
        assert ProtocolVersion.from_label(version.label) is version
    assert ProtocolVersion.from_label("1.3") is TLS13
    assert ProtocolVersion.from_label("TLSv1") is ProtocolVersion.TLSv1_0
    for wrong in ("", "1.4", "3", "tls"):
        with pytest.raises(ValueError, match="not a TLS version"):
            ProtocolVersion.from_label(wrong)


def test_version_order():
    """Versions compare by age, so that rules can say `< TLSv1_3`."""
    assert ProtocolVersion.SSLv3 < TLS12 < TLS13


def test_unknown_numbers_are_kept():
    """A number outside a registry is shown in digits, never an error."""
    assert name_of(HandshakeType, 1) == "client_hello"
    assert name_of(HandshakeType, 99) == "99"
    assert version_of(0x0304) is TLS13
    assert version_of(0x7A7A) is None


def test_tls13_suites():
    """The TLS 1.3 suites have a name that ends in their hash; other numbers have none."""
    for suite in range(0x1301, 0x1306):
        name = cipher_name(suite)
        assert name is not None
        expected = "sha384" if name.endswith("SHA384") else "sha256"
        assert cipher_hash(suite) == expected
    assert cipher_hash(0xC02F) is None
    assert cipher_name(0xC02F) is None


def test_hello_retry_request_random():
    """The marking random is what RFC 8446 section 4.1.3 says it is."""
    assert hashlib.sha256(b"HelloRetryRequest").digest() == HELLO_RETRY_REQUEST_RANDOM


# -------------------------------------------------------------- ClientHello


def test_client_hello_offers_a_psk():
    """Identities, ages, binders and modes of a TLS 1.3 offer are read."""
    ticket, binder = b"\x3f\x9a" * 104, b"\xbb" * 32
    identity = push_opaque(ticket, 2) + push_uint(1234, 4)
    hello = parsed(
        client_hello(
            Extension(E.server_name, push_list([b"\x00" + push_opaque(b"example.com", 2)], 2)),
            Extension(E.supported_versions, b"\x04\x03\x04\x03\x03"),
            Extension(E.supported_groups, b"\x00\x04\x00\x1d\x00\x17"),
            Extension(E.application_layer_protocol_negotiation, b"\x00\x0c\x02h2\x08http/1.1"),
            Extension(E.psk_key_exchange_modes, b"\x01\x01"),
            Extension(E.key_share, push_list([b"\x00\x1d" + push_opaque(b"k" * 32, 2)], 2)),
            Extension(E.early_data),
            Extension(
                E.pre_shared_key, push_list([identity], 2) + push_list([push_opaque(binder, 1)], 2)
            ),
        )
    )
    assert hello.server_name == "example.com"
    assert hello.supported_versions == (0x0304, 0x0303)
    assert hello.supported_groups == (29, 23)
    assert hello.alpn == (b"h2", b"http/1.1")
    assert hello.psk_modes == (1,)
    assert [share.group for share in hello.key_shares] == [29]
    assert hello.early_data
    assert hello.psk_identities == (PskIdentity(ticket, 1234),)
    assert hello.psk_binders == (binder,)
    assert hello.session_ticket is None
    assert not hello.offers_extended_master_secret


def test_client_hello_offers_a_ticket():
    """A TLS 1.2 ticket is the whole extension body; an empty one asks for a ticket."""
    hello = parsed(
        client_hello(Extension(E.session_ticket, b"ticket"), Extension(E.extended_master_secret))
    )
    assert hello.session_ticket == b"ticket"
    assert hello.offers_extended_master_secret
    assert parsed(client_hello(Extension(E.session_ticket))).session_ticket == b""


def test_client_hello_without_extensions():
    """A hello that ends before the extensions differs from one with an empty block."""
    bare = ClientHello(0x0301, bytes(32), b"", (0x2F,), extension_block=False)
    assert parsed(bare) == bare
    assert parsed(client_hello()) != bare
    assert bare.server_name is None
    assert bare.supported_versions == ()
    assert bare.psk_identities == ()
    assert bare.alpn == ()


def test_server_name_that_is_not_ascii():
    """A host name of raw bytes is escaped, not an error."""
    name = push_list([b"\x00" + push_opaque(b"\xff.example", 2)], 2)
    assert parsed(client_hello(Extension(E.server_name, name))).server_name == "\\xff.example"


# -------------------------------------------------------------- ServerHello


def test_server_hello_13():
    """Version, PSK and group of TLS 1.3 come from the extensions."""
    hello = parsed(
        server_hello(
            Extension(E.supported_versions, b"\x03\x04"),
            Extension(E.key_share, b"\x00\x1d" + push_opaque(b"k" * 32, 2)),
            Extension(E.pre_shared_key, b"\x00\x00"),
        )
    )
    assert hello.version == TLS13
    assert hello.selected_identity == 0
    assert hello.selected_group == 29
    assert not hello.is_hello_retry_request


def test_server_hello_12():
    """Without supported_versions the legacy field is the version."""
    hello = parsed(
        server_hello(
            Extension(E.session_ticket),
            Extension(E.extended_master_secret),
            Extension(E.application_layer_protocol_negotiation, b"\x00\x03\x02h2"),
            session_id=b"s" * 32,
        )
    )
    assert hello.version == TLS12
    assert hello.session_id == b"s" * 32
    assert hello.session_ticket_promised
    assert hello.extended_master_secret
    assert hello.alpn == b"h2"
    assert hello.selected_identity is None
    assert hello.selected_group is None


def test_hello_retry_request():
    """A HelloRetryRequest is told by its random, and names a group without a key."""
    hello = parsed(
        server_hello(
            Extension(E.supported_versions, b"\x03\x04"),
            Extension(E.key_share, b"\x00\x18"),
            random=HELLO_RETRY_REQUEST_RANDOM,
        )
    )
    assert hello.is_hello_retry_request
    assert hello.selected_group == 24
    assert hello.selected_identity is None


# ------------------------------------------------------- the other messages


def test_encrypted_extensions():
    """Early data, ALPN and SNI are answered in EncryptedExtensions."""
    block = push_list(
        [
            Extension(E.early_data).to_bytes(),
            Extension(E.server_name).to_bytes(),
            Extension(E.application_layer_protocol_negotiation, b"\x00\x03\x02h2").to_bytes(),
        ],
        2,
    )
    message = parse_handshake(framed(H.encrypted_extensions, block), TLS13)
    assert isinstance(message, EncryptedExtensions)
    assert message.early_data_accepted
    assert message.server_name_acknowledged
    assert message.alpn == b"h2"
    assert not EncryptedExtensions().early_data_accepted


def test_new_session_ticket_layouts():
    """The negotiated version decides how a NewSessionTicket is laid out."""
    early = Extension(E.early_data, b"\x00\x00\x40\x00")
    new = NewSessionTicket13(7200, 0xDEADBEEF, b"\x00" * 8, b"t" * 208, (early,))
    assert parsed(new, TLS13) == new
    assert new.max_early_data == 16384
    assert NewSessionTicket13(1, 2, b"", b"t").max_early_data is None
    old = NewSessionTicket12(300, b"")
    assert parsed(old, TLS12) == old
    with pytest.raises(WireError):
        parsed(new, TLS12)
    with pytest.raises(WireError):
        parsed(old, TLS13)


def test_certificate_layouts():
    """Certificates come out leaf first, from the old layout and the new."""
    leaf, ca = push_opaque(b"leaf", 3), push_opaque(b"ca", 3)
    old = parse_handshake(framed(H.certificate, push_list([leaf, ca], 3)), TLS12)
    assert old == CertificateMessage((b"leaf", b"ca"))
    body = push_opaque(b"ctx", 1) + push_list([leaf + b"\0\0", ca + b"\0\0"], 3)
    new = parse_handshake(framed(H.certificate, body), TLS13)
    assert new == CertificateMessage((b"leaf", b"ca"), b"ctx")


def test_certificate_request_layouts():
    """Each version's CertificateRequest gives its authorities and algorithms."""
    names = push_list([push_opaque(b"\x30\x00", 2)], 2)
    algorithms = b"\x00\x02\x08\x04"
    message = parse_handshake(
        framed(H.certificate_request, b"\x02\x01\x40" + algorithms + names), TLS12
    )
    assert message == CertificateRequest12((1, 64), (0x0804,), (b"\x30\x00",))
    message = parse_handshake(
        framed(H.certificate_request, b"\x02\x01\x40" + names), ProtocolVersion.TLSv1_1
    )
    assert message == CertificateRequest12((1, 64), (), (b"\x30\x00",))
    block = push_list(
        [
            Extension(E.signature_algorithms, algorithms).to_bytes(),
            Extension(E.certificate_authorities, names).to_bytes(),
        ],
        2,
    )
    message = parse_handshake(framed(H.certificate_request, b"\x00" + block), TLS13)
    assert isinstance(message, CertificateRequest)
    assert isinstance(message, CertificateRequest13)
    assert message.signature_algorithms == (0x0804,)
    assert message.authorities == (b"\x30\x00",)


def test_messages_not_looked_into():
    """Finished, and types without a parser, known or not, keep type and length."""
    assert parse_handshake(framed(H.finished, b"f" * 12), TLS12) == Finished(12)
    assert parse_handshake(framed(H.server_key_exchange, b"abc"), TLS12) == Other(12, 3)
    assert parse_handshake(framed(99, b""), None) == Other(99, 0)


@pytest.mark.parametrize("kind", [H.new_session_ticket, H.certificate, H.certificate_request])
def test_layout_unknown_before_the_version(kind):
    """A message whose layout needs the version is an error before the ServerHello."""
    with pytest.raises(WireError, match="before the version"):
        parse_handshake(framed(kind, b""), None)


def test_alerts():
    """An alert is two numbers; its name is the RFC's, or the number."""
    alert = parse_alert(b"\x02\x28")
    assert (alert.level, alert.description, alert.name) == (2, 40, "handshake_failure")
    assert alert.fatal
    assert not Alert(1, 0).fatal
    assert parse_alert(b"\x01\xc8").name == "200"
    for wrong in (b"", b"\x02", b"\x02\x28\x00"):
        with pytest.raises(WireError):
            parse_alert(wrong)


# --------------------------------------------------------------- strictness


@each_row(
    "extension",
    [
        Extension(E.session_ticket, b"x"),
        Extension(E.extended_master_secret, b"x"),
        Extension(E.pre_shared_key, b"\x00"),
        Extension(E.supported_versions, b"\x03\x04\x00"),
        Extension(E.application_layer_protocol_negotiation, b"\x00\x06\x02h2\x02h3"),
        Extension(E.key_share, b"\x00\x1d"),
    ],
)
def test_malformed_extension(extension):
    """A known extension that is malformed makes the message an error that names it."""
    with pytest.raises(WireError, match=extension.name):
        parsed(server_hello(extension))


def test_binders_must_match_identities():
    """As many binders as identities, or the ClientHello is an error."""
    identity = push_opaque(b"ticket", 2) + push_uint(0, 4)
    binders = push_list([push_opaque(b"b" * 32, 1)] * 2, 2)
    with pytest.raises(WireError, match="1 PSK identities but 2 binders"):
        parsed(client_hello(Extension(E.pre_shared_key, push_list([identity], 2) + binders)))


def test_extension_twice():
    """One type twice in a block is an error (RFC 8446 section 4.2)."""
    with pytest.raises(WireError, match="comes twice"):
        parsed(client_hello(Extension(4711, b"a"), Extension(4711, b"b")))


def test_unknown_extensions_are_kept():
    """Extensions that we do not know (GREASE, say) are stored as they came."""
    grease = Extension(0x7A7A, b"\x00")
    assert parsed(client_hello(grease)).extensions == (grease,)
    assert parsed(client_hello(grease)).extension(0x7A7A) == b"\x00"


def test_session_id_too_long():
    """A session ID has at most 32 bytes."""
    with pytest.raises(WireError, match="33 bytes"):
        parsed(server_hello(session_id=b"s" * 33))


SAMPLES = [
    (client_hello(Extension(E.session_ticket, b"t"), Extension(9999, b"?")).to_bytes(), None),
    (server_hello(Extension(E.supported_versions, b"\x03\x04")).to_bytes(), None),
    (NewSessionTicket12(300, b"ticket").to_bytes(), TLS12),
    (NewSessionTicket13(300, 1, b"n", b"ticket", (Extension(9999),)).to_bytes(), TLS13),
]


@pytest.mark.parametrize(("raw", "version"), SAMPLES)
def test_every_cut_is_an_error(raw, version):
    """A message cut anywhere, or with one byte more, is an error."""
    for length in range(len(raw)):
        with pytest.raises(WireError):
            parse_handshake(raw[:length], version)
    with pytest.raises(WireError, match="trailing"):
        parse_handshake(raw + b"\x00", version)
    kind, body = raw[0], raw[4:]
    with pytest.raises(WireError):
        parse_handshake(framed(kind, body + b"\x00"), version)


# --------------------------------------------------------------- hypothesis

ANY_VERSION = st.sampled_from([None, *ProtocolVersion])
KINDS = st.sampled_from(sorted({kind for table in PARSERS.values() for kind in table}))


def properties(message):
    """Every public property of a value, read."""
    for name in dir(type(message)):
        if isinstance(getattr(type(message), name), property):
            getattr(message, name)


def only_a_value_or_our_error(raw, version):
    try:
        message = parse_handshake(raw, version)
    except WireError:
        return
    properties(message)
    if hasattr(message, "to_bytes"):
        assert message.to_bytes() == raw


@settings(deadline=None)
@given(st.binary(max_size=300), ANY_VERSION)
@example(b"", None)
def test_any_bytes(raw, version):
    """Whatever bytes come, a value or WireError comes out."""
    only_a_value_or_our_error(raw, version)


@settings(deadline=None)
@given(KINDS, st.binary(max_size=300), ANY_VERSION)
def test_any_body(kind, body, version):
    """Whatever follows a sound header, a value or WireError comes out."""
    only_a_value_or_our_error(framed(kind, body), version)


@settings(deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_flipped_bytes(sample, data):
    """A message with one changed byte gives a value that is written back, or WireError."""
    raw, version = sample
    at = data.draw(st.integers(0, len(raw) - 1))
    flipped = raw[:at] + bytes([data.draw(st.integers(0, 255))]) + raw[at + 1 :]
    only_a_value_or_our_error(flipped, version)


def blocks(bodies, make):
    """Extension blocks that mix unknown types with known types and any body."""
    numbers = st.sampled_from(sorted(bodies)) | st.integers(0, 0xFFFF)
    extension = st.builds(Extension, numbers, st.binary(max_size=60))
    return st.lists(extension, max_size=5).map(tuple).map(make)


HELLO_RETRY = {"random": HELLO_RETRY_REQUEST_RANDOM}


@settings(deadline=None)
@given(
    blocks(CLIENT_HELLO_BODIES, lambda e: client_hello(*e))
    | blocks(SERVER_HELLO_BODIES, lambda e: server_hello(*e))
    | blocks(HELLO_RETRY_REQUEST_BODIES, lambda e: server_hello(*e, **HELLO_RETRY))
    | blocks(NEW_SESSION_TICKET_BODIES, lambda e: NewSessionTicket13(1, 2, b"", b"t", e))
)
def test_any_extension_bodies(message):
    """Whatever is in the extensions, reading the parsed message never fails."""
    only_a_value_or_our_error(message.to_bytes(), TLS13)


@settings(deadline=None)
@given(blocks(ENCRYPTED_EXTENSIONS_BODIES, lambda e: push_list([x.to_bytes() for x in e], 2)))
def test_any_encrypted_extensions(block):
    """Whatever is in EncryptedExtensions, reading the parsed message never fails."""
    only_a_value_or_our_error(framed(H.encrypted_extensions, block), TLS13)


UNKNOWN_EXTENSIONS = st.lists(
    st.builds(Extension, st.integers(1000, 2000), st.binary(max_size=40)),
    max_size=4,
    unique_by=lambda extension: extension.type,
).map(tuple)
UINT16 = st.integers(0, 0xFFFF)
UINT32 = st.integers(0, 0xFFFFFFFF)
MESSAGES = st.one_of(
    st.tuples(
        st.none(),
        st.builds(
            ClientHello,
            UINT16,
            st.binary(min_size=32, max_size=32),
            st.binary(max_size=32),
            st.lists(UINT16, min_size=1, max_size=9).map(tuple),
            UNKNOWN_EXTENSIONS,
            st.binary(min_size=1, max_size=3),
        ),
    ),
    st.tuples(
        st.none(),
        st.builds(
            ServerHello,
            UINT16,
            st.binary(min_size=32, max_size=32),
            st.binary(max_size=32),
            UINT16,
            UNKNOWN_EXTENSIONS,
            st.integers(0, 255),
        ),
    ),
    st.tuples(st.just(TLS12), st.builds(NewSessionTicket12, UINT32, st.binary(max_size=300))),
    st.tuples(
        st.just(TLS13),
        st.builds(
            NewSessionTicket13,
            UINT32,
            UINT32,
            st.binary(max_size=255),
            st.binary(min_size=1, max_size=300),
            UNKNOWN_EXTENSIONS,
        ),
    ),
)


@settings(deadline=None)
@given(MESSAGES)
def test_written_and_read_back(pair):
    """A hello or ticket is read back as the value that was written, byte for byte."""
    version, message = pair
    raw = message.to_bytes()
    assert parse_handshake(raw, version) == message
    assert parse_handshake(raw, version).to_bytes() == raw  # type: ignore[union-attr]  # it is the same class


def test_a_ticket_is_cut_out_of_its_message():
    """`ticket_of` finds what the parser finds, and nothing in a message that is cut short."""
    extension = Extension(ExtensionType.early_data, bytes(4))
    for nonce, ticket in ((b"", b"t"), (bytes(8), b"ticket" * 40), (bytes(255), bytes(65535))):
        raw = NewSessionTicket13(7200, 1, nonce, ticket, (extension,)).to_bytes()
        assert ticket_of(raw) == ticket
        whole = 13 + len(nonce) + 2 + len(ticket)
        assert {ticket_of(raw[:n]) for n in range(max(0, whole - 300), whole)} == {b""}
    assert {ticket_of(bytes(n)) for n in range(20)} == {b""}

"""QUIC's Initial packets: keys of both versions, Retry, frames in any order, nonsense."""

from __future__ import annotations

import random

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from tests.features.capture.packets import START, Frame, ip4, pcap, udp
from tests.features.capture.reading import capture_of, connections_of, outcomes
from tests.features.capture.talks import Talk
from tests.features.capture.test_flows import answer13, hello_of, with_psk
from tlsresume.tls.extensions import PskIdentity
from tlsresume.tls.hkdf import expand_label, extract
from tlsresume.tls.quic_initial import (
    VERSIONS,
    CryptoStream,
    crypto_frames,
    open_initial,
    packets,
)

V1, V2 = 1, 0x6B3343CF
CLIENT, SERVER = ("192.0.2.1", 50000), ("198.51.100.1", 443)


def varint(value: int) -> bytes:
    if value < 64:
        return bytes([value])
    return (
        (value | 0x4000).to_bytes(2, "big")
        if value < 16384
        else (value | 0x80000000).to_bytes(4, "big")
    )


def crypto(offset: int, data: bytes) -> bytes:
    return b"\x06" + varint(offset) + varint(len(data)) + data


def initial(
    sender: str,
    key_id: bytes,
    frames: bytes,
    *,
    version: int = V1,
    number: int = 0,
    destination: bytes | None = None,
    source: bytes = b"",
    token: bytes = b"",
) -> bytes:
    """A protected Initial packet (RFC 9001 section 5)."""
    about = VERSIONS[version]
    secret = expand_label(extract(about.salt, key_id), f"{sender} in".encode(), 32)
    key, iv, hp = (
        expand_label(secret, about.label + name, size)
        for name, size in ((b"key", 16), (b"iv", 12), (b"hp", 16))
    )
    kind = about.kinds.index("initial")
    destination = key_id if destination is None else destination
    head = bytes([0xC1 | kind << 4]) + version.to_bytes(4, "big")
    head += bytes([len(destination)]) + destination + bytes([len(source)]) + source
    head += varint(len(token)) + token + varint(2 + len(frames) + 16)
    header = head + number.to_bytes(2, "big")
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    body = AESGCM(key).encrypt(nonce, frames, header)
    mask = Cipher(algorithms.AES(hp), modes.ECB()).encryptor().update(body[2:18])
    protected = bytes([header[0] ^ mask[0] & 0x0F]) + head[1:]
    return protected + bytes(a ^ b for a, b in zip(header[-2:], mask[1:3], strict=True)) + body


def datagrams(*said: tuple[int, bytes], start: int = START) -> list[Frame]:
    """Who says what: 0 the client, 1 the server."""
    frames = []
    for number, (sender, data) in enumerate(said):
        source, destination = (CLIENT, SERVER) if sender == 0 else (SERVER, CLIENT)
        payload = udp(source[1], destination[1], data)
        frames.append(Frame(start + number * 10**6, ip4(17, source[0], destination[0], payload)))
    return frames


def hellos(offer: bool = True):
    talk = Talk()
    talk.connect("1.3")
    hello = hello_of(talk.frames)
    if offer:
        hello = with_psk(hello, PskIdentity(b"\xfe" * 192, 0x12345678))
    return hello.to_bytes(), answer13(hello, 0 if offer else None).to_bytes()


ID, NEW_ID, SERVER_ID = b"original", b"afterretry", b"server!!"
HELLO, ANSWER = hellos()


def test_keys_of_rfc_9001():
    """The client's Initial secret of RFC 9001 appendix A.1."""
    secret = extract(VERSIONS[V1].salt, bytes.fromhex("8394c8f03e515708"))
    client = expand_label(secret, b"client in", 32)
    assert client.hex() == "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea"
    assert expand_label(client, b"quic key", 16).hex() == "1f369613dd76d5467730efcbe3b1a22d"


def test_both_versions(tmp_path):
    """A handshake in Initial packets of version 1 and 2, also where the server changes it."""
    for first, second in ((V1, V1), (V2, V2), (V1, V2)):
        frames = datagrams(
            (0, initial("client", ID, crypto(0, HELLO) + bytes(300), version=first)),
            (
                1,
                initial(
                    "server",
                    ID,
                    crypto(0, ANSWER),
                    version=second,
                    destination=b"",
                    source=SERVER_ID,
                ),
            ),
        )
        report, lines = capture_of(tmp_path, pcap(frames))
        assert outcomes(lines) == [("psk", "accepted")]
        assert lines[0].software is not None
        assert lines[0].software.startswith("q13-")
        assert [server.transport for server in report.servers] == ["quic"]


def test_crypto_frames_in_any_order_over_packets(tmp_path):
    """Frames scrambled over coalesced packets and datagrams, with padding and pings between."""
    dice = random.Random(9)
    pieces = [(at, HELLO[at : at + 90]) for at in range(0, len(HELLO), 90)]
    dice.shuffle(pieces)
    half = len(pieces) // 2
    parts = [
        b"".join(crypto(*piece) + bytes(dice.randint(0, 9)) + b"\x01" for piece in some)
        for some in (pieces[:half], pieces[half:])
    ]
    first = initial("client", ID, parts[0])
    second = initial("client", ID, parts[1] + crypto(*pieces[0]), number=1)
    answer = initial(
        "server", ID, b"\x02\x00\x00\x00\x00" + crypto(0, ANSWER), destination=b"", source=SERVER_ID
    )
    for said in ([(0, first + second), (1, answer)], [(0, first), (0, second), (1, answer)]):
        found = capture_of(tmp_path, pcap(datagrams(*said)))[1]
        assert outcomes(found) == [("psk", "accepted")]


def test_a_retry_changes_the_keys(tmp_path):
    """After a Retry the keys come from the server's choice, also where the Retry was not seen."""
    kind = VERSIONS[V1].kinds.index("retry")
    retry = (
        bytes([0xC0 | kind << 4])
        + V1.to_bytes(4, "big")
        + b"\0"
        + bytes([len(NEW_ID)])
        + NEW_ID
        + b"token"
        + bytes(16)
    )
    said = [
        (0, initial("client", ID, crypto(0, HELLO[:500]))),
        (1, retry),
        (0, initial("client", NEW_ID, crypto(0, HELLO), token=b"token", number=1)),
        (1, initial("server", NEW_ID, crypto(0, ANSWER), destination=b"", source=SERVER_ID)),
    ]
    for seen in (said, [said[0], *said[2:]]):
        found = capture_of(tmp_path, pcap(datagrams(*seen)))[1]
        assert outcomes(found) == [("psk", "accepted")]


def test_what_comes_again_counts_once(tmp_path):
    """Datagrams sent again, before and after the answer, make no second connection; a new
    connection from the same port does."""
    first = (0, initial("client", ID, crypto(0, HELLO)))
    answer = (1, initial("server", ID, crypto(0, ANSWER), destination=b"", source=SERVER_ID))
    acknowledged = (0, initial("client", ID, b"\x02\0\0\0\0", destination=SERVER_ID, number=2))
    said = [first, first, answer, first, answer, acknowledged]
    assert len(capture_of(tmp_path, pcap(datagrams(*said)))[1]) == 1
    again = (0, initial("client", NEW_ID, crypto(0, HELLO)))
    assert len(capture_of(tmp_path, pcap(datagrams(*said, again)))[1]) == 2


def test_one_name_over_both_transports_is_two_entries(tmp_path):
    """TCP and QUIC of one name are counted apart."""
    talk = Talk()
    talk.connect("1.3")
    frames = datagrams((0, initial("client", ID, crypto(0, HELLO))))
    report, _ = capture_of(tmp_path, pcap(talk.frames + frames))
    assert {(server.server, server.transport) for server in report.servers} == {
        ("localhost", "tcp"),
        ("localhost", "quic"),
    }


def test_quic_flows_are_bounded():
    """Connections that get no answer do not stay for ever."""
    from tlsresume.features.capture.engine import Limits

    frames = []
    for port in range(100):
        data = udp(10_000 + port, 443, initial("client", ID, crypto(0, HELLO)))
        frames.append(Frame(START + port, ip4(17, "192.0.2.1", "198.51.100.1", data)))
    assert len(connections_of(frames, limits=Limits(quic_flows=10))) == 100


@given(st.binary(max_size=200))
def test_any_datagram(data):
    """Any bytes behind a long header give packets or nothing, and never an error."""
    for head in (b"\xc0\0\0\0\x01", b"\xd0\x6b\x33\x43\xcf", b""):
        for packet in packets(head + data):
            assert open_initial(packet, b"x", "client") is None
    list(crypto_frames(data))


@given(st.binary(min_size=1, max_size=300), st.randoms(use_true_random=False))
def test_a_crypto_stream_is_put_together(data, dice):
    """Frames that overlap, repeat and come in any order give the bytes in order."""
    pieces, at = [], 0
    while at < len(data):
        end = min(len(data), at + dice.randint(1, 30))
        pieces.append((max(0, at - dice.randint(0, 5)), end))
        at = end
    dice.shuffle(pieces)
    stream = CryptoStream()
    assert b"".join(stream.take(begin, data[begin:end]) for begin, end in pieces) == data

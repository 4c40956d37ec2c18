"""What a connection shows, whatever is around it: every trap is a wrong answer first."""

from __future__ import annotations

import gzip
import os
import struct
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.features.capture.packets import START, Conversation, Frame, ip4, pcap, pcapng, udp
from tests.features.capture.reading import (
    capture_of,
    connections_of,
    outcomes,
    report_of,
    server_of,
)
from tests.features.capture.talks import Talk
from tests.helpers.pair import Peer
from tlsresume.features.capture.engine import Engine, Limits
from tlsresume.features.capture.render_text import render
from tlsresume.features.capture.run import read_key_log
from tlsresume.features.capture.tcp import MOST_HELD, Stream
from tlsresume.formats.page import View
from tlsresume.tls.extensions import Extension, PskIdentity
from tlsresume.tls.key_log import KeyLog
from tlsresume.tls.messages import ClientHello, ServerHello

FULL, NONE = "not-offered", None


def lines_of(folder, talk_or_frames, **options):
    frames = getattr(talk_or_frames, "frames", talk_or_frames)
    return capture_of(folder, pcap(frames), **options)[1]


# ------------------------------------------------------------------- mechanisms


def test_each_mechanism_is_told(tmp_path):
    """Tickets, session IDs and PSKs, accepted and refused, as the client itself saw them."""
    cases: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("1.2", {}, "ticket"),
        ("1.2", {"tickets": False}, "session-id"),
        ("1.3", {}, "psk"),
        ("1.3", {"stateful": True}, "psk"),
    )
    for version, knobs, mechanism in cases:
        for honoured in (True, False):
            talk = Talk(**knobs)
            session = talk.connect(version).sessions[-1]
            other = None if honoured else Peer(**knobs)
            client = talk.connect(version, session, peer=other)
            assert client.session_reused is honoured
            outcome = "accepted" if honoured else "refused"
            found = outcomes(lines_of(tmp_path, talk))
            assert found == [(NONE, FULL), (mechanism, outcome)], (version, knobs)


def test_both_rates_are_as_defined(tmp_path):
    """The rates are accepted / offered and accepted / (handshakes - unknown)."""
    talk = Talk()
    first = talk.connect("1.3")
    talk.connect("1.3", first.sessions[0])
    talk.connect("1.3", first.sessions[1])
    talk.connect("1.3", Peer().connect(_config()).sessions[0])
    server = server_of(tmp_path, talk.frames)
    assert (server.offered, server.accepted, server.refused) == (3, 2, 1)
    assert server.acceptance_rate == 2 / 3
    assert server.resumption_rate == 2 / 4
    assert sum(each.handshakes for each in server.rates) == 4
    assert sum(each.accepted for each in server.rates) == 2


def _config():
    from tests.helpers.pair import config_for

    return config_for("1.3")


def test_hello_retry_request(tmp_path):
    """Around a HelloRetryRequest the second ClientHello counts."""
    talk = Talk(group="secp384r1")
    assert talk.twice("1.3").session_reused
    lines = lines_of(tmp_path, talk)
    assert outcomes(lines) == [(NONE, FULL), ("psk", "accepted")]
    assert all(line.hello_retry for line in lines)


def test_a_session_id_of_a_client_that_allows_1_3_is_no_offer(tmp_path):
    """The ID that such a client sends at random is not offered, one that was issued is."""
    from tlsresume.tls.registry import ProtocolVersion

    talk = Talk(versions=("1.2",), tickets=False)
    both = {"minimum": ProtocolVersion.TLSv1_2}
    first = talk.connect("1.3", config=both)
    assert talk.connect("1.3", first.sessions[-1], config=both).session_reused
    talk.connect(
        "1.3", first.sessions[-1], config=both, peer=Peer(versions=("1.2",), tickets=False)
    )
    found = outcomes(lines_of(tmp_path, talk))
    assert found == [(NONE, FULL), ("session-id", "accepted"), ("session-id", "refused")]


# ------------------------------------------------------------------ before TLS


def test_tls_after_starttls(tmp_path):
    """Dialogues in clear come before TLS, on any port, one that names TLS bytes too."""
    smtp = [
        (1, b"220 mail ESMTP\r\n"), (0, b"EHLO me\r\n"), (1, b"250-mail\r\n250 STARTTLS\r\n"),
        (0, b"STARTTLS\r\n"), (1, b"220 go ahead\r\n"),
    ]  # fmt: skip
    postgres = [(0, b"\x00\x00\x00\x08\x04\xd2\x16\x2f"), (1, b"S")]
    connect = [(0, b"CONNECT x:443 HTTP/1.1\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\n\r\n")]
    odd = [(0, b"\x16\x03 is how TLS begins\r\n"), (1, b"\x16\x03\x03\x00\x01\x02 no\r\n")]
    for prelude in (smtp, postgres, connect, odd):
        for version, mechanism in (("1.2", "ticket"), ("1.3", "psk")):
            talk = Talk()
            talk.twice(version, prelude=prelude, server=("198.51.100.1", 2525))
            found = outcomes(lines_of(tmp_path, talk))
            assert found == [(NONE, FULL), (mechanism, "accepted")], prelude


def test_a_proxy_header_names_the_client(tmp_path):
    """The client is who the PROXY header says, versions 1 and 2, IPv4 and IPv6."""
    packed4 = ip_address("203.0.113.9").packed + ip_address("10.0.0.1").packed
    packed6 = ip_address("2001:db8::9").packed + ip_address("::1").packed
    ports = struct.pack("!HH", 5555, 443)
    signature = b"\r\n\r\n\0\r\nQUIT\n"
    headers = {
        b"PROXY TCP4 203.0.113.9 10.0.0.1 5555 443\r\n": "203.0.113.9",
        b"PROXY TCP6 2001:db8::9 ::1 5555 443\r\n": "2001:db8::9",
        b"PROXY UNKNOWN\r\n": "192.0.2.1",
        b"PROXY TCP4 nonsense 10.0.0.1 5555 99999999\r\n": "192.0.2.1",
        signature + b"\x21\x11" + struct.pack("!H", 12) + packed4 + ports: "203.0.113.9",
        signature + b"\x21\x21" + struct.pack("!H", 39) + packed6 + ports + b"\x04\0\0": (
            "2001:db8::9"
        ),
        signature + b"\x20\x00\x00\x00": "192.0.2.1",
    }
    for header, client in headers.items():
        talk = Talk()
        talk.twice("1.3", prelude=[(0, header)])
        lines = lines_of(tmp_path, talk)
        assert outcomes(lines) == [(NONE, FULL), ("psk", "accepted")], header
        assert {line.client for line in lines} == {client}, header


def test_the_tls_client_may_be_who_accepted_the_connection(tmp_path):
    """In FTP's active mode the server opens the connection, and is the TLS server all the same."""
    talk = Talk()
    talk.twice("1.3")
    swapped = Conversation(client=("198.51.100.1", 20), server=("192.0.2.1", 40000)).open()
    for frame in talk.frames[3:]:
        data = frame.data[40:]
        if frame.time < talk.frames[0].time + 10**9 and data:
            swapped.say(1 if frame.data[12:16] == b"\xc0\x00\x02\x01" else 0, data)
    (line,) = lines_of(tmp_path, swapped.close().frames)
    assert (line.client, line.address) == ("192.0.2.1", "198.51.100.1:20")


# -------------------------------------------------------------------------- TCP


def test_segments_of_every_size(tmp_path):
    """Hellos split over segments of a few bytes are read, from both sides."""
    for size in (1, 3, 100):
        talk = Talk()
        talk.twice("1.2", size=size)
        assert outcomes(lines_of(tmp_path, talk)) == [(NONE, FULL), ("ticket", "accepted")], size


def test_sequence_numbers_wrap(tmp_path):
    """The wrap of sequence numbers inside the hello changes nothing."""
    talk = Talk()
    wraps = {"sequences": [2**32 - 50, 2**32 - 20]}
    first = talk.connect("1.3", sequences=list(wraps["sequences"]))
    talk.connect("1.3", first.sessions[0], sequences=list(wraps["sequences"]))
    assert outcomes(lines_of(tmp_path, talk)) == [(NONE, FULL), ("psk", "accepted")]


def test_four_addresses_come_again(tmp_path):
    """A new SYN of the same addresses and ports is a new connection, at any number."""
    talk = Talk()
    client = ("192.0.2.1", 50000)
    first = talk.connect("1.3", client=client)
    for number in (1000, 77_777):
        talk.connect("1.3", first.sessions[0], client=client, sequences=[number, 9])
    assert len(lines_of(tmp_path, talk)) == 3


def test_a_capture_that_begins_inside_a_connection(tmp_path):
    """Without SYN a connection begins at its ClientHello; later parts of one are passed over."""
    talk = Talk()
    talk.twice("1.3")
    assert outcomes(lines_of(tmp_path, talk.frames[3:])) == [(NONE, FULL), ("psk", "accepted")]
    data = [frame for frame in talk.frames if len(frame.data) > 40]
    for start in range(1, 5):
        found = outcomes(lines_of(tmp_path, data[start:]))
        assert found[-1] == ("psk", "accepted")
        assert found[:-1] in ([], [(NONE, "unknown")])


@given(
    data=st.binary(min_size=1, max_size=400),
    start=st.integers(0, 2**32 - 1),
    dice=st.randoms(use_true_random=False),
)
def test_a_stream_is_put_together(data, start, dice):
    """Segments that overlap, repeat and come in any order give the bytes in order."""
    pieces = []
    at = 0
    while at < len(data):
        end = min(len(data), at + dice.randint(1, 40))
        pieces.append((max(0, at - dice.randint(0, 10)), end))
        at = end
    pieces += [dice.choice(pieces) for _ in range(3)]
    dice.shuffle(pieces)
    stream = Stream()
    stream.start(start)
    got = b"".join(
        stream.add((start + begin) & 0xFFFFFFFF, data[begin:end]) for begin, end in pieces
    )
    assert got == data
    assert not stream.broken


def test_a_gap_that_is_never_filled_is_given_up():
    """Behind a gap a bounded number of bytes waits."""
    stream = Stream()
    stream.start(0)
    for number in range(1, 200):
        assert stream.add(number * 1000, bytes(1000)) == b""
        assert stream.held_bytes <= MOST_HELD + 1000
    assert stream.broken


def test_a_cut_segment_ends_its_direction():
    """What comes behind a segment that was cut is not joined to it."""
    stream = Stream()
    stream.start(0)
    assert stream.add(0, b"abc", cut=True) == b"abc"
    assert stream.add(3, b"def") == b""
    assert stream.broken


# ----------------------------------------------------------------------- bounds


def test_too_many_flows_give_up_the_oldest():
    """Connections that never end do not fill memory; what was seen of them counts."""
    talk = Talk()
    talk.connect("1.2")
    hello = next(frame.data[40:] for frame in talk.frames if frame.data[40:41] == b"\x16")
    frames: list[Frame] = []
    for port in range(1000, 1300):
        conversation = Conversation(client=("192.0.2.7", port)).open()
        conversation.say(0, hello)
        frames += conversation.frames
    found = connections_of(frames, limits=Limits(flows=100))
    assert len(found) == 300
    assert all(each.facts.hello is not None for each in found)


def test_one_connection_on_two_interfaces_counts_once(tmp_path):
    """Address translation inside the machine shows a connection twice: it counts as one."""
    talk = Talk()
    talk.twice("1.3")

    def translated(frame: Frame) -> Frame:
        data = frame.data.replace(b"\xc6\x33\x64\x01", b"\x0a\x00\x00\x07", 1)
        return Frame(frame.time + 20_000, data)

    both = sorted([*talk.frames, *map(translated, talk.frames)], key=lambda frame: frame.time)
    report, lines = capture_of(tmp_path, pcap(both))
    assert outcomes(lines) == [(NONE, FULL), ("psk", "accepted")]
    assert report.servers[0].findings == ()
    assert any("2 connections captured twice" in note for note in report.notes)


def test_hellos_that_are_kept_are_bounded():
    """Long hellos without an answer are given up when there are too many bytes of them."""
    frames: list[Frame] = []
    padding = Extension(21, bytes(20_000))
    body = ClientHello(0x0303, bytes(32), b"", (0xC02F,), (padding,)).to_bytes()
    records = b"".join(
        b"\x16\x03\x01" + len(body[at : at + 9000]).to_bytes(2, "big") + body[at : at + 9000]
        for at in range(0, len(body), 9000)
    )
    for port in range(1000, 1100):
        conversation = Conversation(client=("192.0.2.7", port)).open()
        conversation.say(0, records)
        frames += conversation.frames
    kept = 0

    class Watching(Engine):
        def segment(self, *args, **named):
            nonlocal kept
            super().segment(*args, **named)
            kept = max(kept, len(self._flows))

    found: list[object] = []
    engine = Watching(found.append, KeyLog(), Limits(waiting_bytes=200_000))
    engine.feed(
        (frame.time, 0, n, 101, frame.data, 0, len(frame.data)) for n, frame in enumerate(frames)
    )
    engine.finish()
    assert len(found) == 100
    assert kept <= 12


def test_waiting_bytes_are_bounded():
    """Many half records together keep no more than the limit."""
    frames: list[Frame] = []
    for port in range(1000, 1100):
        conversation = Conversation(client=("192.0.2.7", port)).open()
        conversation.say(0, b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03" + bytes(10_000))
        frames += conversation.frames
    found = connections_of(frames, limits=Limits(waiting_bytes=200_000))
    assert len(found) == 100


# --------------------------------------------------------------- what may be hidden


def hello_of(frames: list[Frame]) -> ClientHello:
    """The first ClientHello in frames."""
    hello = connections_of(frames)[0].facts.hello
    assert hello is not None
    return hello


def spoken(hello: ClientHello, answer: ServerHello, **parts) -> list[Frame]:
    """A conversation of just these two messages."""
    conversation = Conversation(**parts).open()
    for sender, message in ((0, hello.to_bytes()), (1, answer.to_bytes())):
        conversation.say(sender, b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message)
    return conversation.close().frames


def answer13(hello: ClientHello, selected: int | None = None, version: bytes = b"\x03\x04"):
    extensions = [Extension(43, version), Extension(51, b"\x00\x1d\x00\x20" + bytes(32))]
    if selected is not None:
        extensions.append(Extension(41, selected.to_bytes(2, "big")))
    return ServerHello(0x0303, bytes(31) + b"\1", hello.session_id, 0x1301, tuple(extensions))


def with_psk(hello: ClientHello, *psks: PskIdentity) -> ClientHello:
    identities = b"".join(
        struct.pack("!H", len(psk.identity))
        + psk.identity
        + psk.obfuscated_ticket_age.to_bytes(4, "big")
        for psk in psks
    )
    binders = b"".join(b"\x20" + bytes(32) for _ in psks)
    body = struct.pack("!H", len(identities)) + identities
    body += struct.pack("!H", len(binders)) + binders
    others = tuple(each for each in hello.extensions if each.type != 41)
    return replace(hello, extensions=(*others, Extension(41, body)))


@pytest.fixture(scope="module")
def hello() -> ClientHello:
    talk = Talk()
    talk.connect("1.3")
    return hello_of(talk.frames)


def test_external_psks_are_no_offers(hello, tmp_path):
    """A PSK that no ticket gave is counted apart, chosen or not."""
    imported = b"\0\x04name\0\0\x03\x04\0\x01"
    for identity in (
        b"device-17@example.com and a long name that people can read",
        b"k1",
        imported,
    ):
        asked = with_psk(hello, PskIdentity(identity, 0))
        for selected in (None, 0):
            server = server_of(tmp_path, spoken(asked, answer13(asked, selected)))
            assert (server.offered, server.accepted, server.external_psk) == (0, 0, 1), identity
            assert server.unknown == 0
    told = render(report_of(tmp_path, spoken(asked, answer13(asked, 0))), View())
    assert "  ext. PSK    1 connection\n" in told
    ticket = with_psk(hello, PskIdentity(b"\xfe" * 192, 0x12345678))
    server = server_of(tmp_path, spoken(ticket, answer13(ticket, 0)))
    assert (server.offered, server.accepted, server.external_psk) == (1, 1, 0)


def test_encrypted_client_hello_is_unknown(hello, tmp_path):
    """What the outer ClientHello offers is no offer, unless the server took the outer one."""
    asked = with_psk(hello, PskIdentity(b"\xfe" * 192, 0x12345678))
    hidden = replace(asked, extensions=(Extension(0xFE0D, b"\0" * 20), *asked.extensions))
    server = server_of(tmp_path, spoken(hidden, answer13(hidden)))
    assert (server.offered, server.refused, server.unknown, server.encrypted_hello) == (0, 0, 1, 1)
    assert server.key_names == ()
    assert server.resumption_rate is None
    old = ServerHello(0x0303, bytes(32), b"", 0xC02F, ())
    server = server_of(tmp_path, spoken(hidden, old))
    assert (server.unknown, server.refused) == (0, 1)


def test_drafts_of_1_3_are_1_3(hello, tmp_path):
    """Draft numbers in supported_versions, and the ServerHello of old drafts."""
    asked = with_psk(hello, PskIdentity(b"\xfe" * 192, 0x12345678))
    for version in (b"\x7f\x1c", b"\xfb\x1a"):
        server = server_of(tmp_path, spoken(asked, answer13(asked, 0, version)))
        assert server.tls_versions == {"TLSv1.3": 1}
        assert server.accepted == 1
    conversation = Conversation().open()
    body = b"\x7f\x12" + bytes(32) + b"\x13\x01" + b"\x00\x06\x00\x29\x00\x02\x00\x00"
    for sender, message in (
        (0, asked.to_bytes()),
        (1, b"\x02" + len(body).to_bytes(3, "big") + body),
    ):
        conversation.say(sender, b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message)
    server = server_of(tmp_path, conversation.frames)
    assert (server.tls_versions, server.accepted) == ({"TLSv1.3": 1}, 1)


def test_early_data(tmp_path):
    """Early data comes before the ServerHello; its fate is known with keys, and on a refusal."""
    keys = tmp_path / "keys.txt"
    with_keys = KeyLog()
    for honoured in (True, False):
        talk = Talk(early_data=16384, honoured=honoured)
        first = talk.connect("1.3", config={"keylogfile": str(keys)})
        session = first.sessions[0]
        config = {"early_data": b"GET / HTTP/1.0\r\n\r\n", "keylogfile": str(keys)}
        client = talk.connect("1.3", session, config=config)
        assert client.session_reused is honoured
        blind = lines_of(tmp_path, talk)[1]
        assert (blind.offered, blind.outcome) == ("psk", "accepted" if honoured else "refused")
        assert blind.early_data == ("offered" if honoured else "rejected")
        with_keys.add(keys.read_bytes().splitlines())
        seeing = lines_of(tmp_path, talk, key_log=with_keys)[1]
        assert seeing.early_data == ("accepted" if honoured else "rejected")


def test_a_key_log_shows_tickets(tmp_path):
    """With a key log, beside the file or inside it, tickets of TLS 1.3 and lifetimes are seen."""
    keys = tmp_path / "keys.txt"
    talk = Talk(lifetime=900)
    talk.twice("1.3", config={"keylogfile": str(keys)})
    assert [line.tickets_issued for line in lines_of(tmp_path, talk)] == [0, 0]
    log = KeyLog()
    nonsense = [b"# a comment", b"", b"CLIENT_RANDOM 00", b"SERVER_TRAFFIC_SECRET_0 zz zz", b"\xff"]
    log.add([*nonsense, *keys.read_bytes().splitlines()])
    for data, options in (
        (pcap(talk.frames), {"key_log": log}),
        (pcapng(talk.frames, secrets=keys.read_bytes()), {}),
    ):
        report, lines = capture_of(tmp_path, data, **options)
        assert [line.tickets_issued for line in lines] == [2, 1]
        assert lines[1].lifetime == 900
        assert report.servers[0].ticket_lifetimes == (900,)
        (name,) = report.servers[0].key_names
        assert (name.issued, name.offered, name.accepted) == (3, 1, 1)


def test_key_logs_in_every_form(tmp_path):
    """What an editor, a shell or gzip made of a key log, and words behind its secrets, are read;
    a pipe too."""
    keys = tmp_path / "keys.txt"
    Talk().twice("1.3", config={"keylogfile": str(keys)})
    data = keys.read_bytes()
    only = b"".join(line + b"\n" for line in data.splitlines() if line.startswith(b"SERVER_"))
    forms = {
        "plain": only,
        "byte order mark": b"\xef\xbb\xbf" + only,
        "CRLF": only.replace(b"\n", b"\r\n"),
        "UTF-16": only.decode().encode("utf-16"),
        "UTF-16, big": b"\xfe\xff" + only.decode().encode("utf-16-be"),
        "gzip": gzip.compress(only),
        "remarks": only.replace(b"\n", b" # mine\n"),
        "long lines": b"x" * 10_000 + b"\n" + only,
        "no end": only.rstrip(b"\n"),
    }
    for name, form in forms.items():
        keys.write_bytes(form)
        log = KeyLog()
        assert read_key_log(str(keys), log) == len(only.splitlines()), name
        assert len(log) == 2, name
    reading, writing = os.pipe()
    os.write(writing, only)
    os.close(writing)
    try:
        assert read_key_log(f"/dev/fd/{reading}", KeyLog()) == len(only.splitlines())
    finally:
        os.close(reading)


# ------------------------------------------------------------------------- QUIC


def test_random_datagrams_are_no_quic():
    """Datagrams that look like QUIC and are not make no connection."""
    frames = [
        Frame(START + n, ip4(17, "192.0.2.1", "198.51.100.1", udp(4000 + n, 443, data)))
        for n, data in enumerate(
            (b"\xc0\0\0\0\x01" + bytes(1200), b"\xc3\0\0\0\x01\x08" + b"a" * 1200, b"\x40" * 30)
        )
    ]
    assert connections_of(frames) == []

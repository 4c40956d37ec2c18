"""transports/quic: one connection, its sessions, and whatever a peer or a path does to it."""

from __future__ import annotations

import contextlib
import random

import msgspec
import pytest
from aioquic.buffer import Buffer  # type: ignore[attr-defined]  # it is public by its docs
from aioquic.quic.packet import encode_quic_retry, pull_quic_header
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.quic_pair import QUICPair
from tlsresume.errors import SessionError
from tlsresume.sessions import quic_state
from tlsresume.sessions.session import Session
from tlsresume.tls.quic_initial import (
    CryptoStream,
    Sender,
    crypto_frames,
    open_initial,
    packets,
)
from tlsresume.tls.registry import HandshakeType
from tlsresume.tls.transcript import Role
from tlsresume.transports.config import Trust

pytestmark = pytest.mark.slow


def test_full_then_resumed(tmp_path):
    """A ticket of one connection resumes the next, by aioquic's word and on the wire."""
    pair = QUICPair()
    config = pair.config(tmp_path)
    full = pair.run(config)
    assert full.failure is None
    assert (full.session_reused, full.transcript.accepted) == (False, False)
    assert bytes(full.data).startswith(b"HTTP/3 204\r\n")
    assert (full.alpn, full.facts.version, full.verify_result) == ("h3", 1, 0)
    assert full.transcript.leaf_certificate is not None
    (session,) = full.sessions
    resumed = pair.run(config, session)
    assert resumed.failure is None
    assert (resumed.session_reused, resumed.transcript.accepted) == (True, True)
    assert resumed.transcript.offered_form(None, session.fields.ticket) == "psk"
    assert not resumed.transcript.certificate_seen
    assert not resumed.transcript.early_data_offered
    # The certificate goes on with the session.
    assert resumed.sessions[0].fields.peer == full.transcript.leaf_certificate


def test_other_tickets_are_declined(tmp_path):
    """A server without the ticket's key makes a full handshake, and that is seen."""
    pair = QUICPair()
    session = pair.run(pair.config(tmp_path)).sessions[0]
    other = QUICPair().run(pair.config(tmp_path), session)
    assert (other.session_reused, other.transcript.accepted) == (False, False)
    assert other.transcript.certificate_seen


def test_certificate(tmp_path):
    """An unknown issuer and a wrong name are results; with verify they end the connection."""
    pair = QUICPair()
    for parts, code in (({"trust": Trust()}, 20), ({"verify_name": "other.test"}, 62)):
        lenient = pair.run(pair.config(tmp_path, verify=False, **parts))
        assert (lenient.failure, lenient.verify_result) == (None, code)
        strict = pair.run(pair.config(tmp_path, **parts))
        assert strict.failure is not None
        assert strict.failure.kind == "verify"


def test_what_aioquic_tells_is_what_was_on_the_wire(tmp_path):
    """ClientHello and ServerHello are, byte for byte, what anybody reads in the Initial packets
    (RFC 9001 section 5.2), with a session and without."""
    pair = QUICPair()
    config = pair.config(tmp_path)
    session = None
    for _ in range(2):
        passed: list[tuple[Sender, bytes]] = []

        def path(sender, _number, datagram, passed=passed):
            passed.append((sender, datagram))
            return [datagram]

        client = pair.run(config, session, path=path)
        told = {
            entry.sender.value: entry.raw
            for entry in reversed(client.transcript.entries)
            if entry.handshake_type in (HandshakeType.client_hello, HandshakeType.server_hello)
        }
        assert told == hellos_of(passed)
        assert client.transcript.accepted is (session is not None)
        session = client.sessions[-1]


def hellos_of(passed: list[tuple[Sender, bytes]]) -> dict[str, bytes]:
    """The first handshake message of each side, out of its Initial packets."""
    destination = next(packets(passed[0][1])).destination
    found: dict[str, bytes] = {}
    for sender in ("client", "server"):
        stream, data = CryptoStream(), b""
        for _, datagram in (each for each in passed if each[0] == sender):
            for packet in packets(datagram):
                frames = open_initial(packet, destination, sender)
                for offset, piece in crypto_frames(frames or b""):
                    data += stream.take(offset, piece)
        found[sender] = data[: 4 + int.from_bytes(data[1:4], "big")]
    return found


def test_alert_of_the_server(tmp_path):
    """A server without our protocol ends the connection with an alert, which is recorded."""
    pair = QUICPair(settings={"alpn_protocols": ["other"]})
    client = pair.run(pair.config(tmp_path))
    assert client.failure is not None
    assert client.failure.kind == "alert"
    # no_application_protocol; aioquic's older servers say handshake_failure.
    assert client.failure.alert in (120, 40)
    assert [entry.sender for entry, _ in client.transcript.alerts] == [Role.SERVER]


def test_lost_and_shuffled_datagrams(tmp_path):
    """Loss, repetition and reordering cost time, and change no result."""
    for seed in range(6):
        chance = random.Random(seed)
        held: list[bytes] = []

        def path(_sender, _number, datagram, chance=chance, held=held):
            lot = chance.random()
            if lot < 0.2:
                return []
            if lot < 0.3:
                held.append(datagram)
                return []
            arrived = [datagram, *([datagram] if lot < 0.4 else [])]
            return [*arrived, *(held.pop() for _ in held[:1] if lot > 0.6)]

        pair = QUICPair()
        config = pair.config(tmp_path)
        full = pair.run(config, path=path, seconds=60)
        assert (seed, full.failure, full.established) == (seed, None, True)
    assert pair.run(config, path=lambda s, n, d: [d] if n > 1 else []).facts.retransmissions > 0


def test_silence_and_garbage(tmp_path):
    """Neither silence nor garbage is a refusal: nothing was understood, and nothing raised."""
    pair = QUICPair()
    config = pair.config(tmp_path)
    silent = pair.run(config, path=lambda s, n, d: [d] if s == "client" else [], seconds=3)
    assert (silent.received, silent.understood, silent.failure) == (0, False, None)
    assert silent.facts.retransmissions > 1

    def answering(junk):
        return lambda sender, _number, datagram: [datagram if sender == "client" else junk]

    for junk in (
        b"",
        b"\x00",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff" * 1400,
        b"\xc0" + bytes(40),
    ):
        odd = pair.run(config, path=answering(junk), seconds=3)
        assert not odd.understood
        assert not odd.established


def test_other_versions_only(tmp_path):
    """A server that speaks none of our QUIC versions is said to, with its versions."""
    pair = QUICPair()

    class Negotiating:
        timer = None

        def __init__(self):
            self.answer: list[bytes] = []

        def receive(self, datagram, _now):
            ours, theirs = datagram[6 : 6 + datagram[5]], datagram[7 + datagram[5] :]
            theirs = theirs[: datagram[6 + datagram[5]]]
            head = b"\xc0" + bytes(4) + bytes([len(theirs)]) + theirs + bytes([len(ours)]) + ours
            self.answer = [head + bytes.fromhex("0a0a0a0a0f0f0f0f")]

        def datagrams(self, _now):
            answer, self.answer = self.answer, []
            return answer

    client = pair.run(pair.config(tmp_path), server=Negotiating())
    assert client.failure is not None
    assert client.failure.kind == "not-tls"
    assert "0x0a0a0a0a" in client.failure.message


def test_record(tmp_path):
    """A session survives its bytes; what was offered from them resumes, and shows no secret."""
    pair = QUICPair()
    config = pair.config(tmp_path)
    session = pair.run(config).sessions[0]
    again = Session("quic", bytes(session.data))
    assert again.fields == session.fields
    assert again.mechanism == "psk"
    assert session.fields.master_key.hex() not in repr(quic_state.decode(session.data))
    assert pair.run(config, again).session_reused
    late = session.fields.time + session.fields.timeout
    assert again.usable(late + 2)[0] is False
    assert again.with_lifetime(10**7).usable(late + 2)[0] is True


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99}, {"secret": "xy"}, {"ticket": "a"}, {"issued": 1e300}, {"issued": -1.0},
        {"cipher_suite": -1}, {"lifetime": 2**32}, {"age_add": "7"}, {"extensions": [[1]]},
    ],
)  # fmt: skip
def test_damaged_records(tmp_path, change):
    """A record with a wrong value is refused in words."""
    good = msgspec.json.decode(quic_state.encode(example()))
    with pytest.raises(SessionError):
        quic_state.decode(msgspec.json.encode(good | change))


def example():
    return quic_state.QUICState(
        quic_version=1, cipher_suite=0x1302, secret="00" * 48, ticket="11" * 64, issued=1.8e9,
        lifetime=3600, age_add=5,
    )  # fmt: skip


@given(st.binary(max_size=200))
def test_any_record(data):
    """Any bytes are a record or a SessionError."""
    with contextlib.suppress(SessionError):
        quic_state.decode(data)


class RetriesForEver:
    """A server that answers each Initial with a Retry of its own (RFC 9000 section 17.2.5)."""

    timer = None

    def __init__(self) -> None:
        self.answers: list[bytes] = []

    def receive(self, datagram: bytes, _now: float) -> None:
        header = pull_quic_header(Buffer(data=datagram), host_cid_length=8)
        self.answers.append(
            encode_quic_retry(
                version=header.version or 1,
                source_cid=bytes([len(self.answers) % 256]) * 8,
                destination_cid=header.source_cid,
                original_destination_cid=header.destination_cid,
                retry_token=b"again",
            )
        )

    def datagrams(self, _now: float) -> list[bytes]:
        answers, self.answers = self.answers, []
        return answers

    def on_timer(self, _now: float) -> None:
        raise AssertionError("it has no timer")


def test_a_retry_without_end(tmp_path):
    """The first Retry is followed and the others are not (RFC 9000 section 17.2.5.2): the
    connection stays undone, without a loop."""
    pair = QUICPair()
    client = pair.run(pair.config(tmp_path), server=RetriesForEver(), seconds=5.0)
    assert (client.established, client.facts.retries) == (False, 1)
    assert client.understood
    assert client.sent < 40_000


def test_a_stateless_reset_ends_nothing_that_it_does_not_know(tmp_path):
    """Datagrams that look like a stateless reset (RFC 9000 section 10.3), oversized ones and
    truncated ones between the server's change nothing."""
    pair = QUICPair()
    chance = random.Random(7)

    def path(sender: str, _number: int, datagram: bytes) -> list[bytes]:
        if sender == "client":
            return [datagram]
        reset = bytes([0x40 | chance.randrange(64)]) + chance.randbytes(60)
        return [reset, datagram[: len(datagram) // 2], chance.randbytes(65_000), datagram]

    client = pair.run(pair.config(tmp_path), path=path)
    assert client.failure is None
    assert client.established
    assert bytes(client.data).startswith(b"HTTP/3 204\r\n")

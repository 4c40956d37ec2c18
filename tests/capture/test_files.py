"""Capture files of every kind say the same, and what is wrong with one is said."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture.packets import (
    LINKS,
    START,
    Conversation,
    Frame,
    block,
    enhanced,
    interface,
    ip4,
    pcap,
    pcapng,
    section,
    shifted,
)
from tests.capture.reading import capture_of, outcomes, report_of, write
from tests.capture.talks import Talk
from tlsresume.errors import CaptureFileError
from tlsresume.features.capture.clients import ClientNames
from tlsresume.features.capture.merge import Ordered, newest_time, open_captures
from tlsresume.features.capture.run import Capture, CaptureOptions
from tlsresume.wire.key_log import KeyLog


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """A full and a resumed connection of each version."""
    talk = Talk()
    talk.twice("1.2")
    talk.twice("1.3")
    return talk.frames


WANTED = [(None, "not-offered"), ("ticket", "accepted"), (None, "not-offered"), ("psk", "accepted")]


def test_every_format_says_the_same(frames, tmp_path):
    """Byte order, resolution, format and gzip change nothing."""
    files = {
        "pcap": pcap(frames),
        "big endian": pcap(frames, order=">"),
        "nanoseconds": pcap(frames, nanoseconds=True),
        "nanoseconds, big endian": pcap(frames, order=">", nanoseconds=True),
        "pcapng": pcapng(frames),
        "pcapng, big endian": pcapng(frames, order=">"),
        "pcapng, nanoseconds": pcapng(frames, resolution=9),
        "pcapng, binary ticks": pcapng(frames, resolution=0x80 | 20),
        "gzip": gzip.compress(pcap(frames)),
        "gzip, members": gzip.compress(pcap(frames)[:500]) + gzip.compress(pcap(frames)[500:]),
        "gzip of pcapng": gzip.compress(pcapng(frames)),
    }
    for name, data in files.items():
        report, lines = capture_of(tmp_path, data)
        assert outcomes(lines) == WANTED, name
        (server,) = report.servers
        assert (server.offered, server.accepted, server.connections) == (2, 2, 4), name
        assert report.files[0].packets == len(frames), name
        assert lines[0].time.startswith("2026-05-28T20:26:40.00"), name


def test_every_link_says_the_same(frames, tmp_path):
    """Link types and tunnels change nothing, and packet numbers are those of the file."""
    plain = capture_of(tmp_path, pcap(frames, "raw"))[1]
    for link in LINKS:
        assert capture_of(tmp_path, pcap(frames, link))[1] == plain, link


def test_ip_version_6_and_its_headers(tmp_path):
    """IPv6 works on every link; extension headers and fragments too."""
    talk = Talk()
    talk.twice("1.3", client=("2001:db8::1", 40000), server=("2001:db8::2", 443))
    for link in ("ethernet", "raw", "vxlan", "gre", "ip-in-ip", "pppoe"):
        lines = capture_of(tmp_path, pcap(talk.frames, link))[1]
        assert [line.outcome for line in lines] == ["not-offered", "accepted"], link
        assert lines[0].client == "2001:db8::1"
        assert lines[0].address == "[2001:db8::2]:443"

    def extended(frame: Frame) -> Frame:
        head, rest = frame.data[:40], frame.data[40:]
        options = b"\x2b\x00" + bytes(6) + b"\x06\x00" + bytes(6)
        length = (len(rest) + 16).to_bytes(2, "big")
        return replace(frame, data=head[:4] + length + b"\x00" + head[7:] + options + rest)

    longer = [extended(frame) for frame in talk.frames]
    assert [line.outcome for line in capture_of(tmp_path, pcap(longer))[1]] == [
        "not-offered",
        "accepted",
    ]


def test_fragments_are_put_together(frames, tmp_path):
    """A packet in fragments, the last one first, counts as if it were whole."""
    cut: list[Frame] = []
    for number, frame in enumerate(frames):
        payload = frame.data[20:]
        if len(payload) < 100:
            cut.append(frame)
            continue
        source, destination = (".".join(map(str, frame.data[at : at + 4])) for at in (12, 16))
        pieces = [(at, payload[at : at + 96]) for at in range(0, len(payload), 96)]
        for at, piece in reversed(pieces):
            more = 0x2000 if at + 96 < len(payload) else 0
            data = ip4(
                6, source, destination, piece, identification=number, fragment=more | at // 8
            )
            cut.append(Frame(frame.time, data))
    assert outcomes(capture_of(tmp_path, pcap(cut))[1]) == WANTED


def test_sections_have_clocks_and_links_of_their_own(frames, tmp_path):
    """A pcapng of two sections, byte orders, interfaces and resolutions is one capture."""
    half = len(frames) // 2
    data = pcapng(frames[:half], "raw", order=">", resolution=9)
    data += section() + interface("ethernet", 6) + interface("sll2", 9)
    for number, frame in enumerate(frames[half:]):
        if number % 2:
            data += enhanced(frame, "sll2", frame.time, interface_number=1)
        else:
            data += enhanced(frame, "ethernet", frame.time // 1000)
        data += block(0x0BAD, b"of somebody else")
    report, lines = capture_of(tmp_path, data)
    assert outcomes(lines) == WANTED
    assert report.files[0].packets == len(frames)


def test_simple_packets_have_no_time(frames, tmp_path):
    """Blocks without a time are read in their order."""
    import struct

    data = section() + interface("raw")
    for frame in frames:
        data += block(3, struct.pack("<I", len(frame.data)) + frame.data)
    assert outcomes(capture_of(tmp_path, data)[1]) == WANTED


# ------------------------------------------------------------------ several files


def test_several_files_are_one_capture(frames, tmp_path):
    """Files in any order, flows cut between them: as one, and packets are named by file."""
    for cut in (5, len(frames) // 2, len(frames) - 3):
        report, lines = capture_of(tmp_path, pcap(frames[cut:]), pcap(frames[:cut]))
        assert outcomes(lines) == WANTED
        assert [file.packets for file in report.files] == [len(frames) - cut, cut]
    interleaved = capture_of(tmp_path, pcap(frames[::2]), pcapng(frames[1::2]))[1]
    assert outcomes(interleaved) == WANTED


def test_only_files_that_are_read_are_open(frames, tmp_path):
    """Of files that follow each other in time one is open at a time."""
    many = [pcap(shifted(frames, number * 3600 * 10**9)) for number in range(5)]
    files = open_captures(write(tmp_path, *many), lambda _text: None)
    most = 0
    for _ in Ordered(files):
        most = max(most, sum(file._source is not None for file in files))
    assert most == 1
    assert sum(file.packets for file in files) == 5 * len(frames)


def test_the_end_is_known_without_reading_for_good(frames, tmp_path):
    """The newest packet of all files tells the end."""
    paths = write(tmp_path, pcap(frames), pcap(shifted(frames, 10**12)))
    assert newest_time(paths) // 1000 == (frames[-1].time + 10**12) // 1000


# ------------------------------------------------------------- what packets suffer


def test_shuffled_doubled_and_late_packets_change_nothing(frames, tmp_path):
    """Packets out of order in the file, or twice, are put right by their time."""
    dice = random.Random(18)
    shuffled = list(frames)
    dice.shuffle(shuffled)
    doubled = [frame for frame in frames for _ in range(2)]
    for name, changed in (("shuffled", shuffled), ("doubled", doubled)):
        assert outcomes(capture_of(tmp_path, pcap(changed))[1]) == WANTED, name


def test_lost_packets_never_make_a_refusal(frames, tmp_path):
    """Whichever packet is missing: an accepted session is accepted or unknown."""
    for lost in range(len(frames)):
        left = frames[:lost] + frames[lost + 1 :]
        report, lines = capture_of(tmp_path, pcap(left))
        assert {line.outcome for line in lines} <= {
            "accepted", "not-offered", "unknown", "unanswered",
        }, lost  # fmt: skip
        for server in report.servers:
            assert server.refused == 0
            assert server.acceptance_rate in (None, 1.0)


def test_a_short_snap_length_is_unknown(frames, tmp_path):
    """Of packets cut to their first bytes nothing is called refused."""
    for length in (54, 60, 96, 128, 200, 300):
        report, _ = capture_of(tmp_path, pcap(frames, snap_length=length))
        assert all(server.refused == 0 for server in report.servers), length


def test_one_direction_alone_is_unknown(frames, tmp_path):
    """A tap that saw only one direction has offers without answers, or answers without offers."""
    for source in (b"\xc0\x00\x02\x01", b"\xc6\x33\x64\x01"):
        seen = [frame for frame in frames if frame.data[12:16] == source]
        report, lines = capture_of(tmp_path, pcap(seen))
        assert len(lines) == 4
        assert {line.outcome for line in lines} <= {"unknown", "unanswered"}
        assert all(server.refused + server.accepted == 0 for server in report.servers)


# ---------------------------------------------------------------------- damage


def test_a_cut_file_is_read_to_there(frames, tmp_path):
    """A file that ends inside a packet, or inside gzip, counts to there, and says so."""
    for whole in (pcap(frames), pcapng(frames)):
        report, lines = capture_of(tmp_path, whole[: len(whole) - 30])
        assert outcomes(lines) == WANTED
        assert report.files[0].damage is not None
        assert any("read to there" in note for note in report.notes)
    packed = gzip.compress(pcap(frames) + random.Random(1).randbytes(0))
    report, lines = capture_of(tmp_path, packed[: len(packed) * 3 // 4])
    assert report.files[0].damage is not None
    assert lines


def test_a_file_damaged_inside_is_read_to_there(frames, tmp_path):
    """A packet of an impossible length ends the reading, with what came before."""
    whole = pcap(frames)
    half = pcap(frames[:10])
    report, _ = capture_of(tmp_path, half + b"\xff" * 64 + whole[24:])
    assert report.files[0].packets == 10
    assert "packet 11" in (report.files[0].damage or "")


def test_what_is_no_capture_is_refused(tmp_path):
    """Text, nothing at all, a cut header, a folder and a missing file are errors that say so."""
    bad = {
        b"": "is empty",
        b"-----BEGIN CERTIFICATE-----\n": "is no capture",
        pcap([])[:20]: "is no capture",
        section()[:20]: "is no capture",
        gzip.compress(b"hello"): "is no capture",
        b"\x0a\x0d\x0d\x0a" + bytes(40): "is no capture",
        b"\x28\xb5\x2f\xfd....": "zstd",
    }
    for data, words in bad.items():
        with pytest.raises(CaptureFileError, match=words) as caught:
            capture_of(tmp_path, data)
        assert caught.value.hints
    for path in (str(tmp_path), str(tmp_path / "none"), "a\0b"):
        with pytest.raises(CaptureFileError):
            open_captures([path], lambda _text: None)


def test_damage_at_the_start_is_refused(frames, tmp_path):
    """A first packet or block that makes no sense, and gzip that is broken, are errors."""
    packed = gzip.compress(pcap(frames))
    for data in (
        pcap([]) + b"\xff" * 200,
        section() + b"\x01\0\0\0\x07\0\0\0" + bytes(100),
        section() + interface("ethernet") + b"\x06\0\0\0\xff\xff\xff\xff" + bytes(100),
        packed[:10] + b"\xff" * 100,
    ):
        with pytest.raises(CaptureFileError, match="is damaged at its start"):
            capture_of(tmp_path, data)


def test_an_empty_capture_is_one(tmp_path):
    """A capture without a packet has no connections."""
    for data in (pcap([]), section(), section() + interface("ethernet")):
        report, lines = capture_of(tmp_path, data)
        assert (report.connections, lines, report.first) == (0, [], None)


def test_links_that_are_not_read_are_named(frames, tmp_path):
    """Packets of 802.11 are counted and said."""
    import struct

    data = bytearray(pcap(frames, "raw"))
    struct.pack_into("<I", data, 20, 105)
    report, _ = capture_of(tmp_path, bytes(data))
    assert any("link type 105" in note for note in report.notes)


# ------------------------------------------------------------------ strangers' bytes


def _reads(data: bytes, folder) -> None:
    path = folder / "x.pcap"
    path.write_bytes(data)
    try:
        capture = Capture(CaptureOptions(files=(str(path),), key_log=KeyLog()), ClientNames())
        capture.read()
    except CaptureFileError:
        return
    capture.finish()
    capture.report()


@pytest.mark.slow
@settings(max_examples=60)
@given(data=st.data())
def test_changed_bytes_never_raise(data, tmp_path_factory, frames):
    """Whatever is overwritten in a capture: a report or an error of ours comes out."""
    folder = tmp_path_factory.mktemp("fuzz")
    whole = bytearray(data.draw(st.sampled_from([pcap(frames), pcapng(frames)])))
    for _ in range(data.draw(st.integers(1, 30))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    _reads(bytes(whole), folder)


@settings(max_examples=60)
@given(body=st.binary(max_size=300), link=st.sampled_from(list(LINKS)))
def test_nonsense_in_packets_never_raises(body, link, tmp_path_factory):
    """Packets of any bytes, on every link."""
    _reads(pcap([Frame(START, body or b"E")], link), tmp_path_factory.mktemp("fuzz"))
    talk = Conversation().open()
    talk.say(0, b"\x16\x03\x01" + body)
    talk.say(1, b"\x16\x03\x03" + body)
    talk.close()
    report_of(tmp_path_factory.mktemp("fuzz"), talk.frames)

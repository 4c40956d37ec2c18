"""Findings on captured traffic: each where it is true, and not where another one is."""

from __future__ import annotations

import secrets
from dataclasses import replace

from tests.features.capture.packets import pcap
from tests.features.capture.reading import capture_of, connections_of, report_of, server_of
from tests.features.capture.talks import Talk
from tests.features.capture.test_flows import spoken
from tests.helpers.pair import Peer
from tests.helpers.ticket_vectors import seal_openssl, server_session
from tlsresume.features.capture.catalogue import ENTRIES, text_of
from tlsresume.features.capture.sample import ASKED, MOST, Sample
from tlsresume.features.capture.seen import Memory, judge
from tlsresume.tickets.key_files import parse_key_file
from tlsresume.tls.extensions import Extension
from tlsresume.tls.key_log import KeyLog
from tlsresume.tls.messages import ClientHello, ServerHello

#: Codes that `capture` shares with probes, and tells by counts.
COUNTED = ("version-changed", "early-data-rejected")


def codes(folder, talk, **options) -> list[str]:
    return [found.code for found in server_of(folder, talk.frames, **options).findings]


def test_rotated(tmp_path):
    """Tickets of the key before a change are refused, those of the new one are not."""
    for version in ("1.2", "1.3"):
        old, new = Peer(), Peer()
        talk = Talk(old)
        issued = [talk.connect(version).sessions[-1] for _ in range(4)]
        talk.connect(version, issued[0])
        talk.connect(version, issued[1])
        fresh = [talk.connect(version, session, peer=new).sessions[-1] for session in issued[2:]]
        for session in fresh:
            assert talk.connect(version, session, peer=new).session_reused
        server = server_of(tmp_path, talk.frames)
        (found,) = server.findings
        assert found.code == "rotated"
        assert len(server.key_names) == 2
        assert found.packets
        refused = [key for key in server.key_names if key.offered > key.accepted]
        assert [key.name for key in refused] == [server.key_names[0].name]


def test_separate_keys(tmp_path):
    """Nodes by turns, each with a key of its own: refusals and acceptances of one key mix."""
    for version in ("1.2", "1.3"):
        nodes = Peer(), Peer()
        talk = Talk(nodes[0])
        sessions = [
            talk.connect(version, peer=nodes[number % 2]).sessions[-1] for number in range(4)
        ]
        for number, session in enumerate(sessions * (2 if version == "1.2" else 1)):
            talk.connect(version, session, peer=nodes[(number // 2) % 2])
        for number in range(2):
            again = talk.connect(version, peer=nodes[number])
            talk.connect(version, again.sessions[-1], peer=nodes[number])
        assert codes(tmp_path, talk)[0] == "separate-keys", version


def test_refused_always(tmp_path):
    """A server that takes none of several offers; fewer than three prove no habit."""
    talk = Talk(honoured=False)
    for number in range(1, 5):
        talk.twice("1.3")
        found = codes(tmp_path, talk)
        assert ("refused-always" in found) is (number >= 3), number
    assert "rotated" not in found


def test_a_server_that_takes_each_ticket_once_is_not_refusing(tmp_path):
    """Refusals of tickets used before are the client's doing."""
    talk = Talk(single_use=True)
    session = talk.connect("1.3").sessions[0]
    reused = [talk.connect("1.3", session).session_reused for _ in range(5)]
    assert reused == [True, False, False, False, False]
    server = server_of(tmp_path, talk.frames)
    assert [found.code for found in server.findings] == ["ticket-used-twice"]
    assert server.refused == 4
    assert ", first in packet" in server.findings[0].packets[0]


def test_never_offers(tmp_path):
    """A program that comes back without sessions is named, one that offers is not."""
    talk = Talk()
    for _ in range(5):
        talk.connect("1.3", client=("192.0.2.9", 40000 + len(talk.frames)))
    server = server_of(tmp_path, talk.frames)
    (found,) = server.findings
    assert found.code == "never-offers"
    assert found.clients == ("192.0.2.9",)
    assert found.software == (server.by_software[0].software,)
    assert found.not_known
    assert not any("192.0.2.9" in line for line in found.evidence)
    offering = Talk()
    session = offering.connect("1.3").sessions[0]
    for _ in range(4):
        session = offering.connect("1.3", session).sessions[-1]
    assert "never-offers" not in codes(tmp_path, offering)


def test_one_connection_of_each_of_many_clients_is_no_habit(tmp_path):
    """Clients that come once cannot offer anything."""
    talk = Talk()
    for number in range(6):
        talk.connect("1.3", client=(f"192.0.2.{number}", 40000))
    assert codes(tmp_path, talk) == []


def test_a_server_that_gives_no_session_has_no_clients_to_blame(tmp_path):
    """In TLS 1.2 the wire shows that nothing was issued."""
    talk = Talk(tickets=False, session_ids=False)
    for _ in range(5):
        talk.connect("1.2")
    assert codes(tmp_path, talk) == []


def test_offered_past_lifetime(tmp_path):
    """A ticket of TLS 1.2 that was issued in the capture, offered after its hint."""
    talk = Talk(lifetime=60)
    session = talk.connect("1.2").sessions[0]
    talk.connect("1.2", session, time=talk.frames[-1].time + 61 * 10**9)
    server = server_of(tmp_path, talk.frames)
    assert "offered-past-lifetime" in [found.code for found in server.findings]
    late = Talk(lifetime=60, honoured=False)
    for _ in range(4):
        session = late.connect("1.2").sessions[0]
        late.connect("1.2", session, time=late.frames[-1].time + 61 * 10**9)
    assert codes(tmp_path, late) == ["offered-past-lifetime"]


def test_version_changed(tmp_path):
    """A session of TLS 1.2, offered to a server that now chooses TLS 1.3."""
    from tlsresume.tls.registry import ProtocolVersion

    old = Peer(versions=("1.2",))
    talk = Talk(old)
    both = {"minimum": ProtocolVersion.TLSv1_2}
    session = talk.connect("1.3", config=both).sessions[0]
    talk.connect("1.3", session, config=both, peer=Peer())
    report = report_of(tmp_path, talk.frames)
    assert [found.code for found in report.servers[0].findings] == ["version-changed"]


def test_every_code_has_a_text():
    """Each finding that a check can give has its text, shared with probes or its own."""
    shared = (*COUNTED, *(rule.code for rule in ASKED))
    for code in (*shared, *(entry.code for entry in ENTRIES)):
        text = text_of(code)
        assert text.title
        assert text.advice
        assert text.sources


def test_ticket_keys(tmp_path):
    """The operator's key files tell which key made each ticket, offered or issued."""
    right, wrong = secrets.token_bytes(80), secrets.token_bytes(48)
    issued = [_sealed(right, number) for number in range(3)]
    frames = [
        frame
        for number, ticket in enumerate((*issued, issued[0]))
        for frame in spoken(
            _offering(ticket),
            ServerHello(0x0303, bytes(32), b"\1" * 32, 0xC02F, ()),
            client=("192.0.2.1", 40000 + number),
        )
    ]
    files = (parse_key_file(wrong, "old.key"), parse_key_file(right, "new.key"))
    server = capture_of(tmp_path, pcap(frames), key_files=files)[0].servers[0]
    (row,) = server.ticket_keys
    assert (row.file, row.name, row.offered, row.accepted) == ("new.key", right[:16].hex(), 4, 4)
    assert server.tickets_not_opened == 0
    server = capture_of(tmp_path, pcap(frames), key_files=files[:1])[0].servers[0]
    assert (server.ticket_keys, server.tickets_not_opened) == ((), 3)


def _sealed(key: bytes, number: int) -> bytes:
    """A ticket as nginx makes it of a key of 80 bytes."""
    der = server_session().data
    return seal_openssl(der, key[:16], key[48:80], key[16:48], bytes([number]) * 16)


def _offering(ticket: bytes) -> ClientHello:
    """A ClientHello of TLS 1.2 that offers a ticket, with a session ID to be echoed."""
    name = Extension(0, b"\x00\x0c\x00\x00\x09localhost")
    return ClientHello(0x0303, bytes(32), b"\1" * 32, (0xC02F,), (name, Extension(35, ticket)))


# ------------------------------------------------- the engine's checks of tickets


def opened(folder, talk, **options):
    """The only server, with the key log that the talk's clients wrote."""
    log = KeyLog()
    log.add((folder / "keys.txt").read_bytes().splitlines())
    return server_of(folder, talk.frames, key_log=log, **options)


def logged(folder) -> dict[str, str]:
    return {"keylogfile": str(folder / "keys.txt")}


def test_what_capture_asks_of_tickets():
    """The checks of tickets that packets can answer, and none that counts tell as well."""
    codes = {rule.code for rule in ASKED}
    assert codes == {
        "age-add-not-random", "lifetime-zero", "ticket-lifetime-long", "ticket-lifetime-too-long",
        "ticket-nonce-repeated", "tickets-not-fresh",
    }  # fmt: skip
    assert not codes & {*(entry.code for entry in ENTRIES), *COUNTED}
    assert {rule.code for rule in ASKED} == codes


def test_healthy_traffic_has_nothing_worse_than_information(tmp_path):
    """Clients that resume as they should, in clear and with a key log: no warning, no error."""
    for version in ("1.2", "1.3"):
        talk = Talk()
        session = None
        for number in range(40):
            place = ("192.0.2.1", 41000 + number)
            client = talk.connect(version, session, config=logged(tmp_path), client=place)
            session = client.sessions[-1] if client.sessions else session
        for server in (server_of(tmp_path, talk.frames), opened(tmp_path, talk)):
            assert [each.code for each in server.findings if each.severity != "info"] == []


def test_lifetimes_of_tickets(tmp_path):
    """Lifetimes are judged where tickets are visible: always in TLS 1.2, with a key log in 1.3."""
    talk = Talk(lifetime=700_000)
    talk.twice("1.2")
    (found,) = server_of(tmp_path, talk.frames).findings
    assert (found.code, found.severity, found.mechanism) == (
        "ticket-lifetime-long", "info", "ticket",
    )  # fmt: skip
    assert found.packets
    assert found.directives
    talk = Talk(lifetime=700_000)
    talk.twice("1.3", config=logged(tmp_path))
    assert server_of(tmp_path, talk.frames).findings == ()
    (found,) = opened(tmp_path, talk).findings
    assert (found.code, found.mechanism) == ("ticket-lifetime-long", "psk")


def test_the_same_ticket_twice(tmp_path):
    """A server that gives one ticket to two connections is warned of, with both packets; one
    connection that was captured at two places is one."""
    talk = Talk()
    talk.connect("1.2")
    first = list(talk.frames)
    talk.connect("1.2")
    given, again = (_ticket_in(frames) for frames in (first, talk.frames[len(first) :]))
    forged = [replace(each, data=each.data.replace(again, given)) for each in talk.frames]
    (found,) = server_of(tmp_path, forged).findings
    assert (found.code, found.severity) == ("tickets-not-fresh", "warning")
    assert len(found.packets) == 2
    apart = [replace(frame, time=frame.time + 10**12) for frame in first]
    assert server_of(tmp_path, first + apart).findings == ()


def _ticket_in(frames) -> bytes:
    """The ticket of the only connection of TLS 1.2."""
    (connection,) = connections_of(frames)
    (ticket,) = connection.facts.tickets
    return ticket.ticket


def test_what_is_not_visible_is_said(tmp_path):
    """Checks that packets cannot answer are listed: of TLS 1.3 those of tickets, unless a key log
    opens them; and what only a probe can tell, once for all servers."""
    talk = Talk()
    talk.twice("1.3", config=logged(tmp_path))
    blind = server_of(tmp_path, talk.frames)
    assert {each.code for each in blind.not_visible} == {rule.code for rule in ASKED}
    assert {(each.mechanisms, each.parts) for each in blind.not_visible} == {
        (("psk",), ("tickets",))
    }
    assert opened(tmp_path, talk).not_visible == ()
    older = Talk()
    older.twice("1.2")
    report = report_of(tmp_path, older.frames)
    assert report.servers[0].not_visible == ()
    never = {each.code: each.parts for each in report.not_visible}
    assert never["malformed-ticket"] == ("ending",)
    assert never["single-use"]
    assert not never.keys() & {rule.code for rule in ASKED}


def test_the_sample_is_bounded():
    """Of each server only the newest connections are kept."""
    talk = Talk()
    for number in range(MOST + 10):
        talk.connect("1.2", client=("192.0.2.1", 42000 + number))
    sample, memory = Sample(), Memory()
    for connection in connections_of(talk.frames):
        sample.add(judge(connection, memory), "")
        assert len(sample._kept) <= MOST
    newest = max(seen.time for seen, _ in sample._kept.values())
    assert newest == talk_end(talk)
    assert list(sample.matches()) == []


def talk_end(talk) -> float:
    return max(connection.start for connection in connections_of(talk.frames)) / 1e9

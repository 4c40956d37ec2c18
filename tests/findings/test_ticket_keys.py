"""findings/ticket_keys.py: which key on which address, and what is inside."""

from __future__ import annotations

from dataclasses import fields, replace

from tests.golden.cases import TOOL
from tests.helpers.evidence import Story
from tests.helpers.rows import each_row
from tests.helpers.sessions import SESSION_PEER, altered
from tests.helpers.ticket_vectors import (
    MECHANISMS,
    SERVERS,
    key_of,
    seal_openssl,
    server_session,
    ticket_of,
    vector,
)
from tlsresume.findings.ticket_keys import (
    Issued,
    fleet_summary,
    issued_tickets,
    key_uses,
    which,
)
from tlsresume.formats import html, text
from tlsresume.formats.page import View
from tlsresume.results.judged import KeyUse
from tlsresume.results.report import Report, TargetResult
from tlsresume.tickets.key_files import parse_key_file
from tlsresume.tickets.key_names import KeyNaming

NAME, AES, MAC = bytes(range(16)), bytes(range(60, 76)), bytes(range(90, 106))
NGINX = parse_key_file(NAME + AES + MAC, "nginx.key")
SECRET = bytes(range(48))


def sealed(secret: bytes = SECRET, mac: bytes = MAC, **inside: object):
    """A client's session whose ticket holds the server's, with another secret if asked."""
    server = server_session(secret, **inside)
    ticket = seal_openssl(server.data, NAME, AES, mac)
    return altered("openssl40-ticket", ticket=ticket, master_key=SECRET)


def uses(*sessions, files=(NGINX,), address="192.0.2.1"):
    tickets = [ticket_of(session) for session in sessions]
    issued = [Issued(session, address, 443) for session in sessions]
    return key_uses(issued, files, KeyNaming.learn(tickets))


def test_the_session_inside():
    """The server's session is told whole but for its secrets: version, cipher, times, client
    certificate, names, context."""
    session = sealed(
        time=1_700_000_000,
        timeout=300,
        peer=SESSION_PEER,
        hostname=b"example.test",
        alpn_selected=b"h2",
        session_id_context=b"HTTP",
        flags=1,
    )
    (use,) = uses(session)
    assert (use.file, use.key, use.role, use.mac, use.same_secret) == (
        "nginx.key", 1, "only", "matches", True,
    )  # fmt: skip
    inside = use.session
    assert inside is not None
    assert inside.created == "2023-11-14T22:13:20Z"
    assert (inside.timeout, inside.server_name, inside.alpn) == (300, "example.test", "h2")
    assert inside.session_id_context == b"HTTP".hex()
    assert inside.client_subject == "CN=tlsresume test"
    assert inside.extended_master_secret is True
    text = repr(use)
    assert SECRET.hex() not in text
    assert repr(SECRET)[2:20] not in text
    assert not {"master_key", "secret"} & {field.name for field in fields(inside)}


def test_another_session_inside():
    """A ticket that opens but holds another secret than ours is not ours."""
    (use,) = uses(sealed(SECRET[::-1]))
    assert (use.mac, use.same_secret) == ("matches", False)


def test_a_wrong_mac():
    """The MAC's verdict is told apart: decrypted, MAC does not match; made with an empty key."""
    (use,) = uses(sealed(mac=bytes(range(1, 17))))
    assert (use.mac, use.same_secret, use.note) == (
        "does-not-match", True, "decrypted, MAC does not match",
    )  # fmt: skip
    (use,) = uses(sealed(mac=b""))
    assert use.note == "decrypted, MAC does not match: it is made with an empty key"


def test_none_of_the_keys():
    """Another key, another key under the same name, and no key at all are told apart."""
    session = sealed()
    other = parse_key_file(bytes(range(100, 148)), "other.key")
    forged = parse_key_file(NAME + bytes(range(5, 37)), "forged.key")
    assert [use.note for use in uses(session, files=(other,))] == ["none of the given keys"]
    (use,) = uses(session, files=(forged,))
    assert use.note == "it has the name of key 1 of forged.key, but that key does not open it"
    stateful = altered("openssl40-psk", ticket=bytes(32))
    assert [use.note for use in uses(stateful)] == ["stateful: no key made it"]
    assert uses(session, files=()) == ()


@each_row("server", SERVERS)
def test_real_servers(server):
    """Both versions' tickets of a real server are one row: its key."""
    files = [parse_key_file(key_of(name), name) for name in SERVERS]
    sessions = [vector(server, mechanism) for mechanism in MECHANISMS]
    found = uses(*sessions, files=files)
    assert {use.file for use in found} == {server}
    assert {name for use in found for name in use.mechanisms} == set(MECHANISMS)
    assert all(use.same_secret for use in found)


def test_the_same_ticket_counts_once():
    """A ticket that was seen twice is one ticket."""
    session = sealed()
    (use,) = uses(session, session)
    assert use.tickets == 1


def test_tickets_of_a_journal():
    """Every ticket whose session is known is taken from a journal, with its address."""
    story = Story("psk").full().full(key=None).resumed(key="b")
    found = issued_tickets(story.journal)
    assert [each.address for each in found] == ["192.0.2.10"] * 2


def use(address: str, number: int | None) -> KeyUse:
    if number is None:
        return KeyUse(address=address, note="none of the given keys")
    row = KeyUse(address=address, file="tickets.key", key=number, keys=3, role="older")
    return replace(row, role="current") if number == 2 else row


def test_a_fleet():
    """Addresses are counted by key, the most common first."""
    fleet = [use(f"192.0.2.{n}", 2) for n in (10, 11, 12)]
    assert fleet_summary(fleet) == "all 3 addresses use key 2 of tickets.key (current)"
    odd = [*fleet, use("192.0.2.13", None)]
    assert fleet_summary(odd) == (
        "3 of 4 addresses use key 2 of tickets.key (current);"
        " 192.0.2.13 uses none of the given keys"
    )
    late = [*fleet, use("192.0.2.13", 1)]
    assert "192.0.2.13 uses key 1 of tickets.key (an older one)" in (fleet_summary(late) or "")
    assert fleet_summary([]) is None
    assert which(KeyUse(file="one.key", key=1, keys=1)) == "one.key"


def test_in_text_and_on_the_page():
    """The table has a row for each address, on the terminal and in the HTML report."""
    target = TargetResult(
        target="fleet.test:443",
        verdict="resumes",
        ticket_keys=(use("192.0.2.10", 2), use("192.0.2.13", None)),
    )
    report = Report(tool=TOOL, targets=(target,))
    shown = text.render(report, View(width=120))
    page = html.render(report, View())
    for part in ("192.0.2.10", "192.0.2.13", "key 2 of tickets.key", "none of the given keys"):
        assert part in shown
        assert part in page
    assert "Ticket keys" not in html.render(replace(report, targets=()), View())

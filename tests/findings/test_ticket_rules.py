"""findings/tickets.py and across_targets.py: rules on the tickets themselves."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from tests.helpers.evidence import Story
from tests.helpers.rows import each_row
from tests.helpers.sessions import altered
from tests.helpers.ticket_vectors import seal_openssl, server_session
from tests.helpers.trials import changed
from tlsresume.evidence.observation import Ticket
from tlsresume.findings.across_targets import across_targets
from tlsresume.findings.judge import judge, judge_tickets
from tlsresume.findings.view import Saved
from tlsresume.results.judged import Finding
from tlsresume.results.measured import AddressResult, KeyName, MechanismResult, TicketSummary
from tlsresume.results.report import TargetResult
from tlsresume.tickets.unseal import expand_label

SECRET = bytes(range(48))


def story_of(mechanism, *tickets: Ticket, lifetime: int = 7200) -> Story:
    """A server that resumes, with these tickets on its first connection."""
    story = Story(mechanism).full(lifetime=lifetime).resumed()
    if tickets:
        story.journal[0] = changed(story.journal[0], tickets=tickets)
    return story


def found(story: Story) -> dict[str, Finding]:
    return {finding.code: finding for finding in judge([story.view()])}


def ticket(n: int = 1, **parts) -> Ticket:
    base = Ticket(bytes([n]) * 208, 7200, 1.0, age_add=1000 + n, nonce=bytes([n]))
    return replace(base, **parts)


@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_good_tickets(mechanism):
    """Tickets that are in order give no finding."""
    assert found(story_of(mechanism, ticket(1), ticket(2))) == {}


def weak(mechanism):
    """A client's session whose ticket was sealed with zeros."""
    inside = server_session(SECRET)
    sealed = seal_openssl(inside.data, bytes(range(16)), bytes(32), bytes(32))
    name = "openssl40-psk" if mechanism == "psk" else "openssl40-ticket"
    return altered(name, ticket=sealed, master_key=SECRET)


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_a_weak_key(mechanism, judged):
    """A guessable key is an error, also of a mechanism that is not judged; it names the key
    and says that our secret was inside, and shows none of it."""
    session = weak(mechanism)
    story = story_of(mechanism, ticket(ticket=session.fields.ticket))
    story.journal[0] = changed(story.journal[0], sessions=(session,))
    story.judged = judged
    finding = found(story)["weak-ticket-key"]
    assert finding.severity == "error"
    assert any("all zero" in line and "secret of our session" in line for line in finding.evidence)
    assert SECRET.hex() not in repr(finding)


def test_a_weak_key_in_a_saved_session():
    """A session file is enough."""
    story = story_of("psk").keep(weak("psk"))
    (finding,) = judge_tickets(replace(story.view(), attempts=()))
    assert finding.code == "weak-ticket-key"


def test_a_weak_key_of_another_session_is_no_finding():
    """A ticket that opens with zeros but holds another secret proves nothing."""
    session = altered("openssl40-psk", ticket=weak("psk").fields.ticket, master_key=SECRET[::-1])
    story = story_of("psk")
    view = replace(story.view(), attempts=(), saved=Saved(session=session))
    assert "weak-ticket-key" not in {finding.code for finding in judge_tickets(view)}


@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_a_ticket_in_clear(mechanism):
    """A ticket that is not encrypted is an error, and says so without showing the secret."""
    name = "openssl40-psk" if mechanism == "psk" else "openssl40-ticket"
    session = altered(name, ticket=b"\x03\x04 state: " + SECRET + b" end", master_key=SECRET)
    story = story_of(mechanism, ticket(ticket=session.fields.ticket))
    story.journal[0] = changed(story.journal[0], sessions=(session,))
    finding = found(story)["ticket-not-sealed"]
    assert finding.severity == "error"
    assert SECRET.hex() not in repr(finding)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_gives_the_secret_in_clear(count):
    """Tickets of a connection that hold its resumption master secret are found to, be it one or
    several, and sealed ones with the same key name are not."""
    master = hashlib.shake_128(b"m").digest(48)
    came = [ticket(n, ticket=bytes(16) + bytes([n]) * 30 + master) for n in range(1, count + 1)]
    first = came[0]
    assert first.nonce is not None
    session = altered(
        "openssl40-psk",
        ticket=first.ticket,
        master_key=expand_label(master, first.nonce or b"", "sha384", 48),
    )
    story = story_of("psk", *came)
    story.journal[0] = changed(story.journal[0], sessions=(session,))
    assert "ticket-not-sealed" in found(story)
    sealed = altered("openssl40-psk", ticket=first.ticket, master_key=SECRET)
    story.journal[0] = changed(story.journal[0], sessions=(sealed,))
    assert "ticket-not-sealed" not in found(story)


def test_a_mac_without_a_key():
    """A MAC under an empty key is a warning."""
    sealed = seal_openssl(server_session().data, bytes(16), bytes(range(32)), b"")
    session = altered("openssl40-ticket", ticket=sealed)
    story = story_of("ticket", ticket(ticket=sealed))
    story.journal[0] = changed(story.journal[0], sessions=(session,))
    assert found(story)["ticket-mac-without-key"].severity == "warning"


@each_row(
    "mechanism, lifetime, code",
    [
        ("psk", 604_800, "ticket-lifetime-long"),
        ("psk", 604_801, "ticket-lifetime-too-long"),
        ("psk", 86_401, "ticket-lifetime-long"),
        ("psk", 86_400, None),
        ("ticket", 86_401, "ticket-lifetime-long"),
        ("ticket", 10_000_000, "ticket-lifetime-long"),
        ("ticket", 0, None),
    ],
)
def test_lifetimes(mechanism, lifetime, code):
    """Over 24 hours is information, over seven days against TLS 1.3."""
    codes = {name for name in found(story_of(mechanism, lifetime=lifetime)) if "lifetime" in name}
    assert codes == ({code} if code else set())


def test_age_add():
    """ticket_age_add of 0, or the same on two tickets, is a warning that shows the number."""
    zero = found(story_of("psk", ticket(1, age_add=0), ticket(2)))["age-add-not-random"]
    assert "0 on 1 of 2" in zero.evidence[0]
    same = found(story_of("psk", ticket(1, age_add=7), ticket(2, age_add=7)))["age-add-not-random"]
    assert "0x00000007 on 2" in same.evidence[0]


def test_nonces():
    """A nonce that stands on two tickets of one connection is a warning; on two connections
    it is right."""
    twice = story_of("psk", ticket(1, nonce=b"\0"), ticket(2, nonce=b"\0"))
    assert "ticket-nonce-repeated" in found(twice)
    apart = story_of("psk", ticket(1, nonce=b"\0"))
    apart.full()
    apart.journal[-1] = changed(apart.journal[-1], tickets=(ticket(2, nonce=b"\0"),))
    assert "ticket-nonce-repeated" not in found(apart)


@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_not_fresh(mechanism):
    """One ticket on two connections is a warning."""
    story = story_of(mechanism, ticket(1))
    story.full()
    story.journal[-1] = changed(story.journal[-1], tickets=(ticket(1),))
    assert "tickets-not-fresh" in found(story)


def test_session_ids_have_no_tickets():
    """What came on a connection without tickets is no business of these rules."""
    assert found(Story("session-id").full().resumed()) == {}


# -------------------------------------------------------------- several targets


def target(name: str, *keys: str) -> TargetResult:
    summary = TicketSummary(
        count=2,
        length=208,
        lifetime=300,
        key_name=keys[0],
        stateful=False,
        max_early_data=0,
        key_names=tuple(KeyName(key, 1) for key in keys),
    )
    mechanism = MechanismResult(
        mechanism="psk", tls_version="TLSv1.3", state="resumed", judged=True, tickets=summary
    )
    address = AddressResult(address="192.0.2.1", port=443, mechanisms=(mechanism,))
    return TargetResult(target=name, verdict="resumes", addresses=(address,))


KEY_A, KEY_B = "aa" * 16, "bb" * 16


def test_a_key_on_unrelated_names():
    """Two names without a common domain that share a key are a finding with both names."""
    (finding,) = across_targets([target("one.example:443", KEY_A), target("two.test:443", KEY_A)])
    assert finding.code == "ticket-key-shared"
    assert finding.evidence == ("key aaaaaaaa is used by one.example, two.test",)


@each_row(
    "targets",
    [
        [target("a.example.com:443", KEY_A), target("b.example.com:443", KEY_A)],
        [target("one.example:443", KEY_A), target("two.test:443", KEY_B)],
        [target("one.example:443", "aabbccdd"), target("two.test:443", "aabbccdd")],
        [target("192.0.2.1:443", KEY_A), target("one.example:443", KEY_A)],
        [target("[2001:db8::1]:443", KEY_A), target("192.0.2.1:443", KEY_A)],
    ],
    ids=["one domain", "two keys", "four bytes", "an address and its name", "addresses"],
)
def test_keys_that_may_be_shared(targets):
    """Names of one domain, addresses, different keys and names of four bytes are in order."""
    assert across_targets(targets) == ()

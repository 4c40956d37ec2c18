"""Trials: what a connection of ours says where it got to TLS, and where it did not."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from tests.helpers.canned_lab import mint
from tests.helpers.purposes import purpose_of
from tests.helpers.trials import changed, trial
from tlsresume.evidence.observation import Allowed
from tlsresume.evidence.offer import Offer
from tlsresume.evidence.trial import Trial
from tlsresume.results.connection import SIDES, Failure, FailureKind, Side, Timings, Traffic
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig

ABOUT: dict[str, Any] = {"n": 3, "time": 5.0, "address": "192.0.2.1", "port": 443, "config": ClientConfig(),
         "purpose": purpose_of("tries", "fixed")}  # fmt: skip

#: Of a trial without an observation, what it says of the handshake that there never was.
NOTHING = {
    "offered": None, "accepted": None, "resumed": None, "handshake_done": False,
    "server_hello_seen": False, "hello_retry": False, "early_data": "not-sent", "alerts": (),
    "tickets": (), "malformed_ticket": False, "certificate_seen": False, "traffic": Traffic(),
    "certificate_requested": False, "leaf": None, "tls_version": None, "datagrams": None,
    "server_session_id": b"", "hello_size": None, "verification": None, "suite": None,
}  # fmt: skip


def test_a_trial_that_never_got_to_tls_offered_and_received_nothing():
    """It has no observation, and says the same as one in which nothing happened."""
    refused = trial(**ABOUT, error=Failure("connect", "refused", "refused"))
    assert refused.observation is None
    quiet = trial(**ABOUT)
    assert quiet.observation is not None
    for told in (refused, quiet):
        assert {name: getattr(told, name) for name in NOTHING} == NOTHING


def test_each_property_asks_the_observation():
    """What a trial says of its handshake is what was seen, fact by fact."""
    facts: dict[str, Any] = {"offered": "psk", "accepted": True, "handshake_done": True, "hello_size": 300,
             "hello_retry": True, "suite": 0x1301, "early_data": "accepted", "leaf": b"leaf",
             "server_session_id": b"id", "malformed_ticket": True}  # fmt: skip
    told = trial(**ABOUT, **facts)
    assert {name: getattr(told, name) for name in facts} == facts
    assert trial(**ABOUT, early_data="sent").early_data == "rejected"


def test_what_was_allowed_is_read_from_the_clienthello_where_one_was_seen():
    """The plan stands in for a ClientHello that nobody saw."""
    tls12, tls13 = ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3
    planned = ABOUT | {"config": ClientConfig(server_name="a.test", maximum=tls12)}
    unseen = trial(**planned)
    seen = trial(**planned, allowed=Allowed(server_name="b.test", versions=(0x0304,)))
    old = trial(**planned, allowed=Allowed(extended_master_secret=True))
    told = [(each.server_name, each.allowed_version(tls12), each.allowed_version(tls13),
             each.allowed_extended_master_secret) for each in (unseen, seen, old)]  # fmt: skip
    assert told == [
        ("a.test", True, False, True),
        ("b.test", False, True, False),
        (None, True, False, True),
    ]


def test_copies_differ_in_what_their_name_says_alone():
    """Each named copy changes one thing."""
    told = trial(**ABOUT, state=mint("psk", b"t" * 192))
    copies: dict[str, Trial] = {
        "n": told.numbered(9),
        "unsettled": told.left_unsettled(),
        "purpose": told.made_instead_for(purpose_of("control", "full")),
        "timings": told.resolved_in(2.5),
        "offer": told.offering_from("192.0.2.7"),
    }
    for name, copy in copies.items():
        differ = [each for each in Trial.__struct_fields__
                  if getattr(copy, each) != getattr(told, each)]  # fmt: skip
        assert differ == [name]
    assert copies["offer"].offer is not None
    assert copies["offer"].offer.issued_by == "192.0.2.7"
    assert changed(told, offered="psk").offered == "psk"


def test_what_an_offer_says_is_what_its_session_says():
    """The handle is what the client shows; a server's cache has entries for IDs and handles."""
    for mechanism, handle, entry in (
        ("psk", b"t" * 192, None),
        ("psk", b"h" * 32, b"h" * 32),
        ("ticket", b"t" * 192, None),
        ("session-id", b"i" * 32, b"i" * 32),
    ):
        session = mint(mechanism, handle)
        offer = Offer.of(session)
        assert (offer.mechanism, offer.handle, offer.cache_entry) == (mechanism, handle, entry)
        assert offer.ticket == (None if mechanism == "session-id" else handle)
        assert (offer.version, offer.suite) == (session.fields.tls_version, session.fields.cipher)
        assert (offer.lifetime, offer.leaf) == (session.lifetime, session.fields.peer)
        assert offer.age(session.fields.time + 7.0) == 7.0


def test_each_failure_lies_with_a_side():
    """No kind of failure is left without one, and only ours says nothing about the server."""
    assert set(SIDES) == set(get_args(FailureKind))
    ours = {kind for kind in SIDES if Failure("handshake", kind, "").ours}
    assert ours == {kind for kind, side in SIDES.items() if side is Side.OURS}
    assert ours == {"local", "cancelled"}


def test_a_place_given_back_is_no_open_connection():
    """A connection is open until we have closed our side, however long the peer takes."""
    closed = trial(
        n=1,
        time=100.0,
        address="192.0.2.1",
        port=443,
        purpose=purpose_of("test", "full"),
        config=ClientConfig(),
        timings=Timings(total=40.0),
    )
    assert closed.open_until == pytest.approx(100.04)
    later = closed.parted_at(closed.timings.total).ended("clean", (), Traffic(), 5_000.0)
    assert later.timings.total == 5_000.0
    assert later.open_until == pytest.approx(100.04)

"""tickets/key_names.py: key names count when they recur."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlsresume.tickets.key_names import KeyNaming, is_stateful

RANDOM = random.Random(1)


def ticket(name: bytes = b"", length: int = 208) -> bytes:
    return name + RANDOM.randbytes(length - len(name))


NODE_A, NODE_B, NODE_C = (RANDOM.randbytes(16) for _ in range(3))


def test_stateful():
    """Tickets of 32 bytes name no key, and that is certain."""
    tickets = [ticket(length=32) for _ in range(3)]
    naming = KeyNaming.learn(tickets)
    assert is_stateful(tickets[0])
    assert (naming.visible, naming.certain) == (False, True)
    assert naming.name_of(tickets[0]) is None


@pytest.mark.parametrize(("length", "stateful"), [(16, True), (39, True), (40, False), (0, False)])
def test_what_is_too_short_for_a_secret_is_a_handle(length, stateful):
    """A PSK has 32 bytes at least, and what seals it 8: less is a handle, as Erlang's of 16."""
    assert is_stateful(ticket(length=length)) == stateful
    if stateful:
        naming = KeyNaming.learn([ticket(length=length) for _ in range(3)])
        assert (naming.visible, naming.certain) == (False, True)
        assert f"tickets of {length} bytes name no key" in naming.reason


def test_one_key():
    """A prefix that two tickets share is their key's name."""
    tickets = [ticket(NODE_A), ticket(NODE_A)]
    naming = KeyNaming.learn(tickets)
    assert (naming.visible, naming.certain) == (True, True)
    assert {naming.name_of(each) for each in tickets} == {NODE_A.hex()}


def test_two_nodes():
    """Two nodes that alternate show two names."""
    tickets = [ticket(name) for name in (NODE_A, NODE_B) * 3]
    naming = KeyNaming.learn(tickets)
    assert [naming.name_of(each) for each in tickets] == [NODE_A.hex(), NODE_B.hex()] * 3


def test_a_node_met_once():
    """Where other names recur, a prefix seen once is a name too, also of a ticket not learnt."""
    once = ticket(NODE_C)
    naming = KeyNaming.learn([ticket(NODE_A), ticket(NODE_A), ticket(NODE_B), once])
    assert naming.name_of(once) == NODE_C.hex()
    assert naming.name_of(ticket(NODE_B)) == NODE_B.hex()


def test_another_layout_among_blocks():
    """Where names stand on block-sized tickets, one of another size has another layout."""
    odd = ticket(length=203)
    naming = KeyNaming.learn([ticket(NODE_A), ticket(NODE_A, 224), odd])
    assert naming.name_of(odd) is None


def test_no_name():
    """Many tickets whose first bytes never recur show no name."""
    tickets = [ticket() for _ in range(20)]
    naming = KeyNaming.learn(tickets)
    assert (naming.visible, naming.certain) == (False, False)
    assert all(naming.name_of(each) is None for each in tickets)


def test_one_ticket_is_assumed():
    """One ticket that fits OpenSSL's layout has a name, but not a certain one."""
    only = ticket(NODE_A)
    naming = KeyNaming.learn([only])
    assert (naming.visible, naming.certain) == (True, False)
    assert naming.name_of(only) == NODE_A.hex()


@pytest.mark.parametrize("length", [1, 16, 64, 203])
def test_one_ticket_of_another_length(length):
    """One ticket that does not fit OpenSSL's layout has no name."""
    only = ticket(length=length)
    assert KeyNaming.learn([only]).name_of(only) is None


def test_copies_prove_nothing():
    """The same ticket twice is one ticket."""
    only = ticket(length=203)
    assert not KeyNaming.learn([only, only]).visible


def test_four_byte_names():
    """A prefix of four bytes that recurs is a name (mbedTLS, JDK)."""
    tickets = [ticket(b"\x01\x02\x03\x04", 187) for _ in range(3)]
    naming = KeyNaming.learn(tickets)
    assert {naming.name_of(each) for each in tickets} == {"01020304"}


def test_botan():
    """Botan's magic shows the name after it, from a single ticket."""
    only = ticket(bytes.fromhex("068B5A9D396C0000") + b"node", 190)
    naming = KeyNaming.learn([only])
    assert (naming.visible, naming.certain) == (True, True)
    assert naming.name_of(only) == b"node".hex()


def test_s2n():
    """After s2n's first byte the name has 16 bytes."""
    tickets = [ticket(b"\x01" + NODE_A, 190) for _ in range(3)]
    assert KeyNaming.learn(tickets).name_of(tickets[0]) == NODE_A.hex()


def test_openssl_name_that_begins_like_s2n():
    """A 16-byte name that begins with 01 is not taken for s2n's."""
    name = b"\x01" + NODE_A[1:]
    tickets = [name + bytes([n]) + ticket(length=191) for n in (1, 1, 2)]
    assert KeyNaming.learn(tickets).name_of(tickets[0]) == name.hex()


def test_no_tickets():
    """Nothing gives nothing."""
    naming = KeyNaming.learn([])
    assert (naming.visible, naming.certain, naming.name_of(b"")) == (False, False, None)


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_any_tickets(tickets):
    """Any collection is judged, and no name comes out where none is visible."""
    naming = KeyNaming.learn(tickets)
    names = [naming.name_of(each) for each in tickets]
    if not naming.visible:
        assert names == [None] * len(tickets)

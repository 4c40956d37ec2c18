"""tickets/layouts.py: tickets cut into fields, and named with a confidence."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.rows import each_row
from tests.helpers.ticket_vectors import MECHANISMS, SERVERS, ticket_of, vector
from tlsresume.tickets import layouts
from tlsresume.tickets.layouts import LAYOUTS, TicketLayout
from tlsresume.tickets.looks_like import Around, looks_like

RANDOM = random.Random(2)
COUNTER = (bytes(8), bytes(7) + b"\x01")


def made(layout: TicketLayout, size: int = 160) -> tuple[bytes, dict[str, bytes]]:
    """A ticket of a layout, and its fields."""
    fields: dict[str, bytes] = {}
    for part in layout.fields:
        length = size if part.length is None else part.length
        fields[part.name] = part.value or RANDOM.randbytes(length)
    for part in layout.fields:
        if part.counts:
            fields[part.name] = len(fields[part.counts]).to_bytes(2, "big")
    if layout is layouts.NSS:
        fields["key_name"] = fields["key_name"][:12] + bytes(4)
    return b"".join(fields[part.name] for part in layout.fields), fields


def around(layout: TicketLayout) -> Around:
    """What comes with a layout's tickets, where everything is as it is by default."""
    nonces = COUNTER if layout.counter else tuple(bytes(n) for n in layout.nonces[:1])
    named = next((p.length for p in layout.fields if p.name == "key_name"), 0)
    return Around(
        lifetime=layout.lifetimes[0] if layout.lifetimes else None,
        nonces=nonces or None,
        tickets=layout.tickets,
        named=named,
    )


@each_row("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_ticket_is_cut_into_its_fields(layout):
    """The fields of each layout, joined again, are the ticket byte for byte."""
    ticket, fields = made(layout)
    assert layout.parse(ticket) == fields
    assert b"".join(fields.values()) == ticket


@each_row("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_the_likeliest_is_its_own(layout):
    """A ticket with all that usually comes with it is named as its own layout, first."""
    ticket, _ = made(layout)
    first, *_ = looks_like(ticket, around(layout))
    assert first.layout == layout.name
    assert first.confidence in ("certain", "likely")
    assert first.reasons


@each_row("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_too_short_is_not_of_the_layout(layout):
    """A byte less than the shortest ticket fits no layout."""
    assert layout.parse(bytes(layout.shortest - 1)) is None


def test_only_a_magic_number_is_certain():
    """Nothing is certain from a layout alone but Botan's eight bytes."""
    for layout in LAYOUTS:
        found = looks_like(made(layout)[0], around(layout))
        certain = [each.layout for each in found if each.confidence == "certain"]
        assert certain == (["botan"] if layout is layouts.BOTAN else [])


def test_another_nonce_speaks_against_openssl():
    """Whole blocks with a nonce of 32 bytes are rustls', with one of 1 byte BoringSSL's."""
    ticket, _ = made(layouts.OPENSSL)
    for nonce, name in ((32, "rustls-aws-lc"), (1, "boringssl")):
        found = looks_like(ticket, Around(nonces=(RANDOM.randbytes(nonce),)))
        assert found[0].layout == name
        assert "openssl" not in [each.layout for each in found]


def test_a_wrong_length_field_fits_nothing():
    """A length field that is off by one is of no layout that has one."""
    ticket, _ = made(layouts.GNUTLS)
    broken = ticket[:33] + bytes([ticket[33] ^ 1]) + ticket[34:]
    assert layouts.GNUTLS.parse(broken) is None


def test_opaque():
    """Bytes that fit no layout are of none."""
    assert looks_like(RANDOM.randbytes(203)) == ()
    assert looks_like(b"") == ()


def test_stateful():
    """32 bytes are a handle of a cache."""
    assert looks_like(bytes(32))[0].layout == "stateful"
    (erlang,) = looks_like(bytes(16))
    assert (erlang.layout, erlang.confidence) == ("stateful-16", "likely")


FAMILY = {"gnutls64": "gnutls", "go32": "go-1.20"}


@each_row("mechanism", MECHANISMS)
@each_row("server", SERVERS)
def test_real_servers(server, mechanism):
    """Tickets of real servers look like their own family, first."""
    session = vector(server, mechanism)
    fields = session.fields
    tls13 = mechanism == "psk"
    nonces = {"gnutls64": (bytes(4),), "go32": (b"",)}.get(server, COUNTER)
    found = looks_like(
        ticket_of(session),
        Around(lifetime=fields.lifetime_hint or 0, nonces=nonces if tls13 else None, named=16),
    )
    expected = FAMILY.get(server, "openssl")
    if (server, tls13) == ("go32", False):
        # In TLS 1.2 nothing around Go's ticket tells it from rustls'.
        assert expected in [each.layout for each in found]
        return
    assert (found[0].layout, found[0].confidence) == (expected, "likely")


@given(
    st.binary(max_size=400),
    st.none() | st.integers(0, 2**32 - 1),
    st.none() | st.lists(st.binary(max_size=40), max_size=3).map(tuple),
    st.none() | st.integers(0, 5),
    st.none() | st.sampled_from([0, 4, 16]),
)
def test_any_ticket(ticket, lifetime, nonces, tickets, named):
    """Any bytes are judged; at most three layouts come out, and each parses the ticket."""
    found = looks_like(
        ticket, Around(lifetime=lifetime, nonces=nonces, tickets=tickets, named=named)
    )
    assert len(found) <= 3
    by_name = {layout.name: layout for layout in LAYOUTS}
    assert all(by_name[each.layout].parse(ticket) is not None for each in found)

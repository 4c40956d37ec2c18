"""Observations: one type for what our client, our server, or bytes of a capture saw."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import msgspec
import pytest

from tests.tls.test_handshake import E, client_hello, parsed
from tlsresume.evidence.observation import Allowed, Observation, Part, Ticket
from tlsresume.tls.buffer import push_opaque
from tlsresume.tls.extensions import Extension

PLACE: dict[str, Any] = {"time": 1.0, "address": "192.0.2.1", "port": 443}


def test_the_unseen_is_none():
    """A source that sees nothing leaves every part None, which is neither False nor empty."""
    seen = Observation(visible=Part.NOTHING, **PLACE)
    place = {"visible", "transport", *PLACE}
    values = {n: v for n, v in msgspec.structs.asdict(seen).items() if n not in place}
    assert set(values.values()) == {None}


def test_parts_are_asked_for_together():
    """An observation shows parts only if each of them was visible."""
    seen = Observation(visible=Part.OUTCOME | Part.TICKETS, tickets=(), **PLACE)
    assert Part.NOTHING in seen.visible
    assert (Part.OUTCOME | Part.TICKETS) in seen.visible
    assert (Part.OUTCOME | Part.CERTIFICATE) not in seen.visible
    assert reduce(or_, Part) == ~Part.NOTHING


def test_bytes_are_not_printed():
    """No ticket and no certificate stands in the repr of an observation."""
    ticket = Ticket(b"the-ticket", 7200, 3.0)
    seen = Observation(
        visible=~Part.NOTHING, handle=b"the-handle", tickets=(ticket,), leaf=b"the-leaf",
        own_certificate=b"the-own", **PLACE,
    )  # fmt: skip
    assert "the-" not in repr(seen)


def test_an_observation_is_a_value():
    """Nobody changes what was seen."""
    seen = Observation(visible=Part.OUTCOME, **PLACE)
    with pytest.raises(AttributeError):
        seen.accepted = True  # type: ignore[misc]  # that is the point


def test_what_a_client_allowed():
    """The ClientHello says what the client allows, and a bare one that it allows little."""
    hello = client_hello(
        Extension(E.supported_versions, push_opaque(b"\x03\x04\x03\x03", 1)),
        Extension(E.psk_key_exchange_modes, push_opaque(b"\x01", 1)),
        Extension(E.session_ticket),
        Extension(E.extended_master_secret),
        Extension(E.application_layer_protocol_negotiation, push_opaque(push_opaque(b"h2", 1), 2)),
    )
    allowed = Allowed.by(parsed(hello))
    assert allowed == Allowed(
        versions=(0x0304, 0x0303), suites=(0x1301, 0xC02F), alpn=(b"h2",), tickets=True,
        psk_modes=(1,), extended_master_secret=True,
    )  # fmt: skip
    assert Allowed.by(parsed(client_hello())) == Allowed(suites=(0x1301, 0xC02F))

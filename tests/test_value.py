"""The base of values (tlsresume.value)."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import ClassVar

import msgspec
import pytest

from tlsresume.evidence.observation import Observation, Ticket
from tlsresume.evidence.offer import Offer
from tlsresume.value import Value


class Point(Value, frozen=True):
    """A place."""

    x: int
    y: int = 0
    name: str | None = None


class Sealed(Value, frozen=True, kw_only=True):
    """Something with a secret in it."""

    _hidden: ClassVar = frozenset({"key"})

    key: bytes
    length: int


def test_values_are_copied_and_asked_as_dataclasses_are():
    """replace() and fields() of the standard library work, and a wrong name is refused."""
    assert replace(Point(1, 2), y=3) == Point(1, 3)
    assert [field.name for field in fields(Point(1))] == ["x", "y", "name"]
    assert Point.__dataclass_fields__ is Point(1).__dataclass_fields__, "made once for a class"
    with pytest.raises(TypeError):
        replace(Point(1), z=2)  # type: ignore[call-arg]  # the point of it


def test_values_are_frozen_and_compared_by_what_they_hold():
    """No field can be set, equal ones have one hash, and JSON has every field in order."""
    point = Point(1)
    with pytest.raises(AttributeError):
        point.x = 2  # type: ignore[misc]  # the point of it
    assert len({Point(1), Point(1), Point(2)}) == 2
    assert msgspec.json.encode(point) == b'{"x":1,"y":0,"name":null}'
    assert msgspec.json.decode(b'{"x":1,"new":"word"}', type=Point) == point


def test_what_is_hidden_is_in_no_repr():
    """Bytes that are secrets, tickets or certificates do not come into a traceback."""
    assert repr(Sealed(key=b"secret", length=6)) == "Sealed(length=6)"
    assert repr(Point(1)) == "Point(x=1, y=0, name=None)"
    ticket = Ticket(b"handle", 1, 2.0)
    assert "handle" not in repr(ticket)
    assert {"handle", "leaf", "own_certificate"} == Observation._hidden
    assert {"handle", "leaf"} == Offer._hidden

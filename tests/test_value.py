"""The base of values (tlsresume.value)."""

from __future__ import annotations

import base64
import json
from dataclasses import fields, replace
from typing import ClassVar

import msgspec
import pytest

from tests.sessions import session
from tlsresume.evidence.observation import Observation, Ticket
from tlsresume.evidence.offer import Offer
from tlsresume.features.exporter.settings import WebSettings
from tlsresume.options import FTPLogin, ProbeOptions
from tlsresume.proxies import Proxy
from tlsresume.session import asn1
from tlsresume.session.curl_sessions import CurlSession
from tlsresume.session.key_text import KeyText, find_keys
from tlsresume.session.keyfile import parse_key_file
from tlsresume.session.session import Session
from tlsresume.session.unseal import Unsealed
from tlsresume.transports.config import ClientCertificate
from tlsresume.value import Secret, Value


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


def test_nobody_sees_a_secret():
    """No repr, text, traceback or encoder shows a byte of a secret; only its length is told."""
    secret = Secret(b"hunter2")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", f"{(secret,)}"]
    assert all("<7 secret bytes>" in text and "hunter" not in text for text in shown)
    assert (secret, hash(secret), secret.text) == (b"hunter2", hash(b"hunter2"), "hunter2")
    assert Secret.of("\udcff").text == "\udcff"
    for encode in (msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, json.dumps):
        for value in (secret, {"key": [secret]}, Sealed(key=secret, length=7)):
            with pytest.raises(TypeError):
                encode(value)


def test_every_value_that_holds_a_secret_keeps_it():
    """Sessions, their fields, ticket keys, key files and logins show lengths, however they were
    made, and nothing can write them: neither a report nor an error has a byte of them."""
    one = session("openssl40-psk")
    keys = parse_key_file(bytes(range(80)), "x")
    (raw,) = keys.keys
    master = one.fields.master_key
    ticket_key = raw.readings(None, 0, 0)[0]
    known = find_keys(f"{base64.b64encode(raw.data).decode()}\n")
    assert isinstance(known, KeyText)
    curl = CurlSession(Secret(one.data))
    unsealed = Unsealed(ticket_key, "x", mac=True, plaintext=master)
    structure, _ = asn1.decode(one.data)
    login = FTPLogin("me", "hunter2" * 3)
    proxy = Proxy("http", "p.example", 80, "me", "hunter2" * 3)
    holders: tuple[tuple[object, bytes], ...] = (
        (one, one.data),
        (one.fields, master),
        (Session("openssl-der", bytes(one.data)), one.data),
        (keys, raw.data),
        (raw, raw.data),
        (ticket_key, ticket_key.cipher_key),
        (ticket_key, ticket_key.mac_key),
        (known, raw.data),
        (curl, one.data),
        (unsealed, master),
        (ProbeOptions(ftp=login, ticket_keys=(keys,)), raw.data),
        (ProbeOptions(ftp=login), login.secret),
        (proxy, Secret.of(proxy.password or "")),
        (WebSettings(users=(("me", login.secret),)), login.secret),
        (ClientCertificate("chain", "key", login.secret), login.secret),
    )
    for value, secret in holders:
        assert isinstance(secret, Secret)
        # A class's own name may have letters in common with a certificate's.
        assert not showing(repr(value).partition("(")[2], secret), type(value)
        with pytest.raises(TypeError):
            msgspec.json.encode(value)
        with pytest.raises(TypeError):
            msgspec.to_builtins(value)
    assert not showing(repr(structure), structure.master_key)


def showing(text: str, secret: bytes) -> bool:
    """Whether a text has eight bytes of a secret on end, as they are, escaped or in hex."""
    pieces = [secret[at : at + 8] for at in range(len(secret) - 7)]
    ways = [str(bytes(each))[2:-1] for each in pieces] + [each.hex() for each in pieces]
    return any(each in text for each in ways)

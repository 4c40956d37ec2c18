from __future__ import annotations

import pytest

from tests.helpers.preludes import MYSQL_GREETING
from tests.helpers.rows import each_row
from tlsresume.errors import PreludeError
from tlsresume.protocols.table import script_of
from tlsresume.protocols.talk import Prelude


def _mysql(payload: bytes, number: int = 0) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes((number,)) + payload


_NO_SSL = MYSQL_GREETING.replace(b"\xff\xff\x21", b"\xff\xf7\x21")

UNWILLING = [
    (
        "ldap",
        b"\x30\x13\x02\x01\x01\x78\x0e\x0a\x01\x02\x04\x00\x04\x07no key.",
        "refused",
        "no key",
    ),
    ("ldap", b"\x30\x0f\x02\x01\x00\x78\x0a\x0a\x01\x34\x04\x00\x04\x03bye", "refused", "52 bye"),
    ("ldap", b"\x30\x80", "garbled", ""),
    ("ldap", b"\x30\x84\x7f\xff\xff\xff", "garbled", ""),
    ("ldap", b"\x30\x03\x02\x01\x01", "garbled", ""),
    ("ldap", b"\x30\x05\x02\x01\x01\x61\x00", "garbled", ""),
    ("ldap", b"\x30\x06\x02\x05\x01\x78\x00\x00", "garbled", ""),
    ("ldap", b"220 mail\r\n", "garbled", "220 mail"),
    ("postgres", b"N", "refused", "N"),
    ("postgres", b"E\0\0\0\x18SFATAL\0Mtoo many\0\0\0\0\0\0"[:25], "refused", "too many"),
    ("postgres", b"EFATAL: old\n\0", "refused", ": old"),
    ("postgres", b"HTTP/1.1 400", "garbled", "HTTP/1.1 400"),
    ("mysql", _mysql(b"\xff\x69\x04Host is blocked"), "refused", "Host is blocked"),
    ("mysql", _mysql(_NO_SSL), "refused", "no CLIENT_SSL"),
    ("mysql", _mysql(b"\x09old\0"), "garbled", "old"),
    ("mysql", b"220 mail", "garbled", "220 mail"),
    ("xmpp", b"<stream:stream><stream:features/>", "refused", "not among"),
    (
        "xmpp",
        b"<stream:stream><stream:error><host-unknown xmlns='u'/><text>no</text></stream:error>",
        "refused",
        "host-unknown",
    ),
    ("xmpp", b"<!DOCTYPE x [<!ENTITY a 'b'>", "garbled", "DOCTYPE"),
    ("xmpp", b"<html>", "garbled", "html"),
    ("xmpp", b"text only>", "garbled", "text only"),
    (
        "xmpp",
        b"<s:stream xmlns:s='u'><s:features><starttls/></s:features><failure xmlns='u'/>",
        "refused",
        "failure",
    ),
]


@each_row("size", [1, 65536])
@each_row("name, said, why, shown", UNWILLING)
def test_a_refusal_is_told_in_the_servers_words(name, said, why, shown, size):
    """The server's no, or nonsense, is an error that repeats it."""
    one = Prelude(script_of(name), "a.example")
    with pytest.raises(PreludeError) as caught:
        for at in range(0, len(said), size):
            one.receive(said[at : at + size])
        one.receive(b"")
    assert caught.value.why == why or size == 1
    assert shown in caught.value.message or size == 1


def test_the_packet_number_goes_on():
    """MySQL's packets of one exchange are numbered; ours follows the server's."""
    one = Prelude(script_of("mysql"), "a.example")
    one.receive(_mysql(MYSQL_GREETING, 4))
    assert one.drain()[3] == 5


def test_the_host_is_quoted_in_xml():
    """No name can leave the attribute that it stands in."""
    said = Prelude(script_of("xmpp"), "a'\"<b>").drain()
    assert b"<b>" not in said
    assert b"&lt;b&gt;" in said

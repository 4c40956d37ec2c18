"""tickets/key_files.py: key files as operators have them."""

from __future__ import annotations

import base64
import os
import random
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.rows import each_row
from tests.helpers.ticket_vectors import MECHANISMS, SERVERS, key_of, ticket_of, vector
from tlsresume.errors import ExitStatus, KeyFileError
from tlsresume.tickets.key_files import (
    KEY_KINDS,
    KINDS_OF,
    LARGEST,
    LENGTHS,
    open_with,
    parse_key_file,
    read_key_file,
    read_key_files,
)

RANDOM = random.Random(3)


def key(length: int = 48) -> bytes:
    return RANDOM.randbytes(length)


def lines(*keys: bytes) -> bytes:
    return b"".join(base64.b64encode(each) + b"\n" for each in keys)


@pytest.mark.parametrize("length", LENGTHS)
def test_encodings(length):
    """A key may be raw, in base64 or in hex, with or without an end of line."""
    data = key(length)
    for text, encoding in (
        (data, "raw"),
        (base64.b64encode(data), "base64"),
        (data.hex().encode(), "hex"),
        (data.hex(":").encode() + b"\r\n", "hex"),
    ):
        file = parse_key_file(text, "f")
        assert [each.data for each in file.keys] == [data]
        assert (file.encoding, file.warnings) == (encoding, ())
        assert file.keys[0].role == "only"


def test_roles_of_haproxy():
    """HAProxy encrypts with the penultimate line; the last comes next, others are older."""
    file = parse_key_file(lines(*(key(80) for _ in range(4))), "f")
    assert [each.role for each in file.keys] == ["older", "older", "current", "next"]
    assert [each.number for each in file.keys] == [1, 2, 3, 4]


def test_roles_of_nginx(tmp_path):
    """Of several files of one key the first encrypts."""
    for name in ("new", "old"):
        (tmp_path / name).write_bytes(key(80))
        (tmp_path / name).chmod(0o600)
    files = read_key_files([str(tmp_path / "new"), str(tmp_path / "old")])
    assert [file.keys[0].role for file in files] == ["current", "older"]
    assert [file.warnings for file in files] == [(), ()]


def test_traffic_server_has_its_keys_one_after_the_other():
    """Of several keys of 48 bytes in one file the first encrypts."""
    keys = [key(48) for _ in range(3)]
    file = parse_key_file(b"".join(keys), "f")
    assert [each.data for each in file.keys] == keys
    assert [each.role for each in file.keys] == ["current", "older", "older"]
    with pytest.raises(KeyFileError, match="has 816 bytes"):
        parse_key_file(key(17 * 48), "f")


@pytest.mark.parametrize(
    ("active", "expires", "words"),
    [(-10, 10, None), (-20, -10, "expired on"), (10, 20, "only from")],
)
def test_lighttpd_has_times_before_its_key(tmp_path, active, expires, words):
    """A stek-file is the times of use and a key; that it is out of use is said, because then
    lighttpd gives no tickets."""
    data, now = key(80), int(time.time())
    path = tmp_path / "stek"
    path.write_bytes(struct.pack("=III", 0, now + active * 1000, now + expires * 1000) + data)
    path.chmod(0o600)
    file = read_key_file(str(path))
    assert [each.data for each in file.keys] == [data]
    assert [words in each for each in file.warnings] == ([] if words is None else [True])
    with pytest.raises(KeyFileError, match="has 92 bytes"):
        parse_key_file(b"\x01" + key(91), "f")


@each_row("kind", KEY_KINDS)
def test_the_kind_decides(kind):
    """With a kind declared only its order is tried, and a key that cannot be of it is refused."""
    for length, kinds in KINDS_OF.items():
        if kind in kinds:
            file = parse_key_file(key(length), "f", kind)
            orders = {reading.order for reading in file.keys[0].readings(kind, 0, 0)}
            assert len(orders) == 1
        else:
            with pytest.raises(KeyFileError, match=f"is no {kind} key"):
                parse_key_file(key(length), "f", kind)


@each_row(
    "data, words",
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (bytes(47), "has 47 bytes"),
        (b"\xff" * 79, "has 79 bytes"),
        (b"hello\n", "line 1 is no ticket key"),
        (lines(bytes(range(80))) + b"what?\n", "line 2 is no ticket key"),
        (lines(bytes(range(80)))[:-9], "line 1 is no ticket key"),
        (b"-----BEGIN PRIVATE KEY-----\n", "a private key"),
        (b"-----BEGIN CERTIFICATE-----\n", "a certificate"),
        (bytes(LARGEST + 1), "too large"),
    ],
)
def test_no_key_file(data, words):
    """What is no key file is refused with a word on what it is, and exit status 7."""
    with pytest.raises(KeyFileError, match=words) as caught:
        parse_key_file(data, "tickets.key")
    assert caught.value.exit_status == ExitStatus.FILE
    assert "tickets.key" in caught.value.message


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_a_file_that_cannot_be_read(tmp_path, what):
    """A missing file or a folder is an error of the key file."""
    path = tmp_path / what
    if what == "folder":
        path.mkdir()
    with pytest.raises(KeyFileError):
        read_key_file(str(path))


def test_a_file_that_others_can_read(tmp_path):
    """A key file that others can read is warned about, and one for its owner is not."""
    path = tmp_path / "k"
    path.write_bytes(key())
    for mode, warned in ((0o644, 1), (0o640, 1), (0o600, 0)):
        path.chmod(mode)
        assert len(read_key_file(str(path)).warnings) == warned


def test_a_pipe(tmp_path):
    """A pipe can be a key file, as with a shell's <(...)."""
    reading, writing = os.pipe()
    data = key(80)
    os.write(writing, data)
    os.close(writing)
    try:
        file = read_key_file(f"/dev/fd/{reading}")
    finally:
        os.close(reading)
    assert file.keys[0].data == data
    assert file.warnings == ()


@each_row(
    "data, words",
    [
        (bytes(80), "all zero"),
        (b"1" * 48, "every byte 0x31"),
        (key(16) + bytes(range(32)), "counting up from 0"),
        (key(16) + b"ab" * 16, "2 bytes, repeated"),
        (key(16) + (half := key(16)) + half, "16 bytes, repeated"),
        (lines(one := key(80), key(80), one), "key 3 is the same as key 1"),
        (lines(one, one[:16] + key(64)), "key 2 has the name of another key"),
    ],
)
def test_a_file_that_repeats_itself(data, words):
    """Keys that are no random bytes, or stand twice, are warned about."""
    (warning,) = parse_key_file(data, "f").warnings
    assert words in warning


def test_two_files_with_one_key(tmp_path):
    """The same key in two files is warned about."""
    data = key()
    for name in "ab":
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o600)
    files = read_key_files([str(tmp_path / name) for name in "ab"])
    assert any("stands in" in warning for warning in files[1].warnings)


ORDERS = {
    "nginx48": "name, AES-128, MAC (nginx)",
    "nginx80": "name, MAC, AES-256 (nginx, Envoy, lighttpd)",
    "haproxy80": "name, AES-256, MAC (HAProxy, nghttpx)",
    "apache48": "name, MAC, AES-128 (Apache, Node, ATS)",
    "node48": "name, MAC, AES-128 (Apache, Node, ATS)",
    "gnutls64": "name, AES, MAC",
    "go32": "a seed of 32 bytes",
}


@each_row("mechanism", MECHANISMS)
@each_row("server", SERVERS)
def test_real_servers(server, mechanism):
    """Among all the key files the one that a real server was given is found, the key in it,
    and the order of its parts."""
    files = [parse_key_file(key_of(name), name) for name in SERVERS]
    session = vector(server, mechanism)
    fields = session.fields
    opened = open_with(
        ticket_of(session), files, time=fields.time, lifetime=fields.lifetime_hint or 0
    )
    assert opened is not None
    assert opened.file.path == server
    assert opened.unsealed.key.order == ORDERS[server]
    expected = (2, "current") if server == "haproxy80" else (1, "only")
    assert (opened.key.number, opened.key.role) == expected


def test_nothing_is_shown_of_a_key():
    """Neither a repr nor an error has key material in it."""
    data = key(80)
    file = parse_key_file(lines(data, key(80)), "f")
    readings = [reading for each in file.keys for reading in each.readings(None, 0, 0)]
    for part in (data[16:48], data[48:]):
        for text in (repr(file), repr(readings)):
            assert part.hex() not in text
            assert repr(part)[2:10] not in text


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    st.sampled_from([None, *KEY_KINDS]),
)
def test_any_file(data, kind):
    """Of any bytes only keys or our error come out."""
    try:
        file = parse_key_file(data, "f", kind)
    except KeyFileError:
        return
    assert all(len(each.data) in LENGTHS for each in file.keys)
    assert open_with(bytes(200), [file]) is None or file.warnings

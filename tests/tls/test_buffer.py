"""tlsresume.tls.buffer: the strict reader of the TLS presentation language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlsresume.errors import TLSResumeError
from tlsresume.tls.buffer import (
    Reader,
    WireError,
    push_list,
    push_opaque,
    push_uint,
    read_whole,
)


@pytest.mark.parametrize(
    ("pull", "size"),
    [
        (Reader.pull_uint8, 1),
        (Reader.pull_uint16, 2),
        (Reader.pull_uint24, 3),
        (Reader.pull_uint32, 4),
    ],
)
def test_numbers(pull, size):
    """A number takes its size in network byte order, and one byte less is an error."""
    data = bytes(range(1, size + 1))
    assert read_whole(data, pull) == int.from_bytes(data, "big")
    with pytest.raises(WireError):
        read_whole(data[:-1], pull)


def test_pulls_go_on_where_the_last_ended():
    """Pulls take bytes from the front, in order."""
    reader = Reader(b"\x01\x00\x02\x03abcrest")
    assert reader.pull_uint8() == 1
    assert reader.pull_uint16() == 2
    assert reader.pull_opaque(1) == b"abc"
    assert reader.remaining == 4
    assert reader.pull_rest() == b"rest"
    reader.end()


def test_trailing_bytes():
    """Bytes left over are an error, not ignored."""
    reader = Reader(b"\x00\x00")
    reader.pull_uint8()
    with pytest.raises(WireError, match="1 trailing"):
        reader.end()


def test_truncated_vector():
    """A vector that declares more than there is, is an error."""
    with pytest.raises(WireError, match="4 bytes due, 3 there"):
        Reader(b"\x04abc").pull_opaque(1)


def test_vector_below_its_minimum():
    """A vector shorter than its struct allows is an error."""
    with pytest.raises(WireError):
        Reader(b"\x00").pull_opaque(1, minimum=1)


def test_list_ends_with_a_whole_item():
    """A list whose length cuts an item in two is an error, though more bytes follow."""
    assert Reader(b"\x04\x00\x01\x00\x02").pull_list(1, Reader.pull_uint16) == (1, 2)
    with pytest.raises(WireError):
        Reader(b"\x03\x00\x01\x00\x02").pull_list(1, Reader.pull_uint16)


def test_error_is_ours():
    """A caller that catches the package's base error catches this one."""
    assert issubclass(WireError, TLSResumeError)


@pytest.mark.parametrize(("value", "size"), [(256, 1), (-1, 2)])
def test_number_that_does_not_fit(value, size):
    """What cannot be written is our error, not an OverflowError."""
    with pytest.raises(WireError):
        push_uint(value, size)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_written_and_read_back(items):
    """A list of vectors is read back as it was written."""
    data = push_list((push_opaque(item, 1) for item in items), 2)
    pulled = read_whole(data, lambda r: r.pull_list(2, lambda inner: inner.pull_opaque(1)))
    assert list(pulled) == items

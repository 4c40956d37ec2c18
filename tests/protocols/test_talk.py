from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.preludes import HONEST, play
from tests.helpers.rows import assert_complete, each_row
from tlsresume.errors import PreludeError
from tlsresume.protocols.table import STARTTLS, script_of
from tlsresume.protocols.talk import LARGEST, Prelude, words

#: Those without a conversation fail one test, which says where it is to be added.
NAMES = sorted(name for name in STARTTLS if name in HONEST)


def prelude(name: str) -> Prelude:
    return Prelude(script_of(name), "a.example")


def fed(one: Prelude, pieces: list[bytes]) -> PreludeError | None:
    """The error that some bytes lead to, if any."""
    try:
        for piece in pieces:
            if not one.done:
                one.receive(piece)
                one.drain()
    except PreludeError as error:
        return error
    return None


def test_each_protocol_that_can_be_named_has_a_prelude():
    """The names of the command line and the table are the same."""
    assert_complete(HONEST, STARTTLS, "tests/helpers/preludes.py, HONEST")


@each_row("size", [1, 2, 3, 7, LARGEST])
@each_row("name", NAMES)
def test_an_honest_server_is_understood_however_its_bytes_are_cut(name, size):
    """Replies may come byte by byte, or several lines in one piece."""
    one = prelude(name)
    play(one, HONEST[name], size)
    assert one.done


@each_row("name", NAMES)
def test_nothing_is_done_before_the_last_byte(name):
    """A prelude that lacks the last byte of the last answer still waits."""
    conversation = HONEST[name]
    last = max(turn for turn in range(0, len(conversation), 2))
    one = prelude(name)
    play(one, (*conversation[:last], conversation[last][:-1]), LARGEST)
    assert not one.done
    with pytest.raises(PreludeError) as caught:
        one.receive(b"")
    assert caught.value.why == "closed"


@each_row("name", NAMES)
def test_bytes_after_the_last_answer_are_refused(name):
    """Data in clear that follows in the same segment never becomes data inside TLS."""
    conversation = HONEST[name]
    last = max(turn for turn in range(0, len(conversation), 2))
    one = prelude(name)
    with pytest.raises(PreludeError) as caught:
        play(one, (*conversation[:last], conversation[last] + b"250 evil\r\n"), LARGEST)
    assert caught.value.why == "injection"
    assert "250 evil" in caught.value.message


@each_row("name", NAMES)
def test_a_server_that_says_nothing_and_closes_is_named(name):
    """The error tells what was being waited for."""
    one = prelude(name)
    one.drain()
    with pytest.raises(PreludeError) as caught:
        one.receive(b"")
    assert caught.value.why == "closed"
    assert one.topic in caught.value.message


@each_row("name", NAMES)
def test_endless_greetings_are_bounded(name):
    """A server that talks for ever is cut off, whatever it says."""
    one = prelude(name)
    line = {"irc": b":a NOTICE * :x\r\n", "imap": b"* OK ", "sieve": b'"A" "B"\r\n'}.get(
        name, b"220-x\r\n"
    )
    with pytest.raises(PreludeError):
        for _ in range(LARGEST):
            one.receive(line)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
@settings(max_examples=80)
@given(pieces=st.lists(st.binary(max_size=40), max_size=20))
def test_noise_ends_in_our_error_or_in_waiting(name, pieces):
    """Whatever comes, only PreludeError leaves, with printable words."""
    error = fed(prelude(name), pieces)
    assert error is None or error.message.isprintable()
    assert error is None or len(error.message) < 400


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
@settings(max_examples=80)
@given(data=st.data())
def test_an_honest_conversation_with_one_piece_changed(name, data):
    """A mutation of an honest server's words gives an error, an end, or waiting."""
    server = b"".join(HONEST[name][::2])
    at = data.draw(st.integers(0, len(server) - 1))
    cut = data.draw(st.integers(0, 3))
    changed = server[:at] + data.draw(st.binary(max_size=4)) + server[at + cut :]
    error = fed(prelude(name), [bytes((byte,)) for byte in changed])
    assert error is None or error.message.isprintable()


def test_words_are_short_and_printable():
    """What a peer said can stand in an error."""
    assert words(b"\x1b[31mred\r\n") == "'.[31mred'"
    assert len(words(b"x" * 10_000)) < 250
    assert words("\u202e".encode()).isprintable()

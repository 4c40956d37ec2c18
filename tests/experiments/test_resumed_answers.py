"""Requests that are answered on full handshakes and otherwise on resumed ones."""

from __future__ import annotations

import pytest

from tests.helpers.evidence import Story
from tlsresume.evidence.answers import AnswerClass, answer_of
from tlsresume.findings.judge import judge, wanted
from tlsresume.findings.resumed_answers import unusual

CODES = ("resumed-then-refused", "resumed-then-unanswered")


def http(status: int) -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()


def found(story: Story) -> dict[str, str]:
    """The findings about answers, with their severity."""
    return {f.code: f.severity for f in judge([story.view()]) if f.code in CODES}


#: What full and resumed connections get, and whether resumed ones are refused.
ANSWERS: tuple[tuple[bytes, bytes, bool], ...] = (
    *((http(200), http(status), True) for status in (302, 400, 401, 403, 404, 421, 500, 503)),
    (http(302), http(401), True),
    (http(404), http(403), True),
    *((http(status), http(status), False) for status in (200, 302, 400, 404, 500)),
    (http(200), http(204), False),
    (http(500), http(503), False),
    (http(404), http(200), False),
    (http(200), http(429), False),
    (http(200), http(408), False),
    (b"221 2.0.0 Bye\r\n", b"554 5.7.1 who are you?\r\n", True),
    (b"220 x ESMTP\r\n221 Bye\r\n", b"220 x ESMTP\r\n502 no\r\n", True),
    (b"221 Bye\r\n", b"421 4.7.0 too many connections\r\n", False),
    (b"221 Bye\r\n", b"450 4.7.0 later\r\n", False),
    (b"221 Bye\r\n", b"221-Bye\r\n221 Bye\r\n", False),
    (b"* OK hi\r\n* BYE out\r\nA2 OK done\r\n", b"* OK hi\r\nA2 BAD no\r\n", True),
    (b"* BYE out\r\nA2 OK done\r\n", b"* BYE disconnected\r\n", True),
    (b"* BYE out\r\nA2 OK done\r\n", b"* BYE out\r\nA2 OK done\r\n", False),
    (b"+OK bye\r\n", b"-ERR no\r\n", True),
    (b"\x00\x01binary", b"\x00\x02binary", False),
)


@pytest.mark.parametrize("mechanism", ["psk", "ticket", "session-id"])
def test_answers_of_another_class_are_told_and_equal_ones_are_not(mechanism) -> None:
    """A warning where resumed connections get an answer of a class that full ones do not get,
    and none where both get the same, whatever it is."""
    for full, resumed, refused in ANSWERS:
        story = Story(mechanism).full(response=full, asked=True, answer_ms=5.0)
        story.resumed(response=resumed, asked=True, answer_ms=5.0).answers(full, resumed)
        told = {"resumed-then-refused": "warning"} if refused else {}
        assert found(story) == told, (full, resumed)
        assert wanted(story.view()) == ()


def test_one_answer_of_each_side_asks_for_more() -> None:
    """A first difference is information, and asks for the experiment; not once it was made."""
    for resumed in (b"", http(503)):
        story = Story("psk").full(response=http(200), asked=True, answer_ms=5.0)
        story.resumed(response=resumed, asked=True, answer_ms=3000.0)
        assert list(found(story).values()) == ["info"]
        assert wanted(story.view()) == ("answers",)
        story.answers(http(200), http(200))
        assert found(story) == {}, "it was luck"
        assert wanted(story.view()) == ()


def test_full_handshakes_that_disagree_show_nothing() -> None:
    """Where full handshakes get this and that, a resumed one that gets the other is no news."""
    story = Story("psk").full(response=http(200)).full("tries", response=http(503))
    story.resumed(response=http(503)).answers(http(200), http(503))
    assert found(story) == {}


def test_silence_counts_by_how_long_full_handshakes_take() -> None:
    """Resumed connections are unanswered only if we waited twice as long as for the slowest full
    one, or if the server closed; full ones that are not answered either show nothing."""
    cases = (
        (5.0, {"answer_ms": 3000.0}, "error"),
        (2000.0, {"answer_ms": 3000.0}, None),
        (2000.0, {"answer_ms": 3.0, "left": True}, "error"),
        (5.0, {"answer_ms": 3.0, "closed": "hung-up"}, "error"),
    )
    for slowest, silent, severity in cases:
        story = Story("ticket")
        story.full(response=http(200), asked=True, answer_ms=slowest)
        story.resumed(asked=True, **silent).answers(http(200), b"", **silent)
        told = {"resumed-then-unanswered": severity} if severity else {}
        assert found(story) == told, (slowest, silent)
    story = Story("ticket").full(asked=True, answer_ms=3000.0)
    assert found(story.resumed(asked=True, answer_ms=3000.0).answers(b"", b"")) == {}


def test_a_saved_session_is_compared_with_full_handshakes_to_come() -> None:
    """After a file's session resumed, what full handshakes get is asked for, unless its request
    was served; where they get the same there is no finding."""
    for answer, more in ((http(302), True), (b"", True), (b"554 no\r\n", True), (http(200), False)):
        story = Story("psk")
        story.keep(story.session(age=60))
        story.resumed(
            experiment="resume", series="resume", response=answer, asked=True, answer_ms=3000.0
        )
        assert unusual(story.journal[-1]) is more
        assert wanted(story.view()) == (("answers",) if more else ())
        if more:
            story.answers(answer, answer)
            assert found(story) == {}


def test_what_is_no_answer_is_not_read_as_one() -> None:
    """A greeting nobody asked for, a connection that we broke off, and one that failed."""
    story = Story("psk").full(response=b"220 x ESMTP\r\n")
    story.full(response=b"220 x ESMTP\r\n", asked=True, answer_ms=3000.0)
    story.failed()
    unasked, greeting, failed = story.journal
    assert answer_of(unasked) is None
    assert answer_of(failed) is None
    answer = answer_of(greeting)
    assert answer is not None
    assert answer.kind is AnswerClass.NONE

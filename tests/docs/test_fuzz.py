"""tools/fuzz.py: what the long run does is done, and finds what is wrong; and every parser's work
grows with its input, not with its square."""

from __future__ import annotations

import contextlib

import fuzz
import pytest
from fuzz_parsers import Parser, parsers

from tests.helpers import growth
from tests.helpers.rows import each_row
from tlsresume.protocols.table import STARTTLS

pytestmark = pytest.mark.slow

PARSERS = parsers()
#: Pieces of which a hostile input may have any number, beside those of the right inputs.
PIECES = (
    *tuple(
        bytes((byte,))
        for byte in b"\x00\x01\x04\x160\x80\xff aA1.:-@/[]{}()<>\"'\\\r\n\t=,;%#&?~+*|"
    ),
    b"a.",
    b"\r\n",
    b"1h",
    b"://",
    b"\x00\x00",
    b"0\x80",
    b"a,",
    b"[[",
    "é".encode(),
    b"\xed\xa0\x80",
)
TIMES = 4
#: Steps that each byte may cost, and an input at all.
PER_BYTE, AT_ALL = 40, 4000
#: Where every published key is tried, however long the ticket is.
WEAK_AT_ALL = 100_000


def test_damaged_inputs_end_in_our_errors(capsys):
    """A thousandth of the long run: each parser gives a value or an error of ours."""
    assert fuzz.main(["--count", "4000", "--seed", "7"]) == 0
    told = capsys.readouterr().out
    assert all(f"{parser.name}: " in told for parser in PARSERS)
    assert {f"prelude {name}" for name in STARTTLS} <= {parser.name for parser in PARSERS}


def test_the_right_inputs_are_right():
    """Of each parser at least one input is taken without an error: changes start from there."""
    for parser in PARSERS:
        taken = 0
        for data in parser.right:
            try:
                parser.parse(data)
            except parser.allowed:
                continue
            taken += 1
        assert taken, parser.name


def test_a_wrong_parser_is_found(capsys, monkeypatch):
    """A parser that raises what it may not, or that does not end, makes the run fail."""

    def wrong(data: bytes) -> None:
        if b"\xff" in data:
            raise KeyError(data)

    def endless(_data: bytes) -> None:
        while True:
            pass

    for parse, said in ((wrong, "KeyError"), (endless, "TooSlowError")):
        one = Parser("broken", parse, (b"ab\xffcd",))
        monkeypatch.setattr(fuzz, "parsers", lambda one=one: (one,))
        monkeypatch.setattr(fuzz, "LIMIT", 0.01)
        assert fuzz.main(["--count", "30"]) == 1
        assert said in capsys.readouterr().out


def steps(parser: Parser, data: bytes) -> int:
    """Lines of Python that a parser goes through, in our code and in what it calls."""

    def parse() -> None:
        with contextlib.suppress(*parser.allowed):
            parser.parse(data)

    return growth.steps(parse)


@each_row("parser", PARSERS, ids=lambda parser: parser.name)
def test_the_work_grows_with_the_input(parser):
    """Four times the repetitions cost at most about four times the steps, behind any beginning
    of a right input."""
    at_all = WEAK_AT_ALL if parser.name == "weak ticket" else AT_ALL
    for right in sorted(set(parser.right), key=len)[: 1 if parser.share == 1 else 2]:
        for cut in {0, len(right) // 2, len(right)}:
            for piece in PIECES:
                few, many = (
                    steps(parser, right[:cut] + piece * count) for count in (50, 50 * TIMES)
                )
                size = cut + len(piece) * 50 * TIMES
                most = TIMES * 1.5 * few + PER_BYTE * size + at_all
                assert many <= most, (right[:cut][-40:], piece, few, many)


def test_many_different_keys():
    """In a key file of many lines no key is held against each of the others."""
    parser = next(each for each in PARSERS if each.name == "key file")

    def lines(count: int) -> bytes:
        return b"".join(b"%032x%064x\n" % (number + 1, number + 5) for number in range(count))

    few, many = (steps(parser, lines(count)) for count in (100, 100 * TIMES))
    assert many <= TIMES * 1.2 * few

"""Feed the pure parsers with damaged input: a million changed copies of what is right.

    python tools/fuzz.py [--count N] [--seed N] [--only WORD]

Each parser (`tools/fuzz_parsers.py`) gets its share of the inputs. An input is made of a right one
(real handshake messages, sessions, key files, greetings, policies ...) by a few changes; with the
same seed they are the same changes. What a parser may do is to give a value or to raise an error
of ours. Anything else, and an input that takes longer than the limit, is printed with the input,
and the exit status is 1.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from fuzz_parsers import Parser, parsers

#: Seconds that one input may take on the slowest machine; they take microseconds.
LIMIT = 10
#: No input is longer, in bytes; a repeated piece may make it so.
LONGEST = 20_000

#: No more is printed of one parser.
MOST_WRONG = 10

_EDGES = (0, 1, 0x7F, 0x80, 0xFF)


def changed(right: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """A copy of a right input with one to four changes."""
    data = bytearray(right)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 1, 2, 4, 16, 200)))
        match chance.randrange(9):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(data):
                data[at] = chance.choice(_EDGES)
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = chance.randbytes(chance.choice((1, 2, 8)))
            case 4:
                data[at:at] = data[at:end] * chance.choice((1, 2, 50))
            case 5:
                del data[at:]
            case 6:
                other = chance.choice(others)
                begin = chance.randrange(len(other) + 1)
                data[at:end] = other[begin : begin + chance.choice((1, 4, 16, 300))]
            case 7:
                data[at:end] = bytes((chance.choice(_EDGES),)) * (end - at)
            case _:
                data[at:end] = data[at:end][::-1]
    return bytes(data[:LONGEST])


class TooSlowError(Exception):
    """One input took longer than the limit."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooSlowError in what is inside when it takes longer."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fuzz(parser: Parser, count: int, seed: int) -> Iterator[str]:
    """What goes wrong in a number of inputs, each as a line to print."""
    chance = random.Random(f"{seed} {parser.name}")  # noqa: S311  no secrets are made
    wrong = 0
    for number in range(count):
        data = changed(chance.choice(parser.right), parser.right, chance)
        try:
            with limited(LIMIT):
                parser.parse(data)
        except parser.allowed:
            continue
        except Exception as error:  # noqa: BLE001  what it may not raise is what is sought
            wrong += 1
            if wrong > MOST_WRONG:
                yield f"{parser.name}: more is wrong, and left out"
                return
            yield f"{parser.name}: input {number}: {type(error).__name__}: {error}: {data!r}"


def main(arguments: Sequence[str]) -> int:
    """Fuzz every parser; 1 if anything went wrong."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--count", type=int, default=1_000_000, help="inputs in all")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default="", help="parsers with this word in their name")
    options.add_argument("-q", "--quiet", action="store_true", help="print only what is wrong")
    asked = options.parse_args(arguments)
    chosen = [parser for parser in parsers() if asked.only in parser.name]
    shares = sum(parser.share for parser in chosen)
    wrong = done = 0
    for parser in chosen:
        count = -(-asked.count * parser.share // shares)
        started = time.monotonic()
        for line in fuzz(parser, count, asked.seed):
            wrong += 1
            sys.stdout.write(f"{line[:2000]}\n")
        done += count
        if not asked.quiet:
            each = (time.monotonic() - started) / count * 1e6
            sys.stdout.write(f"{parser.name}: {count} inputs, {each:.0f} us each\n")
            sys.stdout.flush()
    sys.stdout.write(f"fuzz: {done} inputs, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Checks of values that a library caller gives: each raises UsageError in words.

What is checked has a name, which begins the message: `tries: 0 is not from 1 to 1000`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence

from tlsresume.errors import UsageError

#: A token (RFC 9110 section 5.6.2).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def kind(name: str, value: object, wanted: type | tuple[type, ...], words: str) -> None:
    """Check the type of a value; `words` say what is wanted, such as "a ConnectOptions"."""
    if not isinstance(value, wanted):
        raise UsageError(f"{name}: {_short(value)} is not {words}")


def flags(**values: object) -> None:
    """Check that each is True or False."""
    for name, value in values.items():
        kind(name, value, bool, "True or False")


def whole(name: str, value: object, least: int, most: int) -> None:
    """Check a whole number and its range."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{name}: {_short(value)} is not a whole number")
    if not least <= value <= most:
        raise UsageError(f"{name}: {value} is not from {least} to {most}")


def seconds(name: str, value: object, most: float, *, zero: bool = False) -> None:
    """Check a finite number of seconds above 0 (or 0, with `zero`) and up to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{name}: {_short(value)} is not a number of seconds")
    if not math.isfinite(value) or not (0 < value <= most or (zero and value == 0)):
        least = "from 0" if zero else "above 0 and"
        raise UsageError(f"{name}: {value:g} is not {least} up to {most:g} seconds")


def choice(name: str, value: object, choices: Collection[str]) -> None:
    """Check that a word is one of some."""
    if not isinstance(value, str) or value not in choices:
        raise UsageError(f"{name}: {_short(value)} is not one of {', '.join(choices)}")


def text(name: str, value: object) -> None:
    """Check a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise UsageError(f"{name}: {_short(value)} is not a text, or is empty")


def listed(name: str, value: object) -> tuple[object, ...]:
    """A list or tuple as a tuple. A text is none, though it can be gone through."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise UsageError(f"{name}: {_short(value)} is not a tuple")
    return tuple(value)


def protocols(name: str, value: object) -> tuple[object, ...]:
    """Names of ALPN protocols (RFC 7301: 1 to 255 bytes) as a tuple."""
    names = listed(name, value)
    for each in names:
        if not isinstance(each, str) or not each.isascii() or not 1 <= len(each) <= 255:
            raise UsageError(f"{name}: {_short(each)} is not an ASCII name of 1 to 255 bytes")
    return names


def token(name: str, value: object) -> None:
    """Check the name of an HTTP header."""
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise UsageError(f"{name}: {_short(value)} is not the name of an HTTP header")


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."

"""Numbers and times in words for people: spans, counts, names of keys, points in time.

Every layer words them here. What a user writes is read by `durations`, which also spells a
duration so that it can be read back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

#: Hex digits of a key name or fingerprint that people are shown.
SHORT = 8

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float) -> str:
    """Seconds in the two largest units that say something: `300 s`, `2 h`, `1 d 4 h`."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    whole = round(seconds)
    if whole < 120 or (whole < 600 and whole % 60):
        return f"{whole} s"
    for at, (size, unit) in enumerate(_UNITS):
        if whole >= size:
            count, rest = divmod(whole, size)
            words = f"{count} {unit}"
            if at + 1 < len(_UNITS):
                small, small_unit = _UNITS[at + 1]
                if rest // small:
                    words += f" {rest // small} {small_unit}"
            return words
    return "0 s"


def seconds(milliseconds: float) -> str:
    """Milliseconds as seconds with one digit: `1.9 s`."""
    return f"{milliseconds / 1000:.1f} s"


def milliseconds(value: float) -> str:
    """Milliseconds, with a digit after the point below ten: `41 ms`, `2.4 ms`."""
    return f"{value:.1f} ms" if value < 9.95 else f"{value:.0f} ms"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 address`, `2 addresses`."""
    if number == 1:
        return f"1 {noun}"
    ending = "es" if noun.endswith("s") else "s"
    return f"{number} {plural or noun + ending}"


def short_key(key_name: str, beside: Iterable[str | None] = ()) -> str:
    """A key name short enough for a line: its first 4 bytes, in hex; all of it, where another
    beside it begins the same."""
    short = key_name[:SHORT]
    alike = any(other != key_name and (other or "").startswith(short) for other in beside)
    return key_name if alike else short


def connections(number: int) -> str:
    """`1 connection`, `5 connections`."""
    return count(number, "connection")


def span(value: float) -> str:
    """Seconds in one unit, with three digits: `2.5 h`, `90 s`. Findings word ages by it."""
    if value < 0:
        return f"-{span(-value)}"
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if value >= 2 * size:
            amount = value / size
            return f"{amount:.3g} {unit}" if amount < 100 else f"{amount:.0f} {unit}"
    return f"{value:.3g} s"


def plain_seconds(value: float) -> str:
    """Always in seconds, as servers' settings are, so that two ages can be compared."""
    return f"{value:.3g} s" if value < 100 else f"{value:.0f} s"


def days(number: int) -> str:
    """A number of days in days, months or years, in whole numbers."""
    if number < 1:
        return "less than a day"
    for unit, size in (("years", 365.25), ("months", 30.44)):
        if number + 1 >= 2 * size:
            return f"{number / size:.0f} {unit}"
    return count(number, "day")


def iso(seconds: float) -> str:
    """A point in time, in seconds since 1970, as `2026-01-31T12:00:00Z`. Raises OverflowError,
    ValueError or OSError where the calendar ends."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_or_none(seconds: float) -> str | None:
    """The same; None where the calendar ends."""
    try:
        return iso(seconds)
    except (OverflowError, ValueError, OSError):
        return None


def iso_milliseconds(seconds: float) -> str:
    """A point in time as reports have it: `2026-01-31T12:00:00.000+00:00`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def utc(time: str) -> str:
    """A UTC time in ISO 8601 with the short sign for its zone: `2026-01-31T12:00:00Z`."""
    return time.removesuffix("+00:00") + "Z" if time.endswith("+00:00") else time

"""Numbers in words for people: durations, counts, sizes."""

from __future__ import annotations

from collections.abc import Iterable

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
    short = key_name[:8]
    alike = any(other != key_name and (other or "").startswith(short) for other in beside)
    return key_name if alike else short


def utc(time: str) -> str:
    """A UTC time in ISO 8601 with the short sign for its zone: `2026-01-31T12:00:00Z`."""
    return time.removesuffix("+00:00") + "Z" if time.endswith("+00:00") else time

"""Lengths of time as people write them in policies and options: `90s`, `5m`, `24h`, `7d`."""

from __future__ import annotations

import re

_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "min": 60, "s": 1}
#: What a duration looks like; also the pattern in the policy's JSON Schema.
PATTERN = r"^([0-9]+(w|d|h|min|m|s) ?)+$"
#: Nothing measured here lasts longer: RFC 8446 lets a ticket live 7 days, RFC 5077 136 years.
_LONGEST = 2**32


def parse_duration(value: str | int) -> int:
    """Seconds, from `1h30m`, `24h`, `7d`, or a whole number of seconds. Raises ValueError."""
    text = str(value).strip()
    if text.isascii() and text.isdigit():
        seconds = int(text[:20])
    elif re.fullmatch(PATTERN, text, re.ASCII):
        parts = re.findall(r"([0-9]+)(w|d|h|min|m|s)", text)
        seconds = sum(int(number[:20]) * _SECONDS[unit] for number, unit in parts)
    else:
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m, 24h or 7d")
    if seconds > _LONGEST:
        raise ValueError(f"{text[:40]!r} is too long: more than {_LONGEST // 31_557_600} years")
    if seconds <= 0:
        raise ValueError(f"{text!r} is not a duration above 0")
    return seconds


def short_duration(seconds: int) -> str:
    """The shortest exact spelling that `parse_duration` reads back: `24h`, `7d`, `90s`."""
    for unit in ("d", "h", "m"):
        if seconds % _SECONDS[unit] == 0 and (unit != "d" or seconds >= 2 * _SECONDS["d"]):
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"

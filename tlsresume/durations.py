"""Lengths of time and shares as people write them in options, policies and configuration.

A length of time is `5s`, `250ms`, `1h30m`, `2h`, `7d`, or plain seconds (`5`, `0.5`); a share is
`0.9` or `90%`. Every option and file of the tool is read by the two functions here.
"""

from __future__ import annotations

import re

_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "min": 60, "s": 1, "ms": 0.001}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_UNITS = "w|d|h|min|ms|m|s"
#: What a duration looks like; also the pattern in the policy's JSON Schema.
PATTERN = rf"^({_NUMBER}({_UNITS}) ?)+$"
#: What a share in percent looks like; also in that schema.
PERCENT = rf"^{_NUMBER} ?%$"
_PART = rf"({_NUMBER})({_UNITS})"
#: Nothing measured here lasts longer: RFC 8446 lets a ticket live 7 days, RFC 5077 136 years.
_LONGEST = 2**32
#: No number that means something has more digits.
_DIGITS = 40


def parse_duration(value: str | float) -> float:
    """Seconds, from `250ms`, `5s`, `1h30m`, `24h`, `7d`, or a number of seconds; an int where it
    is whole. Raises ValueError."""
    text = str(value).strip()
    if len(text) <= _DIGITS and re.fullmatch(_NUMBER, text, re.ASCII):
        seconds = float(text)
    elif len(text) <= 4 * _DIGITS and re.fullmatch(PATTERN, text, re.ASCII):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text))
    else:
        raise ValueError(f"{_cut(text)!r} is not a duration such as 5s, 250ms, 2h or 7d")
    if seconds > _LONGEST:
        raise ValueError(f"{_cut(text)!r} is too long: more than {_LONGEST // 31_557_600} years")
    # To the microsecond: 1.1s is 1.1, however it was added up.
    seconds = round(seconds, 6)
    if seconds <= 0:
        raise ValueError(f"{_cut(text)!r} is not a duration above 0")
    return int(seconds) if seconds.is_integer() else seconds


def parse_share(value: str | float) -> float:
    """A share above 0 and up to 1, from `0.9` or `90%`. Raises ValueError."""
    text = str(value).strip()
    percent = re.fullmatch(PERCENT, text, re.ASCII)
    number = text.removesuffix("%").strip() if percent else text
    try:
        share = float(number[: _DIGITS + 1]) / (100 if percent else 1)
    except ValueError:
        raise ValueError(f"{_cut(text)!r} is not a share such as 0.9 or 90%") from None
    if not 0 < share <= 1:
        meant = f"; {share:g} % is {share / 100:g} or {share:g}%" if 1 < share <= 100 else ""
        raise ValueError(f"{_cut(text)} is not above 0 and up to 1{meant}")
    return share


def short_duration(seconds: float) -> str:
    """The shortest exact spelling that `parse_duration` reads back: `24h`, `7d`, `90s`, `250ms`."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    for unit in ("d", "h", "m"):
        if seconds % _SECONDS[unit] == 0 and (unit != "d" or seconds >= 2 * _SECONDS["d"]):
            return f"{seconds // _SECONDS[unit]:.0f}{unit}"
    return f"{seconds}s"


def _cut(text: str) -> str:
    return text if len(text) <= _DIGITS else f"{text[:_DIGITS]}..."

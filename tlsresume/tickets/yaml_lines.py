"""Names and values in the lines of YAML and of assignments, for what people keep keys in.

YAML is not parsed: a scalar stands on a line of its own behind its name, or in a block (`|`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SCALAR = re.compile(
    r"""\s*(?:-\s+)?["']?(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,80})["']?\s*[:=]\s*["']?(?P<value>[^"'#]*)"""
)


def pairs_of(text: str) -> list[tuple[str, str]]:
    """`NAME: VALUE` and `NAME = VALUE` of each line; the lines of a YAML block (`|`) are one
    value."""
    found: list[tuple[str, list[str]]] = []
    block = -1
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if block >= 0 and (indent > block or not line.strip()):
            found[-1][1].append(line.strip())
            continue
        block = -1
        match = _SCALAR.match(line)
        if match is None:
            continue
        value = match["value"].strip()
        if value in ("|", "|-", ">", ">-", "|+"):
            block, value = indent, ""
        found.append((match["name"], [value.removeprefix("!!binary ")]))
    return [(name, "\n".join(lines).strip()) for name, lines in found]


def lines_under(text: str, names: Sequence[str]) -> str:
    """The lines of a YAML text that stand under one of these names."""
    kept: list[str] = []
    above = -1
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent <= above:
            above = -1
        if above >= 0:
            kept.append(line)
        elif line.partition("#")[0].strip().removeprefix("- ").rstrip(" :") in names:
            above = indent
    return "\n".join(kept)

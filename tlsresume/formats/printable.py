"""What makes text from servers, files and users safe to show.

A certificate name or an HTTP header is written by a stranger. Shown as it came,
it could move the cursor, colour the screen, reverse the reading order or start
a line that looks like ours. So every string that reaches a person goes through
`printable`, at one place: the Page that all text formats and messages are built
on. JSON has escapes of its own; `json_safe` uses them.
"""

from __future__ import annotations

import re

#: Starts a command to the runners of GitHub and Azure, wherever in a line it stands.
RUNNER_COMMAND = "##["

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_NOT_PLAIN_ASCII = re.compile(r"[^\x20-\x7e\n]")


def _escape(character: str) -> str:
    number = ord(character)
    if number <= 0xFF:
        return _SHORT.get(character, f"\\x{number:02x}")
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def printable(text: str) -> str:
    """Text in which everything that is not a visible character or a space is escaped.

    Escaped are control characters (C0, C1, DEL), line and paragraph separators,
    bidirectional and zero-width format characters, surrogates and unassigned code
    points: all that `str.isprintable` refuses.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else _escape(character) for character in text
    )


def printable_in_log(text: str) -> str:
    """Printable text in which a CI runner finds no command, for formats without escapes."""
    return printable(text).replace(RUNNER_COMMAND, "## [")


def markup_safe(document: str) -> str:
    """An HTML or XML document in which no CI runner finds a command, wherever its pieces meet.

    The reference is of the same character, so the document's value does not change.
    """
    return document.replace(RUNNER_COMMAND, "##&#91;")


def _json_escape(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def json_safe(document: str) -> str:
    """A JSON document with the same unprintable characters written as JSON's escapes, and
    what a CI runner would take for a command.

    They can stand only inside strings, so the document's value does not change.
    """
    safe = _NOT_PLAIN_ASCII.sub(_json_escape, document)
    return safe.replace(RUNNER_COMMAND, "##\\u005b")

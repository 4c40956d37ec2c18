"""STARTTLS conversations in lines of text: SMTP, LMTP, FTP, NNTP, POP3, IMAP, ManageSieve, IRC."""

from __future__ import annotations

import re

from tlsresume.protocols.limits import LIMIT_CODES
from tlsresume.protocols.talk import Reading, Talk

#: The name we greet with: one that RFC 2606 keeps from ever being somebody's.
OUR_NAME = b"tlsresume.invalid"

_CODE = re.compile(rb"([1-5][0-9]{2})([ -]|$)(.*)")
_NAME = re.compile(rb"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_LITERAL = re.compile(rb"\{([0-9]{1,6})\+?\}\Z")
_LONGEST_LITERAL = len(b"{123456+}")

_NO_TLS = "the server offers no TLS on this port, or not before other commands"


def reply(talk: Talk, *, strict: bool = True) -> Reading[tuple[int, list[bytes]]]:
    """A numbered reply of one or several lines: its code, and the text of each line.

    RFC 5321 section 4.2.1: each line has the code. RFC 959 section 4.2 (`strict` False):
    only the first and the last need to.
    """
    line = yield from talk.line()
    match = _CODE.fullmatch(line)
    if match is None:
        raise talk.garbled(line)
    code, lines = match[1], [match[3]]
    while match is None or match[2] == b"-" or match[1] != code:
        line = yield from talk.line()
        match = _CODE.fullmatch(line)
        if strict and (match is None or match[1] != code):
            raise talk.garbled(line)
        lines.append(match[3] if match is not None and match[1] == code else line)
    return int(code), lines


def _expect(talk: Talk, wanted: int, *, strict: bool = True) -> Reading[list[bytes]]:
    code, lines = yield from reply(talk, strict=strict)
    if code != wanted:
        said = b"%d %s" % (code, b" / ".join(lines))
        raise talk.limited(said) if code in LIMIT_CODES else talk.refused(said)
    return lines


def _name_in(line: bytes) -> str | None:
    first = line.split(b" ")[0]
    return first.decode("ascii").lower() if _NAME.fullmatch(first) and b"." in first else None


def _mail(talk: Talk, verb: bytes) -> Reading[None]:
    greeting = yield from _expect(talk, 220)
    talk.node = _name_in(greeting[0])
    talk.say(b"%s %s\r\n" % (verb, OUR_NAME), f"its answer to {verb.decode()}")
    lines = yield from _expect(talk, 250)
    talk.node = _name_in(lines[0]) or talk.node
    if not any(line.strip().upper() == b"STARTTLS" for line in lines[1:]):
        offers = b" ".join(line.split(b" ")[0] for line in lines[1:])
        raise talk.refused(b"STARTTLS is not among its extensions: " + offers, _NO_TLS)
    talk.say(b"STARTTLS\r\n", "its answer to STARTTLS")
    yield from _expect(talk, 220)


def smtp(talk: Talk, _host: str) -> Reading[None]:
    """RFC 3207."""
    yield from _mail(talk, b"EHLO")


def lmtp(talk: Talk, _host: str) -> Reading[None]:
    """RFC 2033: SMTP with another greeting."""
    yield from _mail(talk, b"LHLO")


def ftp(talk: Talk, _host: str) -> Reading[None]:
    """RFC 4217 section 4: AUTH TLS on the control connection."""
    yield from _expect(talk, 220, strict=False)
    talk.say(b"AUTH TLS\r\n", "its answer to AUTH TLS")
    yield from _expect(talk, 234, strict=False)


def nntp(talk: Talk, _host: str) -> Reading[None]:
    """RFC 4642. 200 lets us post, 201 does not."""
    code, lines = yield from reply(talk)
    if code not in (200, 201):
        raise talk.refused(b"%d %s" % (code, lines[0]))
    talk.say(b"STARTTLS\r\n", "its answer to STARTTLS")
    yield from _expect(talk, 382)


def pop3(talk: Talk, _host: str) -> Reading[None]:
    """RFC 2595 section 4."""
    for command in (b"STLS\r\n", b""):
        line = yield from talk.line()
        if not line.startswith(b"+OK"):
            raise talk.refused(line) if line.startswith(b"-ERR") else talk.garbled(line)
        if command:
            talk.say(command, "its answer to STLS")


def _whole_line(talk: Talk) -> Reading[bytes]:
    """A line with the literals in it (RFC 9051 section 4.3, RFC 5804 section 4)."""
    pieces = [(yield from talk.line())]
    while match := _LITERAL.search(pieces[-1], max(0, len(pieces[-1]) - _LONGEST_LITERAL)):
        pieces.append((yield from talk.exactly(int(match[1]))))
        pieces.append((yield from talk.line()))
    return b"".join(pieces)


def imap(talk: Talk, _host: str) -> Reading[None]:
    """RFC 9051 section 6.2.1."""
    greeting = yield from _whole_line(talk)
    state = greeting[:9].upper()
    if state.startswith(b"* PREAUTH"):
        raise talk.refused(greeting, "STARTTLS is not allowed after it (RFC 9051 section 7.1.4)")
    if state.startswith(b"* BYE"):
        raise talk.refused(greeting)
    if not state.startswith(b"* OK"):
        raise talk.garbled(greeting)
    talk.say(b"A1 STARTTLS\r\n", "its answer to STARTTLS")
    while True:
        line = yield from _whole_line(talk)
        if line.upper().startswith(b"A1 OK"):
            return
        if line.upper().startswith((b"A1 ", b"* BYE")):
            raise talk.refused(line)
        if not line.startswith(b"* "):
            raise talk.garbled(line)


def sieve(talk: Talk, _host: str) -> Reading[None]:
    """ManageSieve, RFC 5804 section 2.2: capabilities first, then `OK` each time."""
    offered = False
    for command in (b"STARTTLS\r\n", b""):
        while True:
            line = yield from _whole_line(talk)
            word = line.upper()
            if re.match(rb"OK\b", word):
                break
            if re.match(rb"(NO|BYE)\b", word):
                raise talk.refused(line)
            if not word.startswith(b'"') or not command:
                raise talk.garbled(line)
            offered = offered or word.startswith(b'"STARTTLS"')
        if command:
            if not offered:
                raise talk.refused(b"STARTTLS is not among its capabilities", _NO_TLS)
            talk.say(command, "its answer to STARTTLS")


_IRC = re.compile(rb"(?::(\S+) +)?(\S+)(.*)")


def irc(talk: Talk, _host: str) -> Reading[None]:
    """STARTTLS of IRC (IRCv3 "tls"): 670 is yes; notices may come before it."""
    talk.say(b"STARTTLS\r\n", "its answer to STARTTLS")
    while True:
        line = yield from talk.line()
        match = _IRC.fullmatch(line)
        if match is None:
            raise talk.garbled(line)
        command = match[2].upper()
        if command == b"670":
            return
        if command == b"PING":
            talk.say(b"PONG%s\r\n" % match[3], talk.topic)
        elif command == b"ERROR" or re.fullmatch(rb"[45][0-9]{2}|691", command):
            raise talk.refused(line)
        elif command not in (b"NOTICE", b"020", b"CAP"):
            raise talk.garbled(line)

"""An FTP control connection inside TLS (RFC 959, RFC 2428, RFC 4217): commands and replies.

Replies are framed by the prelude's own reader, so packets may be cut anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tlsresume.lab import Link
from tlsresume.preludes.replies import reply
from tlsresume.preludes.talk import Talk, words

#: All that a control connection may say in its life, in bytes.
_LARGEST = 1 << 18
_SHOWN = 160

_EPSV = re.compile(rb"\((.)\1\1([0-9]{1,5})\1\)")
_PASV = re.compile(rb"([0-9]{1,3})(?:,[0-9]{1,3}){3},([0-9]{1,3}),([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply's code and its text, as one line that is safe to print."""

    code: int
    text: str
    raw: bytes = b""

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


class FTPError(Exception):
    """The server refuses something that a data connection needs; the reply says what."""


class Control:
    """Commands on a control connection. Raises PreludeError where replies make no sense, or
    the connection ends; TimeoutError and OSError from the link."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._talk = Talk(_LARGEST)
        self._extended = True

    async def ask(self, command: str) -> Reply:
        """Send a command; the first reply to it."""
        await self.send(command)
        return await self.reply()

    async def send(self, command: str) -> None:
        """Send a command. Its arguments are ours, or were checked for line ends."""
        self._talk.topic = f"its answer to {command.partition(' ')[0]}"
        await self.link.send(command.encode("utf-8", "surrogateescape") + b"\r\n")

    async def reply(self) -> Reply:
        """The next reply."""
        steps = reply(self._talk, strict=False)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                code, lines = done.value
                text = words(b" / ".join(lines))[1:-1]
                return Reply(code, text[:_SHOWN], b"\n".join(lines))
            self._talk.feed(await self.link.receive())

    async def must(self, command: str, *codes: int) -> Reply:
        """A command that has to succeed. Raises FTPError."""
        answer = await self.ask(command)
        if answer.code not in codes:
            raise FTPError(f"{command.partition(' ')[0]}: {answer}")
        return answer

    async def log_in(self, user: str, password: str, *, greeting: bool) -> None:
        """USER and PASS, then PBSZ 0 and PROT P (RFC 4217 sections 8, 9). Raises FTPError.

        `greeting`: the server greets inside TLS, as with implicit FTPS.
        """
        if greeting:
            answer = await self.reply()
            if answer.code != 220:
                raise FTPError(f"the greeting: {answer}")
        answer = await self.ask(f"USER {user}")
        if answer.code == 331:
            answer = await self.ask(f"PASS {password}")
        if answer.code not in (230, 232, 202):
            another = "; --ftp-user NAME logs in as another" if user == "anonymous" else ""
            raise FTPError(f"login as {user}: {answer}{another}")
        await self.must("PBSZ 0", 200)
        await self.must("PROT P", 200)

    async def passive(self) -> int:
        """The port of a new data connection; its host is the control connection's, whatever
        PASV says. Raises FTPError."""
        if self._extended:
            answer = await self.ask("EPSV")
            found = _EPSV.search(answer.raw)
            if answer.code == 229 and found and 1 <= int(found[2]) <= 65535:
                return int(found[2])
            self._extended = False
        answer = await self.must("PASV", 227)
        numbers = _PASV.search(answer.raw)
        port = int(numbers[2]) * 256 + int(numbers[3]) if numbers else 0
        if not 1 <= port <= 65535:
            raise FTPError(f"PASV: {answer}")
        return port

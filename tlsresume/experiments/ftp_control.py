"""An FTP control connection inside TLS (RFC 959, RFC 2428, RFC 4217): commands and replies.

Replies are framed by the prelude's own reader, so packets may be cut anywhere.
"""

from __future__ import annotations

import re

from tlsresume.lab import Link
from tlsresume.preludes.replies import reply
from tlsresume.preludes.talk import Talk, words
from tlsresume.value import Secret, Value

#: All that a control connection may say in its life, in bytes.
_LARGEST = 1 << 18
_SHOWN = 160

_EPSV = re.compile(rb"\((.)\1\1([0-9]{1,5})\1\)")
_PASV = re.compile(rb"([0-9]{1,3}(?:,[0-9]{1,3}){3}),([0-9]{1,3}),([0-9]{1,3})")


class Reply(Value, frozen=True):
    """A reply's code and its text, as one line that is safe to print."""

    code: int
    text: str
    raw: bytes = b""

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


class Passive(Value, frozen=True):
    """Where the server waits for a data connection: a port, and the address that PASV named
    (EPSV names none)."""

    port: int
    named_address: str | None = None


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

    async def log_in(self, user: str, password: Secret, *, greeting: bool) -> None:
        """USER and PASS, then PBSZ 0 and PROT P (RFC 4217 sections 8, 9). Raises FTPError.

        `greeting`: the server greets inside TLS, as with implicit FTPS.
        """
        if greeting:
            answer = await self.reply()
            if answer.code != 220:
                raise FTPError(f"the greeting: {answer}")
        answer = await self.ask(f"USER {user}")
        if answer.code == 331:
            answer = await self.ask(f"PASS {password.text}")
        if answer.code not in (230, 232, 202):
            another = "; --ftp-user NAME logs in as another" if user == "anonymous" else ""
            raise FTPError(f"login as {user}: {answer}{another}")
        await self.must("PBSZ 0", 200)
        await self.must("PROT P", 200)

    async def passive(self, *, plain_first: bool = False) -> Passive:
        """The port of a new data connection; its host is the control connection's, whatever
        PASV says. `plain_first`: ask with PASV, as many clients do over IPv4, and with EPSV
        where the server does not know it. Raises FTPError."""
        if plain_first:
            found = _from_pasv(await self.ask("PASV"))
            if found is not None:
                return found
        if self._extended:
            answer = await self.ask("EPSV")
            match = _EPSV.search(answer.raw)
            if answer.code == 229 and match and 1 <= int(match[2]) <= 65535:
                return Passive(int(match[2]))
            self._extended = False
        answer = await self.must("PASV", 227)
        found = _from_pasv(answer)
        if found is None:
            raise FTPError(f"PASV: {answer}")
        return found


def _from_pasv(answer: Reply) -> Passive | None:
    """Address and port out of 227 (RFC 959 section 4.1.2); None where they are not in it."""
    numbers = _PASV.search(answer.raw) if answer.code == 227 else None
    if numbers is None:
        return None
    port = int(numbers[2]) * 256 + int(numbers[3])
    address = [int(part) for part in numbers[1].split(b",")]
    if not 1 <= port <= 65535:
        return None
    named = ".".join(map(str, address)) if max(address) < 256 else None
    return Passive(port, named)

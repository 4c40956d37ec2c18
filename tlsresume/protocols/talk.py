"""A conversation in clear, without sockets: what has come, what is to be sent, who is to blame.

A script is a generator: it reads from a Talk with `yield from` and says things on it.
Reading is by frames (a line, a number of bytes, up to a mark), so it does not matter
in how many pieces the peer's bytes come. `Prelude` drives a script: it is fed bytes and
drained of bytes. All that a peer may say before TLS is bounded, and every byte of it is
looked at a bounded number of times (tests/protocols/test_growth.py counts): one peer must not
hold up the connections to others. The clock is the caller's.

Bytes that follow the peer's last answer in clear would later pass for protected ones
(CVE-2011-0411 and CVE-2021-23222 are the two directions of this), so a Prelude that is
followed by TLS refuses them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import TypeVar

from tlsresume.errors import PreludeError
from tlsresume.protocols.greetings import AT_ONCE, hint_for_words
from tlsresume.protocols.limits import SLOWER

T = TypeVar("T")

#: A step of a script: yields when it needs more bytes, returns what it has read.
Reading = Generator[None, None, T]

#: All that a peer may send before TLS, in bytes; the longest greetings have a few hundred.
LARGEST = 65536

_INJECTION = (
    "a client that keeps them takes them for protected data: see CVE-2011-0411, CVE-2021-23222"
)

#: How much of what comes first is kept, to tell which protocol it is.
_FIRST = 128

#: How much of a peer's words an error repeats.
_WORDS_SHOWN = 200


class Talk:
    """Both directions of a conversation: `say` queues bytes, the rest reads frames.

    `topic` says in words what is being waited for; `node` is the name that the peer
    gives itself, where its protocol has one.
    """

    def __init__(self, limit: int = LARGEST) -> None:
        self.topic = "the greeting"
        self.node: str | None = None
        self.ended = False
        self._limit = limit
        self._came = 0
        self._first = b""
        self._in = bytearray()
        self._out = bytearray()

    @property
    def rest(self) -> bytes:
        """What came and was not read."""
        return bytes(self._in)

    @property
    def first(self) -> bytes:
        """The beginning of what came: a greeting, where the peer speaks first."""
        return self._first

    @property
    def hints(self) -> tuple[str, ...]:
        """What helps where nothing more comes: what the peer said so far may tell."""
        return hint_for_words(self._first) if self.rest else () if self._came else (AT_ONCE,)

    def say(self, data: bytes, topic: str) -> None:
        """Queue bytes for the peer; `topic` is what is expected next."""
        self._out += data
        self.topic = topic

    def drain(self) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        return data

    def feed(self, data: bytes) -> None:
        """Take what came; b"" is the end. Raises PreludeError when it is too much."""
        if not data:
            self.ended = True
        self._first += data[: _FIRST - len(self._first)]
        self._came += len(data)
        self._in += data
        if self._came > self._limit:
            raise PreludeError(
                f"more than {self._limit} bytes came in clear, in {self.topic}", why="too-much"
            )

    # ---------------------------------------------------------------- frames

    def exactly(self, count: int) -> Reading[bytes]:
        """That many bytes. Raises PreludeError at the end of the stream."""
        while len(self._in) < count:
            if self.ended:
                raise self._closed()
            yield
        data = bytes(self._in[:count])
        del self._in[:count]
        return data

    def until(self, mark: bytes) -> Reading[bytes]:
        """Everything up to a mark, with it."""
        searched = 0
        while (at := self._in.find(mark, searched)) < 0:
            if self.ended:
                raise self._closed()
            searched = max(0, len(self._in) - len(mark) + 1)
            yield
        return (yield from self.exactly(at + len(mark)))

    def until_one_of(self, marks: re.Pattern[bytes]) -> Reading[bytes]:
        """Everything up to the first byte that `marks` matches, with it."""
        searched = 0
        while (match := marks.search(self._in, searched)) is None:
            if self.ended:
                raise self._closed()
            searched = len(self._in)
            yield
        return (yield from self.exactly(match.end()))

    def line(self) -> Reading[bytes]:
        """A line without its end, which is LF or CRLF."""
        whole = yield from self.until(b"\n")
        return whole[:-1].removesuffix(b"\r")

    # ---------------------------------------------------------------- errors

    def _closed(self) -> PreludeError:
        said = f"; its last words: {words(self._in)}" if self._in else ""
        return PreludeError(
            f"the server closed the connection in {self.topic}{said}",
            why="closed",
            hints=self.hints,
        )

    def limited(self, said: bytes) -> PreludeError:
        """The peer said, in these words, that it has too many connections from us."""
        return PreludeError(
            f"the server limits connections, in {self.topic}: {words(said)}",
            why="rate-limit",
            hints=(SLOWER,),
        )

    def refused(self, said: bytes, *hints: str) -> PreludeError:
        """The peer said no, in these words."""
        return PreludeError(f"the server refused in {self.topic}: {words(said)}", hints=hints)

    def garbled(self, said: bytes) -> PreludeError:
        """The peer said something that its protocol does not have here."""
        return PreludeError(
            f"unexpected words from the server in {self.topic}: {words(said)}",
            why="garbled",
            hints=hint_for_words(self._first) if self._first.startswith(said[:_FIRST]) else (),
        )


#: A prelude's part of a conversation; the text is the name of the host that is meant.
Script = Callable[[Talk, str], Reading[None]]


class Prelude:
    """A script being played. Feed it with `receive`, send what `drain` gives, until `done`.

    Raises PreludeError where the peer refuses, says what makes no sense, says too much,
    or, unless `open_end`, sends bytes after its last answer.
    """

    def __init__(self, script: Script, host: str, *, open_end: bool = False) -> None:
        self.done = False
        self._open_end = open_end
        self._talk = Talk()
        self._steps = script(self._talk, host)
        self._advance()

    @property
    def node(self) -> str | None:
        """The name that the peer gave itself."""
        return self._talk.node

    @property
    def topic(self) -> str:
        """What is being waited for, in words."""
        return self._talk.topic

    @property
    def first(self) -> bytes:
        """The beginning of what came: a greeting, where the peer speaks first."""
        return self._talk.first

    @property
    def hints(self) -> tuple[str, ...]:
        """What helps where nothing more comes."""
        return self._talk.hints

    @property
    def rest(self) -> bytes:
        """What came after the peer's last answer, where `open_end` allows it."""
        return self._talk.rest

    def drain(self) -> bytes:
        """What must be sent now."""
        return self._talk.drain()

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; b"" says that no more will come."""
        self._talk.feed(data)
        self._advance()

    def _advance(self) -> None:
        try:
            next(self._steps)
        except StopIteration:
            self.done = True
            if self._talk.rest and not self._open_end:
                raise PreludeError(
                    f"{len(self._talk.rest)} bytes in clear follow the answer that starts TLS:"
                    f" {words(self._talk.rest)}",
                    why="injection",
                    hints=(_INJECTION,),
                ) from None


def words(said: bytes | bytearray) -> str:
    """A peer's bytes, short and safe to print."""
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in said[:_WORDS_SHOWN].strip())
    return repr(text if len(said) <= _WORDS_SHOWN else f"{text}...")

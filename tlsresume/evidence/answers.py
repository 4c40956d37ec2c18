"""How a server answered the request on one connection, as a class that can be compared.

Answers are read of HTTP, of the protocols with numbered replies (SMTP, LMTP, FTP, NNTP),
of IMAP, POP3, ManageSieve and Redis. Of what another protocol says only that it came is
known. Only what was asked for counts: a greeting is no answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum

from tlsresume.evidence.trial import Trial
from tlsresume.protocols.limits import LIMIT_CODES
from tlsresume.results.measured import AnswerCount, AnswersSummary
from tlsresume.value import Value


class AnswerClass(Enum):
    """What an answer amounts to, whatever its protocol."""

    GOOD = "good"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    FAILED = "failed"
    #: The server limits its clients: no word on the request.
    LIMITED = "limited"
    #: Something came, in a protocol that is not read.
    UNREAD = "unread"
    #: Nothing came within the wait, or the connection was closed without an answer.
    NONE = "none"


class Answer(Value, frozen=True):
    """A class, and the server's code or word for it: "200", "221", "-ERR"."""

    kind: AnswerClass
    code: str = ""
    http: bool = False

    def __str__(self) -> str:
        if self.kind is AnswerClass.NONE:
            return "none"
        if self.kind is AnswerClass.UNREAD:
            return "data"
        return f"HTTP {self.code}" if self.http else self.code

    def like(self, other: Answer) -> bool:
        """Whether two answers say the same; refusals are told apart by their codes."""
        if self.kind is not other.kind:
            return False
        return self.kind is not AnswerClass.REFUSED or self.code == other.code

    @property
    def ok(self) -> bool:
        """Whether the request was served, or sent to another place."""
        return self.kind in (AnswerClass.GOOD, AnswerClass.REDIRECTED)


_NONE = Answer(AnswerClass.NONE)

#: RFC 9110 section 15.5.9: said to a client that asked for nothing in time.
_REQUEST_TIMEOUT = "408"
#: RFC 6585 section 4.
_TOO_MANY_REQUESTS = "429"

_GREETING = 220

# Compiled when such an answer comes, since most targets speak HTTP.
_NUMBERED = rb"(?m)^([1-5][0-9]{2})(?: [^\r\n]*)?\r?$"
_IMAP = rb"(?mi)^(?:A[0-9]+ (OK|NO|BAD)|\* (BYE))\b"
_WORD = rb"(?m)^(\+OK|-ERR|OK|NO|BYE)\b"
_REFUSING = frozenset({b"NO", b"BAD", b"-ERR"})
_HTTP_LINE = rb"HTTP/[0-9.]+ ([0-9]{3})(?: |\r|\n|$)"


def answer_of(attempt: Trial) -> Answer | None:
    """How the request on a connection was answered; None where none was made, or where the
    connection ended by our own doing."""
    if not attempt.handshake_done:
        return None
    said = attempt.response
    if not attempt.asked and not said.startswith(b"HTTP/"):
        return None
    if attempt.error is not None and attempt.error.kind in ("openssl", "cancelled"):
        return None
    read = _read(said) if said else _NONE
    return None if read.http and read.code == _REQUEST_TIMEOUT else read


def _read(said: bytes) -> Answer:
    if said.startswith(b"HTTP/"):
        match = re.match(_HTTP_LINE, said)
        return Answer(AnswerClass.UNREAD) if match is None else _of_http(match[1].decode())
    if numbers := re.findall(_NUMBERED, said):
        return _of_numbers([int(number) for number in numbers])
    if said.startswith(b"* ") or re.match(rb"A[0-9]+ ", said):
        return _of_imap(said)
    if words := re.findall(_WORD, said):
        bad = [word for word in words if word in _REFUSING]
        kind = AnswerClass.REFUSED if bad else AnswerClass.GOOD
        return Answer(kind, (bad or words)[-1].decode())
    return Answer(AnswerClass.UNREAD)


def _of_http(code: str) -> Answer:
    kinds = {"2": AnswerClass.GOOD, "3": AnswerClass.REDIRECTED, "4": AnswerClass.REFUSED}
    kind = kinds.get(code[0], AnswerClass.FAILED)
    if code == _TOO_MANY_REQUESTS:
        kind = AnswerClass.LIMITED
    return Answer(AnswerClass.GOOD if code[0] == "1" else kind, code, http=True)


def _of_numbers(codes: list[int]) -> Answer:
    """Of several replies (a greeting, an answer) the worst is what counts; a greeting alone
    (220) is no answer."""
    if codes == [_GREETING]:
        return _NONE
    worst = max(codes, key=lambda code: code // 100)
    if worst in LIMIT_CODES:
        return Answer(AnswerClass.LIMITED, str(worst))
    kinds = {4: AnswerClass.FAILED, 5: AnswerClass.REFUSED}
    last = codes[-1] if worst // 100 < min(kinds) else worst
    return Answer(kinds.get(worst // 100, AnswerClass.GOOD), str(last))


def _of_imap(said: bytes) -> Answer:
    """RFC 9051 section 7.1: a tagged answer is what counts; a BYE without one refuses us."""
    tagged = [match[1].upper() for match in re.finditer(_IMAP, said) if match[1]]
    if tagged:
        kind = AnswerClass.REFUSED if tagged[-1] in _REFUSING else AnswerClass.GOOD
        return Answer(kind, tagged[-1].decode())
    if any(match[2] for match in re.finditer(_IMAP, said)):
        return Answer(AnswerClass.REFUSED, "BYE")
    # The greeting, and then nothing.
    return _NONE


def summarise(own: Sequence[Trial]) -> AnswersSummary:
    """How requests were answered on the full and on the resumed connections of a mechanism."""
    done = [attempt for attempt in own if attempt.handshake_done]
    return AnswersSummary(
        full=_count(a for a in done if a.offer is None),
        resumed=_count(a for a in done if a.resumed),
    )


def _count(attempts: Iterable[Trial]) -> tuple[AnswerCount, ...]:
    answers = [answer for each in attempts if (answer := answer_of(each)) is not None]
    return tuple(
        AnswerCount(
            answer=str(answer),
            connections=times,
            http_status=int(answer.code) if answer.http else None,
        )
        for answer, times in Counter(answers).most_common()
    )


def tally(answers: Sequence[Answer]) -> str:
    """`HTTP 200` where all are alike, else `HTTP 401 on 3, HTTP 200 on 1`."""
    counts = Counter(map(str, answers)).most_common()
    words = {"none": "no answer", "data": "an answer"}
    named = [(words.get(answer, answer), times) for answer, times in counts]
    if len(named) == 1:
        return named[0][0]
    return ", ".join(f"{answer} on {times}" for answer, times in named)

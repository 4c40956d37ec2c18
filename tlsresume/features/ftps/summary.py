"""FTPS data connections: from attempts to what a report says of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.purposes import FTPData as Purposes
from tlsresume.evidence.states import letter
from tlsresume.evidence.summary import VERSION_LABEL
from tlsresume.evidence.trial import Trial
from tlsresume.results.connection import MECHANISMS
from tlsresume.results.measured import FTPData, Series


def listed(attempt: Trial) -> bool:
    """Whether the server says that the listing of a data connection succeeded."""
    return attempt.reply is not None and attempt.reply.startswith("2")


def sound(attempt: Trial) -> bool:
    """Whether a data connection resumed, and its listing succeeded."""
    return attempt.resumed is True and listed(attempt)


def first_failure(attempts: Sequence[Trial]) -> int | None:
    """The number, from 1, of the first data connection that is not sound."""
    return next((n for n, a in enumerate(attempts, 1) if not sound(a)), None)


def replies(attempts: Sequence[Trial]) -> tuple[str, ...]:
    """The server's words on listings that failed, each once."""
    return tuple(dict.fromkeys(a.reply for a in attempts if a.reply and not listed(a)))


def ftp_data(evidence: Evidence) -> tuple[FTPData, ...]:
    """One row for each mechanism whose data connections were tried."""
    own = evidence.made_for(Purposes)
    rows = []
    for mechanism in MECHANISMS:
        tried = [a for a in own if a.mechanism == mechanism]
        fresh, same, none = (
            [a for a in tried if a.made_for(purpose)]
            for purpose in (Purposes.FRESH, Purposes.SAME, Purposes.NONE)
        )
        if not (fresh or same or none):
            continue
        controls = [a for a in tried if a.made_for(Purposes.CONTROL)]
        rows.append(
            FTPData(
                mechanism=mechanism,
                tls_version=VERSION_LABEL[mechanism],
                fresh=Series.count("".join(letter(a) for a in fresh)),
                same=Series.count("".join(letter(a) for a in same)),
                fresh_failure=first_failure(fresh),
                same_failure=first_failure(same),
                required=not listed(none[0]) if none else None,
                tickets=max((len(a.tickets) for a in controls), default=0),
                replies=replies([*fresh, *same, *none]),
            )
        )
    return tuple(rows)

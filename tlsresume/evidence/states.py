"""The one place where the state of a mechanism, single use and the verdict are judged.

A state says what became of one mechanism on one address: it resumes, partly, not; or nothing was
issued, or nothing could be tried. Counts go in, a word and its reason come out; what the tries
were is counted in `summary`, and why a session was not resumed is the business of the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tlsresume.evidence.fails_without_session import blameless, limited
from tlsresume.evidence.purposes import Later, Tries
from tlsresume.evidence.trial import Trial
from tlsresume.results.connection import Mechanism
from tlsresume.results.measured import AddressResult, MechanismResult, Series, State, Verdict
from tlsresume.tickets.key_names import KeyNaming
from tlsresume.value import Value


class Tried(Value, frozen=True, kw_only=True):
    """What the judged tries of one mechanism on one address came to.

    `sessions` is how many were used in the series of the same session, one after the other, as
    connections of ours broke; `keys` how many key names the tickets have that were issued there.
    `later`: a session that was refused when fresh was accepted a moment later; `once_more`: one
    was accepted at once, beside the tries.
    """

    mechanism: Mechanism
    fixed: Series
    chained: Series
    sessions: int = 1
    keys: int = 0
    later: bool = False
    once_more: bool = False

    @property
    def single_use(self) -> bool:
        """Whether only the re-use of a ticket is refused: right behaviour (RFC 8446 C.4).

        Fresh tickets are always accepted, the same one exactly once, and no second key was
        seen that would explain the refusals.
        """
        fresh, again = _settled(self.chained), _settled(self.fixed)
        accepted = again.count("R")
        return (
            set(fresh) == {"R"}
            and 1 <= accepted <= self.sessions
            and "N" in again
            and self.keys <= 1
        )

    def state(self) -> tuple[State, str | None]:
        """Whether sessions resume, and the reason where the state needs one."""
        state, reason = self._at_once()
        if state == "not-resumed" and self.later:
            return "partly", "refused at once, accepted a moment later"
        if state == "not-resumed" and self.once_more:
            return "partly", "refused in the tries, accepted on another connection"
        return state, reason

    def _at_once(self) -> tuple[State, str | None]:
        usable = _settled(self.fixed) + _settled(self.chained)
        if not usable:
            if "-" in self.fixed.order + self.chained.order:
                return "not-resumed", "never offered: by then this client could not use it any more"
            return "untested", "no try got as far as offering the session"
        if set(usable) == {"R"}:
            return "resumed", None
        if "R" in usable:
            # A ticket of TLS 1.2 is meant for many connections.
            if self.mechanism == "psk" and self.single_use:
                return "resumed", "single-use: a ticket is accepted once"
            return "partly", None
        if set(usable) == {"E"}:
            return "not-resumed", "the handshake fails when the session is offered"
        return "not-resumed", "never accepted"


#: Tickets with a lifetime of 0 (RFC 8446 section 4.6.1).
DISCARDED: tuple[State, str] = (
    "not-resumed",
    "each ticket has a lifetime of 0: clients must discard it at once",
)


def tried(attempts: Sequence[Trial], mechanism: Mechanism, naming: KeyNaming) -> Tried:
    """What the tries among the attempts on one address came to. Those that break as
    connections without a session do are left out: they are no answer."""
    own = [attempt for attempt in attempts if attempt.mechanism == mechanism]
    spared = {id(attempt) for attempt in blameless(own)}
    telling = [attempt for attempt in own if id(attempt) not in spared]
    # What answers to another name may be another server, with keys of its own.
    issued = (issued_key(a, naming) for a in own if not a.purpose.other_server)
    same = [a for a in own if a.made_for(Tries.FIXED) and a.offer is not None]
    return Tried(
        mechanism=mechanism,
        fixed=series_of(telling, Tries.FIXED),
        chained=series_of(telling, Tries.CHAINED),
        sessions=len({attempt.offer.handle for attempt in same if attempt.offer is not None}),
        keys=len({name for name in issued if name is not None}),
        later=any(attempt.resumed for attempt in own if attempt.made_for(Later.LATER)),
        once_more=any(attempt.resumed for attempt in own if attempt.made_for(Later.AT_ONCE)),
    )


def letter(attempt: Trial) -> str:
    """How an attempt that carried a session ended: see `Series.order`."""
    if attempt.left_unanswered:
        return "U"
    if not attempt.handshake_done:
        offered = attempt.offered is not None and not limited(attempt)
        return "E" if offered else "C"
    if attempt.resumed:
        return "R"
    return "N" if attempt.offered is not None else "-"


def series_of(attempts: Iterable[Trial], purpose: Tries) -> Series:
    """The tries of one series among the attempts of a mechanism, counted."""
    return Series.count("".join(letter(each) for each in attempts if each.made_for(purpose)))


def issued_key(attempt: Trial, naming: KeyNaming) -> str | None:
    """The key name of the tickets that an attempt brought, where visible."""
    return naming.name_of(attempt.tickets[-1].ticket) if attempt.tickets else None


def disagreement(attempt: Trial) -> str | None:
    """Where SSL_session_reused and the wire say different things, in words."""
    if attempt.resumed is None or attempt.accepted is None or not attempt.handshake_done:
        return None
    who = "aioquic" if attempt.transport == "quic" else "SSL_session_reused"
    if attempt.resumed != attempt.accepted:
        return (
            f"{who} says {int(attempt.resumed)}, but on the wire the server"
            f" {'accepted' if attempt.accepted else 'did not accept'} the session"
        )
    if attempt.resumed and attempt.certificate_seen:
        return f"{who} says 1, but the server sent a Certificate message"
    return None


def _settled(series: Series) -> str:
    """The tries in which the server was asked; what went wrong before is no answer of its."""
    return series.order.replace("C", "").replace("-", "")


def is_judged(row: MechanismResult, beside: Iterable[MechanismResult]) -> bool:
    """Whether an ordinary client would use a mechanism: psk; on 1.2 the ticket, where one is
    issued, else the session ID."""
    if row.mechanism == "session-id":
        # Where the handshake that asks for a ticket fails, nobody gets as far as the ID.
        ticket = next((each for each in beside if each.mechanism == "ticket"), None)
        return ticket is not None and ticket.state == "not-issued"
    return row.mechanism == "psk" or row.state != "not-issued"


def verdict_of(addresses: Sequence[AddressResult], *, incomplete: bool) -> Verdict:
    """Every version spoken, on every tested address, every judged try.

    `incomplete` says that something was left out for want of budget or time. What could not
    be tested is not counted as not resuming.
    """
    judged = [row for address in addresses for row in address.mechanisms if row.judged]
    tested = [row for row in judged if row.resumes is not None]
    if not tested:
        return "untested"
    if not any(row.resumes for row in tested):
        return "does-not-resume" if len(tested) == len(judged) else "untested"
    if any(row.falls_short for row in tested):
        return "partly"
    return "untested" if incomplete or len(tested) < len(judged) else "resumes"

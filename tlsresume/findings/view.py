"""Everything that was seen of one mechanism on one address, ready to be asked.

Pure derivations from trials; no judgement. A View is made anew after each
experiment, from the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any, TypeVar

from tlsresume.evidence.datagrams import transport_of
from tlsresume.evidence.early_data_summary import early_data
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.fails_without_session import blameless, hopeless, limited
from tlsresume.evidence.observation import Part
from tlsresume.evidence.offer import Offer
from tlsresume.evidence.purpose import Role, Wanted
from tlsresume.evidence.purposes import MATRIX, FromAddress, Retry
from tlsresume.evidence.states import issued_key
from tlsresume.evidence.trial import Trial
from tlsresume.experiment_names import ExperimentName
from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import Mechanism
from tlsresume.results.early_data import EarlyData
from tlsresume.sessions.session import Session
from tlsresume.tickets.key_names import KeyNaming, is_stateful
from tlsresume.value import Value

_Derived = TypeVar("_Derived")

#: What our own client sees: every part.
EVERYTHING = ~Part.NOTHING


class Saved(Value, frozen=True, kw_only=True):
    """The session of a file, and what the file says of where it is from."""

    session: Session
    server_name: str | None = None
    alpn: str | None = None
    leaf_sha256: str | None = None
    client_certificate_until: datetime | None = None


class WhyNotRun(Enum):
    """Why an experiment was not made, or not to its end."""

    NO_BUDGET = "the budget is spent"
    LIMITED = "the server allows no more connections"
    NO_SESSION = "no session to try it with"
    TRANSPORT = "the transport cannot do it"


class NotRun(Value, frozen=True):
    """An experiment that was not made, and why; `said`: by whom it was stopped, in words."""

    name: ExperimentName
    why: WhyNotRun
    said: str = ""

    @property
    def words(self) -> str:
        """Why, for people."""
        return self.said or self.why.value


class View(Value, frozen=True, kw_only=True, dict=True):
    """One mechanism on one address.

    `attempts` are those that count, in the order of their start; `elsewhere` those of
    the same mechanism on the target's other addresses. `everything` is what went to the
    address, of any mechanism, also what does not count, but for what we ended ourselves. `saved` is set when the session
    comes from a file, `crossing` when the tries offer sessions of other addresses. `skipped` are experiments that were not made, with the reason.
    """

    address: str
    port: int
    mechanism: Mechanism
    attempts: tuple[Trial, ...]
    naming: KeyNaming
    judged: bool = True
    saved: Saved | None = None
    elsewhere: tuple[Trial, ...] = ()
    everything: tuple[Trial, ...] = ()
    crossing: bool = False
    skipped: tuple[NotRun, ...] = ()
    #: Offers that had no answer when we ended them; they do not count.
    unanswered: tuple[Trial, ...] = ()
    #: What an experiment with early data showed of the address; of the mechanism psk alone.
    early: EarlyData | None = None
    #: What the source of the attempts can show; our own client shows all of it.
    visible: Part = EVERYTHING

    @property
    def transport(self) -> Transport:
        """What carried the attempts; evidence is of one transport."""
        return self.everything[0].transport if self.everything else transport_of(self.attempts)

    def once(self, derive: Callable[[View], _Derived]) -> _Derived:
        """What a function makes of this view, which does not change: it is asked the first time
        only."""
        if derive not in self._derived:
            self._derived[derive] = derive(self)
        found: _Derived = self._derived[derive]
        return found

    @cached_property
    def _derived(self) -> dict[Callable[[View], Any], Any]:
        return {}

    # ------------------------------------------------------------- selections

    def made(self, *wanted: Wanted) -> tuple[Trial, ...]:
        """The attempts that were made for one of these purposes, or of these types of them."""
        for each in wanted:
            if (each if isinstance(each, type) else type(each)) in self._types:
                return tuple(a for a in self.attempts if a.purpose.is_any(*wanted))
        return ()

    def answered(self, *wanted: Wanted) -> tuple[Trial, ...]:
        """Those of them that offered a session and finished their handshake."""
        return tuple(a for a in self.made(*wanted) if a.offered and a.handshake_done)

    @cached_property
    def _types(self) -> frozenset[type]:
        """The types of the attempts' purposes, and all that these are subtypes of."""
        found = {type(attempt.purpose) for attempt in self.attempts}
        return frozenset(base for each in found for base in each.__mro__)

    def settled(self, name: ExperimentName) -> bool:
        """Whether an experiment of the ladder was made, or will not be."""
        return any(attempt.experiment == name for attempt in self.attempts) or any(
            name == skipped.name for skipped in self.skipped
        )

    @cached_property
    def subject(self) -> tuple[Trial, ...]:
        """The tries that are to be explained: each was given a session. Where it is not visible
        what a connection was made for, those that offered one."""
        if Part.PURPOSE not in self.visible:
            return tuple(attempt for attempt in self.attempts if attempt.offered is not None)
        return tuple(
            attempt
            for attempt in self.attempts
            if attempt.offer is not None
            and (
                attempt.made_for(FromAddress)
                if self.crossing
                else attempt.purpose.role is Role.SUBJECT
            )
        )

    @cached_property
    def accepted(self) -> tuple[Trial, ...]:
        """Tries that resumed; by the wire alone, where there is no word of a library."""
        watched = Part.PURPOSE not in self.visible
        return tuple(
            a for a in self.subject if a.resumed or (watched and a.resumed is None and a.accepted)
        )

    @cached_property
    def declined(self) -> tuple[Trial, ...]:
        """Tries that offered the session and got a full handshake."""
        return tuple(a for a in self.subject if a.handshake_done and a.offered and not a.resumed)

    @cached_property
    def withheld(self) -> tuple[Trial, ...]:
        """Tries in which OpenSSL did not put the session on the wire."""
        return tuple(
            a for a in self.subject if a.handshake_done and a.offered is None and not a.resumed
        )

    @cached_property
    def broken(self) -> tuple[Trial, ...]:
        """Tries whose handshake failed after the session was offered."""
        return tuple(
            a for a in self.subject if a.offered and not a.handshake_done and not limited(a)
        )

    @cached_property
    def full(self) -> tuple[Trial, ...]:
        """Handshakes without a session that succeeded, with a ClientConfig like the tries'."""
        return tuple(
            attempt
            for attempt in self.attempts
            if attempt.offer is None and attempt.handshake_done
            and attempt.purpose.role is Role.CONTROL
        )  # fmt: skip

    @cached_property
    def without_session(self) -> tuple[Trial, ...]:
        """Connections without a session to the address, of this mechanism and with a
        ClientConfig like the tries', also those that failed and those that do not count."""
        return tuple(
            attempt
            for attempt in self.everything
            if attempt.mechanism == self.mechanism
            and attempt.offer is None
            and not attempt.purpose.other_config
        )

    @cached_property
    def controls(self) -> tuple[Trial, ...]:
        """Handshakes without a session after the first broken try, whatever came of them."""
        if not self.broken:
            return ()
        since = self.broken[0].time
        return tuple(
            attempt
            for attempt in self.attempts
            if attempt.offer is None
            and attempt.time >= since
            and attempt.purpose.role is Role.CONTROL
        )

    @cached_property
    def blamed(self) -> tuple[Trial, ...]:
        """Tries that offered the session and failed, except as connections without one do."""
        spared = {id(attempt) for attempt in blameless(self.attempts)}
        return tuple(attempt for attempt in self.broken if id(attempt) not in spared)

    @cached_property
    def hopeless(self) -> bool:
        """Whether the handshake fails without the session, too."""
        return hopeless(self.attempts)

    @cached_property
    def at_once(self) -> tuple[Trial, ...]:
        """Offers of a session that was fresh, made sequentially (experiment `retry`)."""
        return tuple(a for a in self.made(Retry.AT_ONCE) if a.offered)

    @cached_property
    def fresh_taken(self) -> tuple[Trial, ...]:
        """Offers of fresh sessions that resumed, at once or when their turn came again."""
        return tuple(a for a in self.made(Retry) if a.offered and a.resumed)

    # ------------------------------------------------------------------- facts

    @cached_property
    def session(self) -> Session | None:
        """The session that is tried: the file's, or that of the first try."""
        if self.saved is not None:
            return self.saved.session
        return self.subject[0].state if self.subject else None

    @cached_property
    def stateful(self) -> bool:
        """Whether the server keeps the session: an ID, or a TLS 1.3 ticket that is a handle."""
        if self.mechanism == "session-id":
            return True
        ticket = self.offer.ticket if self.offer is not None else None
        return self.mechanism == "psk" and ticket is not None and is_stateful(ticket)

    @cached_property
    def offer(self) -> Offer | None:
        """The facts of the session that is tried."""
        if self.saved is not None:
            return Offer.of(self.saved.session)
        return self.subject[0].offer if self.subject else None

    def issued_key(self, attempt: Trial) -> str | None:
        """The key name of the ticket that an attempt brought."""
        return issued_key(attempt, self.naming)

    def offered_key(self, attempt: Trial) -> str | None:
        """The key name of the ticket that an attempt offered."""
        ticket = self.offered_ticket(attempt)
        return self.naming.name_of(ticket) if ticket else None

    def offered_ticket(self, attempt: Trial) -> bytes | None:
        """The ticket that an attempt had to offer; of others' connections what they showed."""
        if attempt.offer is not None:
            return attempt.offer.ticket
        seen = attempt.observation
        return None if seen is None or seen.offered == "session-id" else seen.handle

    @cached_property
    def keys_in_order(self) -> tuple[str, ...]:
        """The key names of issued tickets, in the order in which the connections began. What
        answers to another name may be another server, with keys of its own."""
        return tuple(
            name
            for attempt in self.attempts
            if not attempt.purpose.other_server and (name := self.issued_key(attempt))
        )

    @cached_property
    def keys(self) -> frozenset[str]:
        """The key names of all tickets that were issued or offered."""
        offered = (self.offered_key(attempt) for attempt in self.attempts)
        return frozenset(name for name in (*self.keys_in_order, *offered) if name)

    def age(self, attempt: Trial) -> float:
        """How old the offered session was, in seconds."""
        return attempt.offer.age(attempt.time) if attempt.offer else 0.0

    @cached_property
    def fresh_is_accepted(self) -> bool | None:
        """Whether sessions offered at once after their issue resumed; None: not tried."""
        if not self.at_once:
            return None
        done = [attempt for attempt in self.at_once if attempt.handshake_done]
        return bool(done) and all(attempt.resumed for attempt in done)


def make_view(
    evidence: Evidence,
    address: str,
    port: int,
    mechanism: Mechanism,
    *,
    judged: bool = True,
    saved: Saved | None = None,
    skipped: Sequence[NotRun] = (),
) -> View:
    """The View of one mechanism on one address."""
    own = evidence.of(mechanism)
    here = sorted(evidence.at(address), key=lambda trial: trial.time)
    return View(
        address=address,
        port=port,
        mechanism=mechanism,
        attempts=tuple(a for a in own if a.address == address and not a.made_for(*MATRIX)),
        elsewhere=tuple(a for a in own if a.address != address),
        everything=tuple(
            a
            for a in here
            if a.port == port and not a.unsettled and (a.error is None or not a.error.ours)
        ),
        naming=evidence.naming,
        judged=judged,
        saved=saved,
        skipped=tuple(skipped),
        unanswered=tuple(
            a
            for a in evidence.unanswered
            if a.mechanism == mechanism and a.address == address and not a.made_for(*MATRIX)
        ),
        early=early_data(evidence, address) if mechanism == "psk" else None,
    )

"""From a journal to what a report says of each address: counts, states, the verdict.

Pure. Words such as `resumed` and `judged` have the meaning that the report's
schema gives them; why something was not resumed is the business of the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from tlsresume.evidence.answers import answer_of, summarise
from tlsresume.evidence.certificates import describe_leaf
from tlsresume.evidence.datagrams import quic_result, retransmissions, transport_of
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.fails_without_session import blameless
from tlsresume.evidence.own_queue import handshake_times, own_waits
from tlsresume.evidence.purposes import Discover, HelloSize, Tries
from tlsresume.evidence.states import DISCARDED, is_judged, issued_key, series_of, tried
from tlsresume.evidence.trial import Trial
from tlsresume.results.connection import MECHANISMS, Failure, Mechanism
from tlsresume.results.measured import (
    AddressResult,
    AttemptRow,
    BytesSummary,
    ErrorResult,
    KeyName,
    MechanismResult,
    State,
    TicketSummary,
    TimingSummary,
)
from tlsresume.results.places import version_label
from tlsresume.tickets.key_names import KeyNaming, is_stateful
from tlsresume.tickets.looks_like import Around, LooksLike, looks_like
from tlsresume.units import iso_milliseconds

VERSION_LABEL: dict[Mechanism, str] = {
    "psk": "TLSv1.3",
    "ticket": "TLSv1.2",
    "session-id": "TLSv1.2",
}

_PROTOCOL_VERSION_ALERT = 70


def speaks(attempt: Trial) -> bool:
    """Whether a full handshake shows that the version is spoken."""
    return attempt.handshake_done


def summarise_address(
    address: str,
    port: int,
    evidence: Evidence,
    rows: Sequence[Trial] | None = None,
    tries_asked: int = 0,
) -> AddressResult:
    """What the first round showed of one address.

    `evidence` are the trials to judge; `rows`, if given, all those to list; `tries_asked` how many
    tries each series was to have.
    """
    attempts, naming = evidence.counted, evidence.naming
    unanswered, waits = evidence.unanswered, own_waits(attempts)
    transport = transport_of(evidence)
    full = [attempt for attempt in attempts if attempt.made_for(Discover)]
    spoken = {attempt.tls_version for attempt in full if speaks(attempt) and attempt.tls_version}
    mechanisms = tuple(
        _mechanism(
            name,
            attempts,
            naming,
            first,
            unanswered=[trial for trial in unanswered if trial.mechanism == name],
            waits=waits,
            tries_asked=tries_asked,
        )
        for name in MECHANISMS
        if (first := _first(full, name)) is not None and speaks(first)
    )
    error = None if spoken or not full else _address_error(full)
    return AddressResult(
        address=address,
        port=port,
        tls_versions=tuple(version_label(version.label, transport) for version in sorted(spoken)),
        error=error,
        certificate=describe_leaf(full),
        mechanisms=_judge(mechanisms),
        attempts=tuple(row(attempt, naming) for attempt in rows or evidence),
        unspoken=tuple(_unspoken(full)) if spoken else (),
        transport=transport,
        quic=quic_result(attempts) if transport == "quic" else None,
        retransmissions=retransmissions(evidence),
    )


def _unspoken(full: Sequence[Trial]) -> Iterator[str]:
    """The versions refused by their alert, or not chosen when both were offered."""
    both = any(each.made_for(Discover.BOTH) and each.handshake_done for each in full)
    for name in ("psk", "ticket"):
        first = _first(full, name)
        if first is None or first.handshake_done:
            continue
        if _is_version_alert(first) or (both and name == "psk"):
            yield VERSION_LABEL[name]


def _first(full: Sequence[Trial], mechanism: Mechanism) -> Trial | None:
    """The first that was done, since a version may be asked for again; else the first of all."""
    own = [attempt for attempt in full if attempt.mechanism == mechanism]
    return next((attempt for attempt in own if attempt.handshake_done), own[0] if own else None)


def _address_error(full: Sequence[Trial]) -> ErrorResult | None:
    failures = [attempt.error for attempt in full if attempt.error is not None]
    if not failures or all(failure.kind == "unsupported" for failure in failures):
        return None
    if all(_is_version_alert(attempt) for attempt in full):
        failure = failures[0]
        versions = sorted({VERSION_LABEL[a.mechanism] for a in full if a.mechanism})
        spoken = "does not speak " if len(versions) == 1 else "speaks neither "
        return ErrorResult(
            failure.kind,
            failure.step,
            f"{failure.message}: it {spoken}{' nor '.join(versions)}",
            ("older versions are not tested here",),
            failure.stack,
        )
    telling = [
        attempt.error
        for attempt in full
        if attempt.error is not None and not _is_version_alert(attempt)
    ]
    return error_result((telling or failures)[0])


def _is_version_alert(attempt: Trial) -> bool:
    return any(
        alert.sender == "server" and alert.description == _PROTOCOL_VERSION_ALERT
        for alert in attempt.alerts
    )


def error_result(failure: Failure) -> ErrorResult:
    """A failure as a report carries it."""
    return ErrorResult(failure.kind, failure.step, failure.message, failure.hints, failure.stack)


def _mechanism(
    mechanism: Mechanism,
    attempts: Sequence[Trial],
    naming: KeyNaming,
    first: Trial,
    *,
    unanswered: Sequence[Trial],
    waits: Mapping[int, float],
    tries_asked: int,
) -> MechanismResult:
    # Under another name (--cross-name) it may be another server, with keys of its own.
    own = [
        attempt
        for attempt in attempts
        if attempt.mechanism == mechanism and attempt.config.server_name == first.config.server_name
    ]
    asked = sorted([*own, *unanswered], key=lambda attempt: (attempt.time, attempt.n))
    fixed = series_of(asked, Tries.FIXED)
    chained = series_of(asked, Tries.CHAINED)
    issued = any(session.mechanism == mechanism for session in first.sessions)
    found = tried(own, mechanism, naming)
    state, reason = found.state()
    if mechanism == "psk" and not any(ticket.lifetime for ticket in first.tickets):
        state, reason = DISCARDED
    if state == "untested":
        reason = _why_untested(reason, own, unanswered, spared=bool(blameless(own)))
    if not issued:
        state, reason = _why_not_issued(mechanism, first)
    return MechanismResult(
        mechanism=mechanism,
        tls_version=version_label(VERSION_LABEL[mechanism], first.transport),
        state=state,
        judged=False,
        reason=reason,
        fixed=fixed,
        chained=chained,
        tickets=_tickets(mechanism, own, naming, first) if issued else None,
        timing=_timing(own, waits),
        bytes=_bytes(own),
        answers=summarise(own),
        tries_asked=tries_asked,
    )


def _why_untested(
    reason: str | None, own: Sequence[Trial], unanswered: Sequence[Trial], *, spared: bool
) -> str | None:
    if unanswered:
        return unanswered_words(unanswered)
    if spared:
        return "connections break here, with the session and without it"
    before = (a.error for a in own if a.offer is not None and a.offered is None)
    error = next(filter(None, before), None)
    return reason if error is None else f"{reason}: {error.message}"


def unanswered_words(attempts: Sequence[Trial]) -> str:
    """That offers were made, and how long they had waited for an answer when we ended them."""
    waited = max(attempt.timings.total or 0.0 for attempt in attempts) / 1000
    times = "" if len(attempts) == 1 else f" {len(attempts)} times"
    return f"offered{times}, unanswered when the run ended, after {waited:.1f} s"


def _why_not_issued(mechanism: Mechanism, first: Trial) -> tuple[State, str]:
    if first.cut_short and first.error is not None:
        return "untested", f"the connection broke before a session came: {first.error.message}"
    if mechanism == "psk":
        if hung_up(first):
            return "untested", "the server hung up after the handshake, before any ticket or answer"
        waited = max(0.0, (first.timings.total or 0) - (first.timings.handshake or 0)) / 1000
        return "not-issued", f"no ticket within {waited:.1f} s"
    if mechanism == "ticket":
        return "not-issued", "no NewSessionTicket in the handshake"
    return "not-issued", "the server gave no session ID"


def hung_up(attempt: Trial) -> bool:
    """Whether the server left without a word when the handshake was done: it may have wanted
    another protocol, and that it gave no TLS 1.3 ticket until then says little."""
    return attempt.closed == "hung-up" and not attempt.response and not attempt.tickets


def _tickets(
    mechanism: Mechanism, own: Sequence[Trial], naming: KeyNaming, first: Trial
) -> TicketSummary | None:
    if mechanism == "session-id" or not first.tickets:
        return None
    ticket = first.tickets[0]
    names = Counter(name for attempt in own if (name := issued_key(attempt, naming)) is not None)
    return TicketSummary(
        count=len(first.tickets),
        length=len(ticket.ticket),
        lifetime=ticket.lifetime,
        key_name=naming.name_of(ticket.ticket),
        stateful=is_stateful(ticket.ticket) and mechanism == "psk",
        max_early_data=ticket.max_early_data or 0,
        key_names=tuple(KeyName(name, count) for name, count in names.most_common()),
        after_data=ticket.after_data,
        looks_like=layouts_of(mechanism, own, naming, first),
    )


def layouts_of(
    mechanism: Mechanism, own: Sequence[Trial], naming: KeyNaming, first: Trial
) -> tuple[LooksLike, ...]:
    """The layouts of a server's first ticket, with all that is known around it."""
    ticket, name = first.tickets[0], naming.name_of(first.tickets[0].ticket)
    nonces = tuple(t.nonce for t in first.tickets if t.nonce is not None)
    named: int | None = len(name) // 2 if name is not None and naming.certain else None
    if not naming.visible and len({t.ticket for a in own for t in a.tickets}) > 1:
        named = 0
    return looks_like(
        ticket.ticket,
        Around(
            lifetime=ticket.lifetime,
            nonces=nonces if mechanism == "psk" else None,
            tickets=len(first.tickets),
            named=named,
        ),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    # The library's `statistics` would import fractions and decimals for this.
    middle = len(known) // 2
    return round((known[middle] + known[~middle]) / 2, 3)


def _timing(own: Sequence[Trial], waits: Mapping[int, float]) -> TimingSummary:
    done = [a for a in own if a.handshake_done and not a.made_for(HelloSize)]
    full = [attempt for attempt in done if not attempt.resumed]
    # The first handshakes ran alone; those among the tries met the same conditions as
    # the resumed ones, and are the fairer comparison.
    among = [attempt for attempt in full if not attempt.made_for(Discover)]
    return TimingSummary(
        full_ms=_median(handshake_times(among or full, waits)),
        resumed_ms=_median(handshake_times((a for a in done if a.resumed), waits)),
    )


def _bytes(own: Sequence[Trial]) -> BytesSummary:
    full = [attempt for attempt in own if attempt.handshake_done and not attempt.resumed]
    resumed = [attempt for attempt in own if attempt.handshake_done and attempt.resumed]

    def middle(values: Iterable[int]) -> int | None:
        found = _median(values)
        return None if found is None else round(found)

    return BytesSummary(
        full_sent=middle(a.traffic.sent for a in full),
        full_received=middle(a.traffic.received for a in full),
        resumed_sent=middle(a.traffic.sent for a in resumed),
        resumed_received=middle(a.traffic.received for a in resumed),
    )


def _judge(mechanisms: tuple[MechanismResult, ...]) -> tuple[MechanismResult, ...]:
    """Mark what an ordinary client would use."""
    return tuple(replace(row, judged=is_judged(row, mechanisms)) for row in mechanisms)


def row(attempt: Trial, naming: KeyNaming) -> AttemptRow:
    """An attempt as a report lists it."""
    known = attempt.server_hello_seen or attempt.handshake_done
    return AttemptRow(
        n=attempt.n,
        time=iso_milliseconds(attempt.time),
        local_port=attempt.local_port,
        mechanism=attempt.mechanism,
        experiment=attempt.experiment,
        series=attempt.series,
        offered=attempt.offered is not None,
        accepted=attempt.accepted if attempt.offered is not None and known else None,
        reused=attempt.resumed,
        tls_version=version_of(attempt),
        key_name=issued_key(attempt, naming),
        node=attempt.node,
        handshake_ms=_rounded(attempt.timings.handshake),
        error=attempt.error.message if attempt.error else _said(attempt),
        connect_ms=_rounded(attempt.timings.connect),
        first_ticket_ms=_rounded(attempt.timings.first_ticket),
        sent=attempt.traffic.sent,
        received=attempt.traffic.received,
        flights=attempt.traffic.flights,
        port=attempt.port,
        http_status=attempt.http_status,
        answer=None if (answer := answer_of(attempt)) is None else str(answer),
    )


def version_of(attempt: Trial) -> str | None:
    """The version that was negotiated, as it is called over its transport."""
    version = attempt.tls_version
    return None if version is None else version_label(version.label, attempt.transport)


def _said(attempt: Trial) -> str | None:
    """What the server said against an FTPS data connection, if it did."""
    return None if attempt.reply is None or attempt.reply.startswith("2") else attempt.reply


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)

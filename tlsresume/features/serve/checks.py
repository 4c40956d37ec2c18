"""How each finding about a client is recognised: by what its tallies count, or by the remarks that
were made of single connections.

The engine's checks of observations are not asked here. What they look at is the server's doing
(its tickets, lifetimes, session IDs, key shares, what it resumes), and the server is ours, odd on
purpose in most behaviours: nothing of that may be held against a client. `malformed-ticket` alone
has to do with the client as well, and is not asked either: the alert that it goes by is also how
OpenSSL answers a server that ends without close_notify, so from this side it proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from tlsresume.features.serve.behaviours import Row
from tlsresume.features.serve.catalogue import TEXTS, ClientSetting, software_of
from tlsresume.features.serve.codes import SEVERITIES, Code
from tlsresume.features.serve.results import CommandResult
from tlsresume.features.serve.tally import Remark, Tally
from tlsresume.findings.engine import Entry, Match, ask, finding_of
from tlsresume.formats.explanation import sentence
from tlsresume.results.judged import Finding
from tlsresume.units import count


class Visits(msgspec.Struct, frozen=True, kw_only=True):
    """What one client did at one server, and what became of the command that was run there."""

    row: Row
    tally: Tally
    command: CommandResult | None = None


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a check looks at: one client at one server, and its stays at all of them by name."""

    name: str
    label: str | None
    stays: Mapping[str, Visits]

    @property
    def here(self) -> Visits:
        """The stay that is looked at."""
        return self.stays[self.name]

    @property
    def tally(self) -> Tally:
        """The tally that is looked at."""
        return self.here.tally

    def elsewhere(self) -> list[tuple[str, Tally]]:
        """The tallies of the other servers."""
        return [(name, stay.tally) for name, stay in self.stays.items() if name != self.name]


Check = Callable[[View], Match | None]


def never_offers(view: View) -> Match | None:
    """Chances, and no offer anywhere."""
    tally = view.tally
    chances = tally.could + tally.incapable - tally.data_could  # these have their own finding
    if chances < 1 or tally.offered:
        return None
    if any(other.offered for _, other in view.elsewhere()):
        return None  # it can; what keeps it from it here is a finding of its own
    seen = [f"{count(chances, 'connection')} could have offered a session, none did"]
    if tally.incapable:
        seen.append(
            f"before {count(tally.incapable, 'connection')} the server had given only what this"
            " client's ClientHello says it cannot use"
        )
    not_known: tuple[str, ...] = ()
    if tally.could and tally.versions["TLSv1.3"] and not _stayed_on_12(view):
        not_known = (
            (
                "whether it keeps no session or takes it before the ticket has come"
                " (took-session-too-early): add --behaviour session-ids and late-tickets"
            ),
        )
    return Match(seen=tuple(seen), not_known=not_known)


def no_psk_modes(view: View) -> Match | None:
    """TLS 1.3 without psk_key_exchange_modes, in every hello."""
    tally = view.tally
    if not tally.without_psk_modes or tally.with_psk_modes or not view.here.row.issues:
        return None
    if any(other.with_psk_modes for _, other in view.elsewhere()):
        return None
    number = count(tally.without_psk_modes, "TLS 1.3 connection")
    return Match(seen=(f"{number}, none with psk_key_exchange_modes",))


def no_ticket_extension(view: View) -> Match | None:
    """TLS 1.2 without the session_ticket extension, in every hello."""
    tally = view.tally
    if not tally.without_ticket_extension or tally.with_ticket_extension:
        return None
    if any(other.with_ticket_extension for _, other in view.elsewhere()):
        return None
    number = count(tally.without_ticket_extension, "TLS 1.2 connection")
    return Match(seen=(f"{number}, none with the session_ticket extension",))


def no_session_ids(view: View) -> Match | None:
    """Session IDs given, and none offered."""
    tally = view.tally
    if not tally.ids_given or not tally.could or tally.mechanism_offered["session-id"]:
        return None
    if any(other.mechanism_offered["session-id"] for _, other in view.elsewhere()):
        return None
    return Match(seen=(f"{count(tally.ids_given, 'session ID')} given, none offered",))


def took_session_too_early(view: View) -> Match | None:
    """Offers where the session is there with the handshake, and not where it comes later."""
    tally = view.tally
    on_13 = tally.versions["TLSv1.3"]
    if not on_13 or tally.offered_by_version["TLSv1.3"]:
        return None
    late = view.here.row.behaviour.tickets_after_data
    with_handshake = [
        name
        for name, stay in view.stays.items()
        if stay.tally.offered_by_version["TLSv1.3"] and not stay.row.behaviour.tickets_after_data
    ]
    if late and (tally.could or tally.left_before_ticket) and with_handshake:
        return Match(
            seen=(
                f"offers in {', '.join(with_handshake)}, where tickets come with the handshake",
                f"none in {count(on_13, 'connection')} here, where they come with the answer",
            )
        )
    on_12 = [name for name, other in view.elsewhere() if other.offered_by_version["TLSv1.2"]]
    if tally.could and on_12 and not with_handshake:
        return Match(
            seen=(
                f"offers on TLS 1.2, in {', '.join(on_12)}",
                f"{count(tally.could, 'connection')} here could have offered on TLS 1.3, none did",
            ),
            candidates=("a client that resumes on TLS 1.2 only",),
        )
    return None


def gives_up_when_refused(view: View) -> Match | None:
    """Left after a ServerHello that accepts no session."""
    code: Code = "gives-up-when-refused"
    found, suspected = _remarked(view, code), view.tally.suspected.get(code)
    refused = view.tally.offered - view.tally.accepted
    if found is not None or suspected is None or suspected.number < refused:
        return found
    return Match(seen=(*map(REMARKS[code], suspected.shown), "no connection went on after that"))


def fails_here(view: View) -> Match | None:
    """Fails in this behaviour, and not in the default."""
    default = view.stays.get("default")
    here = view.here
    if view.name == "default" or here.row.untrusted or default is None:
        return None
    seen = []
    works = default.tally.handshaken and not default.tally.failed
    tally = here.tally
    # One that was left without a word may be a client that was ended.
    left = tally.abandoned if tally.abandoned > 1 and not tally.handshaken else 0
    failed = tally.failed + left
    if works and failed and not tally.unspoken_version:
        seen.append(
            f"{failed} of {count(tally.connections, 'handshake')} failed here, none in default"
        )
        seen += [
            f"alert of the {sender}: {description}"
            for sender, description in list(tally.alerts)[:3]
        ]
    mine, theirs = here.command, default.command
    if mine is None or theirs is None or tally.unspoken_version:
        pass
    elif theirs.succeeded and not mine.succeeded:
        seen.append(f"the command {mine.words()} here, and succeeds in default")
    return Match(seen=tuple(seen)) if seen else None


def data_connection_offers_nothing(view: View) -> Match | None:
    """Data connections of FTP that could have offered a session, and did not."""
    tally = view.tally
    missing = tally.data_could - tally.data_own - tally.data_other
    if missing < 1:
        return None
    seen = (
        f"{missing} of {count(tally.data_could, 'data connection')} offered nothing, while"
        " the control connection had a session"
    )
    return Match(seen=(seen,))


def data_connection_other_session(view: View) -> Match | None:
    """Data connections of FTP with the session of another control connection."""
    tally = view.tally
    if not tally.data_other:
        return None
    number = count(tally.data_connections, "data connection")
    seen = (
        f"{tally.data_other} of {number} offered a session that is not of the control"
        " connection beside it"
    )
    return Match(seen=(seen,))


def cuts_connection(view: View) -> Match | None:
    """Streams that ended without close_notify."""
    endings = view.tally.endings
    if not endings["fin"]:
        return None
    ended = count(endings.total(), "connection")
    return Match(seen=(f"{endings['fin']} of {ended} ended without close_notify",))


def offers_after_failed_verification(view: View) -> Match | None:
    """A session of a connection whose certificate was refused."""
    code: Code = "offers-after-failed-verification"
    found, suspected = _remarked(view, code), view.tally.suspected.get(code)
    if found is not None or suspected is None:
        return found
    if not any(stay.tally.asked for stay in view.stays.values() if not stay.row.untrusted):
        return None  # it asks nothing anywhere, so asking nothing is no refusal
    return Match(
        seen=(
            *map(REMARKS[code], suspected.shown),
            "it asked nothing on the first, and asks where the certificate is trusted",
        )
    )


#: What is told of each remark. A code that is not among the checks is recognised by these alone.
REMARKS: Mapping[Code, Callable[[Remark], str]] = {
    "offers-after-failed-verification": lambda each: (
        f"#{each.connection} offered a session of #{each.source}, which it had refused"
    ),
    "offers-unverified-session": lambda each: (
        f"#{each.connection} asked for {{url}}strict on a session of"
        f" {f'#{each.source}' if each.source else 'before this run'}"
    ),
    "offers-across-client-certificates": lambda each: (
        f"#{each.connection} showed {_certificate(each.now)}, and had offered a"
        f" session of #{each.source}, which showed {_certificate(each.was)}"
    ),
    "gives-up-when-refused": lambda each: (
        f"#{each.connection} was left when its session was not accepted"
    ),
    "ticket-used-twice": lambda each: (
        f"#{each.connection} offered a ticket of #{each.source} for the {_ordinal(each.value)} time"
    ),
    "offered-past-lifetime": lambda each: (
        f"#{each.connection} offered a ticket of #{each.source} at an age of"
        f" {each.value or 0:.1f} s; it was good for {each.limit or 0:.0f} s"
    ),
    "offers-across-names": lambda each: (
        f"#{each.connection} offered under {each.now or 'no name'} what"
        f" #{each.source} got under {each.was or 'no name'}"
    ),
    "wrong-ticket-age": lambda each: (
        f"#{each.connection} claimed an age of {each.value or 0:.1f} s for a ticket"
        f" of #{each.source} that had left {each.limit or 0:.1f} s before"
    ),
    "early-data-unasked": lambda each: (
        f"#{each.connection} sent early data with a ticket of #{each.source}"
    ),
    "offers-across-ports": lambda each: (
        f"#{each.connection} offered at port {each.now} what it got at port {each.was}"
    ),
}
CHECKS: Mapping[Code, Check] = {
    "offers-after-failed-verification": offers_after_failed_verification,
    "gives-up-when-refused": gives_up_when_refused,
    "fails-here": fails_here,
    "never-offers": never_offers,
    "no-psk-modes": no_psk_modes,
    "took-session-too-early": took_session_too_early,
    "data-connection-offers-nothing": data_connection_offers_nothing,
    "data-connection-other-session": data_connection_other_session,
    "no-ticket-extension": no_ticket_extension,
    "no-session-ids": no_session_ids,
    "cuts-connection": cuts_connection,
}


def _check(code: Code) -> Check:
    return CHECKS.get(code) or (lambda view: _remarked(view, code))


def findings(view: View) -> tuple[Finding, ...]:
    """All findings about one client at one server."""
    checks = ((TEXTS[code], _check(code)) for code in SEVERITIES)
    return tuple(_finding(entry, match, view) for entry, match in ask(checks, view))


def _finding(entry: Entry, match: Match, view: View) -> Finding:
    software = software_of(view.label)
    settings = [each for each in entry.settings if isinstance(each, ClientSetting)]
    known = [each for each in settings if each.software == software]
    return finding_of(
        entry,
        match,
        title=sentence(entry.title),
        directives=tuple(each.text for each in known or settings),
    )


def _remarked(view: View, code: Code) -> Match | None:
    remarks = view.tally.remarks.get(code)
    if remarks is None:
        return None
    seen = [*map(REMARKS[code], remarks.shown)]
    more = remarks.number - len(seen)
    return Match(seen=(*seen, *((f"and {more} more",) if more else ())))


def _stayed_on_12(view: View) -> bool:
    return any(other.versions["TLSv1.2"] and other.could for _, other in view.elsewhere())


def _ordinal(value: float | None) -> str:
    number = int(value or 0)
    return {2: "second", 3: "third"}.get(number, f"{number}th")


def _certificate(digest: str | None) -> str:
    return "no certificate" if digest is None else f"certificate {digest[:8]}"

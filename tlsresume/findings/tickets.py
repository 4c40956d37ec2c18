"""Tickets that are unsafe or against the standard, whether or not they resume (group T).

The standards are RFC 8446 section 4.6.1 (TLS 1.3), RFC 5077 (TLS 1.2) and RFC 9325
section 3.4 (keys). A weak key is looked for in tickets that we were given; it is a
finding only when what is inside is our own session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tlsresume.evidence.observation import Part, Ticket
from tlsresume.evidence.trial import Trial
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.sessions.session import Session
from tlsresume.tickets.unseal import holds_secret, holds_secret_of, mac_without_key
from tlsresume.tickets.weak_keys import WeakKey, begin_with_key_names, find_weak_key
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.units import connections, span
from tlsresume.value import Value

#: RFC 8446 section 4.6.1: no ticket may live longer than seven days.
LONGEST_LIFETIME = 604_800
_DAY = 86_400

#: Tickets without a visible key name may each have a key of their own; so many are tried.
_UNNAMED_TRIED = 8


def issued(view: View) -> Iterator[tuple[Trial, Ticket]]:
    """Every ticket that a view's mechanism brought, with the attempt it came on."""
    wanted = {"psk": True, "ticket": False}.get(view.mechanism)
    for attempt in view.attempts:
        if attempt.tls_version is None or wanted is None:
            continue
        if (attempt.tls_version >= ProtocolVersion.TLSv1_3) == wanted:
            for ticket in attempt.tickets:
                yield attempt, ticket


def session_of(attempt: Trial, ticket: Ticket) -> Session | None:
    """The session that a ticket belongs to."""
    return next((s for s in attempt.sessions if s.fields.ticket == ticket.ticket), None)


class _Candidate(Value, frozen=True):
    """A session that may be read from its ticket: the ticket in words, the nonces that it may have
    come with, and the other tickets of its connection that were made as it was."""

    words: str
    session: Session
    nonces: tuple[bytes, ...] = ()
    beside: tuple[bytes, ...] = ()

    @property
    def ticket(self) -> bytes:
        """Its ticket."""
        return self.session.fields.ticket or b""


def _candidates(view: View) -> Iterator[_Candidate]:
    """One session for each key name, and some of those that name none."""
    if view.saved is not None:
        ticket = view.saved.session.fields.ticket or b""
        yield _Candidate(f"the saved ticket: {len(ticket)} bytes", view.saved.session)
    seen: Counter[str | None] = Counter()
    for attempt, found in issued(view):
        name = view.naming.name_of(found.ticket)
        session = session_of(attempt, found)
        if session is None or seen[name] >= (1 if name else _UNNAMED_TRIED):
            continue
        seen[name] += 1
        yield _Candidate(
            f"#{attempt.n} NewSessionTicket: {len(found.ticket)} bytes",
            session,
            () if found.nonce is None else (found.nonce,),
            tuple(
                other.ticket
                for other in attempt.tickets
                if other is not found
                and len(other.ticket) == len(found.ticket)
                and view.naming.name_of(other.ticket) == name
            ),
        )


def weak_key(
    session: Session, nonces: tuple[bytes, ...] = (), names: frozenset[bytes] = frozenset()
) -> WeakKey | None:
    """The weak key that sealed a session's ticket, proved by the session's own secret. `names`
    are first bytes of tickets that are key names for sure."""
    fields = session.fields
    if fields.ticket is None:
        return None
    return find_weak_key(
        fields.ticket,
        fields.master_key,
        nonces,
        fields.time,
        fields.lifetime_hint or 0,
        named=fields.ticket[:16] in names,
    )


def _in_clear(candidate: _Candidate) -> bool:
    """Whether a session's ticket holds its secret, or in TLS 1.3 what gives it. Most tickets are
    sealed, and each place in them is tried, so only what can be is: where the ticket was seen
    to come, its nonce is known, and in TLS 1.2 nothing gives the secret but itself."""
    ticket, secret = candidate.ticket, candidate.session.fields.master_key
    if candidate.session.mechanism != "psk":
        return bool(secret) and ticket.find(secret) >= 0
    if candidate.nonces:
        return any(
            holds_secret_of(ticket, secret, nonce, candidate.beside) for nonce in candidate.nonces
        )
    return holds_secret(ticket, secret)


@rule(
    "weak-ticket-key",
    "T",
    "error",
    needs=Part.OUTCOME | Part.TICKETS | Part.SECRET,
    harm="security",
    mechanisms=("psk", "ticket"),
    cause="The ticket is sealed with a key that anybody can guess. Who records the traffic can"
    " decrypt TLS 1.2 sessions, and who holds a ticket can pose as the server.",
    advice="Give the server a random key at once, or let it make its own; count every session of"
    " the past under this key as disclosed.",
    settings=set_in(
        nginx="ssl_session_ticket_key",
        haproxy="tls-ticket-keys",
        Apache="SSLSessionTicketKeyFile",
        gnutls_session_ticket_key_generate="",
        Go="tls.Config.SetSessionTicketKeys",
    ),
    sources=("CVE-2020-13777", "Hebrok et al., USENIX Security 2023", "RFC 5077 section 5.5"),
)
def weak_ticket_key(view: View) -> Match | None:
    """The ticket key is guessable.

    A ticket that we were given opens with a key of zeros, of one byte repeated, of counting
    bytes or a word, and the session inside has the secret of ours. No connection is made
    for it.
    """
    seen, evidence = [], []
    # Also those of the other version, which most servers seal with the same key.
    trials = (*view.attempts, *view.everything)
    names = begin_with_key_names(ticket.ticket for trial in trials for ticket in trial.tickets)
    for candidate in _candidates(view):
        weak = weak_key(candidate.session, candidate.nonces, names)
        if weak is None:
            continue
        published = f" ({weak.reference})" if weak.reference else ""
        seen.append(
            f"the key is {weak.pattern}: {weak.cipher}, layout {weak.layout}{published}; inside is"
            " the secret of our session"
        )
        mac = "with a weak key too" if weak.mac else "with a key that was not found"
        evidence.append(f"{candidate.words} decrypted; the MAC is made {mac}")
    if not seen:
        return None
    return Match(seen=tuple(dict.fromkeys(seen)), evidence=tuple(evidence))


@rule(
    "ticket-not-sealed",
    "T",
    "error",
    needs=Part.OUTCOME | Part.TICKETS | Part.SECRET,
    harm="security",
    mechanisms=("psk", "ticket"),
    cause="The ticket is not encrypted. TLS 1.2 sends tickets in clear and TLS 1.3 offers them in"
    " clear: who records the traffic can decrypt TLS 1.2 sessions, and anybody on the way can"
    " pose as the server.",
    advice="Seal what becomes the ticket with a random key, or keep the session in a store and"
    " give out a random handle.",
    settings=set_in(
        Go="tls.Config.WrapSession: EncryptTicket",
        OpenSSL="SSL_CTX_set_tlsext_ticket_key_evp_cb",
        BoringSSL="SSL_TICKET_AEAD_METHOD seal",
    ),
    sources=("RFC 5077 section 4", "RFC 8446 section 4.6.1"),
)
def not_sealed(view: View) -> Match | None:
    """The ticket holds the session's secret in clear.

    The secret of our session, or in TLS 1.3 what gives it, stands in the bytes of a ticket
    that we were given. No connection is made for it.
    """
    found = [
        f"{candidate.words}, and the session's secret among them"
        for candidate in _candidates(view)
        if _in_clear(candidate)
    ]
    seen = f"in clear in {len(found)} ticket{'' if len(found) == 1 else 's'}: our session's secret"
    return Match(seen=(seen,), evidence=tuple(found[:2])) if found else None


@rule(
    "ticket-mac-without-key",
    "T",
    "warning",
    needs=Part.OUTCOME | Part.TICKETS | Part.SECRET,
    harm="security",
    mechanisms=("psk", "ticket"),
    cause="The MAC that protects tickets from being changed is made with an empty key, so anybody"
    " can make it: a ticket can be altered, and what the server makes of altered ones be learnt.",
    advice="Let the server make its own ticket keys until its TLS code is mended: where Apache"
    " httpd 2.4 on OpenSSL 3 is given a key file, its MAC key is whatever lies on the stack.",
    settings=set_in(Apache="SSLSessionTicketKeyFile"),
    sources=("RFC 5077 section 4", "seen on Apache httpd 2.4.71 with OpenSSL 3.0.19"),
)
def mac_unkeyed(view: View) -> Match | None:
    """The tickets' MAC is made without a key.

    The last 32 bytes of a ticket are HMAC-SHA256 of the rest under an empty key, or one of
    zeros, which is the same. No connection is made for it.
    """
    found = [
        f"{each.words}, the last 32 are HMAC-SHA256 of the others with an empty key"
        for each in _candidates(view)
        if mac_without_key(each.ticket) and weak_key(each.session, each.nonces) is None
    ]
    seen = f"{len(found)} ticket{'' if len(found) == 1 else 's'} with a MAC under an empty key"
    return Match(seen=(seen,), evidence=tuple(found[:2])) if found else None


@rule(
    "ticket-lifetime-too-long",
    "T",
    "warning",
    needs=Part.OUTCOME | Part.TICKETS,
    mechanisms=("psk",),
    cause="TLS 1.3 allows a ticket to live for seven days at most; clients drop it then, whatever"
    " the server says.",
    advice="Set a lifetime of 604800 s or less.",
    settings=set_in(nginx="ssl_session_timeout", OpenSSL="SSL_CTX_set_timeout"),
    sources=("RFC 8446 section 4.6.1",),
)
def lifetime_too_long(view: View) -> Match | None:
    """ticket_lifetime is above seven days.

    NewSessionTicket.ticket_lifetime is more than 604800 s.
    """
    longest = max((ticket.lifetime for _, ticket in issued(view)), default=0)
    if longest <= LONGEST_LIFETIME:
        return None
    return Match(
        seen=(f"lifetime {span(longest)}",),
        evidence=(f"NewSessionTicket.ticket_lifetime: {longest} s, over {LONGEST_LIFETIME}",),
        shown_by=_living(view, longest),
    )


def _living(view: View, lifetime: int) -> tuple[int, ...]:
    """The connections that brought a ticket of this lifetime."""
    return _numbers(attempt for attempt, ticket in issued(view) if ticket.lifetime == lifetime)


def _numbers(attempts: Iterable[Trial]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(attempt.n for attempt in attempts))


@rule(
    "ticket-lifetime-long",
    "T",
    "info",
    needs=Part.OUTCOME | Part.TICKETS,
    mechanisms=("psk", "ticket"),
    cause="Tickets are promised to be good for more than a day: so long must the key that sealed"
    " them be kept, and so long is a stolen key worth something.",
    advice="Where forward secrecy matters, shorten the lifetime, and rotate keys at least weekly"
    " with tickets valid for at most half of that.",
    settings=set_in(
        nginx="ssl_session_timeout",
        Apache="SSLSessionCacheTimeout",
        Go=": 7 days are fixed; tls.Config.UnwrapSession may refuse older sessions",
        BoringSSL="SSL_CTX_set_session_psk_dhe_timeout",
        Java="SSLSessionContext.setSessionTimeout",
    ),
    sources=("RFC 9325 section 3.4", "RFC 5077 section 5.6"),
)
def lifetime_long(view: View) -> Match | None:
    """The lifetime hint is above 24 hours.

    ticket_lifetime (TLS 1.3) or ticket_lifetime_hint (TLS 1.2) is more than 86400 s.
    """
    longest = max((ticket.lifetime for _, ticket in issued(view)), default=0)
    if not _DAY < longest <= (LONGEST_LIFETIME if view.mechanism == "psk" else longest):
        return None
    return Match(
        seen=(f"lifetime {span(longest)}",),
        evidence=(f"NewSessionTicket lifetime: {longest} s",),
        shown_by=_living(view, longest),
    )


@rule(
    "age-add-not-random",
    "T",
    "warning",
    needs=Part.OUTCOME | Part.TICKETS,
    mechanisms=("psk",),
    cause="ticket_age_add hides how old a ticket is; it has to be a new random number for each"
    " ticket, or connections of one client can be linked.",
    advice="A fault of the server's TLS library: update it.",
    sources=("RFC 8446 section 4.6.1", "RFC 8446 section C.4"),
)
def age_add_not_random(view: View) -> Match | None:
    """ticket_age_add is zero or repeats.

    NewSessionTicket.ticket_age_add is 0, or the same on two different tickets.
    """
    by_ticket = {ticket.ticket: ticket.age_add for _, ticket in issued(view)}
    numbers = Counter(number for number in by_ticket.values() if number is not None)
    zero = numbers.pop(0, 0)
    # Two random numbers of 32 bits are equal once in four billion pairs.
    repeated = [number for number, count in numbers.items() if count > 1]
    evidence = []
    if zero:
        evidence.append(f"NewSessionTicket.ticket_age_add: 0 on {zero} of {len(by_ticket)} tickets")
    evidence += [
        f"NewSessionTicket.ticket_age_add: 0x{number:08x} on {numbers[number]} tickets"
        for number in repeated[:2]
    ]
    if not evidence:
        return None
    odd = {0, *repeated} if zero else {*repeated}
    return Match(
        seen=tuple(evidence),
        evidence=tuple(evidence),
        shown_by=_numbers(attempt for attempt, ticket in issued(view) if ticket.age_add in odd),
    )


@rule(
    "ticket-nonce-repeated",
    "T",
    "warning",
    needs=Part.OUTCOME | Part.TICKETS,
    mechanisms=("psk",),
    cause="Two tickets of one connection have the same nonce, so both carry the same PSK: they are"
    " one ticket twice, and using both links connections.",
    advice="A fault of the server's TLS library: update it.",
    sources=("RFC 8446 section 4.6.1",),
)
def nonce_repeated(view: View) -> Match | None:
    """Two tickets of one connection share a nonce.

    NewSessionTicket.ticket_nonce is the same on two tickets of one connection.
    """
    for attempt in view.attempts:
        nonces = [ticket.nonce for ticket in attempt.tickets if ticket.nonce is not None]
        repeated = [nonce for nonce, count in Counter(nonces).items() if count > 1]
        if repeated:
            value = repeated[0].hex() or "empty"
            line = (
                f"NewSessionTicket.ticket_nonce: {value} on {nonces.count(repeated[0])} of"
                f" {len(nonces)} tickets of one connection"
            )
            return Match(seen=(line,), evidence=(f"#{attempt.n} {line}",), shown_by=(attempt.n,))
    return None


@rule(
    "tickets-not-fresh",
    "T",
    "warning",
    needs=Part.OUTCOME | Part.TICKETS,
    mechanisms=("psk", "ticket"),
    cause="The very same ticket came more than once. In TLS 1.3 a ticket that is used twice lets an"
    " observer link the connections, and early data be replayed.",
    advice="Let the server make a new ticket for each connection.",
    sources=("RFC 8446 appendix C.4", "RFC 8446 section 8"),
)
def not_fresh(view: View) -> Match | None:
    """The same ticket is given out more than once.

    Two NewSessionTicket messages, on one connection or on two, carry the same bytes.
    """
    givers: dict[bytes, list[int]] = {}
    for attempt, ticket in issued(view):
        givers.setdefault(ticket.ticket, []).append(attempt.n)
    repeated = [numbers for numbers in givers.values() if len(numbers) > 1]
    if not repeated:
        return None
    numbers = max(repeated, key=len)
    where = ", ".join(f"#{number}" for number in numbers[:4])
    return Match(
        seen=(f"one ticket on {connections(len(set(numbers)))}",),
        evidence=(f"{where} NewSessionTicket: the same {len(numbers)} times",),
        shown_by=tuple(dict.fromkeys(numbers)),
    )

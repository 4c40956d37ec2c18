"""What `probe --cross-name` saw of each session: its own handshake, the offer, the control.

By connection, for the name A that was asked for and the other name B: a full handshake with
A, the offer of its session under B, and the control, a full handshake with B. Where `--cert`
gave a client certificate, A and B are tried with it, too. The rules are in `other_names`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tlsresume.evidence.answers import answer_of, tally
from tlsresume.evidence.purposes import CrossName
from tlsresume.evidence.trial import Trial
from tlsresume.findings.refusals import refusal_words, refuses_client
from tlsresume.findings.view import View
from tlsresume.findings.with_and_without_session import has_alert
from tlsresume.findings.wording import exchange
from tlsresume.tls.registry import AlertDescription
from tlsresume.value import Value

_MISDIRECTED = 421

#: Words at the same place of two answers that are compared, and the bytes of a body.
_WORDS_COMPARED, _BODY = 20, 512


class Crossing(Value, frozen=True):
    """One session of A, offered under B: its full handshake, the offer, and the control."""

    name: str
    full: Trial
    offer: Trial | None
    control: Trial | None
    with_certificate: bool = False

    @property
    def resumed(self) -> bool:
        return self.offer is not None and self.offer.resumed is True

    @property
    def refused(self) -> bool:
        """Whether the server refused the offer for its name: alert 49, or HTTP 421."""
        return self.offer is not None and denied(self.offer)

    @property
    def settled(self) -> bool:
        """Whether the control says what B does with those who have no session."""
        return self.control is not None and (
            refuses_client(self.control) or self.control.handshake_done
        )


_ROUNDS = (
    (CrossName.FULL, CrossName.OFFER, CrossName.CONTROL, False),
    (CrossName.WITH_CERT_FULL, CrossName.WITH_CERT_OFFER, CrossName.WITH_CERT_CONTROL, True),
)


def crossings(view: View) -> Iterator[Crossing]:
    """The crossings of a view, as the experiment made them."""
    made = view.made(CrossName)
    for own, offered, controlled, certified in _ROUNDS:
        fulls = [a for a in made if a.made_for(own)]
        for number, full in enumerate(fulls):
            end = fulls[number + 1].time if number + 1 < len(fulls) else float("inf")
            after = [a for a in made if full.time <= a.time < end]
            offer = next((a for a in after if a.made_for(offered)), None)
            control = next((a for a in after if a.made_for(controlled)), None)
            named = offer or control
            if named is not None and named.config.server_name is not None:
                yield Crossing(named.config.server_name, full, offer, control, certified)


def denied(attempt: Trial) -> bool:
    """Whether the server refused a session for its name: alert 49, or HTTP 421."""
    if attempt.handshake_done:
        return attempt.resumed is True and attempt.http_status == _MISDIRECTED
    return has_alert(attempt, AlertDescription.access_denied, of_server=True)


def served(attempt: Trial | None) -> bool:
    """Whether the request on a connection was answered well (2xx, 3xx, or alike)."""
    answer = answer_of(attempt) if attempt is not None else None
    return answer is not None and answer.ok


def answers_of(attempts: Sequence[Trial]) -> str:
    """How the requests on some connections were answered, in words."""
    return tally([answer for a in attempts if (answer := answer_of(a)) is not None])


def ending(attempt: Trial) -> str:
    """How a connection ended, for a line of evidence."""
    if refuses_client(attempt):
        return refusal_words(attempt)
    if not attempt.handshake_done:
        return attempt.error.message if attempt.error is not None else "failed"
    answer = answer_of(attempt)
    how = "resumed" if attempt.resumed else "full handshake"
    return how if answer is None else f"{how}, {tally([answer])}"


def told(crossings: Iterable[Crossing]) -> tuple[str, ...]:
    """The offers and their controls, in words."""
    return tuple(line for crossing in crossings for line in _told(crossing))


def _told(crossing: Crossing) -> Iterator[str]:
    certified = " with the certificate" if crossing.with_certificate else ""
    if crossing.offer is not None:
        own = crossing.full.config.server_name or "no name"
        yield f"session of {own} under SNI {crossing.name}{certified}: {ending(crossing.offer)}"
    if crossing.control is not None:
        yield f"SNI {crossing.name} without a session{certified}: {ending(crossing.control)}"


def exchanges(view: View, crossings: Sequence[Crossing]) -> tuple[str, ...]:
    """The messages of the connections of the first two crossings."""
    made = [a for c in crossings[:2] for a in (c.full, c.offer, c.control) if a is not None]
    return tuple(exchange(view, attempt) for attempt in made)


# ------------------------------------------------------------------ whose answer


def _traits(attempt: Trial) -> dict[object, object]:
    """What tells one server's answer from another's, by place."""
    head, _, body = attempt.response.partition(b"\r\n\r\n")
    traits: dict[object, object] = {"status": attempt.http_status, "node": attempt.node}
    for line in head.split(b"\r\n")[1:]:
        key, colon, value = line.partition(b":")
        if colon and key.strip().lower() in (b"server", b"location", b"content-type"):
            traits[key.strip().lower()] = value.strip()
    words = body[:_BODY].split()
    traits.update(enumerate(words[:_WORDS_COMPARED]))
    traits["words"] = len(words)
    return traits


def answered_by_first(first: Trial, offer: Trial, other: Trial) -> bool:
    """Whether the answer to an offer under another name is that of the session's own name.

    Of the places where the two names' answers differ, at least one is the first's, and none
    the other's; what is neither's, such as a time, says nothing.
    """
    if not (first.response and offer.response and other.response):
        return False
    one, two, seen = _traits(first), _traits(other), _traits(offer)
    differ = [key for key in one.keys() | two.keys() if one.get(key) != two.get(key)]
    return any(seen.get(key) == one.get(key) for key in differ) and not any(
        seen.get(key) == two.get(key) for key in differ
    )


def by_first(crossing: Crossing) -> bool:
    """Whether a resumed offer was answered by A. Where only one of the two names asks for a
    client certificate, that is not known: what they say may differ for it."""
    offer, control = crossing.offer, crossing.control
    return (
        offer is not None
        and control is not None
        and served(control)
        and control.certificate_requested == crossing.full.certificate_requested
        and answered_by_first(crossing.full, offer, control)
    )

"""From a finished connection to a Trial: what was seen, as one frozen value."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Literal, TypedDict

from tlsresume.errors import SessionError
from tlsresume.evidence.observation import (
    BAD_MESSAGE_ALERTS,
    Allowed,
    EarlyDataSeen,
    Observation,
    Part,
    Ticket,
)
from tlsresume.evidence.offer import Offer
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Route, Task
from tlsresume.network.link import NetworkLink
from tlsresume.results.connection import (
    AlertSeen,
    Failure,
    Mechanism,
    Timings,
    Traffic,
    Verification,
)
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import HandshakeType
from tlsresume.tls.transcript import Role, Transcript
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.facts import DatagramFacts
from tlsresume.transports.interface import Account, Presented
from tlsresume.value import Value

#: Up to Python 3.11 each look at a member of an enum is a call; a name of its own is none.
_CLIENT, _SERVER, _CLIENT_HELLO = Role.CLIENT, Role.SERVER, HandshakeType.client_hello
_SENDERS: dict[Role, Literal["client", "server"]] = {_CLIENT: "client", _SERVER: "server"}

_RESPONSE_KEPT = 16384

#: What a client of ours sees of its handshake.
_SEEN = Part.OUTCOME | Part.TICKETS | Part.CERTIFICATE | Part.ENDING


class KnownBefore(Value, frozen=True, kw_only=True):
    """What is known of an attempt before its first byte: where it goes, what it may offer, what
    for, and when. `ask` numbers what an experiment asked for: attempts that are `retried` have
    the number of the first."""

    route: Route
    config: ClientConfig
    task: Task
    session: Session | None
    time: float
    ask: int
    retried: bool = False

    def again(self, time: float) -> KnownBefore:
        """The same attempt, made again at a time of the wall clock."""
        return replace(self, time=time, retried=True)


def failed_trial(about: KnownBefore, failure: Failure) -> Trial:
    """A trial that never got to TLS."""
    return Trial(
        n=0,
        time=about.time,
        address=about.route.address,
        port=about.route.port,
        purpose=about.task.purpose,
        config=about.config,
        transport=about.route.transport,
        ask=about.ask,
        mechanism=about.task.mechanism,
        offer=_offer(about.session),
        state=about.session,
        early=about.task.early,
        error=failure,
        retried=about.retried,
    )


def _presented_trial(
    about: KnownBefore,
    link: NetworkLink,
    seen: Presented,
    *,
    local_port: int | None,
    connect_ms: float | None,
    total_ms: float,
) -> Trial:
    """What was seen in clear around a first flight that was only presented."""
    return Trial(
        n=0,
        time=about.time,
        address=about.route.address,
        port=about.route.port,
        purpose=about.task.purpose,
        config=about.config,
        ask=about.ask,
        local_port=local_port,
        mechanism=about.task.mechanism,
        transport=about.route.transport,
        observation=_seen_in_clear(about, seen),
        offer=_offer(about.session),
        state=about.session,
        early=about.task.early,
        presented=True,
        timings=Timings(connect=connect_ms, total=total_ms),
        error=link.failure,
    )


def _seen_in_clear(about: KnownBefore, seen: Presented) -> Observation:
    transcript = seen.transcript
    retry = transcript.hello_retry_request
    return Observation(
        visible=Part.OUTCOME,
        time=about.time,
        address=about.route.address,
        port=about.route.port,
        **_hello(transcript, about.session),
        handshake_done=False,
        server_hello_seen=transcript.server_hello is not None,
        hello_retry=retry is not None,
        retry_group=retry.selected_group if retry else None,
        tls_version=transcript.version,
        alerts=_alerts(transcript),
        traffic=Traffic(seen.sent, seen.received, 2 if seen.received else 1),
        transport=about.route.transport,
        datagrams=(
            None if about.route.transport == "tcp" else DatagramFacts(retries=int(seen.retry))
        ),
    )


def observed_trial(
    about: KnownBefore,
    link: NetworkLink,
    *,
    n: int = 0,
    local_port: int | None,
    connect_ms: float | None,
    total_ms: float,
    node_header: str | None,
) -> Trial:
    """All that a link saw."""
    if link.presented is not None:
        return _presented_trial(
            about,
            link,
            link.presented,
            local_port=local_port,
            connect_ms=connect_ms,
            total_ms=total_ms,
        )
    if link.client is None:
        failure = link.failure or Failure("handshake", "network", "TLS was never started")
        return failed_trial(about, failure)
    client = link.client.account
    state = client.offer.state
    done = client.established and not (
        link.failure is not None and link.failure.step == "handshake"
    )
    response = client.data[:_RESPONSE_KEPT]
    return Trial(
        n=n,
        time=about.time,
        address=about.route.address,
        port=about.route.port,
        purpose=about.task.purpose,
        config=client.config,
        transport=about.route.transport,
        ask=about.ask,
        mechanism=about.task.mechanism,
        local_port=local_port,
        node=_header(response, node_header) if node_header else link.node,
        observation=_observe(about, client, done=done),
        offer=_offer(state),
        state=state,
        set_session=client.set_session,
        sessions=client.states,
        early=about.task.early,
        early_answer=link.early_answer,
        greeting=link.greeting,
        asked=link.answer_ms is not None,
        answer_ms=link.answer_ms,
        left=link.left,
        response=response,
        reply=link.reply,
        named_address=about.task.named_address,
        timings=Timings(
            connect=connect_ms,
            handshake=link.handshake_ms,
            first_ticket=client.first_ticket_at,
            total=total_ms,
        ),
        closed=link.closed,
        error=link.failure,
        retried=about.retried,
    )


def _observe(
    about: KnownBefore,
    client: Account,
    *,
    done: bool,
) -> Observation:
    """What a client of ours saw of its handshake; `done`: that ended well."""
    transcript = client.transcript
    hello, retry = transcript.server_hello, transcript.hello_retry_request
    leaf, asked_for_ours = transcript.leaf_certificate, transcript.certificate_request
    reused = client.resumed if done else None
    return Observation(
        visible=_SEEN,
        time=about.time,
        address=about.route.address,
        port=about.route.port,
        transport=about.route.transport,
        **_hello(transcript, client.offer.state),
        resumed=reused,
        handshake_done=done,
        server_hello_seen=hello is not None,
        answered_ms=_answered_at(transcript),
        hello_retry=retry is not None,
        retry_group=retry.selected_group if retry else None,
        tls_version=transcript.version,
        cipher=client.cipher,
        suite=hello.cipher_suite if hello else None,
        group=client.group,
        alpn=client.alpn,
        server_session_id=hello.session_id if hello else None,
        speaks_tls13=hello.speaks_tls13 if hello else None,
        extended_master_secret=transcript.extended_master_secret,
        early_data=_early_data(transcript),
        alerts=_alerts(transcript),
        traffic=Traffic(client.sent, client.received, client.flights),
        datagrams=client.datagrams,
        tickets=_tickets(transcript),
        malformed_ticket=_malformed_ticket(client, transcript),
        certificate_seen=transcript.certificate_seen,
        certificate_requested=asked_for_ours is not None,
        certificate_wanted=_wanted_certificate(transcript),
        leaf=leaf,
        leaf_sha256=hashlib.sha256(leaf).hexdigest() if leaf else None,
        own_certificate=client.own_certificate,
        verification=_verification(client, reused=bool(reused)) if done else None,
    )


class Ending:
    """An attempt whose connection we have closed, until the peer has closed it, too.

    `link.part` is awaited in between. Mostly no more comes than a close_notify.
    """

    def __init__(self, attempt: Trial, link: NetworkLink) -> None:
        self._attempt = attempt
        self._link = link
        self._started = monotonic()
        self._before = self._came()

    def _came(self) -> tuple[object, ...]:
        client, failure = self._link.client, self._link.failure
        if client is None:
            return (failure,)
        broken = None if client.failure is None else client.failure.kind
        return failure, client.tickets, client.pending, broken in (None, "closed")

    def attempt(self, observed: Callable[[int], Trial]) -> Trial:
        """The attempt with its end; `observed` looks at all of the link anew, for a number."""
        attempt, client = self._attempt, self._link.client
        if client is None or self._came() != self._before:
            return observed(attempt.n).parted_at(attempt.timings.total)
        return attempt.parted_at(attempt.timings.total).ended(
            self._link.closed,
            _alerts(client.transcript),
            Traffic(client.sent, client.received, client.flights),
            (attempt.timings.total or 0.0) + (monotonic() - self._started) * 1000,
        )


class _Hello(TypedDict):
    """The fields of an Observation that a ClientHello and the answer to it give."""

    allowed: Allowed | None
    hello_size: int | None
    offered: Mechanism | None
    handle: bytes | None
    accepted: bool | None


def _wanted_certificate(transcript: Transcript) -> str | None:
    request = transcript.certificate_request
    if request is None:
        return None
    from tlsresume.tls.describe import certificate_request_words

    return certificate_request_words(request)


def _hello(transcript: Transcript, session: Session | None) -> _Hello:
    hello = transcript.client_hello
    offered = _offered(transcript, session)
    return {
        "allowed": None if hello is None else Allowed.by(hello),
        "hello_size": hello_size(transcript),
        "offered": offered,
        "handle": None if offered is None or session is None else session.handle,
        "accepted": transcript.accepted,
    }


def _offer(session: Session | None) -> Offer | None:
    """The facts of a session; bytes that are no session have none, and are never offered."""
    try:
        return None if session is None else Offer.of(session)
    except SessionError:
        return None


#: The longest fragment of a TLS record, and what frames it (RFC 8446 section 5.1).
_RECORD, _RECORD_HEADER = 1 << 14, 5


def hello_size(transcript: Transcript) -> int | None:
    """The bytes of the first ClientHello with the headers of its records; None: none was sent."""
    for entry in transcript.entries:
        if entry.sender is _CLIENT and entry.handshake_type == _CLIENT_HELLO:
            return entry.size + _RECORD_HEADER * -(-entry.size // _RECORD)
    return None


def _answered_at(transcript: Transcript) -> float | None:
    """Milliseconds until the server's first handshake message."""
    return next(
        (e.at_ms for e in transcript.entries if e.sender is _SERVER and e.handshake_type), None
    )


def _malformed_ticket(client: Account, transcript: Transcript) -> bool:
    """Whether OpenSSL failed at a NewSessionTicket: that is the server's last message, and our
    alert is the answer to it."""
    if client.failure is None or client.failure.kind != "openssl":
        return False
    came = [e for e in transcript.entries if e.sender is _SERVER]
    ours = any(
        entry.sender is _CLIENT and alert.description in BAD_MESSAGE_ALERTS
        for entry, alert in transcript.alerts
    )
    return ours and bool(came) and came[-1].handshake_type == HandshakeType.new_session_ticket


def _offered(transcript: Transcript, session: Session | None) -> Mechanism | None:
    if session is None or transcript.client_hello is None:
        return None
    return transcript.offered_form(session.fields.session_id, session.fields.ticket)


def _tickets(transcript: Transcript) -> tuple[Ticket, ...]:
    return tuple(
        Ticket.of(message, entry.at_ms, after_data=entry.after_data)
        for entry, message in transcript.new_session_tickets
    )


def _early_data(transcript: Transcript) -> EarlyDataSeen:
    if not transcript.early_data_offered:
        return "not-sent"
    return "accepted" if transcript.early_data_accepted else "rejected"


def _alerts(transcript: Transcript) -> tuple[AlertSeen, ...]:
    return tuple(
        AlertSeen(_SENDERS[entry.sender], alert.level, alert.description, alert.name)
        for entry, alert in transcript.alerts
    )


def _verification(client: Account, *, reused: bool) -> Verification:
    return Verification(client.verify_result, client.verify_message, stored=reused)


def _header(response: bytes, name: str) -> str | None:
    """The value of an HTTP response header, or None (RFC 9110 section 5)."""
    wanted = name.lower().encode("latin-1", "replace")
    for line in response.split(b"\r\n\r\n", 1)[0].split(b"\r\n")[1:]:
        key, colon, value = line.partition(b":")
        if colon and key.strip().lower() == wanted:
            return value.strip().decode("latin-1")
    return None

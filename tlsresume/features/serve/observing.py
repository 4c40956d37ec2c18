"""One connection to a server of `serve`, from its first byte to its end, as the ledger has it.

The messages come from OpenSSL's message callback, in clear: a ClientHello is looked up when
it arrives, a ticket is noted when it has left, and the rest when the connection has ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Literal

from tlsresume.evidence.observation import BAD_MESSAGE_ALERTS, AlertSeen, Observation, Ticket
from tlsresume.features.serve.ended import (
    PSK_DHE_KE,
    Facts,
    count,
    settle,
    user_agent,
)
from tlsresume.features.serve.ledger import (
    AGE_TOLERANCE,
    Client,
    Issued,
    Ledger,
    Place,
    Seen,
    Where,
)
from tlsresume.features.serve.observation import observation_of
from tlsresume.features.serve.tally import Remark, Tally
from tlsresume.server.observer import Observer, Served
from tlsresume.tls.buffer import WireError
from tlsresume.tls.fingerprint import fingerprint
from tlsresume.tls.handshake import parse_alert, parse_handshake
from tlsresume.tls.messages import (
    CertificateMessage,
    CertificateRequest12,
    CertificateRequest13,
    ClientHello,
    NewSessionTicket12,
    NewSessionTicket13,
    ServerHello,
)
from tlsresume.tls.registry import ContentType, HandshakeType, ProtocolVersion, version_of

#: A larger ClientHello is answered, but not looked into; honest ones have a few kilobytes.
_LARGEST_HELLO = 65_536
_MOST_ALERTS = 4
_MOST_TICKETS = 16
_LOOKED_INTO = frozenset(
    {
        HandshakeType.client_hello,
        HandshakeType.server_hello,
        HandshakeType.new_session_ticket,
        HandshakeType.certificate,
        HandshakeType.certificate_request,
    }
)
#: The alerts by which a client refuses a certificate (RFC 8446 section 6.2).
_REFUSALS = frozenset({42, 43, 44, 45, 46, 48, 113})
#: What OpenSSL gives sessions by default: two hours.
_DEFAULT_LIFETIME = 7200.0


def local_address(address: str) -> str:
    """A client's address; all that are of this machine are one."""
    plain = address.removeprefix("::ffff:")
    return "loopback" if plain == "::1" or plain.startswith("127.") else plain


class ObservedConnection:
    """An Observer that notes in the ledger what a connection shows."""

    def __init__(self, ledger: Ledger, place: Place, number: int, address: str) -> None:
        self._ledger = ledger
        self._place = place
        self.facts = Facts(number)
        self._address = local_address(address)
        self._began = ledger.clock()
        self._started = time.time()
        self.client: Client | None = None
        self._version: ProtocolVersion | None = None
        self._ticket_last = False
        self._waiting: list[tuple[bytes, NewSessionTicket12 | NewSessionTicket13 | None]] = []
        self._given_later: list[tuple[Where, float]] = []

    # ---------------------------------------------------- on the thread of the connection

    def beside(self, control: Observer) -> None:
        """It is a data connection of that control connection."""
        if isinstance(control, ObservedConnection):
            self.facts.control = control.facts
            control.facts.session_of |= {control.facts.number, self.facts.number}
            if not control.facts.given:  # it goes on with what it offered
                control.facts.session_of |= {each.connection for each in control.facts.known}
            self.client = control.client

    def message(self, sent: bool, content_type: int, raw: bytes) -> None:
        """Take a message; a malformed one is OpenSSL's business."""
        try:
            if content_type == ContentType.alert:
                if len(self.facts.alerts) < _MOST_ALERTS:
                    alert = parse_alert(raw)
                    sender: Literal["client", "server"] = "server" if sent else "client"
                    self.facts.alerts.append(
                        AlertSeen(sender, alert.level, alert.description, alert.name)
                    )
                    self.facts.refused_ticket |= (
                        not sent
                        and self._ticket_last
                        and alert.fatal
                        and alert.description in BAD_MESSAGE_ALERTS
                    )
                    if not sent and alert.description in _REFUSALS:
                        self.facts.fate.refused_certificate = True
            elif raw and raw[0] in _LOOKED_INTO and len(raw) <= _LARGEST_HELLO:
                self._handshake(parse_handshake(raw, self._version), sent=sent)
        except WireError:
            pass

    def _handshake(self, message: object, *, sent: bool) -> None:
        if sent:
            self._ticket_last = isinstance(message, NewSessionTicket12 | NewSessionTicket13)
        match message:
            case ClientHello() if not sent:
                self.facts.hellos += 1
                if self.facts.hello is None:
                    self.facts.hello = message
                    with self._ledger.changed:
                        self._look_up(message)
            case ServerHello() if sent:
                self._version = version_of(message.version)
                if not message.is_hello_retry_request:
                    self.facts.answer = message
                    if message.session_id and self._issues_id(message):
                        self._waiting.append((message.session_id, None))
            case NewSessionTicket12() | NewSessionTicket13() if sent and message.ticket:
                if len(self.facts.tickets) < _MOST_TICKETS:
                    at = (self._ledger.clock() - self._began) * 1000
                    self.facts.tickets.append(Ticket.of(message, at))
                self._waiting.append((message.ticket, message))
            case CertificateMessage() if sent and message.certificates:
                self.facts.leaf = message.certificates[0]
            case CertificateRequest12() | CertificateRequest13() if sent:
                self.facts.asked_certificate = True
            case CertificateMessage() if not sent and message.certificates:
                self.facts.certificate = sha256(message.certificates[0]).hexdigest()

    def _issues_id(self, hello: ServerHello) -> bool:
        """Whether a ServerHello's session ID is a new one: TLS 1.2, and not an echo."""
        return (
            self._version is ProtocolVersion.TLSv1_2
            and self._place.row.behaviour.session_ids
            and self.facts.hello is not None
            and hello.session_id != self.facts.hello.session_id
        )

    def _look_up(self, hello: ClientHello) -> None:
        ledger, place = self._ledger, self._place
        client = ledger.client_of(fingerprint(hello, place.transport), self._address)
        if self.client is not None:  # that of the control connection
            client = ledger.same(self.client, client)
        self.facts.offer = ledger.offer_of(hello)
        if self.facts.offer is not None:
            client = ledger.take_offer(
                client,
                place,
                self.facts.number,
                hello.server_name,
                self.facts.offer,
                siblings=self.facts.siblings,
            )
            self._check_ages(hello, client.tally(place))
        self.client = client
        tally = client.tally(place)
        self.facts.first = tally.connections == 0
        tally.connections += 1
        tally.later += not self.facts.first
        where = (place, hello.server_name)
        now = ledger.clock()
        if where in client.given:
            first, until = client.given[where]
            self.facts.could = first < self._began and now < until
        if self.facts.control is not None:
            self.facts.could = self.facts.could or self.facts.control.given > 0
        known = self.facts.known
        # What is offered could be, whatever the hello that got it said.
        self.facts.could = self.facts.could or any(
            (each.place, each.name) == where and now < each.at + each.lifetime for each in known
        )
        self.facts.incapable = (
            not self.facts.could
            and where in client.unusable
            and where not in client.given
            and client.unusable[where] < self._began
        )
        if hello.early_data:
            tally.early_offered += 1
            if known and not known[0].max_early_data:
                tally.remark(self.facts.remark("early-data-unasked"))

    def _check_ages(self, hello: ClientHello, tally: Tally) -> None:
        now = self._ledger.clock()
        if not hello.psk_identities:
            for issued in self.facts.known:
                tally.count_age(now - issued.at, None)
            return
        for psk in hello.psk_identities:
            for issued in self._ledger._find(psk.identity):  # noqa: SLF001  its other half
                if issued.age_add is None:
                    continue
                real = now - issued.at
                claimed = (psk.obfuscated_ticket_age - issued.age_add) % 2**32 / 1000
                tally.count_age(real, claimed)
                # The hello of a data connection waits until a transfer is asked for.
                waited = self.facts.control is not None
                if abs(claimed - real) > AGE_TOLERANCE and not waited:
                    tally.remark(
                        Remark(
                            code="wrong-ticket-age",
                            connection=self.facts.number,
                            source=issued.connection,
                            value=claimed,
                            limit=real,
                        )
                    )

    def leaving(self, *, established: bool) -> None:
        """Note the sessions among what leaves. An ID leaves with the ServerHello, and is good
        once the handshake is done."""
        if not self._waiting and not (established and self._given_later):
            return
        waiting, self._waiting = self._waiting, []
        with self._ledger.changed:
            for name, ticket in waiting:
                self._issue(name, ticket)
            if established and self.client is not None:
                for where, until in self._given_later:
                    self.facts.given += 1
                    self._ledger.give(self.client.root(), where, self._ledger.clock(), until)
                self._given_later = []

    def _issue(self, name: bytes, ticket: NewSessionTicket12 | NewSessionTicket13 | None) -> None:
        if self.client is None or self.facts.hello is None:
            return
        client, hello = self.client.root(), self.facts.hello
        now = self._ledger.clock()
        lifetime = float(self._place.row.behaviour.lifetime or _DEFAULT_LIFETIME)
        age_add, early, usable = None, 0, True
        match ticket:
            case NewSessionTicket13():
                lifetime, age_add = float(ticket.lifetime), ticket.age_add
                early = ticket.max_early_data or 0
                usable = PSK_DHE_KE in hello.psk_modes
            case NewSessionTicket12() if ticket.lifetime_hint:
                lifetime = float(ticket.lifetime_hint)
        known = self.facts.known
        self._ledger.issue(
            name,
            Issued(
                client=client,
                place=self._place,
                connection=self.facts.number,
                at=now,
                name=hello.server_name,
                lifetime=lifetime,
                age_add=age_add,
                max_early_data=early,
                certificate=self.facts.certificate or (known[0].certificate if known else None),
                fate=self.facts.fate,
            ),
        )
        where = (self._place, hello.server_name)
        if usable:
            self._given_later.append((where, now + lifetime))
        else:
            self._ledger.give_unusable(client, where, now)

    def ended(self, served: Served) -> None:
        """Note how it went."""
        ledger, place = self._ledger, self._place
        with ledger.changed:
            if self.client is None or self.facts.hello is None:
                place.without_hello += 1
                return
            client = self.client = self.client.root()
            client.label = client.label or user_agent(served.head)
            tally = client.tally(place)
            count(tally, self.facts, served, place.row)
            settle(tally, self.facts, served, place.row)
            self._give_unusable(served)
            known = self.facts.known
            ledger.end(
                Seen(
                    place=place.title,
                    number=self.facts.number,
                    client=client.fingerprint,
                    label=client.label,
                    version=served.version,
                    offered=self.facts.offer.mechanism if self.facts.offer is not None else None,
                    accepted=served.reused,
                    age=self._began - known[0].at if known else None,
                    ending=served.ending,
                    error=served.error,
                    handshaken=served.handshaken,
                    observation=self._observation(served),
                ),
                place,
            )

    def _observation(self, served: Served) -> Observation:
        return observation_of(
            self.facts,
            served,
            time=self._started,
            address=self._place.host,
            port=self._place.port,
            transport=self._place.transport,
            client=self._address,
        )

    def _give_unusable(self, served: Served) -> None:
        """Note where the server would have given a session to a client that could take it."""
        if (
            self.client is None
            or self.facts.hello is None
            or self.facts.given
            or not served.handshaken
        ):
            return
        row = self._place.row
        if served.version == "TLSv1.3":
            unable = row.issues and PSK_DHE_KE not in self.facts.hello.psk_modes
        else:
            unable = row.behaviour.tickets and self.facts.hello.session_ticket is None
        if unable and not served.reused:
            where = (self._place, self.facts.hello.server_name)
            self._ledger.give_unusable(self.client, where, self._ledger.clock())


def observer_maker(ledger: Ledger, place: Place) -> Callable[[int, str], ObservedConnection]:
    """What a server is given to have its connections observed."""
    return lambda number, address: ObservedConnection(ledger, place, number, address)

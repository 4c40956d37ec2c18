"""One connection to a server of `serve`, from its first byte to its end, as the book sees it.

The messages come from OpenSSL's message callback, in clear: a ClientHello is looked up when
it arrives, a ticket is noted when it has left, and the rest when the connection has ended.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Literal, NamedTuple

from tlsresume.features.serve.codes import Code
from tlsresume.features.serve.ledger import (
    AGE_TOLERANCE,
    Client,
    Fate,
    Issued,
    Ledger,
    Offer,
    Place,
    Seen,
)
from tlsresume.features.serve.tally import Remark, Tally
from tlsresume.formats.printable import printable
from tlsresume.openssl.server_observer import Served
from tlsresume.wire.buffer import WireError
from tlsresume.wire.fingerprint import fingerprint
from tlsresume.wire.handshake import (
    CertificateMessage,
    ClientHello,
    ContentType,
    HandshakeType,
    NewSessionTicket12,
    NewSessionTicket13,
    ProtocolVersion,
    ServerHello,
    parse_alert,
    parse_handshake,
    version_of,
)
from tlsresume.wire.registry import AlertDescription, name_of

#: A larger ClientHello is answered, but not looked into; honest ones have a few kilobytes.
_LARGEST_HELLO = 65_536
_MOST_ALERTS = 4
_LOOKED_INTO = frozenset(
    {
        HandshakeType.client_hello,
        HandshakeType.server_hello,
        HandshakeType.new_session_ticket,
        HandshakeType.certificate,
    }
)
#: The alerts by which a client refuses a certificate (RFC 8446 section 6.2).
_REFUSALS = frozenset({42, 43, 44, 45, 46, 48, 113})
#: psk_dhe_ke (RFC 8446 section 4.2.9): the only mode in which our tickets can be used.
_PSK_DHE_KE = 1
#: What OpenSSL gives sessions by default: two hours.
_DEFAULT_LIFETIME = 7200.0
STRICT = "/strict"
#: What a browser is, in the long names that they give themselves.
_BROWSER = re.compile(r"(?:Edg|OPR|Firefox|HeadlessChrome|Chrome|Safari)/[0-9.]+")


class _AlertSeen(NamedTuple):
    sender: Literal["client", "server"]
    number: int


def local_address(address: str) -> str:
    """A client's address; all that are of this machine are one."""
    plain = address.removeprefix("::ffff:")
    return "loopback" if plain == "::1" or plain.startswith("127.") else plain


class ObservedConnection:
    """An Observer that keeps the book."""

    def __init__(self, ledger: Ledger, place: Place, number: int, address: str) -> None:
        self._ledger = ledger
        self._place = place
        self._number = number
        self._address = local_address(address)
        self._began = ledger.clock()
        self._hello: ClientHello | None = None
        self._hellos = 0
        self._client: Client | None = None
        self._offer: Offer | None = None
        self._could = False
        self._incapable = False
        self._first = False
        self._version: ProtocolVersion | None = None
        self._answered = False
        self._waiting: list[tuple[bytes, NewSessionTicket12 | NewSessionTicket13 | None]] = []
        self._alerts: list[_AlertSeen] = []
        self._certificate: str | None = None
        self._fate = Fate()
        self._given = 0
        self._given_later: list[tuple[tuple[int, str | None], float]] = []

    # ---------------------------------------------------- on the thread of the connection

    def message(self, sent: bool, content_type: int, raw: bytes) -> None:
        """Take a message; a malformed one is OpenSSL's business."""
        try:
            if content_type == ContentType.alert:
                if len(self._alerts) < _MOST_ALERTS:
                    alert = parse_alert(raw)
                    self._alerts.append(
                        _AlertSeen("server" if sent else "client", alert.description)
                    )
                    if not sent and alert.description in _REFUSALS:
                        self._fate.refused_certificate = True
            elif raw and raw[0] in _LOOKED_INTO and len(raw) <= _LARGEST_HELLO:
                self._handshake(parse_handshake(raw, self._version), sent=sent)
        except WireError:
            pass

    def _handshake(self, message: object, *, sent: bool) -> None:
        match message:
            case ClientHello() if not sent:
                self._hellos += 1
                if self._hello is None:
                    self._hello = message
                    with self._ledger.changed:
                        self._look_up(message)
            case ServerHello() if sent:
                self._version = version_of(message.version)
                if not message.is_hello_retry_request:
                    self._answered = True
                    if message.session_id and self._issues_id(message):
                        self._waiting.append((message.session_id, None))
            case NewSessionTicket12() | NewSessionTicket13() if sent and message.ticket:
                self._waiting.append((message.ticket, message))
            case CertificateMessage() if not sent and message.certificates:
                self._certificate = sha256(message.certificates[0]).hexdigest()

    def _issues_id(self, hello: ServerHello) -> bool:
        """Whether a ServerHello's session ID is a new one: TLS 1.2, and not an echo."""
        return (
            self._version is ProtocolVersion.TLSv1_2
            and self._place.row.behaviour.session_ids
            and self._hello is not None
            and hello.session_id != self._hello.session_id
        )

    def _look_up(self, hello: ClientHello) -> None:
        ledger, place, port = self._ledger, self._place, self._place.port
        client = ledger.client_of(fingerprint(hello), self._address)
        self._offer = ledger.offer_of(hello)
        if self._offer is not None:
            client = ledger.take_offer(client, place, self._number, hello.server_name, self._offer)
            self._check_ages(hello, client.tally(port))
        self._client = client
        tally = client.tally(port)
        self._first = tally.connections == 0
        tally.connections += 1
        tally.later += not self._first
        where = (port, hello.server_name)
        now = ledger.clock()
        if where in client.given:
            first, until = client.given[where]
            self._could = first < self._began and now < until
        known = self._offer.known if self._offer is not None else []
        # What is offered could be, whatever the hello that got it said.
        self._could = self._could or any(
            (each.port, each.name) == where and now < each.at + each.lifetime for each in known
        )
        self._incapable = (
            not self._could
            and where in client.unusable
            and where not in client.given
            and client.unusable[where] < self._began
        )
        if hello.early_data:
            tally.early_offered += 1
            if known and not known[0].max_early_data:
                tally.remark(
                    Remark(
                        code="early-data-unasked",
                        connection=self._number,
                        source=known[0].connection,
                    )
                )

    def _check_ages(self, hello: ClientHello, tally: Tally) -> None:
        if self._offer is None:
            return
        now = self._ledger.clock()
        if not hello.psk_identities:
            for issued in self._offer.known:
                tally.count_age(now - issued.at, None)
            return
        for psk in hello.psk_identities:
            for issued in self._ledger._find(psk.identity):  # noqa: SLF001  its other half
                if issued.age_add is None:
                    continue
                real = now - issued.at
                claimed = (psk.obfuscated_ticket_age - issued.age_add) % 2**32 / 1000
                tally.count_age(real, claimed)
                if abs(claimed - real) > AGE_TOLERANCE:
                    tally.remark(
                        Remark(
                            code="wrong-ticket-age",
                            connection=self._number,
                            source=issued.connection,
                            value=claimed,
                            limit=real,
                        )
                    )

    def sent(self, *, established: bool) -> None:
        """Note the sessions among what has left. An ID leaves with the ServerHello, and is good
        once the handshake is done."""
        if not self._waiting and not (established and self._given_later):
            return
        waiting, self._waiting = self._waiting, []
        with self._ledger.changed:
            for name, ticket in waiting:
                self._issue(name, ticket)
            if established and self._client is not None:
                for where, until in self._given_later:
                    self._given += 1
                    self._ledger.give(self._client.root(), where, self._ledger.clock(), until)
                self._given_later = []

    def _issue(self, name: bytes, ticket: NewSessionTicket12 | NewSessionTicket13 | None) -> None:
        if self._client is None or self._hello is None:
            return
        client, hello = self._client.root(), self._hello
        now = self._ledger.clock()
        lifetime = float(self._place.row.behaviour.lifetime or _DEFAULT_LIFETIME)
        age_add, early, usable = None, 0, True
        match ticket:
            case NewSessionTicket13():
                lifetime, age_add = float(ticket.lifetime), ticket.age_add
                early = ticket.max_early_data or 0
                usable = _PSK_DHE_KE in hello.psk_modes
            case NewSessionTicket12() if ticket.lifetime_hint:
                lifetime = float(ticket.lifetime_hint)
        known = self._offer.known if self._offer is not None else []
        self._ledger.issue(
            name,
            Issued(
                client=client,
                port=self._place.port,
                connection=self._number,
                at=now,
                name=hello.server_name,
                lifetime=lifetime,
                age_add=age_add,
                max_early_data=early,
                certificate=self._certificate or (known[0].certificate if known else None),
                fate=self._fate,
            ),
        )
        where = (self._place.port, hello.server_name)
        if usable:
            self._given_later.append((where, now + lifetime))
        else:
            self._ledger.give_unusable(client, where, now)

    def ended(self, served: Served) -> None:
        """Note how it went."""
        ledger, place = self._ledger, self._place
        with ledger.changed:
            if self._client is None or self._hello is None:
                place.without_hello += 1
                return
            client = self._client = self._client.root()
            label = _user_agent(served.head)
            client.label = client.label or label
            tally = client.tally(place.port)
            self._count(tally, served)
            self._settle(tally, served)
            known = self._offer.known if self._offer is not None else []
            ledger.end(
                Seen(
                    behaviour=place.name,
                    number=self._number,
                    client=client.fingerprint,
                    label=client.label,
                    version=served.version,
                    offered=self._offer.mechanism if self._offer is not None else None,
                    accepted=served.reused,
                    age=self._began - known[0].at if known else None,
                    ending=served.ending,
                    error=served.error,
                    handshaken=served.handshaken,
                ),
                place,
            )

    # ------------------------------------------------------------------- at the end

    def _count(self, tally: Tally, served: Served) -> None:
        hello = self._hello
        version = served.version if served.handshaken else None
        offered, accepted = self._offer is not None, served.reused and served.handshaken
        tally.handshaken += served.handshaken
        tally.could += self._could
        tally.could_offered += self._could and offered
        tally.could_accepted += self._could and accepted
        tally.incapable += self._incapable
        tally.accepted += accepted
        tally.early_accepted += bool(served.early_data)
        tally.retried += self._hellos > 1
        tally.asked += served.requests > 0
        silent = served.handshaken and not served.requests
        tally.silent += silent
        if not self._first:
            tally.later_handshaken += served.handshaken
            tally.later_offered += offered
            tally.later_accepted += accepted
            tally.later_silent += silent
        if self._offer is not None and accepted:
            tally.mechanism_accepted[self._offer.mechanism] += 1
        if version is not None:
            tally.versions[version] += 1
            tally.offered_by_version[version] += offered
            tally.endings[served.ending] += 1
        for alert in self._alerts:
            if alert.number:  # close_notify is told by how it ended
                tally.count_alert(alert.sender, name_of(AlertDescription, alert.number))
        if not served.handshaken:
            told = served.error is not None or any(alert.number for alert in self._alerts)
            tally.failed += told and served.ending != "timeout"
            tally.abandoned += not told or served.ending == "timeout"
        if hello is not None and version == "TLSv1.3":
            capable = _PSK_DHE_KE in hello.psk_modes
            tally.with_psk_modes += capable
            tally.without_psk_modes += not capable
            tally.tickets_given += self._given > 0
            ended_first = self._place.row.issues and not self._given and capable
            tally.left_before_ticket += ended_first
            tally.waited += self._given > 0 and served.ending != "reset"
        elif hello is not None and version == "TLSv1.2":
            has = hello.session_ticket is not None
            tally.with_ticket_extension += has
            tally.without_ticket_extension += not has
            tally.ids_given += self._given > 0 and self._place.row.issues_ids_only
        if hello is not None:
            tally.unspoken_version += _speaks_no(hello, self._place.row.behaviour.versions)

    def _settle(self, tally: Tally, served: Served) -> None:
        """What only the end can tell of this connection, and of the sessions it came with."""
        known = self._offer.known if self._offer is not None else []
        fate, place = self._fate, self._place
        fate.ended, fate.handshaken = True, served.handshaken
        fate.asked = served.requests > 0

        def remark(code: Code, was: str | None = None, now: str | None = None) -> None:
            source = known[0].connection if known else None
            tally.remark(
                Remark(code=code, connection=self._number, source=source, was=was, now=now)
            )

        if self._offer is not None and self._answered and not served.reused:
            if not served.handshaken and not _alert_of(self._alerts, "server"):
                remark("gives-up-when-refused")
            if known and served.handshaken and place.row.behaviour.client_certificate:
                was, now = known[0].certificate, self._certificate
                if was != now:
                    remark("offers-across-client-certificates", was=was, now=now)
        arrived = _path(served.head).startswith(STRICT)
        if place.row.untrusted:
            tally.strict_arrived += arrived
            if arrived and served.reused:
                remark("offers-unverified-session")
            if known and known[0].fate.ended and not known[0].fate.asked:
                tally.suspect(
                    Remark(
                        code="offers-after-failed-verification",
                        connection=self._number,
                        source=known[0].connection,
                    )
                )
        self._give_unusable(served)

    def _give_unusable(self, served: Served) -> None:
        """Note where the server would have given a session to a client that could take it."""
        if self._client is None or self._hello is None or self._given or not served.handshaken:
            return
        row = self._place.row
        if served.version == "TLSv1.3":
            unable = row.issues and _PSK_DHE_KE not in self._hello.psk_modes
        else:
            unable = row.behaviour.tickets and self._hello.session_ticket is None
        if unable and not served.reused:
            where = (self._place.port, self._hello.server_name)
            self._ledger.give_unusable(self._client, where, self._ledger.clock())


def observer_maker(ledger: Ledger, place: Place) -> Callable[[int, str], ObservedConnection]:
    """What a server is given to have its connections observed."""
    return lambda number, address: ObservedConnection(ledger, place, number, address)


def _alert_of(alerts: list[_AlertSeen], sender: str) -> bool:
    return any(alert.sender == sender and alert.number for alert in alerts)


def _speaks_no(hello: ClientHello, versions: tuple[str, ...]) -> bool:
    """Whether a client speaks none of a server's versions."""
    numbers = {"1.2": 0x0303, "1.3": 0x0304}
    theirs = hello.supported_versions or (hello.legacy_version,)
    return not any(numbers[version] in theirs for version in versions)


def _path(head: bytes) -> str:
    """The path of an HTTP request, by its first line."""
    words = head.partition(b"\r\n")[0].split()
    return words[1].decode("ascii", "replace") if len(words) == 3 else ""


def _user_agent(head: bytes) -> str | None:
    """What an HTTP client calls itself, made safe and short."""
    for line in head.split(b"\r\n")[1:64]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"user-agent" and value.strip():
            text = value[:1024].strip().decode("ascii", "replace")
            browser = _BROWSER.search(text) if text.startswith("Mozilla/") else None
            return printable(browser[0] if browser else text)[:80]
    return None

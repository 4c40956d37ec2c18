"""What the end of a connection tells: numbers for the tally, and oddities that only the whole
connection shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tlsresume.evidence.observation import AlertSeen, Ticket
from tlsresume.features.serve.behaviours import Row
from tlsresume.features.serve.codes import Code
from tlsresume.features.serve.ledger import ConnectionEnd, Issued, Offer
from tlsresume.features.serve.tally import Remark, Tally, count_kind
from tlsresume.formats.printable import printable
from tlsresume.server.observer import Served
from tlsresume.tls.messages import ClientHello, ServerHello

#: psk_dhe_ke (RFC 8446 section 4.2.9): the only mode in which our tickets can be used.
PSK_DHE_KE = 1
#: The path of {url}strict.
STRICT = "/strict"
#: What a browser is, in the long names that they give themselves.
_BROWSER = re.compile(r"(?:Edg|OPR|Firefox|HeadlessChrome|Chrome|Safari)/[0-9.]+")


@dataclass(slots=True)
class Facts:
    """What a connection showed until it ended.

    `could` and `incapable` are those of Tally; `first`: the client's first here; `hellos`: two
    after a HelloRetryRequest; `answer` is the ServerHello; `given`: sessions that left
    and that the client can use; `certificate`: SHA-256 of the client's, `leaf` the server's own
    where it was sent; `tickets` were sent, the first of them; `refused_ticket`: the client ended
    the connection on one. `control`: that of the control connection, if this is a data
    connection of FTP.
    """

    number: int
    hello: ClientHello | None = None
    hellos: int = 0
    offer: Offer | None = None
    could: bool = False
    incapable: bool = False
    first: bool = False
    answer: ServerHello | None = None
    alerts: list[AlertSeen] = field(default_factory=list)
    certificate: str | None = None
    fate: ConnectionEnd = field(default_factory=ConnectionEnd)
    given: int = 0
    leaf: bytes | None = None
    asked_certificate: bool = False
    tickets: list[Ticket] = field(default_factory=list)
    refused_ticket: bool = False
    control: Facts | None = None
    #: Of a control connection: the numbers of its own and of its data connections.
    session_of: set[int] = field(default_factory=set)

    @property
    def known(self) -> list[Issued]:
        """The sessions among those offered that a server of this run has issued."""
        return self.offer.known if self.offer is not None else []

    def remark(
        self, code: Code, was: str | None = None, now: str | None = None, **numbers: float
    ) -> Remark:
        """Something odd about this connection and the first known session that it offered."""
        source = self.known[0].connection if self.known else None
        return Remark(code=code, connection=self.number, source=source, was=was, now=now, **numbers)

    @property
    def siblings(self) -> set[int]:
        """For a data connection, whose sessions it should offer: those of its control connection
        and of the data connections beside it."""
        return self.control.session_of if self.control is not None else set()


def count(tally: Tally, facts: Facts, served: Served, row: Row) -> None:
    """Add a connection to its client's tally."""
    hello = facts.hello
    version = served.version if served.handshaken else None
    offered, accepted = facts.offer is not None, served.reused and served.handshaken
    tally.handshaken += served.handshaken
    tally.could += facts.could
    tally.could_offered += facts.could and offered
    tally.could_accepted += facts.could and accepted
    tally.incapable += facts.incapable
    if facts.control is not None:
        _count_data(tally, facts, accepted=accepted)
    tally.accepted += accepted
    tally.early_accepted += bool(served.early_data)
    tally.retried += facts.hellos > 1
    tally.asked += served.requests > 0
    silent = served.handshaken and not served.requests
    tally.silent += silent
    if not facts.first:
        tally.later_handshaken += served.handshaken
        tally.later_silent += silent
    if facts.offer is not None and accepted:
        tally.mechanism_accepted[facts.offer.mechanism] += 1
    if version is not None:
        tally.versions[version] += 1
        tally.offered_by_version[version] += offered
        tally.endings[served.ending] += 1
    for alert in facts.alerts:
        if alert.description:  # close_notify is told by how it ended
            count_kind(tally.alerts, (alert.sender, alert.name))
    if not served.handshaken:
        told = served.error is not None or any(alert.description for alert in facts.alerts)
        tally.failed += told and served.ending != "timeout"
        tally.abandoned += not told or served.ending == "timeout"
    if hello is not None and version == "TLSv1.3":
        capable = PSK_DHE_KE in hello.psk_modes
        tally.with_psk_modes += capable
        tally.without_psk_modes += not capable
        ended_first = row.issues and not facts.given and capable
        tally.left_before_ticket += ended_first
        tally.waited += facts.given > 0 and served.ending != "reset"
    elif hello is not None and version == "TLSv1.2":
        has = hello.session_ticket is not None
        tally.with_ticket_extension += has
        tally.without_ticket_extension += not has
        tally.ids_given += facts.given > 0 and row.issues_ids_only
    if hello is not None:
        tally.unspoken_version += _speaks_no(hello, row.behaviour.versions)


def _count_data(tally: Tally, facts: Facts, *, accepted: bool) -> None:
    """Add what is of data connections only."""
    own = any(each.connection in facts.siblings for each in facts.known)
    tally.data_connections += 1
    tally.data_could += facts.could
    tally.data_own += own
    tally.data_other += facts.offer is not None and not own
    tally.data_accepted += accepted


def settle(tally: Tally, facts: Facts, served: Served, row: Row) -> None:
    """What only the end can tell of this connection, and of the sessions it came with."""
    known, fate = facts.known, facts.fate
    fate.ended, fate.handshaken = True, served.handshaken
    fate.asked = served.requests > 0
    if facts.offer is not None and facts.answer is not None and not served.reused:
        if not served.handshaken and not row.untrusted:
            _gave_up(tally, facts)
        if known and served.handshaken and row.behaviour.client_certificate:
            was, now = known[0].certificate, facts.certificate
            if was != now:
                tally.remark(facts.remark("offers-across-client-certificates", was, now))
    arrived = _path(served.head).startswith(STRICT)
    if row.untrusted:
        tally.strict_arrived += arrived
        if arrived and served.reused:
            tally.remark(facts.remark("offers-unverified-session"))
        if known and known[0].fate.ended and not known[0].fate.asked:
            tally.suspect(facts.remark("offers-after-failed-verification"))


def _gave_up(tally: Tally, facts: Facts) -> None:
    """Note that the client left where its session was not accepted. One that left without an
    alert may have been ended, so it needs company."""
    told = [alert for alert in facts.alerts if alert.description]
    if any(alert.sender == "server" for alert in told) or facts.fate.refused_certificate:
        return
    note = tally.remark if told else tally.suspect
    note(facts.remark("gives-up-when-refused"))


def _speaks_no(hello: ClientHello, versions: tuple[str, ...]) -> bool:
    """Whether a client speaks none of a server's versions."""
    numbers = {"1.2": 0x0303, "1.3": 0x0304}
    theirs = hello.supported_versions or (hello.legacy_version,)
    return not any(numbers[version] in theirs for version in versions)


def _path(head: bytes) -> str:
    """The path of an HTTP request, by its first line."""
    words = head.partition(b"\r\n")[0].split()
    return words[1].decode("ascii", "replace") if len(words) == 3 else ""


def user_agent(head: bytes) -> str | None:
    """What an HTTP client calls itself, made safe and short."""
    for line in head.split(b"\r\n")[1:64]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"user-agent" and value.strip():
            text = value[:1024].strip().decode("ascii", "replace")
            browser = _BROWSER.search(text) if text.startswith("Mozilla/") else None
            return printable(browser[0] if browser else text)[:80]
    return None

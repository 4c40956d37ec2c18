"""What one captured connection showed: the line of `jsonl`, the row of `csv`.

Whether a session was offered needs memory: a client that allows TLS 1.3 sends a session ID
in any case, so an ID is an offer only where the server issued it before, or takes it. The
memory is bounded; what was forgotten makes an offer invisible, never a refusal.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from hashlib import blake2b
from typing import Literal, NamedTuple, TypeVar

import msgspec

from tlsresume.features.capture.engine import Connection, Transport
from tlsresume.features.capture.handshake import Facts, Packet, is_external
from tlsresume.results.connection import Mechanism
from tlsresume.targets.target import format_endpoint
from tlsresume.tls.fingerprint import fingerprint
from tlsresume.tls.messages import ClientHello
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.value import row_of

#: accepted and refused: a session was offered; not-offered: none was; unknown: the packets
#: do not show which; unanswered: no ServerHello was seen.
Outcome = Literal["accepted", "refused", "not-offered", "unknown", "unanswered"]
#: Why a refusal says nothing against the server's keys.
Excuse = Literal["version-changed", "past-lifetime", "used-before"]
EarlyData = Literal["offered", "accepted", "rejected"]

_MOST_ISSUED = 200_000
_MOST_USED = 200_000
_MOST_RANDOMS = 20_000
#: A packet that passes two interfaces of one machine does so within this time, in nanoseconds;
#: randoms of fewer different bytes are none.
_SAME_TIME = 100_000_000
_LEAST_BYTES = 8


_Value = TypeVar("_Value")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One connection. `offered` is None where no session was offered, or it is not visible;
    `lifetime` and `ticket_age` are in seconds and of the offered ticket. `ticket` are its first
    16 bytes, where most servers have the name of its key. `packet` and `answer_packet` are
    Wireshark's frame numbers, in `file`, of the ClientHello and of the ServerHello."""

    time: str
    transport: Transport
    server: str
    sni: str | None
    address: str
    client: str
    tls_version: str | None
    offered: Mechanism | None
    outcome: Outcome
    resumed: bool | None
    excuse: Excuse | None
    ticket: str | None
    ticket_age: float | None
    lifetime: int | None
    early_data: EarlyData | None
    external_psk: bool
    encrypted_hello: bool
    hello_retry: bool
    tickets_issued: int
    software: str | None
    file: str
    packet: int | None
    answer_packet: int | None
    malformed: int


class Issue(NamedTuple):
    """When a session was issued (nanoseconds since 1970), its lifetime (0: not known)."""

    time: int
    lifetime: int


class Use(NamedTuple):
    """Where a ticket was offered the first time."""

    packet: Packet | None
    client: bytes


class Judged(NamedTuple):
    """A connection with all that the counting needs; `identity` is the offered ticket."""

    connection: Connection
    server: str
    sni: str | None
    outcome: Outcome
    offered: Mechanism | None
    excuse: Excuse | None
    identity: bytes | None
    issue: Issue | None
    first_use: Use | None
    early_data: EarlyData | None
    external_psk: bool
    encrypted_hello: bool
    software: str | None
    can_come_back: bool


class Memory:
    """Sessions that servers issued, and tickets that clients offered; the newest of them."""

    def __init__(self) -> None:
        self._issued: dict[bytes, Issue] = {}
        self._used: dict[bytes, Use] = {}
        self._randoms: dict[bytes, tuple[int]] = {}

    def issued(self, session: bytes) -> Issue | None:
        """When a ticket or session ID was issued, as far as it was seen."""
        return self._issued.get(_digest(session))

    def note_issued(self, session: bytes, issue: Issue) -> None:
        """A server issued this."""
        _first(self._issued, _digest(session), issue, _MOST_ISSUED)

    def twice(self, connection: Connection) -> bool:
        """Whether the connection was captured before under other addresses, as on two
        interfaces with address translation between them."""
        both = randoms(connection.facts)
        if both is None:
            return False
        now = (connection.start,)
        before = _first(self._randoms, both, now, _MOST_RANDOMS)
        return before is not now and connection.start - before[0] < _SAME_TIME

    def note_used(self, ticket: bytes, use: Use) -> Use | None:
        """A client offered this; where it was offered before, if it was."""
        before = _first(self._used, _digest(ticket), use, _MOST_USED)
        return None if before is use else before


def _first(known: dict[bytes, _Value], key: bytes, value: _Value, most: int) -> _Value:
    """The first value under a key, which may be this one; the newest `most` keys are kept."""
    first = known.setdefault(key, value)
    if len(known) > most:
        del known[next(iter(known))]
    return first


def randoms(facts: Facts) -> bytes | None:
    """What no other connection has: the randoms of both hellos; None where they are not random."""
    if not facts.hellos or facts.server_hello is None:
        return None
    random = facts.hellos[0].random
    return random + facts.server_hello.random if len(set(random)) >= _LEAST_BYTES else None


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def judge(connection: Connection, memory: Memory) -> Judged:
    """What a connection shows, with the memory of those before it, which it adds to."""
    facts = connection.facts
    hello = facts.hello
    sni = _name(hello) if hello is not None else None
    server = sni or endpoint(connection.server)
    encrypted = facts.encrypted_hello
    offered: Mechanism | None = None
    identity: bytes | None = None
    external = False
    outcome: Outcome = "unanswered"
    if hello is not None and not encrypted:
        offered, identity, external = _offer(facts, hello, memory, server)
    issue = memory.issued(_of_server(identity, server)) if identity else None
    use = None
    if identity is not None and offered == "psk":
        use = memory.note_used(identity, Use(facts.hello_packet, connection.client))
    if facts.server_hello is not None:
        outcome = _outcome(facts, offered, external, encrypted)
    return Judged(
        connection=connection,
        server=server,
        sni=sni,
        outcome=outcome,
        offered=offered,
        excuse=_excuse(connection, offered, issue, use) if outcome == "refused" else None,
        identity=identity,
        issue=issue,
        first_use=use,
        early_data=None if encrypted else facts.early_data(),
        external_psk=external,
        encrypted_hello=encrypted,
        software=None if hello is None else _software(hello, connection.transport),
        can_come_back=_note_issued(facts, server, memory, connection.start),
    )


def _name(hello: ClientHello) -> str | None:
    name = hello.server_name
    return name.lower().rstrip(".")[:255] or None if name else None


#: Extensions whose bodies a fingerprint reads: groups, signature algorithms, ALPN, versions.
_READ_BY_FINGERPRINT = frozenset({10, 13, 16, 43})
_MOST_FINGERPRINTS = 4096
_fingerprints: dict[tuple[object, ...], str] = {}


def _software(hello: ClientHello, transport: Transport) -> str:
    """The fingerprint; programs say the same again and again, so it is remembered."""
    key = (
        transport,
        hello.legacy_version,
        hello.cipher_suites,
        tuple(
            each.body if each.type in _READ_BY_FINGERPRINT else each.type
            for each in hello.extensions
        ),
    )
    found = _fingerprints.get(key)
    if found is None:
        if len(_fingerprints) >= _MOST_FINGERPRINTS:
            _fingerprints.clear()
        found = fingerprint(hello, transport)
        _fingerprints[key] = found
    return found


def _of_server(session: bytes, server: str) -> bytes:
    """A session as one server issued it; a copied ID of another server is no offer here."""
    return session + b"\0" + server.encode("utf-8", "surrogateescape")


def _offer(
    facts: Facts, hello: ClientHello, memory: Memory, server: str
) -> tuple[Mechanism | None, bytes | None, bool]:
    """The mechanism, the ticket or ID that was offered, and whether an external PSK was."""
    psks = hello.psk_identities
    tickets = [psk for psk in psks if not is_external(psk)]
    external = len(tickets) < len(psks)
    chosen = facts.server_hello.selected_identity if facts.server_hello is not None else None
    if external and chosen is not None and chosen < len(psks) and is_external(psks[chosen]):
        return None, None, True
    if tickets:
        taken = psks[chosen] if chosen is not None and chosen < len(psks) else tickets[0]
        return "psk", taken.identity, external
    if hello.session_ticket:
        return "ticket", hello.session_ticket, external
    session_id = hello.session_id
    if not session_id or external:
        return None, None, external
    only_old = not any(
        version >= ProtocolVersion.TLSv1_3 and version & 0x0F0F != 0x0A0A
        for version in hello.supported_versions
    )
    echoed = facts.server_hello is not None and (
        facts.version is not ProtocolVersion.TLSv1_3 and facts.accepted() is True
    )
    known = memory.issued(_of_server(session_id, server)) is not None
    if only_old or echoed or known:
        return "session-id", session_id, external
    return None, None, external


def _outcome(facts: Facts, offered: Mechanism | None, external: bool, encrypted: bool) -> Outcome:
    if encrypted or facts.hello is None or facts.version is None:
        return "unknown"
    accepted = facts.accepted()
    if offered is None:
        # A session that nobody saw being offered cannot have been taken, an external PSK can.
        return "unknown" if accepted and not external else "not-offered"
    return "unknown" if accepted is None else "accepted" if accepted else "refused"


def _excuse(
    connection: Connection, offered: Mechanism | None, issue: Issue | None, use: Use | None
) -> Excuse | None:
    new = connection.facts.version is ProtocolVersion.TLSv1_3
    if offered is not None and new is not (offered == "psk"):
        return "version-changed"
    if issue is not None and is_past(issue, connection.start):
        return "past-lifetime"
    return "used-before" if use is not None else None


def is_past(issue: Issue, time: int) -> bool:
    """Whether a session's lifetime, where it is known, was over."""
    return issue.lifetime > 0 and time - issue.time > issue.lifetime * 1_000_000_000


def _note_issued(facts: Facts, server: str, memory: Memory, time: int) -> bool:
    """Remember what the server issued; whether the client can offer a session next time."""
    hello = facts.server_hello
    if hello is None:
        return False
    for each in facts.tickets:
        memory.note_issued(_of_server(each.ticket, server), Issue(time, each.lifetime))
    if facts.version is ProtocolVersion.TLSv1_3:
        return True
    if hello.session_id:
        memory.note_issued(_of_server(hello.session_id, server), Issue(time, 0))
    return bool(hello.session_id or facts.tickets)


# ---------------------------------------------------------------------- words


def endpoint(packed: bytes) -> str:
    """A packed address and port as `192.0.2.1:443` or `[2001:db8::1]:443`."""
    return format_endpoint(address(packed), int.from_bytes(packed[-2:], "big"))


def address(packed: bytes) -> str:
    """The address alone; IPv4 addresses mapped into IPv6 as what they are."""
    found = ipaddress.ip_address(packed[:-2])
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def utc(nanoseconds: int) -> str:
    """A time in RFC 3339, in microseconds; what no calendar has is its nearest end."""
    seconds = max(0, min(nanoseconds, 253402300799 * 10**9)) / 1e9
    whole = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(seconds=seconds)
    return whole.isoformat(timespec="microseconds").replace("+00:00", "Z")


def line_of(judged: Judged, client: str, files: tuple[str, ...]) -> Seen:
    """The line of one connection; `client` is its address as it may be shown."""
    connection, facts = judged.connection, judged.connection.facts
    at = facts.hello_packet or facts.answer_packet
    offered_ticket = judged.identity if judged.offered in ("psk", "ticket") else None
    known = judged.outcome in ("accepted", "refused", "not-offered")
    issue = judged.issue
    return row_of(
        Seen,
        judged,
        time=utc(connection.start),
        transport=connection.transport,
        address=endpoint(connection.server),
        client=client,
        tls_version=None if facts.version is None else facts.version.label,
        resumed=judged.outcome == "accepted" if known else None,
        ticket=None if offered_ticket is None else offered_ticket[:16].hex(),
        ticket_age=None if issue is None else round((connection.start - issue.time) / 1e9, 3),
        lifetime=None if issue is None or not issue.lifetime else issue.lifetime,
        hello_retry=facts.retried,
        tickets_issued=len(facts.tickets),
        file=files[at.file] if at is not None else "",
        packet=None if facts.hello_packet is None else facts.hello_packet.number,
        answer_packet=None if facts.answer_packet is None else facts.answer_packet.number,
        malformed=facts.problems,
    )

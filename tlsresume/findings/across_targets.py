"""What no single look at one target shows: one ticket key on many, or over time (group T).

Rules of `watch`, which compares samples over time, and of a scan of several targets.
They have a row in the table, and so a page, like every rule. A View is one look, so they have no
check: `finding` makes a finding when the comparison found it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tlsresume.findings.engine import Match, finding_of
from tlsresume.findings.rules import registered, told
from tlsresume.findings.software import set_in
from tlsresume.findings.wording import short
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Finding
from tlsresume.results.report import TargetResult

told(
    "ticket-key-too-old",
    "T",
    "error",
    title="A ticket key is in use for longer than allowed",
    tells="watch saw tickets under one key name for longer than --max-key-age.",
    harm="security",
    mechanisms=("psk", "ticket"),
    cause="Whoever gets the key can read every TLS 1.2 session that was made under it; the longer"
    " it is used, the more that is.",
    advice="Rotate ticket keys, at least weekly.",
    settings=set_in(
        nginx="ssl_session_ticket_key", haproxy="set ssl tls-key", Apache="SSLSessionTicketKeyFile"
    ),
    sources=("RFC 9325 section 3.4", "RFC 5077 section 5.5"),
    home=__name__,
)


told(
    "nodes-out-of-step",
    "T",
    "warning",
    title="A new ticket key has not reached every node",
    tells="In the last sample of watch an address, or a node behind it, still issued under a key that was seen before the newest one.",
    mechanisms=("psk", "ticket"),
    cause="A node issues tickets under an older key than another: it did not get the new key, or"
    " not yet, and declines tickets that are made with it.",
    advice="Give every node the new key for decryption first, and only then let it encrypt.",
    settings=set_in(nginx="ssl_session_ticket_key", haproxy="tls-ticket-keys"),
    sources=("RFC 5077 section 4",),
    home=__name__,
)


told(
    "rotation-drops-sessions",
    "T",
    "warning",
    title="Sessions from before a rotation are not resumed after it",
    tells="watch offered a session under the old key, still within its lifetime, where tickets were issued under a newer one, and it was declined.",
    mechanisms=("psk", "ticket"),
    cause="The old key was dropped when the new one came, so every client makes a full handshake"
    " after a rotation.",
    advice="Keep the old key for decryption until the tickets made with it have expired.",
    settings=set_in(nginx="ssl_session_ticket_key", haproxy="tls-ticket-keys"),
    sources=("RFC 5077 section 5.6", "RFC 9325 section 3.4"),
    home=__name__,
)


told(
    "ticket-key-shared",
    "T",
    "warning",
    title="Unrelated names share a ticket key",
    tells="Tickets of targets whose names differ in the last two labels begin with the same 16 bytes.",
    harm="security",
    mechanisms=("psk", "ticket"),
    cause="Servers of unrelated names issue tickets under the same key: who has the key of one can"
    " read and resume the sessions of all, and a session can be taken to the wrong host.",
    advice="Give each service keys of its own; where one provider ends TLS for all of them, ask"
    " whether customers are kept apart.",
    settings=set_in(nginx="ssl_session_ticket_key", haproxy="tls-ticket-keys"),
    sources=("RFC 5077 section 5.5", "RFC 8446 section 4.6.1", "RFC 9325 section 3.4"),
    home=__name__,
)


def finding(
    code: str,
    evidence: Iterable[str],
    *,
    not_known: tuple[str, ...] = (),
    addresses: Iterable[str] = (),
    mechanisms: Iterable[Mechanism] = (),
) -> Finding:
    """A finding under one of the codes of this module; it may speak of several places."""
    (entry,) = (rule for rule in registered() if rule.code == code)
    return finding_of(
        entry,
        Match(seen=tuple(evidence), not_known=not_known),
        addresses=tuple(dict.fromkeys(addresses)),
        mechanisms=tuple(dict.fromkeys(mechanisms)),
    )


# ---------------------------------------------------------------- several targets


class SharedKeys:
    """Which ticket keys were seen on which targets, counted one target after another."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {}
        self._places: dict[str, list[tuple[str, Mechanism]]] = {}

    def add(self, target: TargetResult) -> None:
        """Count the keys of a target."""
        host = _host(target.target)
        for address in target.addresses:
            for mechanism in address.mechanisms:
                if mechanism.tickets is None:
                    continue
                keys = {key.key_name for key in mechanism.tickets.key_names}
                if not keys:
                    continue
                self._names.setdefault(host, set()).update(keys)
                for key in keys:
                    place = (address.address, mechanism.mechanism)
                    self._places.setdefault(key, []).append(place)

    def findings(self) -> tuple[Finding, ...]:
        """What the targets show together: keys that unrelated ones share."""
        shared = list(_shared(self._names))
        if not shared:
            return ()
        where = [place for key, _ in shared for place in self._places[key]]
        found = finding(
            "ticket-key-shared",
            [f"key {short(key)} is used by {', '.join(hosts)}" for key, hosts in shared],
            addresses=[address for address, _ in where],
            mechanisms=[mechanism for _, mechanism in where],
        )
        return (found,)


def across_targets(targets: Sequence[TargetResult]) -> tuple[Finding, ...]:
    """What several targets show together: keys that unrelated ones share."""
    keys = SharedKeys()
    for target in targets:
        keys.add(target)
    return keys.findings()


def _host(target: str) -> str:
    """The host of a target's name, `HOST:PORT` or `[IPV6]:PORT`, maybe with a scheme."""
    target = target.rpartition("://")[2]
    host, colon, port = target.rpartition(":")
    return (host if colon and port.isdecimal() else target).strip("[]")


def _shared(names: dict[str, set[str]]) -> Iterator[tuple[str, list[str]]]:
    """Key names that stand on unrelated hosts; those of four bytes may be equal by chance."""
    hosts: dict[str, list[str]] = {}
    for host, keys in names.items():
        for key in keys:
            if len(key) > 8:
                hosts.setdefault(key, []).append(host)
    for key, found in hosts.items():
        if len({_related(host) for host in found} - {""}) > 1:
            yield key, found


def _related(host: str) -> str:
    """What related hosts have in common: the last two labels. Addresses have no names."""
    if ":" in host or host.replace(".", "").isdecimal():
        return ""
    return ".".join(host.rstrip(".").lower().split(".")[-2:])

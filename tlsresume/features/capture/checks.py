"""Findings on the counts of one server: a function for each code, in the order of the table.

`rotated` and `separate-keys` exclude each other by how they are told: a key that comes back
after it was refused was never rotated away. What one of them explains, `refused-always` does
not say again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tlsresume.features.capture.catalogue import text_of
from tlsresume.features.capture.handshake import Packet
from tlsresume.features.capture.key_names import KeyUse
from tlsresume.features.capture.limits import Heaviest
from tlsresume.features.capture.report import CaptureFinding
from tlsresume.features.capture.seen import utc as exact_utc
from tlsresume.features.capture.tally import Counts, Evidence, EvidenceKind, ServerTally
from tlsresume.findings.engine import Entry, Match, ask
from tlsresume.results.connection import MECHANISMS, Mechanism
from tlsresume.units import count, duration, short_key
from tlsresume.value import row_of

#: Offers and connections that make a habit.
ENOUGH = 3
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Case:
    """One server with what its tickets say, and how packets are called."""

    tally: ServerTally
    keys: dict[str, KeyUse]
    files: tuple[str, ...]

    def packet(self, packet: Packet) -> str:
        """A packet as Wireshark numbers it."""
        name = f"{self.files[packet.file]} " if len(self.files) > 1 else ""
        return f"{name}packet {packet.number}"

    def packets(self, evidence: Evidence) -> tuple[str, ...]:
        """The examples of evidence."""
        return tuple(
            self.packet(one) + ("" if other is None else f", first in {self.packet(other)}")
            for one, other in evidence.examples
        )


class Passed(Match, frozen=True, kw_only=True):
    """That a check fits what passed; the other fields are those of a CaptureFinding."""

    mechanism: Mechanism | None = None
    packets: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    software: tuple[str, ...] = ()


Check = Callable[[_Case], Iterator[Passed]]


def findings(
    tally: ServerTally, keys: dict[str, KeyUse], files: tuple[str, ...]
) -> tuple[CaptureFinding, ...]:
    """What the counts of a server show."""
    case = _Case(tally, keys, files)
    # Of the refusals the first check that fits explains them all.
    refusals = (list(ask([(text_of(code), check)], case)) for code, check in _REFUSALS.items())
    found = next(filter(None, refusals), [])
    found += ask(((text_of(code), check) for code, check in _OTHERS.items()), case)
    found += _of_tickets(case)
    return tuple(_finding(entry, passed) for entry, passed in found)


def _of_tickets(case: _Case) -> Iterator[tuple[Entry, Passed]]:
    """What the engine's own checks say of the tickets themselves, in a sample."""
    for rule, mechanism, match, packets in case.tally.sample.matches():
        yield (
            rule,
            Passed(
                mechanism=mechanism,
                seen=match.seen,
                severity=match.severity,
                packets=tuple(case.packet(one) for one in packets[:_MOST_NAMED]),
                not_known=match.not_known,
            ),
        )


def _finding(entry: Entry, passed: Passed) -> CaptureFinding:
    return row_of(
        CaptureFinding,
        passed,
        code=entry.code,
        severity=passed.severity or entry.severity,
        title=entry.title,
        cause=entry.cause,
        advice=entry.advice,
        directives=entry.directives,
        evidence=passed.seen,
    )


def utc(nanoseconds: int) -> str:
    """A time in milliseconds: enough to find it again."""
    return exact_utc(nanoseconds)[:-4] + "Z"


def _refused_packets(case: _Case) -> list[str]:
    by_mechanism = case.tally.evidence.get("refused", {})
    found = [each for evidence in by_mechanism.values() for each in case.packets(evidence)]
    return found[:_MOST_NAMED]


# ------------------------------------------------------------------ ticket keys


def _separate_keys(case: _Case) -> Iterator[Passed]:
    """A key that is refused and comes back, while another one is in use."""
    back = {
        name: use
        for name, use in case.keys.items()
        if use.refused and use.first_refused < use.last_alive
        and any(_at_the_same_time(use, other) for each, other in case.keys.items() if each != name)
    }  # fmt: skip
    if not back:
        return
    alive = {name: use for name, use in case.keys.items() if use.last_alive}
    lines = [
        f"key {short_key(name, alive)}: {count(use.refused, 'offer')} refused from"
        f" {utc(use.first_refused)} on, in use again until {utc(use.last_alive)}"
        for name, use in list(back.items())[:_MOST_NAMED]
    ]
    lines.append(f"{count(len(alive), 'key name')} in use: {_names(alive)}")
    yield Passed(seen=tuple(lines), packets=tuple(_refused_packets(case)))


def _at_the_same_time(one: KeyUse, other: KeyUse) -> bool:
    """Whether both keys were in use, neither of them only before or after the other."""
    if not one.last_alive or not other.last_alive:
        return False
    return one.first_alive < other.last_alive and other.first_alive < one.last_alive


def _rotated(case: _Case) -> Iterator[Passed]:
    """Keys whose tickets are refused, and never in use again, beside one that is."""
    old = {name: use for name, use in case.keys.items() if use.refused}
    new = {name: use for name, use in case.keys.items() if not use.refused and use.last_alive}
    if not old or not new:
        return
    gone = all(use.last_alive <= use.first_refused for use in old.values())
    # Either the old key was seen in use, or the new one takes what it issues.
    known = any(use.last_alive for use in old.values()) or any(use.accepted for use in new.values())
    refused_from = min(use.first_refused for use in old.values())
    if not gone or not known or all(use.last_alive < refused_from for use in new.values()):
        return
    lines = []
    for name, use in list(old.items())[:_MOST_NAMED]:
        until = f"in use until {utc(use.last_alive)}, " if use.last_alive else ""
        lines.append(
            f"key {short_key(name, case.keys)}: {until}{count(use.refused, 'offer')} refused from"
            f" {utc(use.first_refused)} on"
        )
    since = min(use.first_alive for use in new.values())
    lines.append(f"in use since {utc(since)}: {_names(new)}")
    yield Passed(seen=tuple(lines), packets=tuple(_refused_packets(case)))


def _names(keys: dict[str, KeyUse]) -> str:
    shown = ", ".join(short_key(name, keys) for name in list(keys)[:_MOST_NAMED])
    return shown + (f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else "")


# -------------------------------------------------------------------- refusals


def _refused_always(case: _Case) -> Iterator[Passed]:
    for mechanism in MECHANISMS:
        counts = case.tally.mechanisms[mechanism]
        if counts.accepted or counts.plain_refused < ENOUGH:
            continue
        lines = [f"{counts.plain_refused} of {counts.offered} offers refused, none accepted"]
        if counts.refused > counts.plain_refused:
            lines.append(
                f"{counts.refused - counts.plain_refused} more were late, offered before, or of"
                " another TLS version"
            )
        unseen = "" if case.keys or mechanism == "session-id" else "which keys the tickets name"
        yield Passed(
            mechanism=mechanism,
            seen=tuple(lines),
            packets=case.packets(case.tally.seen_as("refused", mechanism)),
            not_known=(unseen,) if unseen else (),
        )


def _by_mechanism(kind: EvidenceKind, say: Callable[[Evidence, ServerTally], str]) -> Check:
    """A check that evidence of a kind was counted; `say` words it for one mechanism."""

    def check(case: _Case) -> Iterator[Passed]:
        for mechanism, evidence in case.tally.evidence.get(kind, {}).items():
            if evidence.count:
                seen = (say(evidence, case.tally),)
                yield Passed(mechanism=mechanism, seen=seen, packets=case.packets(evidence))

    return check


def _version_changed(evidence: Evidence, tally: ServerTally) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in tally.versions.most_common())
    return (
        f"{count(evidence.count, 'session')} of another TLS version than the server chose"
        f" (handshakes: {versions})"
    )


def _past_lifetime(evidence: Evidence, _tally: ServerTally) -> str:
    return (
        f"{count(evidence.count, 'offer')} past the ticket's lifetime, by"
        f" {duration(evidence.longest)} at most"
    )


def _used_twice(evidence: Evidence, _tally: ServerTally) -> str:
    return f"{count(evidence.count, 'offer')} of a ticket that was offered before"


def _early_data(evidence: Evidence, tally: ServerTally) -> str:
    return (
        f"{count(evidence.count, 'resumed connection')} without the early data that came with"
        f" it; {tally.early['accepted']} of {tally.early['offered']} seen to be accepted"
    )


# --------------------------------------------------------------------- clients


def _never_offers(case: _Case) -> Iterator[Passed]:
    programs, clients = _without_offers(case.tally.software), _without_offers(case.tally.clients)
    if not programs and not clients:
        return
    lines = [
        f"{name}: {count(counts.connections, 'connection')}, {counts.came_back} of them after one that"
        " could have given a session, no offer"
        for name, counts in programs[:_MOST_NAMED]
    ]
    if clients:
        back = sum(counts.came_back for _, counts in clients)
        lines.append(f"{count(len(clients), 'client')} came back {back} times without an offer")
    not_known = []
    if not case.tally.offered:
        lines.append("no client of this server offers a session")
        not_known.append("whether the server gives sessions at all: tlsresume probe tells")
    examples = [counts.example for _, counts in [*programs, *clients] if counts.example]
    yield Passed(
        seen=tuple(lines),
        packets=tuple(case.packet(one) for one in dict.fromkeys(examples))[:_MOST_NAMED],
        clients=tuple(name for name, _ in clients[:_MOST_NAMED]),
        software=tuple(name for name, _ in programs[:_MOST_NAMED]),
        not_known=tuple(not_known),
    )


def _without_offers(counted: Heaviest[str, Counts]) -> list[tuple[str, Counts]]:
    """Who came back often enough and offered nothing, the most frequent first."""
    found = [
        (name, counts)
        for name, counts in counted.items()
        if counts.came_back >= ENOUGH and not counts.offered
    ]
    return sorted(found, key=lambda each: -each[1].came_back)


_REFUSALS: dict[str, Check] = {
    "separate-keys": _separate_keys,
    "rotated": _rotated,
    "refused-always": _refused_always,
}
_OTHERS: dict[str, Check] = {
    "version-changed": _by_mechanism("version-changed", _version_changed),
    "offered-past-lifetime": _by_mechanism("past-lifetime", _past_lifetime),
    "ticket-used-twice": _by_mechanism("used-twice", _used_twice),
    "early-data-rejected": _by_mechanism("early-data", _early_data),
    "never-offers": _never_offers,
}

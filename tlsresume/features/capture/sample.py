"""The newest connections of a server whose tickets are visible, for the checks that look at
tickets themselves, and what they could not be asked of.

All else is judged by counts of all connections (see checks): those explain refusals better than a
sample could. Of the checks that need observations alone the sample is for those of tickets. Those
of group D are left out: they warn whoever reads one connection, not whoever counts many.
"""

from __future__ import annotations

from collections.abc import Iterator

from tlsresume.evidence.observation import Observation, Part, part_words
from tlsresume.features.capture.handshake import Packet
from tlsresume.features.capture.observation import AT_BEST, observation_of, visible_in
from tlsresume.features.capture.report import NotVisible
from tlsresume.features.capture.seen import Judged, randoms
from tlsresume.findings.catalogue import RULES
from tlsresume.findings.engine import Match, ask
from tlsresume.findings.observed import views_of
from tlsresume.findings.rules import Rule
from tlsresume.results.connection import Mechanism
from tlsresume.tls.registry import ProtocolVersion

#: Connections of one server that are kept. Of so many tickets two random numbers of 32 bits are
#: hardly ever equal.
MOST = 32

#: The checks that the sample is for.
ASKED: tuple[Rule, ...] = tuple(
    rule
    for rule in RULES
    if rule.check is not None
    and rule.needs in AT_BEST
    and Part.TICKETS in rule.needs
    and rule.group != "D"
)


class Sample:
    """The newest connections of one server that brought tickets."""

    def __init__(self) -> None:
        self._kept: dict[bytes, tuple[Observation, Packet | None]] = {}
        self._shown: dict[Mechanism, Part] = {}
        self._nameless = 0

    def add(self, judged: Judged, client: str) -> None:
        """Look at a connection; `client` is its address as it may be shown."""
        facts, visible = judged.connection.facts, visible_in(judged)
        if facts.server_hello is None or facts.version is None:
            return
        mechanism: Mechanism = "psk" if facts.version is ProtocolVersion.TLSv1_3 else "ticket"
        self._shown[mechanism] = self._shown.get(mechanism, Part.NOTHING) | visible
        if not facts.tickets or Part.TICKETS not in visible:
            return
        name = randoms(facts)
        if name is None:
            self._nameless += 1
            name = self._nameless.to_bytes(8)
        # Captured at two places, whose clocks differ, its tickets came only once.
        if name in self._kept:
            return
        self._kept[name] = (observation_of(judged, client), facts.hello_packet)
        if len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]

    def matches(self) -> Iterator[tuple[Rule, Mechanism, Match, tuple[Packet, ...]]]:
        """What fits, by mechanism, with the packets of the connections that show it."""
        kept = list(self._kept.values())
        packets = [packet for _, packet in kept]
        for view in views_of([seen for seen, _ in kept]):
            for rule, match in ask(((rule, rule.match) for rule in ASKED), view):
                shown = (packets[number - 1] for number in match.shown_by)
                yield rule, view.mechanism, match, tuple(each for each in shown if each)

    def not_visible(self) -> tuple[NotVisible, ...]:
        """The checks that could not be asked of a mechanism that the server speaks."""
        found = []
        for rule in ASKED:
            unseen = {
                mechanism: missing
                for mechanism, shown in self._shown.items()
                if mechanism in rule.mechanisms and (missing := rule.needs & ~shown)
            }
            found += [
                NotVisible(code=rule.code, mechanisms=(mechanism,), parts=part_words(missing))
                for mechanism, missing in unseen.items()
            ]
        return tuple(found)


def never_visible() -> tuple[NotVisible, ...]:
    """The checks of probes that no packets can answer."""
    return tuple(
        NotVisible(code=rule.code, mechanisms=rule.mechanisms, parts=part_words(missing))
        for rule in RULES
        if rule.check is not None and (missing := rule.needs & ~AT_BEST)
    )

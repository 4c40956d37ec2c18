"""Views of observations: what any source saw of a server, for the checks that ask no more.

Our own connections come to the checks as trials, with all that we know of them. Of connections
that were only watched, by our server or in a capture, nothing is known but their observations; so
their view says what is visible, and the engine asks only the checks that need nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_

from tlsresume.evidence.observation import Observation, Part
from tlsresume.evidence.purpose import Member, PlainPurpose, experiment
from tlsresume.evidence.trial import Trial
from tlsresume.findings.view import View
from tlsresume.results.connection import MECHANISMS, Mechanism
from tlsresume.tickets.key_names import KeyNaming
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig

#: What an observation can show; the other parts are known of our own connections only.
OBSERVABLE = Part.OUTCOME | Part.TICKETS | Part.CERTIFICATE | Part.ENDING


@experiment("observed")
class Observed(PlainPurpose):
    """A connection that others made: why, is not known."""

    SEEN = Member("seen")


def views_of(observations: Sequence[Observation]) -> tuple[View, ...]:
    """A view for each mechanism that observations of one server speak of."""
    views = (_view(observations, mechanism) for mechanism in MECHANISMS)
    return tuple(view for view in views if view is not None)


def _view(observations: Sequence[Observation], mechanism: Mechanism) -> View | None:
    own = [(n, seen) for n, seen in enumerate(observations, 1) if mechanism in _mechanisms(seen)]
    if not own:
        return None
    first = own[0][1]
    trials = tuple(_trial(n, seen, mechanism) for n, seen in own)
    tickets = [ticket.ticket for _, seen in own for ticket in seen.tickets or ()]
    return View(
        address=first.address,
        port=first.port,
        mechanism=mechanism,
        attempts=trials,
        everything=trials,
        naming=KeyNaming.learn(tickets),
        # A part counts as seen where it was seen on all of them.
        visible=reduce(and_, (seen.visible for _, seen in own), OBSERVABLE),
    )


def _mechanisms(seen: Observation) -> tuple[Mechanism, ...]:
    """The mechanisms that a connection speaks of: the one that it offered, or else those that
    its version has."""
    if seen.offered is not None:
        return (seen.offered,)
    if seen.tls_version is None:
        return ()
    return ("psk",) if seen.tls_version >= ProtocolVersion.TLSv1_3 else ("ticket", "session-id")


def _trial(n: int, seen: Observation, mechanism: Mechanism) -> Trial:
    return Trial(
        n=n,
        ask=n,
        time=seen.time,
        address=seen.address,
        port=seen.port,
        transport=seen.transport,
        purpose=Observed.SEEN,
        config=ClientConfig(),
        mechanism=mechanism,
        observation=seen,
    )

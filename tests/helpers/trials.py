"""Trials for tests, told by what was seen: each fact goes where it belongs.

A fact of the handshake (`offered`, `tickets`, `alerts`) is put into the trial's observation; the
session that was offered, `state`, gives the offer. All that a client of ours sees is visible.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tlsresume.evidence.observation import Observation, Part
from tlsresume.evidence.offer import Offer
from tlsresume.evidence.trial import Trial

#: What a client of ours sees, where nothing came of a handshake.
UNEVENTFUL: dict[str, Any] = {
    "visible": Part.OUTCOME | Part.TICKETS | Part.CERTIFICATE | Part.ENDING,
    "handshake_done": False,
    "server_hello_seen": False,
    "hello_retry": False,
    "early_data": "not-sent",
    "alerts": (),
    "tickets": (),
    "malformed_ticket": False,
    "certificate_seen": False,
    "certificate_requested": False,
}

_OF_BOTH = frozenset({"time", "address", "port", "transport"})
_OF_OBSERVATION = frozenset(Observation.__struct_fields__) - _OF_BOTH
_BEFORE_TLS = frozenset({"resolve", "connect", "proxy", "starttls"})


def _handshake(facts: dict[str, Any]) -> dict[str, Any]:
    """Take out the facts of the handshake."""
    return {name: facts.pop(name) for name in _OF_OBSERVATION & facts.keys()}


def trial(**facts: Any) -> Trial:
    """A trial with these facts, and an observation, unless it failed before TLS."""
    seen = _handshake(facts)
    both = {name: facts[name] for name in _OF_BOTH & facts.keys()}
    error = facts.get("error")
    if seen or error is None or error.step not in _BEFORE_TLS:
        facts["observation"] = Observation(**(UNEVENTFUL | both | seen))
    return Trial(**_with_offer(facts))


def changed(told: Trial, **facts: Any) -> Trial:
    """The same trial with other facts."""
    seen = _handshake(facts)
    both = {name: facts[name] for name in _OF_BOTH & facts.keys()}
    if told.observation is not None:
        facts["observation"] = msgspec.structs.replace(told.observation, **both, **seen)
    return msgspec.structs.replace(told, **_with_offer(facts))


def _with_offer(facts: dict[str, Any]) -> dict[str, Any]:
    if "state" in facts:
        state = facts["state"]
        facts["offer"] = None if state is None else Offer.of(state)
    return facts

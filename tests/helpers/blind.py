"""Views of sources that see less: what is left of one where some parts are not visible.

By this tests hold each check to what it says that it needs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec import structs

from tlsresume.evidence.observation import Observation, Part
from tlsresume.evidence.purpose import Member, PlainPurpose, Purpose, Role, experiment
from tlsresume.evidence.trial import Trial
from tlsresume.findings.view import View
from tlsresume.tickets.key_names import KeyNaming

_ALWAYS = {"visible", "time", "address", "port", "transport", "client"}
_TICKETS = {"tickets"}
_ENDING = {"malformed_ticket"}
_CERTIFICATE = {
    "certificate_seen", "certificate_requested", "certificate_wanted", "leaf", "leaf_sha256",
    "own_certificate", "verification",
}  # fmt: skip

#: The fields of an observation that are of each part.
OF_OBSERVATION: dict[Part, frozenset[str]] = {
    Part.OUTCOME: frozenset(
        {*Observation.__struct_fields__} - _ALWAYS - _TICKETS - _CERTIFICATE - _ENDING
    ),
    Part.TICKETS: frozenset(_TICKETS),
    Part.CERTIFICATE: frozenset(_CERTIFICATE),
    Part.ENDING: frozenset(_ENDING),
}
#: What stands for each part in a trial where it is not visible.
_OF_TRIAL: dict[Part, dict[str, Any]] = {
    Part.OUTCOME: {"error": None, "closed": "failed"},
    Part.OFFER: {"offer": None, "set_session": None},
    Part.SECRET: {"state": None, "sessions": ()},
    Part.ANSWER: {
        "asked": False, "answer_ms": None, "left": False, "response": b"", "greeting": b"",
        "reply": None, "named_address": None,
    },
}  # fmt: skip


@experiment("not visible")
class Unknown(PlainPurpose):
    """Why a connection was made is not visible."""

    ANY = Member("any")


def blind(view: View, visible: Part) -> View:
    """What a source that sees only these parts would have seen."""

    def left(trials: tuple[Trial, ...]) -> tuple[Trial, ...]:
        return tuple(_blind(trial, visible) for trial in trials)

    purpose = Part.PURPOSE in visible
    return replace(
        view,
        attempts=left(view.attempts),
        elsewhere=left(view.elsewhere),
        everything=left(view.everything),
        unanswered=left(view.unanswered),
        naming=view.naming if Part.TICKETS in visible else KeyNaming.learn([]),
        crossing=view.crossing and purpose,
        skipped=view.skipped if purpose else (),
        early=view.early if purpose else None,
        visible=visible,
    )


def _blind(trial: Trial, visible: Part) -> Trial:
    unseen: dict[str, Any] = {"purpose": _purpose(trial, visible)}
    hidden = [part for part in Part if part not in visible]
    for part in hidden:
        unseen |= _OF_TRIAL.get(part, {})
    if trial.observation is not None:
        names = [name for part in hidden for name in OF_OBSERVATION.get(part, ())]
        unseen["observation"] = structs.replace(
            trial.observation, visible=visible, **dict.fromkeys(names)
        )
    return structs.replace(trial, **unseen)


def _purpose(trial: Trial, visible: Part) -> Purpose:
    control = trial.purpose.role is Role.CONTROL
    seen = Part.PURPOSE in visible and (Part.CONTROL in visible or not control)
    return trial.purpose if seen else Unknown.ANY

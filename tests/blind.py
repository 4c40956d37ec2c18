"""Views of sources that see less: what is left of one where some parts are not visible.

By this tests hold each check to what it says that it needs.
"""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from tlsresume.diagnosis.view import View
from tlsresume.evidence.observation import Part
from tlsresume.results import Attempt
from tlsresume.results.purpose import PlainPurpose, Purpose, Role, experiment
from tlsresume.session.ticket import KeyNaming

#: What stands for each part in an attempt where it is not visible.
_UNSEEN: dict[Part, dict[str, object]] = {
    Part.OUTCOME: {
        "offered": None, "accepted": None, "reused": None, "handshake_done": False,
        "hello_size": None, "answered_ms": None, "server_hello_seen": False,
        "hello_retry": False, "retry_group": None, "tls_version": None, "cipher": None,
        "suite": None, "group": None, "alpn": None, "server_session_id": b"",
        "extended_master_secret": None, "early_data": "not-sent", "alerts": (), "error": None,
        "datagrams": None, "closed": "failed",
    },
    Part.TICKETS: {"tickets": (), "malformed_ticket": False},
    Part.CERTIFICATE: {
        "certificate_seen": False, "certificate_requested": False, "certificate_wanted": None,
        "leaf": None, "leaf_sha256": None, "own_certificate": None, "verification": None,
    },
    Part.OFFER: {"offer": None, "set_session": None},
    Part.SECRET: {"sessions": ()},
    Part.ANSWER: {
        "asked": False, "answer_ms": None, "left": False, "response": b"", "greeting": b"",
        "reply": None, "named_address": None,
    },
}  # fmt: skip


@experiment("not visible")
class Unknown(PlainPurpose):
    """Why a connection was made is not visible."""

    ANY = "any"


def blind(view: View, visible: Part) -> View:
    """What a source that sees only these parts would have seen."""
    unseen: dict[str, object] = {}
    for part in ~visible:
        unseen |= _UNSEEN.get(part, {})

    def left(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        return tuple(structs.replace(a, purpose=_purpose(a, visible), **unseen) for a in attempts)

    tickets = Part.TICKETS in visible
    purpose = Part.PURPOSE in visible
    return replace(
        view,
        attempts=left(view.attempts),
        elsewhere=left(view.elsewhere),
        everything=left(view.everything),
        unanswered=left(view.unanswered),
        naming=view.naming if tickets else KeyNaming.learn([]),
        crossing=view.crossing and purpose,
        skipped=view.skipped if purpose else (),
        early=view.early if purpose else None,
        visible=visible,
    )


def _purpose(attempt: Attempt, visible: Part) -> Purpose:
    control = attempt.purpose.role is Role.CONTROL
    seen = Part.PURPOSE in visible and (Part.CONTROL in visible or not control)
    return attempt.purpose if seen else Unknown.ANY

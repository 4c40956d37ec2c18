"""With the session and without it: what the rules of group C share.

A handshake that fails with a session says something about the session only where a
control, the same handshake without it, succeeds.
"""

from __future__ import annotations

from collections.abc import Sequence

from tlsresume.evidence.trial import Trial
from tlsresume.experiment_names import ExperimentName
from tlsresume.findings.engine import Match
from tlsresume.findings.view import View
from tlsresume.findings.wording import shown
from tlsresume.tls.registry import AlertDescription
from tlsresume.transports.failures import FailureReason

#: What proves that it is the session; and what also tells whether fresh ones fail.
ASK: tuple[ExperimentName, ...] = ("control",)
FRESH: tuple[ExperimentName, ...] = ("control", "retry")


def controlled(view: View) -> bool:
    """Whether the handshake succeeds without the session."""
    return any(attempt.handshake_done for attempt in view.controls)


def shown_with_control(view: View, attempts: Sequence[Trial]) -> tuple[str, ...]:
    """The messages of two tries with the session, and of one without it."""
    control = [attempt for attempt in view.controls if attempt.handshake_done]
    return shown(view, *attempts[:2], *control[:1])


def with_alert(view: View, *numbers: AlertDescription) -> list[Trial]:
    """Broken tries that the server ended with one of these alerts before any ServerHello; none
    where the handshake fails without the session, too."""
    return [
        attempt
        for attempt in view.blamed
        if not attempt.server_hello_seen
        and any(
            alert.sender == "server" and alert.fatal and alert.description in numbers
            for alert in attempt.alerts
        )
    ]


def has_alert(attempt: Trial, *numbers: AlertDescription, of_server: bool = False) -> bool:
    """Whether one of these alerts was sent; by either side, or by the server alone."""
    return any(
        alert.description in numbers and (alert.sender == "server" or not of_server)
        for alert in attempt.alerts
    )


def times(attempts: Sequence[Trial], view: View, what: str) -> str:
    """How often that happened, beside the handshakes without the session."""
    good = sum(attempt.handshake_done for attempt in view.controls)
    return (
        f"{what} on {len(attempts)} of {len(view.subject)} connections that offer the session;"
        f" {good} of {len(view.controls)} without it succeed"
    )


def fails_with_it(
    view: View, attempts: Sequence[Trial], what: str, *, ask: tuple[ExperimentName, ...] = ASK
) -> Match:
    """That it is the session: what happened, how often, and a control that succeeds. `ask` is
    what proves it, while there is no control."""
    return Match(
        seen=(times(attempts, view, what),),
        evidence=shown_with_control(view, attempts),
        proven=controlled(view),
        ask=ask,
    )


def ask_again(view: View) -> tuple[ExperimentName, ...]:
    """A control; and where the session is a file's, fresh ones, too."""
    return FRESH if view.saved is not None else ASK


def failed_for(attempt: Trial, *reasons: FailureReason) -> bool:
    """Whether a handshake failed for one of these reasons, as OpenSSL's error code says."""
    return attempt.error is not None and attempt.error.reason in reasons

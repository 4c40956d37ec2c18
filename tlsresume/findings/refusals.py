"""Whether a server refused a connection for want of a (good) client certificate.

nginx and HAProxy with `verify optional` finish the handshake and refuse the request;
OpenSSL, Go and others end the handshake with an alert, in TLS 1.3 after the client's
part of it is done; Node closes without a word.
"""

from __future__ import annotations

from tlsresume.evidence.answers import AnswerClass, answer_of
from tlsresume.evidence.trial import Trial
from tlsresume.tls.registry import AlertDescription

#: Statuses by which HTTP servers refuse a request without a good certificate; 495 and 496
#: are nginx's own.
REFUSING_STATUS = frozenset({400, 401, 403, 495, 496})

#: Alerts about the client's certificate (RFC 8446 section 6.2; 40 is TLS 1.2's).
CERTIFICATE_ALERTS = frozenset(
    {
        AlertDescription.handshake_failure,
        AlertDescription.bad_certificate,
        AlertDescription.unsupported_certificate,
        AlertDescription.certificate_revoked,
        AlertDescription.certificate_expired,
        AlertDescription.certificate_unknown,
        AlertDescription.unknown_ca,
        AlertDescription.access_denied,
        AlertDescription.certificate_required,
    }
)


def refused_by_alert(attempt: Trial) -> AlertDescription | None:
    """The alert about our certificate by which the server ended a connection on which it had
    asked for one."""
    if not attempt.certificate_requested:
        return None
    numbers = [alert.description for alert in attempt.alerts if alert.sender == "server"]
    return next((AlertDescription(n) for n in numbers if n in CERTIFICATE_ALERTS), None)


def refused_by_status(attempt: Trial) -> int | None:
    """The HTTP status by which the server refused the request on such a connection."""
    status = attempt.http_status if attempt.certificate_requested else None
    return status if status in REFUSING_STATUS else None


def left_after_request(attempt: Trial) -> bool:
    """Whether the server asked for a certificate, and then closed without a word."""
    if not attempt.certificate_requested or attempt.response:
        return False
    ended = attempt.error is not None and attempt.error.kind in ("closed", "reset")
    if not attempt.handshake_done:
        return ended
    answer = answer_of(attempt)
    hung_up = attempt.left or attempt.closed == "hung-up" or ended
    return hung_up and answer is not None and answer.kind is AnswerClass.NONE


def refuses_client(attempt: Trial) -> bool:
    """Whether the server asked for a client certificate and refused what it got."""
    return (
        refused_by_alert(attempt) is not None
        or refused_by_status(attempt) is not None
        or left_after_request(attempt)
    )


def refusal_words(attempt: Trial) -> str:
    """How the server refused, in words."""
    alert = refused_by_alert(attempt)
    if alert is not None:
        return f"alert {int(alert)} {alert.name}"
    status = refused_by_status(attempt)
    return f"HTTP {status}" if status is not None else "closed without a word"

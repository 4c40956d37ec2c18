"""Why a connection of OpenSSL's broke: the failure, from the call that failed, the error queue and
what the server had said until then."""

from __future__ import annotations

from collections.abc import Callable

from tlsresume.error_queue import ErrorStack
from tlsresume.tls.transcript import Role, Transcript
from tlsresume.transports.failures import Broken, FailureReason
from tlsresume.transports.interface import EndCause
from tlsresume.transports.openssl import binding
from tlsresume.transports.openssl.reasons import WEAK_CERTIFICATES, reason_of

#: Alerts that end nothing, whatever else they say: close_notify, user_canceled,
#: no_renegotiation, unrecognized_name as a warning (RFC 8446 section 6, RFC 6066 section 3).
_MILD = frozenset({0, 90, 100, 112})


def broken_by(
    call: str,
    returned: binding.Returned,
    stack: ErrorStack,
    *,
    transcript: Transcript,
    plain: bytes,
    established: bool,
    ended: EndCause | None,
    verify_result: Callable[[], int],
) -> Broken:
    """The failure of a `call` of OpenSSL's. `plain`: the server's first bytes, where they are not
    TLS; `verify_result` asks for the certificate's X509_V_* code."""
    reason = reason_of(stack)
    # TLS 1.3 ignores the level (RFC 8446 section 6), so it is asked only of the mild ones.
    fatal = [
        alert
        for entry, alert in transcript.alerts
        if entry.sender is Role.SERVER and (alert.fatal or alert.description not in _MILD)
    ]
    if fatal:
        alert = fatal[-1]
        said = f"the server sent alert {alert.description} {alert.name}"
        return Broken("alert", said, stack, alert.description, reason=reason)
    if plain:
        from tlsresume.transports.openssl.plain_answers import not_tls

        return not_tls(plain, stack)
    if reason is FailureReason.CERTIFICATE_REFUSED:
        code = verify_result()
        return Broken(
            "verify",
            f"the certificate was refused: {binding.verify_message(code)} ({code})",
            stack,
            reason=FailureReason.WEAK_KEY if code in WEAK_CERTIFICATES else reason,
        )
    if returned.error == binding.ZERO_RETURN:
        return Broken("closed", "the server sent close_notify in the handshake", stack)
    if ended is EndCause.CLOSED and (not stack.entries or reason is FailureReason.UNEXPECTED_EOF):
        when = "without close_notify" if established else "in the handshake"
        return Broken("closed", f"the server closed the connection {when}", stack)
    version = transcript.version
    if reason is FailureReason.VERSION_NOT_ALLOWED and version is not None:
        words = f"the server chose {version.label}, not allowed here"
        return Broken("openssl", words, stack, reason=reason)
    last = stack.entries[-1].reason if stack.entries else "OpenSSL gave no reason"
    return Broken("openssl", f"{call} failed: {last}", stack, reason=reason)

"""A NewSessionTicket that OpenSSL cannot take, and that breaks the connection (group T)."""

from __future__ import annotations

from tlsresume.evidence.observation import Part
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import rule
from tlsresume.findings.view import View
from tlsresume.findings.wording import failure, shown
from tlsresume.units import connections


@rule(
    "malformed-ticket",
    "T",
    "error",
    needs=Part.OUTCOME | Part.TICKETS | Part.ENDING,
    mechanisms=("psk", "ticket"),
    cause="The server's NewSessionTicket is malformed, and our side ends the connection at it, as"
    " every client on OpenSSL does. Whether sessions resume could not be tested.",
    advice="Mend the server's TLS library, or switch tickets off. Clients can work round it by"
    " TLS 1.2, or without tickets.",
    sources=("RFC 8446 section 4.6.1", "RFC 5077 section 3.3", "RFC 8446 section 6.2"),
)
def malformed_ticket(view: View) -> Match | None:
    """The server's tickets are malformed, and break the connection.

    The last message of the server is a NewSessionTicket, and our alert is the answer to it:
    decode_error, illegal_parameter, unexpected_message or internal_error.
    """
    bad = [attempt for attempt in view.everything if attempt.malformed_ticket]
    bad = [attempt for attempt in bad if attempt.mechanism == view.mechanism]
    if not bad:
        return None
    own = [attempt for attempt in view.everything if attempt.mechanism == view.mechanism]
    alerts = [alert for alert in bad[0].alerts if alert.sender == "client" and alert.fatal]
    who = "we send" if bad[0].error is not None else "the client sends"
    said = f", and {who} alert {alerts[0].description} {alerts[0].name}" if alerts else ""
    why = "" if bad[0].error is None else f": {failure(bad[0])}"
    return Match(
        seen=((f"a NewSessionTicket ends {len(bad)} of {connections(len(own))}{said}{why}"),),
        evidence=shown(view, *bad[:2]),
        shown_by=tuple(attempt.n for attempt in bad),
    )

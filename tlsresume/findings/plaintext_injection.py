"""Data in clear behind the answer that starts TLS (group W)."""

from __future__ import annotations

from tlsresume.evidence.observation import Part
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import rule
from tlsresume.findings.view import View
from tlsresume.units import connections


@rule(
    "plaintext-injection",
    "W",
    "error",
    needs=Part.OUTCOME | Part.PURPOSE | Part.ANSWER,
    harm="security",
    cause="The server, or somebody on the way, sent data in clear behind the answer that starts"
    " TLS. A client that keeps it takes it for protected data.",
    advice="Update the server: it must throw away what stands in its buffers when TLS starts. If"
    " it is current, look for somebody who changes the traffic on the way.",
    sources=("CVE-2011-0411", "CVE-2021-23222", "RFC 3207 section 4.2"),
)
def plaintext_injection(view: View) -> Match | None:
    """Data in clear follows the answer that starts TLS.

    Bytes came in clear after the answer that starts TLS, in the same or a later packet.
    """
    hit = [a for a in view.attempts if a.error is not None and a.error.kind == "injection"]
    if not hit:
        return None
    return Match(
        seen=(f"on {connections(len(hit))} of {len(view.attempts)}",),
        evidence=tuple(f"#{a.n} {a.error.message}" for a in hit[:3] if a.error is not None),
    )

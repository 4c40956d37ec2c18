"""One server over TCP and over QUIC: does it resume on both alike, and does it keep its word?

An HTTP answer may promise HTTP/3 (Alt-Svc, RFC 7838). These rules compare two probes, so their
checks on a View say nothing; `quic_findings` makes the findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tlsresume.evidence.trial import Trial
from tlsresume.findings.across_targets import finding
from tlsresume.findings.rules import told
from tlsresume.findings.software import set_in
from tlsresume.results.judged import Finding
from tlsresume.results.measured import AddressResult, MechanismResult

told(
    "quic-tcp-differ",
    "T",
    "warning",
    title="Sessions are resumed over TCP and not over QUIC, or the reverse",
    tells="--quic probed both on one address, and one resumes where the other does not.",
    cause="The two are often served by different processes, libraries or keys, so sessions may"
    " work on one and not on the other. Clients that change to HTTP/3 lose or gain resumption"
    " with it, and nobody sees it over the other.",
    advice="Look at the tickets' settings of the server's HTTP/3 side apart from those of TCP:"
    " keys, whether tickets are issued, and whether all nodes that get UDP share them.",
    settings=set_in(
        nginx="listen ... quic: ssl_session_tickets, ssl_session_ticket_key of its server",
        haproxy="bind quic4@... ssl: tls-ticket-keys on that line, too",
        Envoy="session_ticket_keys of the QUIC transport socket",
    ),
    sources=("RFC 9001 section 4.5", "RFC 9114 section 3.1"),
    home=__name__,
)


told(
    "quic-unreachable",
    "W",
    "warning",
    title="QUIC is not answered on the port of HTTPS",
    tells="TCP answers, and no address answers QUIC; a warning where Alt-Svc promises HTTP/3 on this port, else information.",
    cause="No QUIC answers on the port that HTTPS has: UDP is blocked on the way, or nothing"
    " listens. Where HTTP/3 is promised, clients try it first and fall back late or not at all.",
    advice="Open the UDP port in every firewall and balancer on the way, or stop promising HTTP/3.",
    settings=set_in(
        nginx="listen 443 quic, add_header Alt-Svc", Caddy="servers { protocols h1 h2 }"
    ),
    sources=("RFC 9114 section 3.1.1", "RFC 7838 section 2.4"),
    home=__name__,
)


def promises_http3(attempts: Iterable[Trial]) -> int | None:
    """The port on which HTTP/3 is promised on this host, by the Alt-Svc field of an answer."""
    for attempt in attempts:
        if attempt.transport == "tcp" and attempt.http_status is not None:
            port = _http3_port(attempt.response)
            if port is not None:
                return port
    return None


def _http3_port(response: bytes) -> int | None:
    head = response.partition(b"\r\n\r\n")[0].decode("latin-1")
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() != "alt-svc":
            continue
        # Commas and semicolons stand in no quoted string here that matters: a host and a port.
        for alternative in value.split(","):
            protocol, _, authority = alternative.partition(";")[0].strip().partition("=")
            host, _, port = authority.strip().strip('"').rpartition(":")
            if protocol == "h3" and not host and port.isascii() and port.isdecimal():
                return int(port) if len(port) < 6 and 0 < int(port) < 1 << 16 else None
    return None


def quic_findings(
    tcp: Sequence[AddressResult], quic: Sequence[AddressResult], *, promised: int | None
) -> tuple[Finding, ...]:
    """What both show together. `promised` is the port of the HTTP/3 that TCP promises."""
    reached = [address for address in tcp if address.error is None]
    if not reached or not quic:
        return ()
    if all(address.error is not None for address in quic):
        return (_unreachable(quic, promised),)
    return tuple(_differing(reached, quic))


def _unreachable(quic: Sequence[AddressResult], promised: int | None) -> Finding:
    errors = dict.fromkeys(each.error.message for each in quic if each.error is not None)
    is_promised = promised == quic[0].port
    evidence = [*errors]
    if is_promised:
        evidence.append(f"Alt-Svc over TCP promises HTTP/3 on port {promised}")
    found = finding("quic-unreachable", evidence, addresses=[each.address for each in quic])
    return replace(found, severity="warning" if is_promised else "info", transport="quic")


def _differing(tcp: Sequence[AddressResult], quic: Sequence[AddressResult]) -> Iterable[Finding]:
    rows = {address.address: _row(address) for address in tcp}
    lines, places = [], []
    for address in quic:
        ours, theirs = rows.get(address.address), _row(address)
        if ours is None or theirs is None or None in (ours.resumes, theirs.resumes):
            continue
        if ours.resumes != theirs.resumes:
            lines.append(f"{address.address}: over TCP {_words(ours)}, over QUIC {_words(theirs)}")
            places.append(address.address)
    if lines:
        found = finding("quic-tcp-differ", lines, addresses=places, mechanisms=["psk"])
        only = places[0] if len(places) == 1 else None
        yield replace(found, transport="quic", address=only, mechanism="psk")


def _row(address: AddressResult) -> MechanismResult | None:
    """TLS 1.3, which QUIC has; else what is judged on TCP."""
    judged = [row for row in address.mechanisms if row.judged]
    return next((row for row in judged if row.mechanism == "psk"), judged[0] if judged else None)


def _words(row: MechanismResult) -> str:
    return f"{row.tls_version.replace('TLSv', 'TLS ')} {row.mechanism} {row.state}"

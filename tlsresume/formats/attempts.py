"""Attempts as lines that can be matched with a load balancer's log."""

from __future__ import annotations

from tlsresume.formats.page import BAD, FAINT, Page, pad
from tlsresume.results.measured import AttemptRow
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.units import milliseconds, short_key, utc


def offer_words(row: AttemptRow) -> str:
    """What became of the session, in the words of the wire."""
    if row.offered is None:
        return "no ClientHello"
    if not row.offered:
        return "not offered"
    if row.accepted is None:
        return "offered, no answer"
    return "offered, accepted" if row.accepted else "offered, refused"


def put_attempts(page: Page, rows: tuple[AttemptRow, ...], address: str, port: int) -> None:
    """A line per attempt: UTC time, our port, the peer, what was tried and what came of it."""
    for row in rows:
        peer = format_endpoint(address, row.port or port)
        local = "-" if row.local_port is None else str(row.local_port)
        extras = []
        if row.key_name is not None:
            extras.append(f"key {short_key(row.key_name)}")
        if row.node is not None:
            extras.append(f"node {row.node}")
        if row.handshake_ms is not None:
            extras.append(milliseconds(row.handshake_ms))
        page.line(
            ("  " + pad(f"#{row.n}", 5) + pad(utc(row.time), 26), FAINT),
            pad(f"port {local}", 11),
            pad(f"to {peer}", len(peer) + 4),
            pad(row.mechanism or "-", 11),
            pad(row.series, 8),
            pad(offer_words(row), 19),
            "  ".join(extras),
            (f"  error: {row.error}" if row.error else "", BAD),
        )

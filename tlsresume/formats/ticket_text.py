"""Tickets for people: what they look like, and which of the given keys made them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlsresume.findings.ticket_keys import fleet_summary, which
from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, STRONG, Page, pad
from tlsresume.results.judged import KeyUse, SealedSession
from tlsresume.results.measured import TicketSummary
from tlsresume.tickets.looks_like import LooksLike
from tlsresume.units import count, duration, short_key

#: How a key fits is told of so many uses; of more with `-v`.
_EXPLAINED = 2


def layout_words(candidates: Sequence[LooksLike]) -> str:
    """`OpenSSL family (nginx, ...), likely: 208 bytes: whole cipher blocks; also possible: ...`."""
    if not candidates:
        return "nothing known: its bytes are opaque"
    first, *others = candidates
    words = f"{first.family}, {first.confidence} ({'; '.join(first.reasons)})"
    if others:
        words += f"; or {', '.join(other.family for other in others)}"
    return words


def put_looks_like(page: Page, tickets: TicketSummary | None, label: str) -> None:
    """A line on the layout of a server's tickets."""
    if tickets is not None and not tickets.stateful:
        page.prose(f"looks like: {layout_words(tickets.looks_like)}", first=label)


def put_key_uses(page: Page, uses: Sequence[KeyUse]) -> None:
    """The table of address and key, and the sentence that sums it up."""
    if not uses:
        return
    page.line()
    page.line(("Ticket keys", STRONG))
    summary = fleet_summary(uses)
    if summary is not None:
        page.prose(summary)
    wide = max(len(use.place or "") for use in uses) + 2
    for use in uses:
        page.line(
            "  ",
            pad(use.place or "", wide) if wide > 2 else "",
            (pad(short_key(use.key_name) if use.key_name else "no name", 10), FAINT),
            (which(use), GOOD if use.same_secret else FAIR if use.file is None else BAD),
            (f"  {count(use.tickets, 'ticket')}, {', '.join(use.mechanisms)}", FAINT),
        )
        if use.file is None or (len(uses) > _EXPLAINED and not page.view.verbose):
            continue
        for words in key_words(use):
            page.prose(words, first="      ", text_style=FAINT)


def key_words(use: KeyUse) -> Iterator[str]:
    """What was found when the key was tried: MAC, secret, and the session inside."""
    mac = "the MAC matches" if use.mac == "matches" else use.note or "the MAC does not match"
    secret = (
        "inside is the secret of our session"
        if use.same_secret
        else "inside is another session than ours"
        if use.session is not None
        else "what is inside could not be read"
    )
    yield f"{mac}; {secret}; the key is laid out as {use.order}"
    if use.session is not None:
        yield f"the server's session: {sealed_words(use.session)}"


def sealed_words(session: SealedSession) -> str:
    """The server's half of a session, without secrets."""
    parts = [session.tls_version, session.cipher]
    parts.append(f"made {session.created or 'unknown'}, good for {duration(session.timeout)}")
    if session.client_certificate is not None:
        parts.append(
            f"client certificate {session.client_subject or '(no subject)'}"
            f" (SHA-256 {session.client_certificate[:16]}...)"
        )
    else:
        parts.append("no client certificate")
    parts.append(f"SNI {session.server_name}" if session.server_name else "no SNI")
    if session.alpn:
        parts.append(f"ALPN {session.alpn}")
    if session.session_id_context:
        parts.append(f"session id context {session.session_id_context}")
    if session.extended_master_secret is not None:
        known = "with" if session.extended_master_secret else "without"
        parts.append(f"{known} extended master secret")
    if session.max_early_data:
        parts.append(f"early data {session.max_early_data}")
    return ", ".join(parts)

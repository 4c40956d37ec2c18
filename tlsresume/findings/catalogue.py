"""The whole table of rules, and the codes that have a page but can never be a finding here."""

from __future__ import annotations

from tlsresume import features
from tlsresume.findings import (
    across_targets,
    alternatives,
    cache_and_expiry,
    certificate_bypass,
    changed_name_or_certificate,
    changed_since_issue,
    client_certificates,
    datagram_rules,
    early_data,
    early_replays,
    expiry_and_close,
    handshake_failures,
    hello_size,
    honoured_later,
    malformed_ticket,
    misread_resumption,
    mixed_tickets,
    never_offered,
    other_key,
    other_names,
    plaintext_injection,
    rate_limits,
    reachability,
    resumed_answers,
    session_mismatch,
    tickets,
)
from tlsresume.findings.engine import Group
from tlsresume.findings.rules import Rule, registered
from tlsresume.value import Value

_ORDER = (
    never_offered,
    session_mismatch,
    certificate_bypass,
    other_names,
    hello_size,
    handshake_failures,
    changed_since_issue,
    changed_name_or_certificate,
    mixed_tickets,
    other_key,
    honoured_later,
    cache_and_expiry,
    expiry_and_close,
    misread_resumption,
    early_replays,
    early_data,
    resumed_answers,
    malformed_ticket,
    tickets,
    across_targets,
    plaintext_injection,
    *map(features.load, features.CHECKS),
    client_certificates,
    rate_limits,
    reachability,
    datagram_rules,
    alternatives,
)

_PLACES = {part.__name__: place for place, part in enumerate(_ORDER)}

#: Every rule, in the order of precedence, whatever the order of the imports above.
RULES: tuple[Rule, ...] = tuple(sorted(registered(), key=lambda rule: _PLACES[rule.home]))


class Impossible(Value, frozen=True, kw_only=True):
    """A cause that other clients meet and tlsresume cannot, by its design."""

    code: str
    group: Group
    title: str
    cause: str
    advice: str
    why_not_here: str
    sources: tuple[str, ...]


IMPOSSIBLE: tuple[Impossible, ...] = (
    Impossible(
        code="marked-not-resumable",
        group="A",
        title="the client itself dropped the session",
        cause="A session whose connection was freed without SSL_shutdown, or ended by a fatal"
        " alert, is considered bad: OpenSSL marks it not resumable and later offers nothing. Since"
        " OpenSSL 3 it does so, too, where the server ends without close_notify: unexpected eof"
        " while reading.",
        advice="Call SSL_shutdown (in pyOpenSSL Connection.shutdown) before closing; where the"
        " server sends no close_notify, mend it, or set SSL_OP_IGNORE_UNEXPECTED_EOF.",
        why_not_here="tlsresume keeps sessions as bytes, taken before the connection ends, and"
        " the mark is not among them. To see what the server makes of a cut connection:"
        " tlsresume resume --unclean-close.",
        sources=(
            "SSL_set_session(3), NOTES",
            "openssl/openssl#1550",
            "openssl/openssl#11378",
            "pyca/pyopenssl#528",
        ),
    ),
    Impossible(
        code="context-mismatch",
        group="A",
        title="the session belongs to another SSL_CTX",
        cause="A session must be used with one SSL_CTX only; pyOpenSSL refuses a Session of"
        " another Context with a ValueError.",
        advice="Make all connections of a client from one Context, or store sessions as bytes.",
        why_not_here="tlsresume reads the session anew from its bytes for each connection.",
        sources=("SSL_set_session(3), NOTES", "pyca/pyopenssl#1512", "pyca/pyopenssl#891"),
    ),
    Impossible(
        code="already-used",
        group="A",
        title="the client library offers each ticket once",
        cause="Some client libraries (rustls, JSSE) never offer a TLS 1.3 ticket a second time.",
        advice="Keep the newest ticket of each connection and offer that.",
        why_not_here="OpenSSL offers a ticket as often as it is told to.",
        sources=("RFC 8446 appendix C.4", "rustls/rustls#2204"),
    ),
)

"""What several rules compare: then with now, the offered with the new. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tlsresume.evidence.purposes import FromAddress, OwnName
from tlsresume.evidence.trial import Trial
from tlsresume.findings.view import View
from tlsresume.tickets.looks_like import looks_like
from tlsresume.units import connections

#: What is seen of addresses that are no nodes of one service.
UNLIKE = "they differ in the certificate or the make of their tickets, too: two services, maybe"

#: Bytes by which tickets of like servers may differ: a name or a certificate's hash more or less.
_ONE_FIELD = 64


def share(view: View) -> str:
    """How many of the tries that ended were accepted."""
    done = len(view.accepted) + len(view.declined)
    return f"accepted on {len(view.accepted)} of {connections(done)}"


def name_changes(view: View) -> list[str]:
    """In which names the offer differs from the session; none where its own did not help."""
    saved = view.saved
    if saved is None or not view.declined:
        return []
    own = view.made(OwnName.OFFER)
    if own and not any(a.resumed for a in own):
        return []
    config, changes = view.declined[0].config, []
    if saved.server_name and config.server_name != saved.server_name:
        changes.append(f"SNI {saved.server_name} -> {config.server_name or 'none'}")
    if saved.alpn and saved.alpn not in config.alpn:
        changes.append(f"ALPN {saved.alpn} -> {', '.join(config.alpn) or 'none'}")
    return changes


def leaf_change(view: View) -> tuple[Trial, str, str] | None:
    """A declined try on which the certificate was not the session's: it, then, now. Another
    name may have another certificate, so nothing is said while that is the difference."""
    if name_changes(view):
        return None
    for attempt in view.declined:
        if attempt.offer is None or attempt.leaf_sha256 is None:
            continue
        then = attempt.offer.certificate or (view.saved.leaf_sha256 if view.saved else None)
        if then is not None and then != attempt.leaf_sha256:
            return attempt, then, attempt.leaf_sha256
    return None


def issuing_addresses(attempts: Iterable[Trial]) -> tuple[str, ...]:
    """The addresses whose sessions were offered to another one (experiment matrix)."""
    purposes = (attempt.purpose for attempt in attempts)
    issuers = (each.issuer for each in purposes if isinstance(each, FromAddress))
    return tuple(dict.fromkeys(issuers))


def unlike_servers(declined: Iterable[Trial]) -> bool:
    """Whether all who refuse each other's sessions also differ in the certificate or in what
    their tickets look like: two services under one name, not nodes of one."""
    return all(_other_leaf(attempt) or _other_layout(attempt) for attempt in declined)


def _other_leaf(attempt: Trial) -> bool:
    then = attempt.offer.certificate if attempt.offer is not None else None
    return None not in (then, attempt.leaf_sha256) and then != attempt.leaf_sha256


def _other_layout(attempt: Trial) -> bool:
    """Whether the offered ticket and the new one are of different makes: other layouts fit
    them, or their sizes differ by more than one field of a session does."""
    old = attempt.offer.ticket if attempt.offer is not None else None
    new = attempt.tickets[-1].ticket if attempt.tickets else None
    if not old or not new:
        return False
    if abs(len(old) - len(new)) > _ONE_FIELD:
        return True
    first, second = ({each.family for each in looks_like(ticket)} for ticket in (old, new))
    return bool(first and second) and not first & second


def key_now(view: View, attempt: Trial) -> str | None:
    """The key name of the ticket that a handshake brought; where it brought none, that of all
    other tickets here, if they have one name."""
    names = set(view.keys_in_order)
    if not attempt.tickets and len(names) == 1:
        return names.pop()
    return view.issued_key(attempt)


def same_key(view: View, attempt: Trial) -> bool | None:
    """Whether the server's key now is the offered ticket's; None: not visible."""
    old, new = view.offered_key(attempt), key_now(view, attempt)
    return None if old is None or new is None else old == new


def outlived(view: View, attempt: Trial) -> bool:
    """Whether the offered session was older than the server promised to take it."""
    lifetime = (attempt.offer.lifetime if attempt.offer else None) or 0
    return 0 < lifetime < view.age(attempt)


def kind(view: View) -> str:
    """What a server of this mechanism issues."""
    return "session ID" if view.mechanism == "session-id" else "new ticket"

"""Which of a rule's directives are for this server, by what its tickets look like.

Most layouts are shared by much software, and then every directive stays. Those of
`SOFTWARE` are made by one family only: beside them the settings of others are no help.
"""

from __future__ import annotations

from tlsresume.diagnosis.summary import layouts_of
from tlsresume.diagnosis.view import View

_GO = frozenset({"Go", "Caddy", "Traefik"})
_RUSTLS = frozenset({"rustls"})

#: By layout: the words with which directives of software begin that makes such tickets.
SOFTWARE: dict[str, frozenset[str]] = {
    "go-1.20": _GO,
    "go-1.21": _GO,
    "jdk": frozenset({"Java"}),
    "rustls-ring": _RUSTLS,
    "rustls-aws-lc": _RUSTLS,
}


def fitting(view: View, directives: tuple[str, ...]) -> tuple[str, ...]:
    """The directives of the software that made a view's tickets; all, where that is not
    known, or none is for it."""
    brought = sorted((a for a in view.attempts if a.tickets), key=lambda a: a.offer is not None)
    first = next(iter(brought), None)
    if first is None:
        return directives
    layouts = [
        each.layout for each in layouts_of(view.mechanism, view.attempts, view.naming, first)
    ]
    if not layouts or not set(layouts) <= SOFTWARE.keys():
        return directives
    words = frozenset[str]().union(*(SOFTWARE[layout] for layout in layouts))
    kept = tuple(line for line in directives if line.split()[0].rstrip(":") in words)
    return kept or directives

"""Views in, findings out: which cause to name, and what to list beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, starmap
from typing import TypeVar

from tlsresume.evidence.observation import Part
from tlsresume.experiment_names import ExperimentName
from tlsresume.findings.catalogue import RULES
from tlsresume.findings.engine import Match, ask, finding_of
from tlsresume.findings.rules import CAUSES, Check, Rule
from tlsresume.findings.server_settings import choose
from tlsresume.findings.view import View
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Finding
from tlsresume.results.measured import Severity
from tlsresume.value import Value

_DETAILS_SHOWN = 6
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class Judged(Value, frozen=True):
    """A rule that fits a view."""

    rule: Rule
    match: Match


def matches(view: View) -> tuple[Judged, ...]:
    """Every rule that fits, in the order of precedence; each is asked about a view once."""
    return view.once(_matches)


def _matches(view: View) -> tuple[Judged, ...]:
    return tuple(starmap(Judged, ask(_asked(view.mechanism, view.visible), view)))


@cache
def _asked(mechanism: Mechanism, visible: Part) -> tuple[tuple[Rule, Check], ...]:
    """The rules that are asked of such a view, with their checks. Kept, since there are few kinds
    of views: to look at each rule again cost a fifth of the judgement."""
    return tuple(
        (rule, rule.check)
        for rule in RULES
        if rule.check is not None and mechanism in rule.mechanisms and rule.needs in visible
    )


class NotVisible(Value, frozen=True):
    """A rule that was not asked about a view, and the parts of the evidence that it lacked."""

    code: str
    parts: Part


def not_visible(view: View) -> tuple[NotVisible, ...]:
    """The rules that were not asked, since the source of a view cannot show what they need."""
    return tuple(
        NotVisible(rule.code, unseen)
        for rule in RULES
        if view.mechanism in rule.mechanisms and (unseen := rule.unseen(view))
    )


def causes(view: View) -> tuple[Judged, ...]:
    """The rules that fit and explain why a session was not resumed."""
    return _causes(matches(view))


def _causes(fits: Sequence[Judged]) -> tuple[Judged, ...]:
    return tuple(judged for judged in fits if _explains(judged))


def _explains(judged: Judged) -> bool:
    return judged.rule.group in CAUSES and not judged.match.aside


def named(view: View) -> Judged | None:
    """The one cause to name: the first proven one, else the first that fits. What fits
    whenever anything went wrong comes last, since it would cut short the search."""
    return _named(causes(view))


def _named(explaining: Sequence[Judged]) -> Judged | None:
    telling = [j for j in explaining if not j.rule.catch_all] or explaining
    proven = (judged for judged in telling if judged.match.proven)
    return next(proven, telling[0] if telling else None)


def wanted(view: View) -> tuple[ExperimentName, ...]:
    """The experiments that would separate the causes left, in the order in which they are
    asked for; none when one cause is proven and asks for nothing more."""
    fits = matches(view)
    explaining = _causes(fits)
    chosen = _named(explaining)
    asking = [j for j in fits if not _explains(j) and not j.match.proven]
    if chosen is not None and not _rightly_refused(fits, chosen):
        left = () if chosen.match.proven else explaining
        asking = [chosen, *left, *asking]
    names = [name for judged in asking for name in judged.match.ask]
    return tuple(dict.fromkeys(name for name in names if not view.settled(name)))


def judge(views: Sequence[View]) -> tuple[Finding, ...]:
    """The findings of a target, gravest first; one per code and severity."""
    return merge([finding for view in views for finding in _of_view(view)])


def merge(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings gravest first, those of one code and severity made one."""
    same: dict[tuple[str, Severity], list[Finding]] = {}
    for finding in findings:
        same.setdefault((finding.code, finding.severity), []).append(finding)
    merged = [_merged(alike) for alike in same.values()]
    return tuple(sorted(merged, key=lambda f: _SEVERITIES.index(f.severity)))


def _of_view(view: View) -> list[Finding]:
    fits = matches(view)
    explaining = _causes(fits)
    aside = () if view.crossing else fits
    findings = [_finding(view, judged, ()) for judged in aside if not _explains(judged)]
    chosen = _named(explaining)
    if chosen is not None and not _rightly_refused(fits, chosen):
        others = () if chosen.match.proven else tuple(
            j.rule.code
            for j in explaining
            if not j.rule.catch_all and j.rule.code != chosen.rule.code
        )  # fmt: skip
        findings.append(_finding(view, chosen, others))
    return findings


def _rightly_refused(fits: Sequence[Judged], chosen: Judged) -> bool:
    """Whether a cause of group B only explains refusals that are right behaviour."""
    return chosen.rule.group == "B" and any(j.match.explains_refusals for j in fits)


def judge_tickets(view: View) -> tuple[Finding, ...]:
    """What is wrong with tickets as such (group T), where no connection was made."""
    return tuple(_finding(view, j, ()) for j in matches(view) if j.rule.group == "T")


def judge_way(views: Sequence[View]) -> tuple[Finding, ...]:
    """What is wrong before TLS (group W), where no handshake came about."""
    return merge([
        _finding(view, j, ()) for view in views for j in matches(view) if j.rule.group == "W"
    ])  # fmt: skip


def _finding(view: View, judged: Judged, others: tuple[str, ...]) -> Finding:
    rule, match = judged.rule, judged.match
    severity: Severity = match.severity or rule.severity
    # Groups T and W speak of tickets and of the way to the server, whatever is judged.
    if not view.judged and rule.group not in ("T", "W") and rule.harm != "security":
        severity = "info"
    chosen = choose(view, rule.settings if match.settings is None else match.settings)
    skipped = tuple(
        f"experiment {skipped.name} was skipped: {skipped.words}" for skipped in view.skipped
    )
    return finding_of(
        rule,
        match,
        severity=severity,
        address=view.address,
        mechanism=view.mechanism,
        directives=tuple(setting.text for setting in chosen.settings),
        software=tuple(sorted(each.value for each in chosen.software)),
        not_known=(*match.not_known, *(skipped if not match.proven else ())),
        candidates=tuple(dict.fromkeys((*match.candidates, *others))),
        mechanisms=(view.mechanism,),
        addresses=tuple(dict.fromkeys((view.address, *match.addresses))),
        transport=view.transport,
    )


def _merged(alike: Sequence[Finding]) -> Finding:
    """The same cause on several mechanisms or addresses, as one finding. Where its lines
    differ they say which mechanism or address they are of."""
    first = alike[0]
    if len(alike) == 1:
        return first
    addresses = tuple(dict.fromkeys(finding.address or "" for finding in alike))
    mechanisms = tuple(dict.fromkeys(finding.mechanism or "" for finding in alike))
    said: dict[str, list[Finding]] = {}
    for finding in alike:
        for line in finding.evidence:
            said.setdefault(line, []).append(finding)
    unknown = [finding for finding in alike if not finding.software]
    evidence = []
    for line, by in said.items():
        own = [name for name in mechanisms if name in {finding.mechanism for finding in by}]
        where = [place for place in addresses if place in {finding.address for finding in by}]
        parts = [", ".join(own)] if len(own) < len(mechanisms) else []
        if len(where) < len(addresses) and not all(place in line for place in where):
            parts.append(f"on {', '.join(where)}")
        evidence.append(f"{' '.join(parts)}: {line}" if parts else line)
    return replace(
        first,
        address=first.address if len(addresses) == 1 else None,
        mechanism=first.mechanism if len(mechanisms) == 1 else None,
        evidence=tuple(evidence),
        details=_union(finding.details for finding in alike)[:_DETAILS_SHOWN],
        not_known=_union(finding.not_known for finding in alike),
        candidates=_union(finding.candidates for finding in alike),
        directives=_union(finding.directives for finding in alike)
        if not unknown
        else unknown[0].directives,
        software=_union(finding.software for finding in alike) if not unknown else (),
        mechanisms=_union(finding.mechanisms for finding in alike),
        addresses=_union(finding.addresses for finding in alike),
    )


_Word = TypeVar("_Word", bound=str)


def _union(lines: Iterable[tuple[_Word, ...]]) -> tuple[_Word, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(lines)))

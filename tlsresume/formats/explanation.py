"""What `tlsresume explain` says: a page for each code that a finding can have.

The pages are made from the tables of rules, and from nothing else: what a rule
knows of itself is what people read of it, on the terminal, as JSON and in
tlsresume-findings(7). Causes that cannot occur here have pages too, since people
come with them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from tlsresume.evidence.observation import PartWord, part_words
from tlsresume.findings.catalogue import IMPOSSIBLE, RULES, Impossible
from tlsresume.findings.engine import Entry, Group
from tlsresume.findings.rules import Rule
from tlsresume.formats.findings import SEVERITY_STYLE
from tlsresume.formats.page import FAINT, STRONG, Page, View, pad
from tlsresume.results.connection import MECHANISMS, Mechanism
from tlsresume.results.judged import Harm
from tlsresume.results.measured import Severity
from tlsresume.value import Value

#: The groups in the order in which they are listed.
GROUPS: dict[Group, str] = {
    "A": "The session was never offered",
    "B": "Offered, and the server made a full handshake",
    "C": "Offered, and the connection failed",
    "D": "Resumed, but easily misread",
    "T": "The tickets themselves",
    "W": "The way to TLS and beside it",
    "P": "What many clients' connections show",
    "S": "Clients, seen by the server",
}

#: What a severity means; of an error, by what it does.
SEVERITIES: dict[Severity, str] = {
    "warning": "not as it should be",
    "info": "nothing is wrong",
}
HARMS: dict[Harm, str] = {
    "users": "users are hurt; probe and resume exit 3",
    "security": "security is lost; probe and resume exit 3",
}

_MECHANISM_WORDS: dict[Mechanism, str] = {
    "psk": "psk (TLS 1.3)",
    "ticket": "ticket (TLS 1.2)",
    "session-id": "session-id (TLS 1.2)",
}


#: The parts of the evidence on a page.
_PHRASES: dict[PartWord, str] = {
    "outcome": "how handshakes ended",
    "tickets": "tickets",
    "certificate": "certificates",
    "ending": "how connections ended",
    "offer": "what the offered session was made with",
    "purpose": "why each connection was made",
    "control": "connections without a session to compare with",
    "secret": "the sessions' secrets",
    "answer": "the application's answers",
}


class Explanation(Value, frozen=True, kw_only=True):
    """The page of one code. `why_not_here` is set for a cause that tlsresume cannot meet
    itself, by its design; it then has no severity and no `harm`. `how_told` is the evidence,
    `harm` what an error with this code does. `needs` are the parts of the evidence that a source
    must show for the check to be asked; empty where it looks at something else."""

    code: str
    group: Group
    group_title: str
    title: str
    severity: Severity | None
    mechanisms: tuple[Mechanism, ...]
    cause: str
    how_told: str | None
    why_not_here: str | None
    advice: str
    directives: tuple[str, ...]
    sources: tuple[str, ...]
    harm: Harm | None = None
    needs: tuple[PartWord, ...] = ()


class Explanations(Value, frozen=True, kw_only=True):
    """The pages that were asked for, in the order of the list. For words of a log `words` are
    those, and `others` the codes of pages that they may lead to as well."""

    explanations: tuple[Explanation, ...]
    words: str | None = None
    others: tuple[str, ...] = ()


def pages(entries: Sequence[Entry] = ()) -> tuple[Explanation, ...]:
    """Every page: group by group, and within one in the order of precedence.

    `entries` are those of features, which stand in layers above this one.
    """
    made = [_of_rule(rule) for rule in RULES]
    made += [_of_rule(entry) for entry in entries]
    made += map(_of_impossible, IMPOSSIBLE)
    order = list(GROUPS)
    return tuple(sorted(made, key=lambda page: order.index(page.group)))


#: A mistyped code is not longer than this; what is, would take long to compare.
_LONGEST_CODE = 80


def nearest(code: str, every: Sequence[Explanation]) -> str | None:
    """The code that a mistyped one was most likely meant to be."""
    known = [page.code for page in every]
    wanted = code[:_LONGEST_CODE].strip().lower().replace("_", "-").replace(" ", "-")
    if wanted in known:
        return wanted
    close = difflib.get_close_matches(wanted, known, n=1, cutoff=0.5)
    holding = [name for name in known if wanted and wanted in name]
    return next(iter([*holding, *close]), None)


def _of_rule(rule: Rule | Entry) -> Explanation:
    return Explanation(
        code=rule.code,
        group=rule.group,
        group_title=GROUPS[rule.group],
        title=sentence(rule.title),
        severity=rule.severity,
        mechanisms=tuple(name for name in MECHANISMS if name in rule.mechanisms),
        cause=rule.cause,
        how_told=rule.tells or None,
        why_not_here=None,
        advice=rule.advice,
        directives=rule.directives,
        sources=rule.sources,
        harm=rule.harm,
        needs=part_words(rule.needs) if isinstance(rule, Rule) else (),
    )


def _of_impossible(cause: Impossible) -> Explanation:
    return Explanation(
        code=cause.code,
        group=cause.group,
        group_title=GROUPS[cause.group],
        title=sentence(cause.title),
        severity=None,
        mechanisms=MECHANISMS,
        cause=cause.cause,
        how_told=None,
        why_not_here=cause.why_not_here,
        advice=cause.advice,
        directives=(),
        sources=cause.sources,
    )


def sentence(title: str) -> str:
    """A title as it stands alone: with a capital letter, unless it begins with a name."""
    return title if "_" in title.split(" ", 1)[0] else title[:1].upper() + title[1:]


def rows(page: Explanation) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The named parts of a page, each with its lines; parts without any are left out."""
    mechanisms = ", ".join(_MECHANISM_WORDS[name] for name in page.mechanisms)
    if page.severity is not None:
        words = (
            HARMS[page.harm or "users"] if page.severity == "error" else SEVERITIES[page.severity]
        )
        yield "severity", (f"{page.severity}: {words}",)
    yield "mechanisms", (mechanisms,)
    yield "cause", (page.cause,)
    if page.how_told is not None:
        yield "how it is told", (page.how_told,)
    if page.needs:
        yield "what it must see", (", ".join(_PHRASES[word] for word in page.needs),)
    if page.why_not_here is not None:
        yield "not in tlsresume", (page.why_not_here,)
    yield "what to do", (page.advice,)
    if page.directives:
        yield "where", page.directives
    yield "sources", page.sources


def render_page(page: Explanation, view: View, others: tuple[str, ...] = ()) -> str:
    """One page, for people; `others` are codes of pages that may be meant as well."""
    out = Page(view)
    style = STRONG if page.severity is None else SEVERITY_STYLE[page.severity]
    out.prose(page.title, first=f"{page.code}: ", style=style, text_style=STRONG)
    out.line((f"Group {page.group}: {page.group_title[:1].lower()}{page.group_title[1:]}", FAINT))
    out.line()
    for name, lines in rows(page):
        lead = pad(f"  {name}", 20)
        for line in lines:
            out.prose(line.replace("`", ""), first=lead, style=FAINT)
            lead = " " * 20
    if others:
        out.line()
        out.prose(", ".join(others), first="Other pages for these words: ", style=FAINT)
    return out.render()


def render_list(view: View, every: Sequence[Explanation]) -> str:
    """All codes with their titles, group by group."""
    out = Page(view)
    width = max(len(page.code) for page in every) + 2
    for number, (group, title) in enumerate(GROUPS.items()):
        members = [page for page in every if page.group == group]
        if not members:
            continue
        if number:
            out.line()
        out.line((title, STRONG))
        for page in members:
            style = FAINT if page.severity is None else SEVERITY_STYLE[page.severity]
            never = " (other clients only)" if page.severity is None else ""
            out.prose(page.title + never, first=pad(f"  {page.code}", width + 2), style=style)
    out.line()
    out.line(("One of them in full: tlsresume explain CODE", FAINT))
    return out.render()

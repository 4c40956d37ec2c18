"""What a policy demands, in plain sentences, for `tlsresume policy`."""

from __future__ import annotations

from collections.abc import Iterator

from tlsresume.policy.demand_table import ranges_and_limits
from tlsresume.policy.demands import Demands, Expected, merge
from tlsresume.policy.policy import Policy
from tlsresume.results.connection import Mechanism
from tlsresume.value import Value

NAMES: dict[Mechanism, str] = {
    "psk": "TLS 1.3 sessions (psk)",
    "ticket": "TLS 1.2 session tickets (ticket)",
    "session-id": "TLS 1.2 session IDs (session-id)",
}
_EXPECTED: dict[Expected, str] = {
    "resumed": "must be resumed",
    "not-resumed": "must not be resumed",
    "any": "may be resumed or not",
}


class Sentence(Value, frozen=True):
    """One demand in words, and the source it rests on."""

    text: str
    source: str | None = None


class Paragraph(Value, frozen=True):
    """What is demanded of some targets; `whose` says of which."""

    whose: str
    sentences: tuple[Sentence, ...]


def sentences(demands: Demands, sources: dict[str, str]) -> tuple[Sentence, ...]:
    """Every demand on a target, in words."""
    return tuple(Sentence(text, sources.get(key)) for key, text in _sentences(demands))


def _sentences(demands: Demands) -> Iterator[tuple[str, str]]:
    if not demands.replaces_verdict:
        yield "resumes", "Every judged mechanism on every tested address is resumed, every time."
    yield from _expectations(demands)
    for row in ranges_and_limits():
        if row.says is not None and (value := row.asked(demands)) is not None:
            yield row.key, row.says(value)


def _expectations(demands: Demands) -> Iterator[tuple[str, str]]:
    rate = "" if demands.min_rate is None else f" at least {demands.min_rate:.0%} of the time"
    for mechanism, expected in demands.expect.items():
        often = rate if expected == "resumed" else ""
        yield mechanism, f"{NAMES[mechanism]} {_EXPECTED[expected]}{often}."
    left = [NAMES[name] for name in NAMES if name not in demands.expect]
    if demands.expect and left:
        yield "expect", f"Not checked: {', '.join(left)}."
    if rate and not demands.expect:
        yield "min-rate", f"Judged mechanisms are resumed{rate}."


def paragraphs(policy: Policy) -> tuple[Paragraph, ...]:
    """What the policy demands of every target, and of those that each section names.

    A section is told with the defaults it inherits, as for a target that no other names.
    """
    found = [Paragraph("every target", sentences(policy.defaults, policy.sources))]
    for pattern, section in policy.targets.items():
        below = policy.defaults if section.inherit else Demands()
        demands = merge(below, section)
        found.append(Paragraph(f"targets named {pattern}", sentences(demands, policy.sources)))
    return tuple(found)

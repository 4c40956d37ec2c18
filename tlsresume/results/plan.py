"""What `probe --plan` says: what would be done to each target, and what that costs at most."""

from __future__ import annotations

from tlsresume.results.connection import Mechanism
from tlsresume.value import Value


class Step(Value, frozen=True, kw_only=True):
    """One question, and at most how many connections it takes on one address."""

    name: str
    question: str
    connections: int


class Stage(Value, frozen=True, kw_only=True):
    """Steps that are made together. `when` says on what condition; `each` of what a step
    is counted for."""

    title: str
    when: str
    each: str
    steps: tuple[Step, ...]


class TargetPlan(Value, frozen=True, kw_only=True):
    """What would be done to one target. `covers` is the number of addresses that the
    budget allows all tries on; `limits` are sentences on what bounds the whole."""

    target: str
    connect: str | None
    mechanisms: tuple[Mechanism, ...]
    budget: int
    covers: int
    limits: tuple[str, ...]
    stages: tuple[Stage, ...]


class Plans(Value, frozen=True, kw_only=True):
    """The plan of a run, target by target."""

    plans: tuple[TargetPlan, ...]

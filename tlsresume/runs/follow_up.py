"""What features add to a probe's second round: questions of their own, and their answers.

`features.FOLLOW_UPS` names the modules; each has the functions of `FollowUp`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

from tlsresume import features
from tlsresume.evidence.evidence import Evidence
from tlsresume.experiments.connections import TargetSetup
from tlsresume.lab import Lab
from tlsresume.options import ProbeOptions
from tlsresume.results.measured import AddressResult, SkippedKind
from tlsresume.results.plan import Stage
from tlsresume.targets.target import Target


class Round(Protocol):
    """The second round of a probe, as far as a feature needs it."""

    lab: Lab
    target_setup: TargetSetup
    options: ProbeOptions

    @property
    def progress(self) -> Callable[[str], None]:
        """Says what is done now."""

    def note(self, what: str, reason: str, kind: SkippedKind = "budget") -> None:
        """Note what was not done, and why."""


class FollowUp(Protocol):
    """A feature's part in a probe."""

    async def measure(self, run: Round, address: AddressResult, /) -> None:
        """Ask the feature's questions of an address, where they make sense there."""

    def stage(self, target: Target, options: ProbeOptions, /) -> Stage | None:
        """What `measure` would do, for `--plan`; None: nothing."""

    def summary(self, trials: Evidence, /) -> dict[str, Any]:
        """The fields of an AddressResult that tell what was found."""


@cache
def follow_ups() -> Sequence[FollowUp]:
    """Those of all features."""
    return tuple(features.load(home) for home in features.FOLLOW_UPS)

"""From a first round to causes: ask the rules, run the experiment they want, ask again.

It stops as soon as one cause is left, or nothing that is harmless would separate
those that remain, or the budget is spent; what was not run is named.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from tlsresume.errors import BudgetSpent, LimitedByServer
from tlsresume.experiment_names import ExperimentName
from tlsresume.experiments.ladder import EXPERIMENTS
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.findings.judge import wanted
from tlsresume.findings.view import NotRun, Saved, View, WhyNotRun, make_view

#: More rungs than one explanation can have.
_RUNGS = len(EXPERIMENTS) + 1


class Explanation(Struct):
    """One mechanism on one address being explained."""

    setup: MechanismSetup
    judged: bool = True
    saved: Saved | None = None
    skipped: list[NotRun] = field(default_factory=list)
    only: Callable[[str], bool] = lambda _name: True
    _last: tuple[tuple[int, int], View] | None = None

    def view(self) -> View:
        """All that is known now. The same view as before, with what was derived from it, where
        nothing has come since."""
        known = (self.setup.lab.journal.revision, len(self.skipped))
        if self._last is None or self._last[0] != known:
            self._last = known, self._view()
        return self._last[1]

    def _view(self) -> View:
        return make_view(
            self.setup.lab.journal,
            self.setup.route.address,
            self.setup.route.port,
            self.setup.mechanism,
            judged=self.judged,
            saved=self.saved,
            skipped=self.skipped,
        )

    async def run(self) -> None:
        """Climb the ladder."""
        for _ in range(_RUNGS):
            names = [name for name in wanted(self.view()) if name in EXPERIMENTS]
            if not names:
                return
            await self.experiment(names[0])

    async def experiment(self, name: ExperimentName) -> None:
        """Run one experiment, or note why it was not."""
        setup, experiment = self.setup, EXPERIMENTS[name]
        unable = experiment.unable(setup.route.transport)
        if unable is not None:
            self.skipped.append(NotRun(name, WhyNotRun.TRANSPORT, unable))
            return
        if setup.lab.budget.left < experiment.cost:
            self.skipped.append(NotRun(name, WhyNotRun.NO_BUDGET))
            return
        try:
            await experiment.run(setup)
        except BudgetSpent as spent:
            limited = isinstance(spent, LimitedByServer)
            why = WhyNotRun.LIMITED if limited else WhyNotRun.NO_BUDGET
            self.skipped.append(NotRun(name, why, spent.message))
            return
        if not self.view().settled(name):
            self.skipped.append(NotRun(name, WhyNotRun.NO_SESSION))

"""What a check looks at: values only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tlsresume.features.serve.behaviours import Row
from tlsresume.features.serve.results import CommandResult
from tlsresume.features.serve.tally import Tally


class Visits(msgspec.Struct, frozen=True, kw_only=True):
    """What one client did at one server, and what became of the command that was run there."""

    row: Row
    tally: Tally
    command: CommandResult | None = None


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a check looks at: one client at one server, and its stays at all of them by name."""

    name: str
    label: str | None
    stays: Mapping[str, Visits]

    @property
    def here(self) -> Visits:
        """The stay that is looked at."""
        return self.stays[self.name]

    @property
    def tally(self) -> Tally:
        """The tally that is looked at."""
        return self.here.tally

    def elsewhere(self, *names: str) -> list[tuple[str, Tally]]:
        """The tallies of other servers, of all or of some."""
        return [
            (name, stay.tally)
            for name, stay in self.stays.items()
            if name != self.name and (not names or name in names)
        ]

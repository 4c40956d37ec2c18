"""What is demanded of a target: one value, from options or from a section of a policy.

Its fields are the rows of `demand_table`. One that is not set demands nothing. `expect` and
`min_rate` replace the default verdict; all others add to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from tlsresume.durations import PATTERN, short_duration
from tlsresume.policy import demand_table as table
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Check, CheckKind, CheckOutcome
from tlsresume.results.measured import AddressResult
from tlsresume.value import Value

Expected = Literal["resumed", "not-resumed", "any"]
EXPECTED: tuple[Expected, ...] = ("resumed", "not-resumed", "any")

#: What values of each kind are in a policy; those of words are the words.
_TYPES: dict[table.Kind, Any] = {
    table.YES: bool,
    table.COUNT: Annotated[int, msgspec.Meta(ge=1)],
    table.DURATION: Annotated[str, msgspec.Meta(pattern=PATTERN)]
    | Annotated[int, msgspec.Meta(gt=0)],
    table.SHARE: Annotated[
        float, msgspec.Meta(gt=0, le=1, description="Accepted sessions per offered one")
    ],
    table.RANGE: str,
}


class Asked(Value, frozen=True):
    """One demand as it would be typed, `psk=resumed`: the key, and what was asked, if anything."""

    key: str
    value: str | None = None

    @property
    def text(self) -> str:
        """Both, as a Check has it."""
        return self.key if self.value is None else f"{self.key}={self.value}"

    def check(
        self,
        kind: CheckKind,
        outcome: CheckOutcome,
        message: str,
        mechanism: Mechanism | None = None,
        on: AddressResult | None = None,
        **more: Any,
    ) -> Check:
        """What came of it: on an address, where one is given."""
        if on is not None:
            more |= {"address": on.address, "transport": on.transport}
        return Check(
            demand=self.text, key=self.key, kind=kind, outcome=outcome, message=message,
            mechanism=mechanism, **more,
        )  # fmt: skip


def _field(row: table.Row) -> tuple[str, Any, Any]:
    about = msgspec.Meta(description=row.about)
    if row.kind is table.EXPECTATIONS:
        return row.field, Annotated[dict[Mechanism, Expected], about], {}
    kind = Literal[tuple(row.words)] if row.kind is table.WORD else _TYPES[row.kind]
    return row.field, Annotated[kind | None, about], None


_Fields: Any = msgspec.defstruct(
    "_Fields",
    [_field(row) for row in table.DEMANDS],
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename="kebab",
)


class Demands(_Fields):  # type: ignore[misc]  # made of rows
    """Demands on one target. Durations are seconds, or text that `parse_duration` reads."""

    if TYPE_CHECKING:  # those that are read by name
        resumes: bool | None
        expect: dict[Mechanism, Expected]
        min_rate: float | None
        warning: str | None
        critical: str | None

    @property
    def replaces_verdict(self) -> bool:
        """Whether these demands stand in the place of the default verdict."""
        return bool(self.expect or self.min_rate is not None or self.warning or self.critical)

    @property
    def stated(self) -> bool:
        """Whether any field is set at all."""
        return self != Demands()

    @property
    def demands_something(self) -> bool:
        """Whether any answer of a server could break this."""
        others = (name for name in self.__struct_fields__ if name != "expect")
        return any(expected != "any" for expected in self.expect.values()) or any(
            getattr(self, name) not in (None, False) for name in others
        )


def asked_of(row: table.Row, demands: Demands) -> Asked:
    """A demand as it would be typed in a policy."""
    value = row.asked(demands)
    if row.kind is table.DURATION:
        return Asked(row.key, short_duration(value))
    return Asked(row.key, None if value is True else str(value))


def merge(below: Demands, above: Demands) -> Demands:
    """Both demands as one; what `above` sets wins, `expect` mechanism by mechanism."""
    names = [row.field for row in table.DEMANDS]
    said = {name: value for name in names if (value := getattr(above, name)) is not None}
    merged = {name: getattr(below, name) for name in names} | said
    return Demands(**merged | {"expect": below.expect | above.expect})

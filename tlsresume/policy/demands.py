"""What can be demanded of a target: one value, from options or from a section of a policy.

A field that is not set demands nothing. `expect` and `min_rate` replace the default
verdict; all others add to it.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec

from tlsresume.policy.durations import PATTERN
from tlsresume.results import Mechanism

Expected = Literal["resumed", "not-resumed", "any"]
EXPECTED: tuple[Expected, ...] = ("resumed", "not-resumed", "any")

Rate = Annotated[float, msgspec.Meta(gt=0, le=1, description="Accepted sessions per offered one")]
DurationText = Annotated[str, msgspec.Meta(pattern=PATTERN)]
Seconds = Annotated[int, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


def _about(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


class Asked(NamedTuple):
    """One demand as it would be typed, `psk=resumed`: the key, and what was asked, if anything."""

    key: str
    value: str | None = None

    @property
    def text(self) -> str:
        """Both, as a Check has it."""
        return self.key if self.value is None else f"{self.key}={self.value}"


class Demands(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename="kebab",
):
    """Demands on one target. Durations are seconds, or text that `parse_duration` reads."""

    resumes: Annotated[
        bool | None,
        _about("true: every judged mechanism is resumed every time (the default verdict)"),
    ] = None
    expect: Annotated[
        dict[Mechanism, Expected],
        _about("What each mechanism must do; replaces the default verdict"),
    ] = {}
    min_rate: Annotated[
        Rate | None,
        _about("The lowest share of offered sessions that must be resumed"),
    ] = None
    max_lifetime: Annotated[
        DurationText | Seconds | None, _about("Tickets live no longer than this")
    ] = None
    min_lifetime: Annotated[
        DurationText | Seconds | None, _about("Tickets live at least this long")
    ] = None
    max_ticket_keys: Annotated[
        Count | None, _about("Ticket keys seen over all addresses of a target, at most")
    ] = None
    min_tickets: Annotated[Count | None, _about("TLS 1.3 tickets per full handshake, at least")] = (
        None
    )
    early_data: Annotated[
        Literal["require", "forbid"] | None, _about("Whether TLS 1.3 tickets allow early data")
    ] = None
    early_data_replay: Annotated[
        Literal["forbid"] | None,
        _about("No replay of early data is accepted (tested with --replay-early-data)"),
    ] = None
    require_valid_certificate: Annotated[
        bool | None, _about("OpenSSL verifies the certificate, host name included")
    ] = None
    every_address: Annotated[
        bool | None, _about("No address of the target may be left out of the test")
    ] = None
    warning: Annotated[
        str | None, _about("Resumption rate in percent that is a warning: a plugin range")
    ] = None
    critical: Annotated[
        str | None, _about("Resumption rate in percent that is critical: a plugin range")
    ] = None

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


def merge(below: Demands, above: Demands) -> Demands:
    """Both demands as one; what `above` sets wins, `expect` mechanism by mechanism."""
    said = {
        name: value
        for name in above.__struct_fields__
        if name != "expect" and (value := getattr(above, name)) is not None
    }
    merged = {name: getattr(below, name) for name in Demands.__struct_fields__} | {
        name: value for name, value in said.items() if name in Demands.__struct_fields__
    }
    return Demands(**merged | {"expect": below.expect | above.expect})

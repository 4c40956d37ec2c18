"""A policy: demands for all targets and for some, waivers, and how grave each finding is.

extends = "strict"                  # a built-in policy to start from
[defaults]                          # demands on every target
max-lifetime = "24h"
[targets."*.example.com"]           # and on some; later sections win
expect = { psk = "resumed", session-id = "any" }
[findings]
single-use = "error"                # a finding that breaks the policy
[[waivers]]
target = "old.example.com"
demand = "max-lifetime"
reason = "replaced in spring"
expires = 2027-03-31
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

import msgspec

from tlsresume.policy.demands import Demands, merge
from tlsresume.policy.names import BuiltinName
from tlsresume.protocols.schemes import Transport
from tlsresume.results.measured import Severity


def _about(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


class TargetDemands(Demands, kw_only=True):  # type: ignore[call-arg]  # a Struct made of rows
    """A section for some targets."""

    inherit: Annotated[
        bool, _about("false: start from nothing, not from defaults and the sections above")
    ] = True


class Waiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A broken demand that is put up with, for a reason and until a day (UTC, included)."""

    target: Annotated[str, msgspec.Meta(min_length=1, description="HOST[:PORT], * and ? allowed")]
    demand: Annotated[
        str,
        msgspec.Meta(
            min_length=1, description="A demand's key, a mechanism, or a finding's code; * is all"
        ),
    ]
    reason: Annotated[str, msgspec.Meta(min_length=1, pattern=r"\S")]
    expires: dt.date
    transport: Annotated[
        Transport | None, _about("Only over this transport; without it, over each")
    ] = None

    def expired(self, today: dt.date) -> bool:
        """Whether its last day is over."""
        return today > self.expires

    def covers(self, target: str, *demand: str) -> bool:
        """Whether it is about a demand on this target, by what that is called: `psk=resumed` and
        `psk`."""
        return self.demand in (*demand, "*") and target_matches(self.target, target)


class Policy(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename="kebab",
):
    """What a team demands of its servers."""

    schema: Annotated[Literal[1], _about("The version of this format")] = 1
    about: Annotated[str, _about("One sentence for people")] = ""
    extends: Annotated[BuiltinName | None, _about("A built-in policy to start from")] = None
    defaults: Annotated[Demands, _about("Demands on every target")] = Demands()
    targets: Annotated[
        dict[str, TargetDemands],
        _about("Demands on the targets that a HOST or HOST:PORT matches; * and ? stand for any"),
    ] = {}
    findings: Annotated[
        dict[str, Severity], _about("How grave a finding is, by its code; error breaks the policy")
    ] = {}
    waivers: tuple[Waiver, ...] = ()
    sources: Annotated[
        dict[str, str], _about("Where a demand comes from, by its key: a standard, a ticket")
    ] = {}

    def demands_on(self, target: str) -> Demands:
        """All that applies to a target, by its name HOST:PORT."""
        found = self.defaults
        for pattern, section in self.targets.items():
            if target_matches(pattern, target):
                found = merge(found if section.inherit else Demands(), section)
        return found

    def waiver(
        self, today: dt.date, target: str, *demand: str, transport: Transport | None = None
    ) -> Waiver | None:
        """The waiver that holds on a day for a demand on a target, by one transport; `demand` is
        what it is called, as for `Waiver.covers`."""
        covering = (
            waiver
            for waiver in self.waivers
            if waiver.covers(target, *demand)
            and (waiver.transport is None or waiver.transport == transport)
        )
        return next((waiver for waiver in covering if not waiver.expired(today)), None)

    @property
    def demands_something(self) -> bool:
        """Whether any answer of any server could break it."""
        sections = (self.defaults, *self.targets.values())
        graver = any(severity != "info" for severity in self.findings.values())
        return graver or any(section.demands_something for section in sections)


def target_matches(pattern: str, target: str) -> bool:
    """Whether a pattern names a target: with its scheme, where its name has one, with its port,
    or just its host.

    Only `*` and `?` are special, so that [2001:db8::1]:443 can be written as it is.
    """
    endpoint = target.rpartition("://")[2]
    host = endpoint.rpartition(":")[0]
    shape = "".join(
        ".*" if char == "*" else "." if char == "?" else re.escape(char)
        for char in pattern.casefold()
    )
    names = (target, endpoint, host, host.strip("[]"))
    return any(re.fullmatch(shape, name.casefold(), re.DOTALL) for name in names)


def on_top(builtin: Policy, own: Policy) -> Policy:
    """A policy that extends a built-in one, as one policy."""
    return msgspec.structs.replace(
        own,
        extends=None,
        defaults=merge(builtin.defaults, own.defaults),
        targets=builtin.targets | own.targets,
        findings=builtin.findings | own.findings,
        waivers=(*builtin.waivers, *own.waivers),
        sources=builtin.sources | own.sources,
    )

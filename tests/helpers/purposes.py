"""Purposes by the words that JSON has for them, so that a story in a test reads like a report."""

from __future__ import annotations

from tlsresume.evidence import purposes
from tlsresume.evidence.purpose import Member, PlainPurpose, Purpose, experiment


@experiment("test")
class Test(PlainPurpose):
    """Connections of tests that are about no experiment."""

    __test__ = False
    FULL = Member("full")


def _plain(kind: type[Purpose]) -> list[PlainPurpose]:
    own = [each for each in vars(kind).values() if isinstance(each, PlainPurpose)]
    return [*own, *(each for sub in kind.__subclasses__() for each in _plain(sub))]


def purpose_of(experiment: str, series: str) -> Purpose:
    """The purpose that JSON calls so."""
    if experiment == "age" and series.startswith("at "):
        return purposes.AtAge(float(series.removeprefix("at ").removesuffix(" s")))
    if experiment == "matrix" and series.startswith("from "):
        return purposes.FromAddress(series.removeprefix("from "))
    for each in _plain(PlainPurpose):
        if (each.experiment, each.series) == (experiment, series):
            return each
    raise LookupError(f"{experiment} {series}")

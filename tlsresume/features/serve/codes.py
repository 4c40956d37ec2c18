"""The codes of findings about clients by their severity, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from tlsresume.results.measured import Severity

#: Users are hurt, or security is lost.
_Error = Literal[
    "offers-after-failed-verification",
    "offers-unverified-session",
    "offers-across-client-certificates",
    "gives-up-when-refused",
    "fails-here",
]
#: Not as it should be.
_Warning = Literal[
    "never-offers",
    "no-psk-modes",
    "took-session-too-early",
    "ticket-used-twice",
    "offered-past-lifetime",
    "offers-across-names",
    "data-connection-offers-nothing",
    "data-connection-other-session",
    "wrong-ticket-age",
    "early-data-unasked",
]
#: Nothing is wrong.
_Info = Literal[
    "no-ticket-extension",
    "no-session-ids",
    "offers-across-ports",
    "cuts-connection",
]
Code = Literal[_Error, _Warning, _Info]

SEVERITIES: Mapping[Code, Severity] = {
    **dict.fromkeys(get_args(_Error), "error"),
    **dict.fromkeys(get_args(_Warning), "warning"),
    **dict.fromkeys(get_args(_Info), "info"),
}

"""The codes of findings about clients, and the severity of each: the one table of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tlsresume.results.measured import Severity

Code = Literal[
    "offers-after-failed-verification",
    "offers-unverified-session",
    "offers-across-client-certificates",
    "gives-up-when-refused",
    "fails-here",
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
    "no-ticket-extension",
    "no-session-ids",
    "offers-across-ports",
    "cuts-connection",
]

#: Error: users are hurt, or security is lost. Warning: not as it should be. Info: nothing is
#: wrong. In the order in which findings are told.
SEVERITIES: Mapping[Code, Severity] = {
    "offers-after-failed-verification": "error",
    "offers-unverified-session": "error",
    "offers-across-client-certificates": "error",
    "gives-up-when-refused": "error",
    "fails-here": "error",
    "never-offers": "warning",
    "no-psk-modes": "warning",
    "took-session-too-early": "warning",
    "ticket-used-twice": "warning",
    "offered-past-lifetime": "warning",
    "offers-across-names": "warning",
    "data-connection-offers-nothing": "warning",
    "data-connection-other-session": "warning",
    "wrong-ticket-age": "warning",
    "early-data-unasked": "warning",
    "no-ticket-extension": "info",
    "no-session-ids": "info",
    "offers-across-ports": "info",
    "cuts-connection": "info",
}

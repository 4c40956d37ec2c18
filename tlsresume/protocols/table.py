"""What follows from the rows of all application protocols: by name, scheme, port, greeting."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from tlsresume.protocols.rows import ROWS, Protocol
from tlsresume.protocols.schemes import Scheme

if TYPE_CHECKING:
    from tlsresume.protocols.talk import Script

PROTOCOLS: dict[str, Protocol] = {row.name: row for row in ROWS}

SCHEMES: dict[str, Scheme] = {scheme.name: scheme for row in ROWS for scheme in row.schemes}

#: The protocol of each URL scheme.
PROTOCOL_OF_SCHEME: dict[str, Protocol] = {
    scheme.name: row for row in ROWS for scheme in row.schemes
}

#: The protocols in which TLS can start by STARTTLS, by name.
STARTTLS: tuple[str, ...] = tuple(row.name for row in ROWS if row.script is not None)

#: The scheme that a port is taken for where none is named; the first of several wins.
SCHEME_OF_PORT: dict[int, str] = {
    scheme.port: name for name, scheme in reversed(SCHEMES.items()) if scheme.transport == "tcp"
}


@cache
def script_of(protocol: str) -> Script:
    """The STARTTLS conversation of one of `STARTTLS`."""
    module, _, function = (PROTOCOLS[protocol].script or "").partition(":")
    return cast("Script", getattr(import_module(module), function))


def starttls_by_greeting(said: bytes) -> tuple[str, ...]:
    """The protocols with STARTTLS whose servers greet like this; empty where none does."""
    certain, possible = _greetings()
    found = tuple(name for name, shape in certain if shape.match(said))
    return found or tuple(name for name, shape in possible if shape.match(said))


_Shapes = tuple[tuple[str, re.Pattern[bytes]], ...]


@cache
def _greetings() -> tuple[_Shapes, _Shapes]:
    """Regular expressions of greetings that belong to a protocol, and of those that may."""
    return (
        tuple((row.name, re.compile(row.greeting)) for row in ROWS if row.greeting is not None),
        tuple((row.name, re.compile(row.perhaps)) for row in ROWS if row.perhaps is not None),
    )

"""Features that cut across the layers: one folder each, whole, with its command.py.

What each feature adds to other parts is said here, as strings: nothing is imported before it is
asked for, so this file stands below everything, and the folders beside it above.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlsresume.findings.engine import Entry

#: Modules with checks of a probe's own trials; `findings.catalogue` says where they stand.
CHECKS: tuple[str, ...] = ("tlsresume.features.ftps.checks",)

#: What a probe asks beyond its own questions: see `runs.follow_up.FollowUp`.
FOLLOW_UPS: tuple[str, ...] = ("tlsresume.features.ftps.follow_up",)

#: Functions that put what a feature knows of an address on its page: (Page, AddressResult).
ADDRESS_TEXTS: tuple[str, ...] = ("tlsresume.features.ftps.text:put_address",)

#: Modules with the texts of a feature's findings, as `ENTRIES`.
CATALOGUES: tuple[str, ...] = (
    "tlsresume.features.serve.catalogue",
    "tlsresume.features.capture.catalogue",
)


def entries() -> tuple[Entry, ...]:
    """The texts of all features' findings, one entry for each code.

    A code that two features find is one entry: the first one's words, how both tell it, and
    the settings and sources of both.
    """
    found: dict[str, Entry] = {}
    for module in CATALOGUES:
        for entry in load(module).ENTRIES:
            known = found.get(entry.code)
            found[entry.code] = entry if known is None else _both(known, entry)
    return tuple(found.values())


def _both(first: Entry, second: Entry) -> Entry:
    return replace(
        first,
        tells=f"{first.tells} {second.tells}",
        settings=tuple(dict.fromkeys((*first.settings, *second.settings))),
        sources=tuple(dict.fromkeys((*first.sources, *second.sources))),
    )


#: Schema files of the features' JSON documents, below this folder, and the type of each.
DOCUMENTS: dict[str, str] = {
    "capture/capture.schema.json": "tlsresume.features.capture.report:CaptureReport",
    "serve/serve.schema.json": "tlsresume.features.serve.results:ServeReport",
    "watch/watch.schema.json": "tlsresume.features.watch.samples:WatchReport",
}


def load(home: str) -> Any:
    """What a string names: a module, or with `MODULE:NAME` something in one."""
    module, _, name = home.partition(":")
    found = import_module(module)
    return getattr(found, name) if name else found


def documents() -> dict[str, type]:
    """The type of each schema file, by its place below this folder."""
    return {place: load(home) for place, home in DOCUMENTS.items()}

"""Features that cut across the layers: one folder each, whole, with its command.py.

Which features have findings of their own is said here, as strings, so that nothing is
imported before it is asked for.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlsresume.diagnosis.engine import Entry

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
        for entry in import_module(module).ENTRIES:
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
}


def documents() -> dict[str, type]:
    """The type of each schema file, by its place below this folder."""
    found: dict[str, type] = {}
    for place, home in DOCUMENTS.items():
        module, _, name = home.partition(":")
        found[place] = getattr(import_module(module), name)
    return found

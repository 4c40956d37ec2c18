"""Features that cut across the layers: one folder each, whole, with its command.py.

Which features have findings of their own is said here, as strings, so that nothing is
imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlsresume.diagnosis.catalogue import Entry

#: Modules with the texts of a feature's findings, as `ENTRIES`.
CATALOGUES: tuple[str, ...] = (
    "tlsresume.features.capture.catalogue",
    "tlsresume.features.serve.catalogue",
)


def entries() -> tuple[Entry, ...]:
    """The texts of all features' findings."""
    return tuple(entry for module in CATALOGUES for entry in import_module(module).ENTRIES)


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

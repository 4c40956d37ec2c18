"""What one reading of the configuration gave: nothing here needs a web framework."""

from __future__ import annotations

from tlsresume.features.exporter.probing import Module
from tlsresume.features.exporter.settings import ExporterSettings, WebSettings
from tlsresume.value import Value


class Setup(Value, frozen=True, kw_only=True):
    """Settings and modules; `generation` counts the readings."""

    settings: ExporterSettings
    web: WebSettings
    modules: dict[str, Module]
    generation: int = 0

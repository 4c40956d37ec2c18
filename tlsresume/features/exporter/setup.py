"""What one reading of the configuration gave: nothing here needs a web framework."""

from __future__ import annotations

from dataclasses import dataclass

from tlsresume.features.exporter.probing import Module
from tlsresume.features.exporter.settings import ExporterSettings, WebSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Settings and modules; `generation` counts the readings."""

    settings: ExporterSettings
    web: WebSettings
    modules: dict[str, Module]
    generation: int = 0

"""The exporter's metrics: of itself, for `/metrics`, and those that each scrape adds.

Counters have no `_created` series, which would double their number for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from tlsresume.features.exporter.sharing import Outcome
from tlsresume.runs.many_targets import tool

#: The text format 0.0.4, which every Prometheus reads.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


def for_scrape(outcome: Outcome) -> str:
    """The answer to a scrape: the probe's own metrics, whether it succeeded, and how old it is."""
    registry = CollectorRegistry()
    for name, about, value in (
        ("probe_success", "1 where `tlsresume probe` would exit 0", int(outcome.success)),
        ("probe_duration_seconds", "How long the probe took", outcome.seconds),
        (
            "tlsresume_exit_status",
            "The exit status that `tlsresume probe` would have",
            outcome.exit_status,
        ),
        (
            "tlsresume_result_age_seconds",
            "How long ago the probe ended whose result this is: scrapes share results",
            max(0.0, time.monotonic() - outcome.ended),
        ),
    ):
        Gauge(name, about, registry=registry).set(value)
    return outcome.metrics + _text(registry)


class Metrics:
    """What the exporter counts of itself."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self.probes = counter(
            "tlsresume_exporter_probes",
            "Probes that ended, by module and by what came of them",
            ("module", "outcome"),
        )
        self.refused = counter(
            "tlsresume_exporter_refused_scrapes",
            "Scrapes that caused no probe, by the reason",
            ("reason",),
        )
        self.shared = counter(
            "tlsresume_exporter_shared_scrapes",
            "Scrapes that were given the result of another one's probe",
        )
        self.running = gauge("tlsresume_exporter_running_probes", "Probes that run now")
        self.waiting = gauge(
            "tlsresume_exporter_waiting_scrapes", "Scrapes that wait for a place now"
        )
        self.duration = Histogram(
            "tlsresume_exporter_probe_duration_seconds",
            "How long probes took, by module",
            ("module",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self.read = gauge(
            "tlsresume_exporter_configuration_read",
            "1 if the configuration could be read when that was last tried",
        )
        self.read_at = gauge(
            "tlsresume_exporter_configuration_read_timestamp_seconds",
            "When the configuration in use was read, in seconds since 1970",
        )
        made_by = tool()
        gauge(
            "tlsresume_build_info",
            "The versions that made these numbers; always 1",
            ("version", "openssl", "pyopenssl"),
        ).labels(made_by.version, made_by.openssl, made_by.pyopenssl).set(1)

    def text(self) -> str:
        """The answer of `/metrics`."""
        return _text(self._registry)


def _text(registry: CollectorRegistry) -> str:
    data: bytes = generate_latest(_WithoutCreated(registry))
    return data.decode("utf-8")


class _WithoutCreated:
    """What a registry collects, without the times at which counters were made."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            family.samples = [
                sample for sample in family.samples if not sample.name.endswith("_created")
            ]
            yield family

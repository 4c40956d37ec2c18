"""The exporter beside the real Prometheus and promtool: what is shipped in contrib/ works."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.parse
from functools import partial
from pathlib import Path
from typing import Any

from tests.features.exporter.test_exporter import exporter
from tests.helpers.peers import refused_port
from tests.servers.test_pipeline_formats import ROOT, fetch, free_port, program, run, until
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.server import Server

CONTRIB = ROOT / "contrib/exporter"


def test_the_alerts_fire_as_tested() -> None:
    """Promtool accepts the rules, their unit tests and the scrape configuration."""
    promtool = program("promtool", "prometheus")
    run(promtool, "check", "rules", "tlsresume-exporter.rules.yml", cwd=CONTRIB)
    assert "SUCCESS" in run(
        promtool, "test", "rules", "tlsresume-exporter.rules.test.yml", cwd=CONTRIB
    )
    run(promtool, "check", "config", "prometheus.yml", cwd=CONTRIB)


def expressions(dashboard: dict[str, Any]) -> list[str]:
    """The queries of a dashboard, as Grafana sends them."""
    found = [
        target["expr"].replace("$instance", ".*").replace("$__range", "1h")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    assert all("$" not in each for each in found)
    return found


def test_prometheus_scrapes_the_exporter(tmp_path: Path) -> None:
    """Targets are probed as the shipped configuration says, alerts are loaded, and each query of
    the dashboard has an answer."""
    prometheus = program("prometheus", "prometheus")
    promtool = program("promtool", "prometheus")
    port = free_port()
    with (
        Server(Behaviour()) as good,
        Server(Behaviour(honoured=False)) as bad,
        refused_port() as closed,
        exporter("--config", str(CONTRIB / "tlsresume.toml")) as running,
    ):
        targets = [f"127.0.0.1:{good.port}", f"localhost:{bad.port}", f"127.0.0.1:{closed}"]
        at = running.url.removeprefix("http://")
        for path in (f"/probe?target={targets[0]}", "/metrics"):
            assert run(promtool, "check", "metrics", stdin=running.get(path)[1]) == ""
        text = (CONTRIB / "prometheus.yml").read_text()
        text = text.replace(
            '"www.example.com", "smtp://mail.example.com"', json.dumps(targets)[1:-1]
        )
        text = text.replace("127.0.0.1:9843", at).replace(
            "scrape_interval: 1m", "scrape_interval: 1s"
        )
        text = text.replace("scrape_timeout: 30s", "scrape_timeout: 1s")
        (tmp_path / "prometheus.yml").write_text(text)
        rules = CONTRIB / "tlsresume-exporter.rules.yml"
        (tmp_path / rules.name).write_text(rules.read_text())
        process = subprocess.Popen(
            [
                prometheus,
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:

            def query(expression: str) -> list[dict[str, Any]]:
                words = urllib.parse.urlencode({"query": expression})
                answer = json.loads(fetch(f"http://127.0.0.1:{port}/api/v1/query?{words}"))
                assert answer["status"] == "success", answer
                result: list[dict[str, Any]] = answer["data"]["result"]
                return result

            def answered(expression: str) -> str | None:
                return "ok" if query(expression) else None

            def all_probed() -> str | None:
                found = query("probe_success")
                return json.dumps(found) if len(found) == len(targets) else None

            found = json.loads(until(all_probed))
            values = {each["metric"]["instance"]: each["value"][1] for each in found}
            assert values == dict(zip(targets, ("1", "0", "0"), strict=True))
            until(partial(answered, "tlsresume_exporter_shared_scrapes_total > 0"))
            dashboard = json.loads((ROOT / "contrib/grafana/tlsresume.json").read_text())
            for expression in expressions(dashboard):
                # Nothing was refused here, and a certificate of a closed port has no end.
                if "refused_scrapes" not in expression:
                    until(partial(answered, expression))
            rules_read = json.loads(fetch(f"http://127.0.0.1:{port}/api/v1/rules"))
            named = {rule["name"] for rule in rules_read["data"]["groups"][0]["rules"]}
            assert named == set(re.findall(r"alert: (\w+)", rules.read_text()))
        finally:
            process.terminate()
            process.wait(20)

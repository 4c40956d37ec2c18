"""The SQL in contrib/duckdb on lines as probe writes them."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from tests.golden import cases
from tests.paths import REPOSITORY
from tlsresume.formats import jsonl
from tlsresume.formats.page import View
from tlsresume.policy.exit_status import decided
from tlsresume.results.report import Report
from tlsresume.runs.many_targets import tool

VIEWS = REPOSITORY / "contrib/duckdb/views.sql"


def test_every_view_answers(tmp_path):
    """Verdicts by network, one key on many names, lifetimes, findings; later lines count."""
    results = tmp_path / "results.jsonl"
    targets = [target for report in cases.REPORTS.values() for target in report.targets]
    good = cases.REPORTS["good"].targets[0]
    targets += [
        replace(good, target=f"h{n}.example:443", fingerprint=f"{n:032x}", started=f"2026-01-0{n}")
        for n in (1, 2, 3)
    ]
    cut = replace(good, target="h9.example:443", fingerprint="f" * 32, verdict="untested")
    targets += [
        replace(cut, started="2026-01-01T00:00:00+00:00"),
        replace(cut, verdict="resumes", started="2026-01-02T00:00:00+00:00"),
    ]
    lines = [
        jsonl.render(decided(Report(tool=tool(), targets=(target,))), View()) for target in targets
    ]
    results.write_text("".join(lines) + '{"schema": 1, "error": {"kind": "x"}}\n')
    with duckdb.connect() as database:
        database.execute(f"SET VARIABLE results = '{results}'")
        database.execute(VIEWS.read_text())

        def rows(query: str) -> list[tuple]:
            return database.execute(query).fetchall()

        assert rows("SELECT verdict FROM targets WHERE host = 'h9.example'") == [("resumes",)]
        networks = rows("SELECT network, targets, resume FROM verdicts_by_network")
        assert networks
        assert all(network.endswith(("/24", "/48")) for network, _, _ in networks)
        keys = rows("SELECT names, some_names FROM shared_keys")
        assert any(names >= 4 and "h1.example" in some for names, some in keys)
        assert rows("SELECT * FROM lifetimes WHERE mechanism = 'psk'")
        assert rows("SELECT code FROM findings WHERE severity = 'error'")
        for (view,) in rows("SELECT view_name FROM duckdb_views() WHERE NOT internal"):
            rows(f"SELECT * FROM {view}")

"""`tlsresume probe` says what is true of each server in the table."""

from __future__ import annotations

from typing import Any

from tests.servers.cases import Case
from tests.servers.command import Answer, tlsresume
from tests.servers.harness import Running
from tests.servers.material import Material
from tests.servers.oracle import VERSIONS

#: On loopback a ticket that has not come after a second does not come.
TICKET_WAIT = "1"
TRIES = 5
#: Two nodes pass, or fail, n tries by luck once in 2^n.
TRIES_OF_POOL = 10


def probe(case: Case, target: str) -> Answer:
    tries = TRIES if case.one_node else TRIES_OF_POOL
    options = ("--format", "json", "--ticket-wait", TICKET_WAIT, "--tries", str(tries))
    return tlsresume("probe", target, *options)


def test_probe_finds_what_is_configured(case: Case, running: Running, material: Material) -> None:
    """Verdict, exit status, versions, the state of each mechanism and what its tickets look
    like are those of the case, and no finding accuses what is in order."""
    answer = probe(case, running.target)
    document = answer.document
    assert document["schema"] == 1, str(answer)
    (target,) = document["targets"]
    assert target["verdict"] == case.verdict, str(answer)
    assert answer.status == case.exit_status, str(answer)
    (address,) = target["addresses"]
    assert tuple(address["tls_versions"]) == case.tls_versions, str(answer)

    found = {row["mechanism"]: row for row in address["mechanisms"]}
    untested = {name for name, row in found.items() if row["state"] == "untested"}
    assert set(found) - untested == set(case.truth), str(answer)
    for name, row in found.items():
        if name not in untested:
            check_mechanism(case, row, material, answer)

    codes = {finding["code"] for finding in target["findings"]}
    assert set(case.findings) <= codes, str(answer)
    assert not codes & set(case.never_findings), str(answer)
    if case.one_node:
        assert "other-ticket-key" not in codes, str(answer)


def test_probe_accuses_no_server_that_resumes(case: Case, running: Running) -> None:
    """Where everything resumes no finding is more than information, also at another try."""
    if case.verdict != "resumes":
        return
    for _ in range(2):
        answer = probe(case, running.target)
        (target,) = answer.document["targets"]
        assert target["verdict"] == "resumes", str(answer)
        graver = [f["code"] for f in target["findings"] if f["severity"] != "info"]
        assert graver == [], str(answer)


def check_mechanism(case: Case, row: dict[str, Any], material: Material, answer: Answer) -> None:
    name = row["mechanism"]
    truth = case.truth[name]
    assert row["tls_version"] == VERSIONS[name], str(answer)
    assert row["state"] in (truth if isinstance(truth, tuple) else (truth,)), str(answer)
    assert row["judged"] == judged(case, name), f"{name}: judged\n{answer}"
    fixed, chained = row["fixed"], row["chained"]
    if truth == "resumed":
        assert chained["offered"] == chained["accepted"] > 0, f"{name}: chained\n{answer}"
        if name != "psk" or not case.ticket_used_once:
            assert fixed["offered"] == fixed["accepted"] > 0, f"{name}: fixed\n{answer}"
    if truth == "not-resumed":
        assert fixed["offered"] > fixed["accepted"] == 0, f"{name}: fixed\n{answer}"
        assert chained["accepted"] == 0, f"{name}: chained\n{answer}"
    if truth == "not-issued":
        assert fixed["offered"] == chained["offered"] == 0, f"{name}: offered\n{answer}"
    if name in case.tickets:
        check_tickets(case, name, row["tickets"], material, answer)


def judged(case: Case, mechanism: str) -> bool:
    """An ordinary client uses the ticket in TLS 1.2 where one is issued, else the session ID."""
    ticket_issued = case.truth.get("ticket") != "not-issued"
    return {"psk": True, "ticket": ticket_issued, "session-id": not ticket_issued}[mechanism]


def check_tickets(
    case: Case, mechanism: str, seen: dict[str, Any], material: Material, answer: Answer
) -> None:
    truth = case.tickets[mechanism]
    message = f"{mechanism}: tickets\n{answer}"
    assert seen is not None, message
    for field in ("lifetime", "count", "stateful", "max_early_data"):
        expected = getattr(truth, field)
        assert expected is None or seen[field] == expected, f"{field} of {message}"
    if truth.key is not None:
        expected = material.key_names[truth.key] if truth.key else None
        assert seen["key_name"] == expected, f"key_name of {message}"

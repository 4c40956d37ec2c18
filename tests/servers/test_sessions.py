"""`tlsresume save` and `resume` on each server in the table, by each mechanism."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.cases import Case
from tests.servers.command import resume, save
from tests.servers.harness import Running
from tests.servers.oracle import OPTIONS, VERSIONS


@pytest.mark.parametrize("mechanism", OPTIONS)
def test_a_saved_session_is_resumed_where_the_case_says_so(
    case: Case, running: Running, mechanism: str, tmp_path: Path
) -> None:
    """Nothing is saved where nothing is issued; what is saved resumes exactly where the
    server honours it, and a refusal has a reason."""
    path = tmp_path / "session.pem"
    truth = case.truth.get(mechanism)
    saved = save(running.target, mechanism, path)
    if truth is None or truth == "not-issued":
        # Without the version the handshake fails; else the answer is not what was asked.
        assert saved.status == (5 if truth is None else 3), str(saved)
        assert saved.stderr.strip(), "nothing was said"
        assert not path.exists()
        return
    assert saved.status == 0, str(saved)
    assert path.stat().st_mode & 0o777 == 0o600

    resumed = resume(path)
    document = resumed.document
    assert document["tls_version"] == VERSIONS[mechanism], str(resumed)
    assert document["mechanism"] == mechanism, str(resumed)
    assert document["offered"], str(resumed)
    assert bool(document["session_reused"]) == bool(document["accepted"]), str(resumed)
    assert resumed.status == (0 if document["session_reused"] else 3), str(resumed)
    if not document["session_reused"]:
        assert document["reason"], str(resumed)
    if truth in ("resumed", "not-resumed"):
        assert bool(document["session_reused"]) == (truth == "resumed"), str(resumed)

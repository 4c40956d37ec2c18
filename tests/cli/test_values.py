"""Option values: nonsense is refused in words that say what was meant, before anything is done."""

from __future__ import annotations

import os

import pytest

from tests.helpers.commands import runner
from tlsresume.errors import ExitStatus

#: Arguments, and what the error says.
NONSENSE: tuple[tuple[tuple[str, ...], str], ...] = (
    (("probe", "h:1", "--tries", "abc"), "'abc' is not a whole number from 1 to 1000"),
    (("probe", "h:1", "--tries", "1.5"), "'1.5' is not a whole number from 1 to 1000"),
    (("probe", "h:1", "--tries", "9" * 30), "is not in the range 1<=x<=1000"),
    (("probe", "h:1", "--min-tickets", ""), "'' is not a whole number"),
    (("probe", "h:1", "--timeout", "abc"), "'abc' is not a duration such as 5s, 250ms, 2h or 7d"),
    (("probe", "h:1", "--timeout", "2h"), "2h is more than 3600 seconds"),
    (("probe", "h:1", "--timeout", "nan"), "'nan' is not a duration such as 5s"),
    (("probe", "h:1", "--ticket-wait", "1e999"), "'1e999' is not a duration such as 5s"),
    (("probe", "h:1", "--ticket-wait", "-1"), "'-1' is not a duration such as 5s"),
    (("probe", "h:1", "--min-rate", "abc"), "'abc' is not a share such as 0.9 or 90%"),
    (("probe", "h:1", "--min-rate", "nan"), "nan is not above 0 and up to 1"),
    (("probe", "h:1", "--min-rate", "90"), "90 is not above 0 and up to 1; 90 % is 0.9 or 90%"),
    (("probe", "h:1", "--min-rate", "101%"), "101% is not above 0 and up to 1"),
    (("probe", "h:1", "--age", "99999999999d"), "'99999999999d' is too long: more than 136 years"),
    (("probe", "h:1", "--deadline", "0"), "'0' is not a duration above 0"),
    (("probe", "h:1", "--ticket-keys", ""), "the name of a file is empty"),
    (("inspect", ""), "the name of a file is empty"),
    (("resume", ""), "the name of a file is empty"),
    (("resume", "f", "--early-data", "@"), "no file is named behind the @"),
    (("resume", "f", "--early-data", "@/dev/null"), "early data is 1 to 65536 bytes"),
    (("resume", "f", "--early-data", "@/"), "is a folder"),
)


@pytest.fixture
def run(capsys):
    return runner(capsys)


def test_nonsense_is_refused_in_words(run):
    """Each is status 2, one line that says what was meant, and nothing on stdout."""
    for arguments, words in NONSENSE:
        status, out, err = run(*arguments)
        assert (status, out) == (ExitStatus.USAGE, ""), arguments
        assert words in err, (arguments, err)
        assert "valid float" not in err, arguments
        assert "integer range" not in err, arguments


def test_early_data_from_a_pipe_without_a_writer(run, tmp_path, monkeypatch):
    """A pipe that stays silent is an error in time, and no hang."""
    monkeypatch.setattr("tlsresume.files.PATIENCE", 0.05)
    os.mkfifo(tmp_path / "pipe")
    keep = os.open(tmp_path / "pipe", os.O_RDWR)
    try:
        status, _, err = run("resume", "f", "--early-data", f"@{tmp_path / 'pipe'}")
    finally:
        os.close(keep)
    assert status == ExitStatus.USAGE
    assert "nothing came from" in err

"""`tlsresume policy`: validates, and says what is demanded, in plain words."""

from __future__ import annotations

import json

import pytest

from tests.golden import check
from tests.helpers.commands import runner
from tests.helpers.pipeline_cases import POLICY
from tlsresume.errors import ExitStatus
from tlsresume.policy.names import BUILTIN


@pytest.fixture
def run(capsys):
    return runner(capsys)


@pytest.mark.parametrize("name", BUILTIN)
def test_built_in_policies_read_as_agreed(run, name):
    """Each built-in policy is told in words, with the source of each demand."""
    status, out, err = run("policy", name)
    assert (status, err) == (0, "")
    check(f"policy-{name}.txt", out)


def test_a_file_reads_as_agreed(run, tmp_path, monkeypatch):
    """A file is told section by section, with its waivers and what has expired."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "team.toml").write_text(POLICY)
    status, out, err = run("policy", "team.toml")
    assert (status, err) == (0, "")
    check("policy-team.txt", out)
    status, out, _ = run("policy", "team.toml", "--target", "lb.example.com")
    assert status == 0
    check("policy-team-target.txt", out)


def test_each_file_is_checked(run, tmp_path):
    """One wrong file among several is 7; the others are told all the same."""
    wrong, good = tmp_path / "wrong.toml", tmp_path / "good.toml"
    wrong.write_text("[defaults]\nmax-lifetme = 3\n")
    good.write_text("[defaults]\nresumes = true\n")
    status, out, err = run("policy", str(wrong), str(good))
    assert status == ExitStatus.FILE
    assert f"{wrong}: defaults.max-lifetme: no such key" in err
    assert "did you mean max-lifetime?" in err
    assert out.startswith(f"{good}  valid")
    assert run("policy", "--quiet", str(good)) == (0, "", "")


def test_nothing_named_is_a_usage_error(run):
    """Without a file there is nothing to check."""
    assert run("policy")[0] == ExitStatus.USAGE


def test_the_nearest_built_in_policy_is_named(run):
    """A name that is neither a file nor a policy is an error with the nearest policy."""
    status, _, err = run("policy", "stricct")
    assert status == ExitStatus.FILE
    assert "did you mean strict?" in err


def test_a_policy_can_be_started_from_a_built_in_one(run, tmp_path):
    """What --show prints is a policy file itself; --schema prints its JSON Schema."""
    for name in BUILTIN:
        path = tmp_path / f"{name}.toml"
        path.write_text(run("policy", "--show", name)[1])
        assert run("policy", "-q", str(path))[0] == 0
    assert json.loads(run("policy", "--schema")[1])["title"].startswith("tlsresume policy")


def test_a_hostile_policy_cannot_steer_a_terminal(run, tmp_path):
    """Names and reasons in a policy are escaped like any foreign text."""
    path = tmp_path / "p.toml"
    path.write_text(
        '[targets."\\u001b[2J\\u202e"]\nmin-tickets = 1\n[[waivers]]\ntarget = "\\n"\n'
        'demand = "\\u009b"\nreason = "a\\u001b]0;b\\u0007"\nexpires = 2999-01-01\n'
    )
    status, out, err = run("policy", str(path))
    assert (status, err) == (0, "")
    assert all(letter.isprintable() or letter == "\n" for letter in out)

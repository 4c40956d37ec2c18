"""A demand is one row of a table, and its check: everything else is made of the row."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.paths import REPOSITORY
from tlsresume.policy.demand_table import DEMANDS
from tlsresume.policy.demands import Demands

#: A program in which the table has one more row, before anything else reads it.
MORE = """
import contextlib, io, json
import click
from tlsresume.policy import demand_table as table
from tlsresume.policy.limits import Found


def rows(address, most):
    met = len(address.mechanisms) <= most
    yield Found("met" if met else "broken", f"{len(address.mechanisms)} rows")


table.DEMANDS += (
    table.Row(
        "max-rows", table.COUNT, about="ABOUT ROWS", help="HELP ON ROWS.",
        says=lambda most: f"There are at most {most} rows.", each_address=rows,
    ),
)

from tests.golden import cases
from tlsresume.cli import main
from tlsresume.cli.demanding import demand_options
from tlsresume.policy.reading import parse_policy
from tlsresume.policy.schema import schema
from tlsresume.policy.words import paragraphs


def ran(*words):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*words])
    return out.getvalue()


def judged(judge):
    (target,) = judge.report(cases.report(cases.GOOD)).targets
    checks = [check for check in target.checks if check.key == "max-rows"]
    return [[check.demand, check.outcome, check.message] for check in checks]


policy = parse_policy("[defaults]\\nmax-rows = 9\\n", "p.toml")


@click.command("c")
@click.option("--fail-on", default="error")
@click.option("--ignore", multiple=True)
@demand_options
def typed(demanded):
    return demanded


print(json.dumps({
    "help": ran("probe", "--help"),
    "schema": schema()["$defs"]["TargetDemands"]["properties"]["max-rows"],
    "words": [each.text for whole in paragraphs(policy) for each in whole.sentences],
    "typed": judged(typed.main(["--max-rows", "1"], standalone_mode=False).judge()),
    "policy": judged(typed.main(["--policy", POLICY], standalone_mode=False).judge()),
}))
"""


def test_a_row_is_a_demand_everywhere(tmp_path):
    """A row more is an option with its help, a key of the schema and of policies, a sentence, and
    is checked, from the command line as from a policy."""
    file = tmp_path / "p.toml"
    file.write_text("[defaults]\nmax-rows = 9\n")
    program = f"POLICY = {str(file)!r}\n{MORE}"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        timeout=120, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "--max-rows N" in told["help"]
    assert "HELP ON ROWS." in told["help"]
    assert told["schema"] == {"description": "ABOUT ROWS", "type": "integer", "minimum": 1}
    assert "There are at most 9 rows." in told["words"]
    assert [each[:2] for each in told["typed"]] == [["max-rows=1", "broken"]]
    assert [each[:2] for each in told["policy"]] == [["max-rows=9", "met"]]


def test_every_row_is_whole():
    """Each row is a field; it has a sentence if it is checked, and is typed in one way each."""
    spelt = [option.spelling for row in DEMANDS for option in row.options]
    assert len(spelt) == len(set(spelt))
    assert Demands.__struct_encode_fields__ == tuple(row.key for row in DEMANDS)
    keys = {row.key for row in DEMANDS}
    for row in DEMANDS:
        assert row.about, row.key
        assert not row.is_limit or row.says is not None, row.key
        assert row.not_above is None or row.not_above in keys, row.key

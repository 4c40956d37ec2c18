"""A protocol is one row: schemes, port, STARTTLS, greeting and farewell follow from it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.helpers.rows import assert_complete
from tests.network.test_approach import PreludePeer
from tests.paths import REPOSITORY
from tlsresume.protocols.rows import ROWS
from tlsresume.protocols.table import PROTOCOLS, SCHEMES, STARTTLS
from tlsresume.protocols.talk import Reading, Talk

#: Runs the command of its arguments in a process where the table has one row more.
ONE_ROW_MORE = """
import sys
from tlsresume.protocols import rows
from tlsresume.protocols.schemes import Scheme

rows.ROWS += (
    rows.Protocol(
        "acme",
        (Scheme("acmes", 7778), Scheme("acme", 7777, ("acme/1",), starttls=True)),
        script="tests.protocols.test_rows:acme",
        greeting=rb"ACME [0-9]",
        farewell=b"BYE\\n",
    ),
)
if sys.argv[1] == "hint":
    from tlsresume.protocols.greetings import hint_for_plain

    print(*hint_for_plain(b"ACME 1 ready"))
else:
    from tlsresume.cli import main

    main(sys.argv[1:])
"""


def acme(talk: Talk, _host: str) -> Reading[None]:
    """The STARTTLS of a protocol that nobody has."""
    yield from talk.line()
    talk.say(b"TLS PLEASE\n", "its answer to TLS PLEASE")
    if (yield from talk.line()) != b"GO":
        raise talk.refused(b"no")


def with_one_row_more(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", ONE_ROW_MORE, *words],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_new_protocol_is_one_row():
    """With one row more its URL, its port, --starttls and its greeting are known everywhere, and
    a server of it is probed behind its own STARTTLS."""
    assert "acme" in with_one_row_more("probe", "--help")
    assert "STARTTLS acme" in with_one_row_more("probe", "--plan", "a.example:7777")
    assert "--starttls acme" in with_one_row_more("hint")
    with PreludePeer((b"ACME 1 ready\n", b"TLS PLEASE\n", b"GO\n")) as peer:
        said = with_one_row_more("probe", f"acme://localhost:{peer.port}", "-4", "--format", "json")
    target = json.loads(said)["targets"][0]
    assert target["starttls"] == "acme"
    assert target["verdict"] == "resumes"


def test_the_guide_has_every_scheme():
    """docs/guides/probe.md says of each URL scheme what it reaches, but for second names of one."""
    guide = (REPOSITORY / "docs/guides/probe.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([a-z0-9-]+)://", guide))
    wanted = {scheme.name for row in ROWS for scheme in row.schemes} - {"postgresql"}
    assert_complete(told & SCHEMES.keys(), wanted, "docs/guides/probe.md, What it can reach")


def test_rows_do_not_contradict_each_other():
    """Names of protocols and of schemes are used once, and what has STARTTLS has a scheme of its
    own name in which it starts."""
    schemes = [scheme for row in ROWS for scheme in row.schemes]
    assert len(PROTOCOLS) == len(ROWS)
    assert len(SCHEMES) == len(schemes)
    for row in ROWS:
        assert (row.name in STARTTLS) is (row.script is not None)
        assert any(scheme.starttls for scheme in row.schemes) is (row.script is not None), row.name
        assert row.script is None or SCHEMES[row.name].starttls

"""Configuration: which file counts, what it may set, what beats it, and what `config` shows."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.commands import runner
from tlsresume.configuration import (
    find_configuration,
    parse_configuration,
    read_configuration,
    users_file,
)
from tlsresume.errors import ConfigurationFileError, ExitStatus
from tlsresume.results.report import Report, Tool


@pytest.fixture
def run(capsys):
    return runner(capsys)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder, and the user's own file beside it, which is not there."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    return folder


@pytest.fixture
def probe(run, monkeypatch):
    """Run `probe` without probing: its status, its options by its report, and stderr."""
    tool = Tool(name="t", version="1", openssl="", pyopenssl="")
    monkeypatch.setattr("tlsresume.runs.many_targets.scan", lambda *_, **__: Report(tool=tool))

    def ran(*arguments: str):
        status, out, err = run("probe", "h", "--format", "json", *arguments)
        return status, json.loads(out).get("options") if out else None, err

    return ran


def users(here: Path, text: str) -> Path:
    """Write the user's own file."""
    path = here.parent / "xdg" / "tlsresume" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_one_file_counts_and_stderr_names_it(probe, here):
    """--config before the working folder's before the user's own; --no-config none; -q is quiet."""
    assert probe()[1]["tries"] == 5
    own = users(here, "tries = 6\n")
    status, options, err = probe()
    assert (status, options["tries"]) == (ExitStatus.OK, 6)
    assert err == f"tlsresume: options from {own}\n"
    (here / "tlsresume.toml").write_text('tries = 7\ntimeout = "250ms"\n')
    status, options, err = probe()
    assert (options["tries"], options["timeout"]) == (7, 0.25)
    assert err == "tlsresume: options from tlsresume.toml\n"
    (here / "ci.toml").write_text("tries = 8\n")
    assert probe("--config", "ci.toml")[1]["tries"] == 8
    assert probe("--no-config")[1:] == (probe("--no-config")[1], "")
    assert probe("--no-config")[1]["tries"] == 5
    assert probe("-q")[2] == ""
    assert probe("--config", "ci.toml", "--no-config")[0] == ExitStatus.USAGE


def test_parent_folders_are_not_searched(probe, here, monkeypatch):
    """A file one folder up is not read."""
    (here / "tlsresume.toml").write_text("tries = 7\n")
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    assert probe()[1]["tries"] == 5


def test_the_command_line_beats_the_environment_beats_the_file(probe, here, monkeypatch):
    """Value by value, also where two options exclude each other."""
    users(here, 'timeout = 1\ncafile = "ca.pem"\npolicy = "strict"\nproxy = "p.example:1"\n')
    ca = here.parent / "xdg" / "tlsresume" / "ca.pem"
    ca.write_text("")
    _, options, _ = probe()
    assert (options["timeout"], options["policy"], options["cafile"]) == (1, "strict", str(ca))
    monkeypatch.setenv("TLSRESUME_TIMEOUT", "2s")
    monkeypatch.setenv("TLSRESUME_POLICY", "no-resumption")
    monkeypatch.setenv("TLSRESUME_PROXY", "socks5h://q.example")
    monkeypatch.setenv("TLSRESUME_TRIES", "9")
    _, options, _ = probe()
    assert (options["timeout"], options["policy"]) == (2, "no-resumption")
    assert (options["proxy"], options["tries"]) == ("socks5h://q.example", 5)
    _, options, _ = probe("--timeout", "3", "--proxy-env")
    assert options["timeout"] == 3
    assert "proxy" not in options
    assert options["proxy-env"] is True


def test_formats_of_the_environment_and_of_a_file(run, here, monkeypatch):
    """Several, set apart by spaces; a command leaves out those that it does not have."""
    tool = Tool(name="t", version="1", openssl="", pyopenssl="")
    monkeypatch.setattr("tlsresume.runs.many_targets.scan", lambda *_, **__: Report(tool=tool))
    monkeypatch.setenv("TLSRESUME_FORMAT", "json junit=out.xml")
    status, out, _ = run("probe", "h")
    assert status == ExitStatus.OK
    assert json.loads(out)["options"]["format"] == ["json", "junit=out.xml"]
    assert (here / "out.xml").exists()
    held = json.loads(run("config", "save", "--format", "json")[1])
    (row,) = [each for each in held["options"] if each["key"] == "format"]
    assert (row["value"], row["place"]) == (["json"], "TLSRESUME_FORMAT")
    monkeypatch.setenv("TLSRESUME_FORMAT", "yaml")
    status, _, err = run("probe", "h")
    assert status == ExitStatus.USAGE
    assert "of $TLSRESUME_FORMAT: 'yaml' is not one of" in err


#: What a file in the working folder must not hold, and a word of the error.
FORBIDDEN = (
    'proxy = "p.example:1"', "proxy-env = true", 'format = "json=out.json"',
    'format = ["text", "junit=x"]', 'cert = "c.pem"', 'key = "k.pem"', 'connect = "10.0.0.1"',
    'resolve = "a:1:10.0.0.1"', 'send = "x"', 'early-data = "x"', "exit-zero = true",
    'fail-on = "never"', 'policy = "mine.toml"', 'ticket-keys = "k"', 'keylogfile = "k"',
    'servername = "x"', 'targets = "t"', 'capath = "."', "verify = true", 'baseline = "b"',
    "[probe]\nexit-zero = true", '[resume]\nearly-data = "x"', '[watch]\nhistory = "h"',
    '[save]\noutput = "x"',
)  # fmt: skip


def test_a_strangers_file_sets_only_what_is_harmless(run, probe, here):
    """Anything else is status 7, with the key and --config in the words; a file that the user
    names may hold it."""
    for text in FORBIDDEN:
        key = text.rpartition("\n")[2].partition(" ")[0]
        (here / "tlsresume.toml").write_text(text)
        status, out, err = run("probe", "h")
        assert (status, out) == (ExitStatus.FILE, ""), text
        assert f"tlsresume.toml: {key} cannot be set" in err, (text, err)
        assert "--config tlsresume.toml" in err
    (here / "tlsresume.toml").write_text(
        'tries = 2\ntimeout = "9s"\nticket-wait = 1\ndeadline = "1m"\npolicy = "strict"\n'
        'format = ["json"]\ncafile = "ca.pem"\n'
    )
    (here / "ca.pem").write_text("")
    status, options, _ = probe()
    assert status == ExitStatus.OK
    assert (options["tries"], options["policy"], options["cafile"]) == (2, "strict", "ca.pem")
    (here / "tlsresume.toml").write_text('fail-on = "never"\nresolve = ["h:443:127.0.0.1"]\n')
    status, options, _ = probe("--config", "tlsresume.toml")
    assert (status, options["fail-on"]) == (ExitStatus.OK, "never")
    assert options["resolve"] == ["h:443:127.0.0.1"]


#: What no file may hold, and what is said of it.
WRONG = (
    ("trys = 3", "'trys' is no option that a file can set; did you mean tries?"),
    ("[probes]\ntries = 1", "'probes' is no option that a file can set; did you mean probe?"),
    ("[save]\ntries = 1", "'tries' is no option that a file can set"),
    ("probe = 3", "probe must be a table, begun by a line [probe]"),
    ("[[serve]]", "serve must be a table, begun by a line [serve]"),
    ('config = "x"', "'config' is no option"),
    ('replay-early-data = "GET"', "'replay-early-data' is no option"),
    ("replay-age = 5", "'replay-age' is no option"),
    ('json = "x"', "'json' is no option"),
    ("tries = true", "tries must be a text or a number"),
    ("tries = [1, 2]", "tries must be a text or a number"),
    ("no-sni = 1", "no-sni must be true or false"),
    ("format = [1.5, true]", "format must be a text or a number, or a list of them"),
    ("tries = 0", "tries: "),
    ('timeout = "soon"', "timeout: 'soon' is not a duration"),
    ('starttls = "gopher"', "starttls: "),
    ('format = "yaml"', "format: 'yaml' is not one of"),
    ("tries = = 3", "is not TOML"),
    ("a" + ".a" * 100 + " = 1", "a key of more than 64 parts"),
)  # fmt: skip


def test_what_is_wrong_in_a_file_is_an_error_of_the_file(run, here):
    """Status 7, the file and the key; one message, no traceback."""
    path = here / "x.toml"
    for text, words in WRONG:
        path.write_text(text)
        status, out, err = run("probe", "h", "--config", "x.toml")
        assert (status, out) == (ExitStatus.FILE, ""), (text, err)
        assert "x.toml" in err
        assert words in " ".join(err.split()), (text, err)
    for asked in (("--format", "json"), ("--format=jsonl",), ("--json",)):
        status, out, _ = run("probe", "h", "--config", "x.toml", *asked)
        assert status == ExitStatus.FILE
        assert "x.toml" in json.loads(out)["error"]["message"]
    path.write_bytes(b"\xff\xfe")
    assert run("probe", "h", "--config", "x.toml")[0] == ExitStatus.FILE
    assert run("probe", "h", "--config", "missing.toml")[0] == ExitStatus.FILE
    assert run("probe", "h", "--config", ".")[0] == ExitStatus.FILE
    (here / "tlsresume.toml").mkdir()
    assert run("probe", "h")[0] == ExitStatus.FILE
    assert run("explain", "not-issued")[0] == ExitStatus.OK


def test_the_exporters_tables_are_skipped(probe, here):
    """[exporter], [modules] and [web] may hold anything; their reader is `table`."""
    text = 'tries = 3\n[exporter]\nx = 1\n[modules.a]\nproxy = "p"\n[web]\ny = 2\n'
    (here / "tlsresume.toml").write_text(text)
    assert probe()[1]["tries"] == 3
    found = read_configuration("tlsresume.toml", trusted=False)
    assert found.table("exporter") == {"x": 1}
    assert found.table("modules") == {"a": {"proxy": "p"}}
    assert found.table("nothing") == {}
    with pytest.raises(ConfigurationFileError):
        found.table("tries")


def test_a_table_of_a_command_is_for_it_alone(probe, run, here):
    """[probe] beats the keys above it, and does not reach another command."""
    (here / "tlsresume.toml").write_text("tries = 3\n[watch]\ntries = 9\n[probe]\ntries = 4\n")
    assert probe()[1]["tries"] == 4

    def held(command: str) -> object:
        rows = json.loads(run("config", command, "--format", "json")[1])["options"]
        return {row["key"]: (row["value"], row["source"]) for row in rows}.get("tries")

    assert held("watch") == (9, "file")
    assert held("resume") == (3, "file")
    assert held("save") is None


def test_config_shows_what_holds_and_whence(run, here, monkeypatch):
    """Text and JSON, with the default command probe; passwords are hidden."""
    (here / "mine.toml").write_text('tries = 3\nproxy = "http://joe@p.example"\n')
    monkeypatch.setenv("TLSRESUME_TIMEOUT", "2s")
    status, out, err = run("config", "--config", "mine.toml")
    assert (status, err) == (ExitStatus.OK, "")
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["tlsresume", "probe", "configuration", "file", "mine.toml"]
    assert ["tries", "3", "mine.toml"] in rows
    assert ["timeout", "2", "$TLSRESUME_TIMEOUT"] in rows
    assert ["proxy", "http://...@p.example", "mine.toml"] in rows
    assert ["budget", "200", "default"] in rows
    held = json.loads(run("config", "probe", "--no-config", "--format", "json")[1])
    assert (held["command"], held["file"]) == ("probe", None)
    assert {row["source"] for row in held["options"]} == {"environment", "default"}
    status, _, err = run("config", "--config", "missing.toml")
    assert status == ExitStatus.FILE


def test_save_resume_and_watch_tell_their_options(run, here, server):
    """In JSON, with the defaults that the file gave them."""
    (here / "tlsresume.toml").write_text('timeout = "9s"\nticket-wait = "300ms"\n')
    place = f"127.0.0.1:{server().port}"
    for words in (
        ("save", place, "-o", "s.pem"),
        ("resume", "s.pem"),
        ("watch", place, "--once", "--history", "h.sqlite3"),
    ):
        status, out, err = run(*words, "--format", "json")
        assert status == ExitStatus.OK, err
        assert "options from tlsresume.toml" in err
        options = json.loads(out)["options"]
        assert (options["timeout"], options["ticket-wait"]) == (9, 0.3), words
    out = run("watch", "report", "--history", "h.sqlite3", "--format", "json")[1]
    assert json.loads(out)["options"] == {"history": "h.sqlite3", "format": ["json"]}


def test_where_the_users_file_is():
    """By the XDG specification: a relative $XDG_CONFIG_HOME does not count."""
    assert users_file({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}) == "/x/tlsresume/config.toml"
    assert users_file({"XDG_CONFIG_HOME": "x", "HOME": "/h"}) == "/h/.config/tlsresume/config.toml"
    assert users_file({"HOME": ""}) is None
    assert find_configuration("f", {}) == ("f", True)


@given(st.text(max_size=200))
def test_any_text_is_a_configuration_or_an_error(text):
    """Nothing else comes out of the reader."""
    with suppress(ConfigurationFileError):
        assert parse_configuration(text, "x").path == "x"


# --------------------------------------------------- commands with a table of their own


def test_commands_that_read_their_own_table_only(run, here):
    """serve, capture and inspect take defaults from the table with their name, and from nothing
    else: neither keys for all commands nor variables; files are named from the folder of the
    configuration on."""
    users(
        here,
        'format = "nagios"\ntimeout = "5s"\n'
        '[serve]\nbehaviour = ["refuse", "tickets"]\nexpect = ["tickets=resumed"]\nfor = "2s"\n'
        'client-ca = "ca.pem"\n[capture]\ntop = 7\n[inspect]\nformat = "json"\n',
    )
    for name, wanted in (
        ("serve", {"behaviour": ["refuse", "tickets"], "expect": ["tickets=resumed"],
                   "for": 2.0, "client-ca": str(here.parent / "xdg" / "tlsresume" / "ca.pem")}),
        ("capture", {"top": 7}),
        ("inspect", {"format": ["json"]}),
    ):  # fmt: skip
        status, out, err = run("config", name, "--format", "json")
        assert status == 0, err
        options = json.loads(out)["options"]
        told = {each["key"]: each["value"] for each in options if each["source"] == "file"}
        assert told == wanted, name
    status, out, _ = run("inspect", str(here / "nothing"))
    assert status == ExitStatus.FILE
    assert out == "" or json.loads(out)


def test_what_a_strangers_file_sets_for_serve_is_refused(run, here):
    """A file of the working folder names no command to run, and a wrong key is told."""
    (here / "tlsresume.toml").write_text('[serve]\nrun = "touch owned"\n')
    status, out, err = run("serve", "--for", "1ms")
    assert (status, out) == (ExitStatus.FILE, "")
    assert "run cannot be set by a file in the working folder" in err
    assert not (here / "owned").exists()
    (here / "tlsresume.toml").write_text('[serve]\nbehavior = "default"\n')
    status, _, err = run("serve", "--for", "1ms")
    assert status == ExitStatus.FILE
    assert "did you mean behaviour?" in err

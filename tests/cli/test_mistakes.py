"""What people type: what is taken as it was meant, and what is answered with the next step."""

from __future__ import annotations

import json

import click
import pytest

from tests.helpers.commands import runner
from tlsresume import __version__
from tlsresume.cli import root
from tlsresume.errors import ExitStatus
from tlsresume.features.fleet.engine import Here
from tlsresume.features.fleet.selection import Job
from tlsresume.formats.document import document
from tlsresume.results.report import Report, TargetResult, Tool

#: A command line, and the command to type instead. No line connects to anything.
MISTAKES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("www.example.com:",), "tlsresume probe www.example.com"),
    (("probe", "www.example.com:"), "tlsresume probe www.example.com"),
    (("save", "h.example:"), "tlsresume save h.example"),
    (("https:/www.example.com",), "tlsresume probe https://www.example.com"),
    (("probe", "https:www.example.com:8443"), "tlsresume probe https://www.example.com:8443"),
    (("watch", "smtp:/mail.example"), "tlsresume watch smtp://mail.example"),
    (("probe", "a:1,b:2"), "tlsresume probe a:1 b:2"),
    (("a.example, b.example",), "tlsresume probe a.example b.example"),
    (("probe", "a.example b.example"), "tlsresume probe a.example b.example"),
    (("www.example.com/a/b",), "tlsresume probe www.example.com"),
    (("@list",), "tlsresume probe --targets list"),
    (("probe", "@my list.txt"), "tlsresume probe --targets 'my list.txt'"),
    (("probe", "targets.txt"), "tlsresume probe --targets targets.txt"),
    (("./targets.txt",), "tlsresume probe --targets ./targets.txt"),
    (("probe", f"{'x' * 50}/../{'y' * 50}/../targets.txt"),
     f"tlsresume probe --targets {'x' * 50}/../{'y' * 50}/../targets.txt"),
    (("probe", "targets"), "tlsresume probe --targets targets"),
    (("probe", "old.session.pem"), "tlsresume resume old.session.pem"),
    (("probe", "packets.pcap"), "tlsresume capture packets.pcap"),
    (("probe", "--insecure", "h.example"), "tlsresume probe h.example"),
    (("probe", "--http3", "h.example"), "tlsresume probe --quic h.example"),
    (("probe", "--http3-only", "h.example"), "tlsresume probe h3://h.example"),
    (("save", "--http3", "https://h.example"), "tlsresume save h3://h.example"),
    (("probe", "-k", "h.example"), "tlsresume probe h.example"),
    (("h.example", "-k"), "tlsresume probe h.example"),
    (("resume", "s.pem", "-k"), "tlsresume resume s.pem"),
    (("probe", "h.example", "--port", "8443"), "tlsresume probe h.example:8443"),
    (("probe", "--tls", "1.3", "h.example", "--port=8443", "-v"),
     "tlsresume probe --tls 1.3 h.example:8443 -v"),
    (("probe", "h.example:443", "-p", "8443"), "tlsresume probe h.example:8443"),
    (("probe", "-p8443", "::1"), "tlsresume probe '[::1]:8443'"),
    (("probe", "[::1]:443", "--port", "8443"), "tlsresume probe '[::1]:8443'"),
    (("probe", "https://h.example/", "--port", "8443"), "tlsresume probe https://h.example:8443"),
    (("save", "--port", "8443"), "tlsresume save HOST:8443"),
    (("probe", "h.example", "-o", "out.html"), "tlsresume probe h.example --format html=out.html"),
    (("probe", "-o", "r.json", "h.example"), "tlsresume probe h.example --format json=r.json"),
    (("probe", "-o", "r.xml", "h.example"), "tlsresume probe h.example --format junit=r.xml"),
    (("probe", "h.example", "--output=r"), "tlsresume probe h.example --format json=r"),
    (("probe", "h.example", "--no-color"), "NO_COLOR=1 tlsresume probe h.example"),
    (("watch", "--no-colour", "h.example"), "NO_COLOR=1 tlsresume watch h.example"),
    (("probe", "h.example", "--watch"), "tlsresume watch h.example"),
    (("-v", "h.example"), "tlsresume probe -v h.example"),
    (("--tries", "3", "save", "h"), "tlsresume save --tries 3 h"),
    (("watch", "list"), "tlsresume watch report"),
    (("watch", "h.example", "report"), "tlsresume watch report h.example"),
    (("watch", "--once", "report"), "tlsresume watch report"),
    (("probe", "-k", "joe:secret@h.example"), "tlsresume probe ...@h.example"),
)  # fmt: skip


@pytest.fixture
def run(capsys):
    return runner(capsys)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with some files that are no targets, as the working folder."""
    for name in ("targets.txt", "targets", "old.session.pem", "packets.pcap", "www.example.org"):
        (tmp_path / name).write_text("")
    for folder in ("x", "y"):
        (tmp_path / (folder * 50)).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_typed_mistake_gets_the_command_to_type(run, here):
    """Each is status 2, nothing on stdout, one line that says what is wrong, and one hint."""
    for arguments, command in MISTAKES:
        status, out, err = run(*arguments)
        assert (status, out) == (ExitStatus.USAGE, ""), (arguments, err)
        first, *hints = err.splitlines()
        assert first.startswith("tlsresume: error: "), arguments
        assert hints == [f"hint: {command}"], (arguments, err)
        assert "secret" not in err


@pytest.fixture
def asked(monkeypatch):
    """What `probe` was asked, instead of probing."""
    seen: list[tuple[str, ...]] = []

    def scan(targets, **_rest):
        seen.append(tuple(target.name for target, _ in targets))
        return Report(tool=Tool(name="t", version="1", openssl="", pyopenssl=""))

    monkeypatch.setattr("tlsresume.runs.many_targets.scan", scan)
    return seen


def test_a_first_word_that_is_a_target_is_probed(run, asked, here):
    """A dot, a colon, a slash or a bracket makes a target, and so does localhost; options follow
    as those of probe; white space around a target does not count."""
    for words, names in (
        (("www.example.com",), ("www.example.com:443",)),
        (("www.example.org",), ("www.example.org:443",)),  # a file of that name is there
        (("web:8443", "--tries", "3"), ("web:8443",)),
        (("localhost",), ("localhost:443",)),
        (("LocalHost", "a"), ("localhost:443", "a:443")),
        (("https://a/", " b.example "), ("a:443", "b.example:443")),
        (("[::1]",), ("[::1]:443",)),
        (("::1",), ("[::1]:443",)),
        (("probe", "\tweb\n"), ("web:443",)),
    ):
        run(*words)
        assert asked[-1] == names, words


def test_any_other_first_word_names_the_nearest_command(run):
    """It is status 2; where nothing is near, the way to a host of that name is told, too."""
    for word, hint in (
        ("prob", "did you mean: tlsresume probe"),
        ("Explian", "did you mean: tlsresume explain"),
        ("repotr", "did you mean: tlsresume "),
        ("zzz", "to test a host of that name: tlsresume probe zzz"),
        ("", "did you mean: tlsresume "),
    ):
        status, out, err = run(word)
        assert (status, out) == (ExitStatus.USAGE, "")
        assert hint in err, (word, err)


def test_ways_to_help(run):
    """Bare, help, help CMD and -V answer on stdout with status 0."""
    whole = run("--help")
    assert whole[0] == ExitStatus.OK
    assert run() == run("help") == run("-h") == whole
    assert run("-V") == run("--version") == (0, f"tlsresume {__version__}\n", "")
    for name in (*root.COMMANDS, *root.SUBCOMMANDS):
        status, out, err = run("help", *name.split())
        assert (status, err) == (0, ""), name
        assert out == run(*name.split(), "--help")[1], name
        assert f"Usage: tlsresume {name}" in out
    status, out, err = run("help", "prbe")
    assert (status, out) == (ExitStatus.USAGE, "")
    assert "did you mean: tlsresume probe" in err


def test_short_help_is_one_screen_and_the_long_one_has_all(run):
    """-h fits 24 rows of 80 columns, with a prompt, and shows ten options at most; --help lists
    every option that is not hidden, under headings."""
    for name in ("", *root.COMMANDS, *root.SUBCOMMANDS):
        status, out, err = run(*name.split(), "-h")
        assert (status, err) == (0, ""), name
        lines = out.splitlines()
        assert len(lines) <= 23, (name, len(lines))
        assert max(map(len, lines)) <= 80, name
        if not name:
            continue
        command = root.root.get_command(click.Context(root.root), name)
        assert command is not None
        long = run(*name.split(), "--help")[1]
        known = {option.name: option for option in command.params}
        for option in command.params:
            if option.opts[0].startswith("-") and not getattr(option, "hidden", False):
                assert option.opts[0] in long, (name, option.opts)
        matter = getattr(command, "matter_most", ())
        assert len(matter) <= 10
        for each in matter:
            assert known[each].opts[0] in out, (name, each)
    assert "All options: tlsresume probe --help" in run("probe", "-h")[1]


def test_words_are_taken_in_any_case_and_versions_in_any_spelling(run, asked):
    """Choices ignore case; 13, tls1.3 and TLSv1_3 are 1.3; a mechanism alone is to be resumed."""
    options = []
    for words in (
        ("--starttls", "SMTP", "--tls", "13", "--fail-on", "Warning", "--expect", "psk"),
        (
            "--starttls",
            "smtp",
            "--tls",
            "tls1.3",
            "--fail-on",
            "warning",
            "--expect",
            "PSK=Resumed",
        ),
        ("--starttls", "Smtp", "--tls", "TLSv1.3", "--fail-on", "WARNING", "--expect", "PSK"),
    ):
        _, out, err = run("probe", "h", *words, "--format", "JSON")
        assert err == ""
        options.append(json.loads(out)["options"])
    assert options[0] == options[1] == options[2]
    assert options[0]["starttls"] == "smtp"
    assert options[0]["tls"] == ["1.3"]
    assert options[0]["expect"] == ["psk=resumed"]
    assert options[0]["fail-on"] == "warning"
    status, _, err = run("probe", "h", "--tls", "1.1")
    assert status == ExitStatus.USAGE
    assert "'1.1' is not one of '1.2', '1.3'" in err


def test_one_spelling_of_durations_and_of_shares(run, asked):
    """Every option that takes a time takes 5s, 250ms, 2h and plain seconds; every share 0.9 and
    90%."""
    for spelt, seconds in (("5s", 5), ("250ms", 0.25), ("0.5", 0.5), ("5", 5), ("2m", 120)):
        _, out, _ = run(
            "probe", "h", "--timeout", spelt, "--ticket-wait", spelt, "--deadline", spelt,
            "--max-lifetime", spelt, "--age", spelt, "--find-lifetime", spelt, "--json",
        )  # fmt: skip
        options = json.loads(out)["options"]
        names = ("timeout", "ticket-wait", "deadline", "max-lifetime", "find-lifetime")
        assert [options[name] for name in names] == [seconds] * 5
        assert options["age"] == [seconds]
    for spelt in ("0.9", "90%", "90 %"):
        _, out, _ = run("probe", "h", "--min-rate", spelt, "--json")
        assert json.loads(out)["options"]["min-rate"] == 0.9


def test_a_target_list_tells_all_its_bad_lines(run, tmp_path):
    """Each with its number; an option that a line cannot have brings the list of those it can."""
    path = tmp_path / "list"
    path.write_text('a:1\na..b\n# c\nx --tries 3\n"q\n c.example:1 --tls 13\nx -k\n')
    status, out, err = run("probe", "--targets", str(path), "--format", "json")
    assert status == ExitStatus.USAGE
    first, *rest = err.splitlines()
    assert first == f"tlsresume: error: {path} has 4 bad lines"
    assert [line.partition(":")[0] for line in rest[:4]] == [
        "  line 2", "  line 4", "  line 5", "  line 7",
    ]  # fmt: skip
    hint = " ".join(" ".join(rest[4:]).split())
    assert hint.startswith("hint: a line may have: --servername, --no-sni")
    assert "--timeout" in hint
    assert "--tries" not in hint
    assert "line 7" in json.loads(out)["error"]["message"]


def test_a_baseline_that_is_not_there_yet(run, tmp_path, monkeypatch):
    """It is status 7, and says how to make one."""
    monkeypatch.chdir(tmp_path)
    status, out, err = run("probe", "h", "--baseline", "b.json")
    assert (status, out) == (ExitStatus.FILE, "")
    assert err == (
        "tlsresume: error: there is no baseline b.json yet\n"
        "hint: make one: tlsresume probe TARGET --format json=b.json\n"
    )


def test_a_line_of_a_list_tells_its_own_options(run, tmp_path, monkeypatch):
    """In a report what a line says stands with its target."""

    async def probed(self: Here, job: Job) -> TargetResult:
        own = dict(job.options.own_options)
        return TargetResult(target=job.target.name, verdict="resumes", options=own or None)

    monkeypatch.setattr(Here, "probe", probed)
    path = tmp_path / "list"
    path.write_text("a\nb --timeout 2s --sni x.example\n")
    _, out, _ = run("probe", "--targets", str(path), "--json")
    told = {target["target"]: target["options"] for target in json.loads(out)["targets"]}
    assert told == {"a:443": None, "b:443": {"timeout": 2, "servername": "x.example"}}


def test_passwords_are_hidden_in_the_options(run, asked, tmp_path):
    """Neither a proxy's login nor what is sent stands in a report."""
    _, out, _ = run(
        "probe", "h", "--proxy", "http://joe@p.example:8080", "--send", "AUTH s3cret", "--json"
    )
    options = json.loads(out)["options"]
    assert options["proxy"] == "http://...@p.example:8080"
    assert options["send"] == "(11 bytes)"
    _, out, _ = run("probe", "h", "--replay-early-data=GET /a", "--replay-age", "5s", "--json")
    options = json.loads(out)["options"]
    assert (options["replay-early-data"], options["replay-age"]) == ("GET /a", [5])
    assert "s3cret" not in out
    assert document(Tool(name="t", version="1", openssl="", pyopenssl=""), Report(
        tool=Tool(name="t", version="1", openssl="", pyopenssl=""))).count('"options": null') == 1  # fmt: skip


def test_a_proxy_without_a_scheme_is_one_of_http(run, asked):
    """--proxy host:8080 is http://host:8080, as in curl."""
    _, out, err = run("probe", "h", "--proxy", "p.example:8080", "--json")
    assert err == ""
    assert json.loads(out)["options"]["proxy"] == "p.example:8080"

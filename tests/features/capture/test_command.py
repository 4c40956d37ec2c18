"""The command: its formats, demands, exit statuses, and what it keeps to itself."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys

import msgspec
import pytest

from tests.features.capture.packets import START, pcap
from tests.features.capture.reading import report_of
from tests.features.capture.talks import Talk
from tests.helpers.commands import runner
from tests.helpers.pair import Peer
from tests.paths import REPOSITORY
from tlsresume.features.capture.lines import COLUMNS
from tlsresume.features.capture.render_text import render
from tlsresume.features.capture.report import CaptureReport
from tlsresume.features.capture.seen import utc
from tlsresume.formats.page import View


@pytest.fixture
def run(capsys):
    return runner(capsys)


@pytest.fixture(scope="module")
def talk():
    """Of three offers two are accepted; one name with an odd spelling, two clients."""
    made = Talk()
    first = made.connect("1.3")
    made.connect("1.3", first.sessions[0], client=("192.0.2.77", 5000))
    made.connect("1.3", first.sessions[1])
    made.connect("1.3", Peer().connect(_config()).sessions[0])
    return made


def _config():
    from tests.helpers.pair import config_for

    return config_for("1.3")


@pytest.fixture
def path(talk, tmp_path):
    file = tmp_path / "x.pcap"
    file.write_bytes(pcap(talk.frames))
    return str(file)


def test_text(run, path):
    """People get the rates, the clients, and a last line that decides."""
    status, out, err = run("capture", path)
    assert (status, err) == (0, "")
    assert out.splitlines()[0].startswith("4 TLS connections, 4 handshakes, ")
    row = next(line for line in out.splitlines() if line.startswith("localhost  "))
    assert row.split()[:7] == ["localhost", "4", "3", "2", "67", "%", "50"]
    assert "192.0.2.77: 1 connection, 1 of 1 offers accepted" in out
    assert out.splitlines()[-1] == "OK: the captures were read; nothing was demanded"


def test_json_is_the_report(run, path):
    """The document has schema and tool, and is the report's shape."""
    status, out, _ = run("capture", path, "--format", "json")
    found = json.loads(out)
    assert (status, found["schema"], found["tool"]["name"]) == (0, 1, "tlsresume")
    del found["schema"], found["tool"]
    report = msgspec.convert(found, CaptureReport)
    (server,) = report.servers
    assert (server.offered, server.accepted, server.refused, server.unknown) == (3, 2, 1, 0)
    assert server.clients_total == 2
    keys = set(found["servers"][0])
    for name in ("addresses", "by_software", "clients", "key_names"):
        assert {name, f"{name}_total", f"{name}_dropped"} <= keys


def test_lines_of_connections(run, path, tmp_path):
    """Jsonl and csv have a line for each connection; files get their name at the end."""
    target = tmp_path / "lines.csv"
    status, out, _ = run("capture", path, "--format", "jsonl", "--format", f"csv={target}")
    lines = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [line["outcome"] for line in lines] == [
        "not-offered", "accepted", "accepted", "refused",
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(target.read_bytes().decode())))
    assert list(rows[0]) == list(COLUMNS) == list(lines[0])
    assert [row["outcome"] for row in rows] == [line["outcome"] for line in lines]
    assert [row["resumed"] for row in rows] == ["false", "true", "true", "false"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["lines.csv", "x.pcap"]


def test_formulas_are_disarmed(run, tmp_path):
    """A server name that a spreadsheet would run is written as text."""
    talk = Talk()
    talk.connect("1.3", config={"server_name": "=cmd", "verify_name": None})
    (tmp_path / "x.pcap").write_bytes(pcap(talk.frames))
    _, out, _ = run("capture", str(tmp_path / "x.pcap"), "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["sni"] == "'=cmd"


def test_clients_stay_out_of_pages_and_metrics(run, path):
    """HTML has client addresses only when told to, metrics never, --anonymise hides all."""
    for words in (("html",), ("prometheus",), ("prometheus", "--show-clients")):
        _, out, _ = run("capture", path, "--format", *words)
        assert out
        assert "192.0.2." not in out, words
    _, out, _ = run("capture", path, "--format", "html", "--show-clients")
    assert "192.0.2.77" in out
    for form in ("text", "json", "jsonl", "csv", "html"):
        _, out, _ = run("capture", path, "--format", form, "--anonymise", "--show-clients", "-v"
                        if form == "text" else "--show-clients")  # fmt: skip
        assert "192.0.2." not in out, form
        assert "client-" in out, form


def test_anonymised_names_can_be_compared(run, path, tmp_path):
    """Under one key names are the same from run to run, without one they are not."""
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))

    def names(*words: str) -> list[str]:
        out = run("capture", path, "--format", "jsonl", *words)[1]
        return [json.loads(line)["client"] for line in out.splitlines()]

    assert names("--anonymise-key", str(key)) == names("--anonymise-key", str(key))
    first = names("--anonymise")
    assert first != names("--anonymise")
    assert first[0] == first[2] != first[1]
    key.write_bytes(b"short")
    assert run("capture", path, "--anonymise-key", str(key))[0] == 7


def test_demands(run, path, tmp_path):
    """Rates that are not reached exit 3, with the server and its rate; --exit-zero forgives."""
    cases = (
        (("--min-rate", "0.66"), 0, "OK"),
        (("--min-rate", "0.67"), 3, "FAIL (exit 3): localhost (tcp): min-rate=0.67: 2 of 3"),
        (("--min-resumption-rate", "0.5"), 0, "OK"),
        (("--min-resumption-rate", "0.6"), 3, "min-resumption-rate=0.6: 2 of 4"),
        (("--min-rate", "0.9", "--exit-zero"), 0, "FAIL (exit 3, 0 by --exit-zero)"),
    )
    for words, wanted, last in cases:
        status, out, _ = run("capture", path, *words)
        assert (status, last in out.splitlines()[-1]) == (wanted, True), words
    policy = tmp_path / "p.toml"
    policy.write_text('[targets."localhost"]\nmin-rate = 0.9\n[findings]\nrotated = "error"\n')
    assert run("capture", path, "--policy", str(policy))[0] == 3
    policy.write_text('[targets."other"]\nmin-rate = 0.9\n[findings]\nrotated = "error"\n')
    assert run("capture", path, "--policy", str(policy))[0] == 0
    policy.write_text('[defaults]\nmax-lifetime = "1h"\n')
    assert run("capture", path, "--policy", str(policy))[0] == 4
    policy.write_text('[findings]\nticket-used-twice = "error"\n')
    assert run("capture", path, "--policy", str(policy))[0] == 0
    policy.write_text(
        '[defaults]\nmin-rate = 0.9\n[[waivers]]\ntarget = "localhost"\ndemand = "min-rate"\n'
        'reason = "known"\nexpires = 9999-01-01\n'
    )
    assert run("capture", path, "--policy", str(policy))[0] == 0


def test_too_few_known_is_inconclusive(run, tmp_path):
    """Where no offer, or only the lesser part, has a visible answer, a demand exits 4."""
    talk = Talk()
    talk.connect("1.3")
    file = tmp_path / "x.pcap"
    file.write_bytes(pcap(talk.frames))
    status, out, _ = run("capture", str(file), "--min-rate", "0.5")
    assert (status, out.splitlines()[-1].startswith("UNKNOWN (exit 4)")) == (4, True)
    one_way = Talk()
    one_way.twice("1.3")
    file.write_bytes(pcap([f for f in one_way.frames if f.data[12:14] == b"\xc0\x00"]))
    assert run("capture", str(file), "--min-rate", "0.5")[0] == 4
    file.write_bytes(pcap([]))
    assert run("capture", str(file), "--min-resumption-rate", "0.5")[0] == 4


def test_what_counts(run, path, talk):
    """--server, --since and --until choose connections."""

    def counted(*words: str) -> int:
        status, out, _ = run("capture", path, "--format", "json", *words)
        assert status == 0
        return int(json.loads(out)["connections"])

    for pattern, number in (
        ("local*", 4), ("LOCALHOST", 4), ("*:443", 4), ("198.51.100.?:443", 4), ("other", 0),
        ("[kl]ocalhost", 4),
    ):  # fmt: skip
        assert counted("--server", pattern) == number, pattern
    assert counted("--server", "other", "--server", "local*") == 4
    second = talk.frames[-1].time
    assert counted("--since", utc(START)) == 4
    assert counted("--until", utc(START - 10**9)) == 0
    assert counted("--since", utc(second - 10**9)) == 1
    assert counted("--since", "1s") == 1
    assert counted("--until", "1s") == 3
    assert counted("--since", "1h") == 4


def test_several_names(run, tmp_path):
    """--top bounds every list, and what is left out is told."""
    talk = Talk()
    for name in "abc":
        config = {"server_name": f"{name}.example", "verify_name": None}
        talk.connect("1.3", config=config, client=("192.0.2.1", 4000))
        talk.connect("1.3", config=config, client=("192.0.2.2", 4000))
    file = tmp_path / "x.pcap"
    file.write_bytes(pcap(talk.frames))
    found = json.loads(run("capture", str(file), "--format", "json", "--top", "1")[1])
    assert (found["servers_total"], found["servers_dropped"], len(found["servers"])) == (3, 2, 1)
    (server,) = found["servers"]
    assert (server["clients_total"], server["clients_dropped"]) == (2, 1)
    out = run("capture", str(file), "--format", "prometheus", "--top", "1")[1]
    assert out.count("tlsresume_capture_server_connections{") == 1
    assert "tlsresume_capture_servers 3.0" in out


def test_usage(run, path, tmp_path):
    """What makes no sense exits 2 and says so."""
    for words in (
        (),
        (path, path),
        ("-", "-"),
        (path, "--since", "yesterday"),
        (path, "--since", "2026-01-31T12:00:00"),
        ("-", "--since", "1h"),
        (path, "--min-rate", "2"),
        (path, "--top", "0"),
        (path, "--keylogfile", "-"),
        (path, "--format", "junit"),
    ):
        status, out, err = run("capture", *words)
        assert (status, out) == (2, ""), words
        assert err.startswith("tlsresume: error: "), words


def test_files_that_cannot_be_used(run, path, tmp_path):
    """No capture, a folder, nothing there: exit 7, one line, then hints, and a document."""
    text = tmp_path / "notes.txt"
    text.write_text("no packets\n")
    for words in (
        (str(text),), (str(tmp_path),), (str(tmp_path / "none"),), (path, str(text)),
        (path, "--keylogfile", str(tmp_path / "none")), (path, "--keylogfile", str(tmp_path)),
    ):  # fmt: skip
        status, out, err = run("capture", *words, "--format", "json")
        assert status == 7, words
        assert err.startswith("tlsresume: error: "), words
        assert "error" in json.loads(out), words
    status, out, _ = run("capture", str(text), "--format", "csv")
    assert status == 7


def test_packets_that_cannot_be_read_are_no_success(run, talk, path, tmp_path):
    """Where no packet is of a link type that is read, the file cannot be used; one other will do."""
    data = bytearray(pcap(talk.frames, "raw"))
    data[20:24] = (105).to_bytes(4, "little")
    wireless = tmp_path / "wireless.pcap"
    wireless.write_bytes(data)
    lines = tmp_path / "lines.csv"
    for output in ("text", "json", f"csv={lines}"):
        status, _, err = run("capture", str(wireless), "--format", output)
        assert status == 7, output
        assert "can be read: link type 105 is not supported" in err
    assert not lines.exists() or "wireless" not in lines.read_text()
    status, out, _ = run("capture", str(wireless), path)
    assert status == 0
    assert "link type 105 not read" in out


def test_rows_are_wrapped_on_a_screen(tmp_path, talk):
    """No row of clients, programs or keys is wider than the screen."""
    report = report_of(tmp_path, talk.frames)
    told = render(report, View(width=80))
    assert "ticket key names" in told
    assert max(map(len, told.splitlines())) <= 80


def test_a_cut_file_is_said(run, path, tmp_path, talk):
    """What was read counts, the exit status is 0, and the end is told on both streams."""
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(pcap(talk.frames)[:-20])
    status, out, err = run("capture", str(cut))
    assert status == 0
    assert "read to there" in " ".join(out.split())
    assert "it ends inside packet" in err


def test_a_stream(run, talk, monkeypatch):
    """`-` is the standard input, gzip or not."""
    for data in (pcap(talk.frames), gzip.compress(pcap(talk.frames))):
        stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(data)))
        monkeypatch.setattr(sys, "stdin", stdin)
        status, out, _ = run("capture", "-", "--format", "json")
        assert (status, json.loads(out)["connections"]) == (0, 4)


def test_an_interrupt_prints_what_is_known(run, talk, monkeypatch):
    """Ctrl-C ends a stream with the report of what came before, and exit status 130."""

    class Interrupted(io.RawIOBase):
        def __init__(self) -> None:
            self.pieces = [pcap(talk.frames)]

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            if not self.pieces:
                raise KeyboardInterrupt
            data = self.pieces.pop()
            buffer[: len(data)] = data
            return len(data)

    stdin = io.TextIOWrapper(io.BufferedReader(Interrupted(), 1 << 20))
    monkeypatch.setattr(sys, "stdin", stdin)
    status, out, _ = run("capture", "-", "--format", "json")
    assert (status, json.loads(out)["connections"]) == (130, 4)


def test_strangers_names_are_made_safe(run, tmp_path):
    """A server name with markup, control characters or what CI runners obey breaks no format."""
    talk = Talk()
    talk.connect("1.3", config={"server_name": "<b>a\x1b[31m##[error]", "verify_name": None})
    file = tmp_path / "x.pcap"
    file.write_bytes(pcap(talk.frames))
    for form in ("text", "html", "prometheus", "csv", "jsonl", "json"):
        status, out, _ = run("capture", str(file), "--format", form)
        assert status == 0
        assert "\x1b" not in out, form
        assert "##[" not in out, form
    assert "<b>a" not in run("capture", str(file), "--format", "html")[1]


def test_findings_explain_themselves(run):
    """`explain` knows the codes of captures, and finds them when mistyped."""
    status, out, _ = run("explain", "separate-keys")
    assert status == 0
    assert "ticket keys" in out
    assert "did you mean: tlsresume explain never-offers" in run("explain", "never-offer")[2]


def test_the_columns_of_csv_are_documented():
    """The guide to captures says what each column of csv is, and of no other."""
    text = (REPOSITORY / "docs/guides/captures.md").read_text(encoding="utf-8")
    table = text.partition("| column | what it says |")[2].partition("\n\n")[0]
    named = [
        name for line in table.splitlines() for name in re.findall("`(.+?)`", line.split(" | ")[0])
    ]
    assert sorted(named) == sorted(COLUMNS)


def test_a_waiver_of_one_transport_is_of_that_only():
    """A waiver that names a transport leaves the same demand over another as it is."""
    import datetime as dt

    from tlsresume.features.capture.demands import _waived
    from tlsresume.features.capture.report import Demand
    from tlsresume.policy.reading import parse_policy
    from tlsresume.protocols.schemes import Transport

    policy = parse_policy(
        '[defaults]\nmin-rate = 1\n[[waivers]]\ntarget = "*"\ndemand = "min-rate"\n'
        'reason = "soon"\nexpires = 2026-12-31\ntransport = "quic"\n', "p",
    )  # fmt: skip
    demand = Demand(demand="min-rate=1", key="min-rate", outcome="broken", message="")
    cases: tuple[tuple[Transport, str], ...] = (("quic", "waived"), ("tcp", "broken"))
    for transport, outcome in cases:
        held = _waived(demand, policy, ["a:443"], dt.date(2026, 1, 1), transport)
        assert held.outcome == outcome


def test_text_says_what_was_not_visible(run, path):
    """With -v people read which checks packets could not answer, and what would show it."""
    _, out, _ = run("capture", path, "-v")
    flat = " ".join(out.split())
    assert "tickets of psk (--keylogfile shows them), for " in flat
    assert "ticket-lifetime-too-long" in flat
    assert re.search(r"not visible in packets: \d\d checks of `tlsresume probe`", flat)
    _, out, _ = run("capture", path)
    assert "not visible" not in out

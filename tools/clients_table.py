"""Write docs/clients.md: what clients do about TLS session resumption, as `serve` sees it.

Runs the client programs of tests/servers/client_programs.py and quic_ftp_clients.py that are
installed here against `tlsresume serve`, and names those that are not. Not a part of
`make generate`: its outcome depends on what is installed. $TLSRESUME_NEWER_SERVERS names the
folder with gtlsclient, as for the tests.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.servers import newer
from tests.servers.client_programs import FILES, PROGRAMS
from tests.servers.installed import NotInstallable, install
from tests.servers.quic_ftp_clients import (
    CHROMIUM,
    CHROMIUM_NEEDS,
    FTP_PROGRAMS,
    QUIC_FTP_FILES,
    gtlsclient,
)

TABLE = Path(__file__).resolve().parent.parent / "docs" / "clients.md"
#: How to ask a program for its version, and for that of its TLS library where it tells.
VERSIONS: Mapping[str, str] = {
    "curl": "curl --version",
    "wget": "wget --version",
    "node": "node -p '`${process.versions.node} OpenSSL ${process.versions.openssl}`'",
    "go": "go version",
    "java": "java --version",
    "ruby": "ruby -ropenssl -e 'puts RUBY_VERSION, OpenSSL::OPENSSL_LIBRARY_VERSION'",
    "php": "php -r 'echo PHP_VERSION, \" \", OPENSSL_VERSION_TEXT;'",
    "gnutls-cli": "gnutls-cli --version",
    "openssl": "openssl version",
    "lftp": "lftp --version",
    "chromium": "chromium --version",
    sys.executable: f"{sys.executable} -c 'import platform, ssl;"
    " print(platform.python_version(), ssl.OPENSSL_VERSION)'",
}
_VERSION = re.compile(r"\d+(?:\.\d+)+\w*")
_LIBRARY = re.compile(r"(OpenSSL|GnuTLS|LibreSSL)[/ ](\d+(?:\.\d+)+\w*)")
#: The codes that every client that never offers has: its verdict says the same.
_SAID_BY_VERDICT = frozenset({"never-offers"})

HEAD = """# What clients do

Each client below fetched one URL several times in a row, each time on a connection of its own,
from `tlsresume serve`. The tables are what the tool said, made by `tools/clients_table.py` with
the programs of `tests/servers`; `make test-servers` holds it to the truth.

- **resumes**: each connection after the first offered a session, and was resumed.
- **never-offers**: no connection offered one. The cure is the setting or way of use that makes it
  resume; `tlsresume explain never-offers` has more of them.
- **right in**: the behaviours of `--behaviour all` in which the client does what it should:
  resume where the server resumes, refuse where nobody vouches for the certificate, and connect
  in all others.
- **findings**: what `serve` told of the client in any behaviour, beside `never-offers`, which the
  verdict says; `tlsresume explain CODE` has each.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table, the sentences below it that are true of this run, and what is missing
    here instead, if the row could not be made."""

    cells: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: str | None = None


@dataclass(slots=True)
class Table:
    """A heading, columns, and what makes each row."""

    title: str
    columns: tuple[str, ...]
    makers: list[Callable[[], Row]] = field(default_factory=list)


def serve(command: str, *options: str) -> dict[str, Any]:
    """The report of a run."""
    serve_command = ("serve", "--no-config", "--format", "json")
    done = subprocess.run(
        [sys.executable, "-m", "tlsresume", *serve_command, "--run", command, *options],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


# ----------------------------------------------------------------------------- cells


def numbers(text: str) -> str:
    """The first version in what a program says of itself, and that of its TLS library."""
    first, library = _VERSION.search(text), _LIBRARY.search(text)
    version = first[0] if first else "?"
    if library is None or text.startswith("OpenSSL"):
        return version
    return f"{version}, {library[1]} {library[2]}"


def version_of(needs: str) -> str:
    """The version of an installed program."""
    return numbers(subprocess.check_output(VERSIONS[needs], shell=True, text=True))  # noqa: S602 - one of VERSIONS


def right_in(servers: list[dict[str, Any]]) -> str:
    """In how many behaviours the client did right, and in which it did not."""
    wrong = [each["behaviour"] for each in servers if each["outcome"] != "right"]
    count = f"{len(servers) - len(wrong)} of {len(servers)}"
    resuming = [each["behaviour"] for each in servers if each["expected"] == "resumed"]
    if resuming and set(resuming) <= set(wrong):
        wrong = ["where it should resume", *(each for each in wrong if each not in resuming)]
    return f"{count}; not {', '.join(wrong)}" if wrong else count


def findings_in(servers: list[dict[str, Any]]) -> dict[str, str]:
    """The severity of each code that was told of a client in any behaviour."""
    return {
        finding["code"]: finding["severity"]
        for server in servers
        for client in server["clients"]
        for finding in client["findings"]
    }


def told(findings: Mapping[str, str]) -> str:
    """The codes with their severities, beside what the verdict says."""
    shown = sorted(code for code in findings if code not in _SAID_BY_VERDICT)
    return ", ".join(f"{code} ({findings[code]})" for code in shown)


def true_notes(notes: Mapping[str, str], servers: list[dict[str, Any]]) -> tuple[str, ...]:
    """Those of a program's notes whose behaviour went wrong, or whose finding was told."""
    wrong = {each["behaviour"] for each in servers if each["outcome"] != "right"}
    return tuple(notes[name] for name in notes if name in wrong or name in findings_in(servers))


# ------------------------------------------------------------------------------ rows


def https(number: int, folder: Path) -> Row:
    """A row of the first table, of the program with this number."""
    program = PROGRAMS[number]
    command = program.command.replace("{folder}", str(folder))
    if program.needs == "{python}":
        try:
            python = str(install("clients") / "bin" / "python")
        except NotInstallable:
            return Row(missing=program.name)
        command = command.replace("{python}", python)
        code = f"import {program.name}, ssl; print({program.name}.__version__, ssl.OPENSSL_VERSION)"
        version = numbers(subprocess.check_output([python, "-c", code], text=True))
    elif shutil.which(program.needs):
        version = version_of(program.needs)
    else:
        return Row(missing=program.name)
    verdicts = [serve(command, "--tls", version)["verdict"] for version in ("1.3", "1.2")]
    servers = serve(command, "--behaviour", "all")["servers"]
    findings = told(findings_in(servers))
    cells = (program.name, version, *verdicts, right_in(servers), findings, program.remedy)
    return Row(cells, true_notes(program.notes, servers))


def http3(name: str, version: str, command: str, remedy: str = "") -> Row:
    """A row of HTTP/3: the verdict, and how often early data was taken where it is."""
    over_quic = []
    for behaviour in ("default", "all"):
        servers = serve(command, "--quic", "--behaviour", behaviour)["servers"]
        over_quic.append([each for each in servers if each["transport"] == "quic"])
    (default,), servers = over_quic
    (early,) = (each for each in servers if each["behaviour"] == "early-data")
    taken = sum(client["early_data"]["accepted"] for client in early["clients"])
    verdict = default["clients"][0]["verdict"] if default["clients"] else "untested"
    findings = told(findings_in(servers))
    sends = "sends it" if taken else "no"
    return Row((name, version, verdict, sends, right_in(servers), findings, remedy))


def ftp(number: int, folder: Path) -> Row:
    """A row of FTP, of the program with this number."""
    program = FTP_PROGRAMS[number]
    if not shutil.which(program.needs):
        return Row(missing=program.name)
    command = program.command.replace("{folder}", str(folder))
    servers, verdicts = [], []
    data = {"could_offer": 0, "own": 0}
    for version in ("1.3", "1.2"):
        for protocol in program.protocols:
            report = serve(command, "--starttls", protocol, "--tls", version)
            servers += report["servers"]
            verdicts.append((version, report["verdict"]))
            for client in report["servers"][0]["clients"]:
                data = {name: data[name] + client["data"][name] for name in data}
    each = [
        " / ".join(dict.fromkeys(verdict for tls, verdict in verdicts if tls == version))
        for version in ("1.3", "1.2")
    ]
    offered = f"{data['own']} of {data['could_offer']}"
    cells = (program.name, version_of(program.needs), ", ".join(program.protocols), *each, offered)
    return Row((*cells, told(findings_in(servers)), program.remedy))


@contextmanager
def newer_folder() -> Iterator[newer.Folder | None]:
    """A folder for gtlsclient, or None where its package cannot be had."""
    try:
        newer.root()
    except pytest.skip.Exception:
        yield None
        return
    with newer.folder() as made:
        yield made


def gtlsclient_row(*, keep: bool) -> Row:
    """A row of ngtcp2's client, with a session file or without."""
    name = f"gtlsclient {'with' if keep else 'without'} `--session-file`"
    with newer_folder() as at:
        if at is None:
            return Row(missing=name)
        changes = at.root / "usr" / "share" / "doc" / "ngtcp2-client" / "changelog.Debian.gz"
        version = numbers(gzip.decompress(changes.read_bytes()).decode().splitlines()[0])
        remedy = "" if keep else "`--session-file` and `--tp-file`"
        return http3(name, f"ngtcp2 {version}", gtlsclient(at, keep=keep), remedy)


def chromium_row(folder: Path) -> Row:
    """A row of a browser that is made to begin with HTTP/3."""
    name = "Chromium, `--origin-to-force-quic-on`"
    if not all(map(shutil.which, CHROMIUM_NEEDS)):
        return Row(missing=name)
    return http3(name, version_of("chromium"), CHROMIUM.replace("{folder}", str(folder)))


# ---------------------------------------------------------------------------- the page


def tables(folder: Path) -> list[Table]:
    """What the page has."""
    common = ("findings", "cure")
    first = Table("HTTPS", ("client", "version", "TLS 1.3", "TLS 1.2", "right in", *common))
    first.makers += [partial(https, number, folder) for number in range(len(PROGRAMS))]
    second = Table("HTTP/3", ("client", "version", "QUIC", "early data", "right in", *common))
    second.makers += [partial(gtlsclient_row, keep=keep) for keep in (True, False)]
    second.makers.append(partial(chromium_row, folder))
    offers = "data connections that offer the control connection's session"
    names = ("client", "version", "protocols", "TLS 1.3", "TLS 1.2", offers, *common)
    third = Table("FTP", names)
    third.makers += [partial(ftp, number, folder) for number in range(len(FTP_PROGRAMS))]
    return [first, second, third]


def made_by() -> str:
    """Where and when the tables were made, and by which version of the tool."""
    tool = serve("true")["tool"]
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    today = dt.datetime.now(tz=dt.UTC).date()
    return (
        f"\nMade on {today} on {system}, with tlsresume {tool['version']}"
        f" ({' '.join(tool['openssl'].split()[:2])}).\n"
    )


def written(table: Table, rows: list[Row]) -> str:
    """A table in Markdown, with the clients that were not there."""
    lines = [f"\n## {table.title}\n", f"| {' | '.join(table.columns)} |"]
    lines.append("|---" * len(table.columns) + "|")
    lines += [f"| {' | '.join(row.cells)} |" for row in rows if row.missing is None]
    if missing := [row.missing for row in rows if row.missing is not None]:
        lines.append(f"\nNot installed there, and so without a row: {', '.join(missing)}.")
    if notes := dict.fromkeys(note for row in rows for note in row.notes):
        lines += ["\nWhat stands out:\n", *(f"- {note}" for note in notes)]
    return "\n".join(lines) + "\n"


def write_files(folder: Path) -> None:
    """The programs, and Go's built."""
    for name, text in {**FILES, **QUIC_FTP_FILES}.items():
        (folder / name).write_text(text.lstrip())
    if shutil.which("go"):
        environment = os.environ | {"GOCACHE": str(folder / "cache")}
        command = ["go", "build", "-o", "fetch-go", "fetch.go"]
        subprocess.run(command, cwd=folder, env=environment, check=True)


def show(maker: Callable[[], Row]) -> Row:
    """A row, made and shown on standard error."""
    row = maker()
    print(" | ".join(row.cells) or f"not installed: {row.missing}", file=sys.stderr)
    return row


def main() -> None:
    """Write the page, with a row for each client that is installed."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(os.cpu_count()) as workers:
        write_files(Path(name))
        page = HEAD + made_by()
        for table in tables(Path(name)):
            page += written(table, list(workers.map(show, table.makers)))
    TABLE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
